//! What PUC Lua 5.4.8 gives on x86-64 Linux.

use super::format::*;
use super::*;

fn float(text: &str) -> f64 {
    match str_to_number(text.as_bytes()) {
        Some(number) => number.to_float(),
        None => panic!("not a number: {text}"),
    }
}

#[test]
fn tostring() {
    for (number, expected) in [
        ("1e15", "1e+15"),
        ("1e14", "1e+14"),
        ("123456789012345.0", "1.2345678901234e+14"),
        ("0.1", "0.1"),
        ("0x1.5555555555555p-2", "0.33333333333333"),
        ("1e100", "1e+100"),
        ("-1e-5", "-1e-05"),
        ("1e-4", "0.0001"),
        ("5e-324", "4.9406564584125e-324"),
        ("0x1p+53", "9.007199254741e+15"),
        ("0x1p+63", "9.2233720368548e+18"),
        ("-0.0", "-0.0"),
        ("1000000000000.25", "1000000000000.2"),
        ("1000000000000.75", "1000000000000.8"),
        ("10000000000000.5", "10000000000000.0"),
        ("99999999999999.5", "1e+14"),
        ("9999999999999.95", "9999999999999.9"),
        ("1e999", "inf"),
        ("-1e999", "-inf"),
        ("3.0", "3.0"),
        ("-3", "-3.0"),
    ] {
        let number = Number::Float(float(number));
        assert_eq!(number_to_string(number), expected);
    }
    assert_eq!(number_to_string(Number::Float(-f64::NAN)), "-nan");
    assert_eq!(number_to_string(Number::Float(f64::NAN)), "nan");
    assert_eq!(
        number_to_string(Number::Integer(i64::MIN)),
        "-9223372036854775808"
    );
    assert_eq!(number_to_string(Number::Integer(0)), "0");
    for integer in [i64::MAX, -1, 10, i64::MIN + 1, i64::MIN] {
        assert_eq!(
            IntegerText::new(integer).as_bytes(),
            integer.to_string().as_bytes()
        );
    }
}

#[test]
fn printf_conversions() {
    type Row = (&'static str, [&'static str; 8]);
    let rows: [Row; 8] = [
        (
            "0.0",
            [
                "0", "0.00000", "0", "0", "0.00e+00", "0x0.0p+0", "0x0p+0", "0.000",
            ],
        ),
        (
            "1.0",
            [
                "1", "1.00000", "1", "1", "1.00e+00", "0x1.0p+0", "0x1p+0", "1.000",
            ],
        ),
        (
            "-1.5",
            [
                "-1.5",
                "-1.50000",
                "-1.5",
                "-2",
                "-1.50e+00",
                "-0x1.8p+0",
                "-0x1.8p+0",
                "-1.500",
            ],
        ),
        (
            "123456.789",
            [
                "123457",
                "123457.",
                "1.23e+05",
                "123457",
                "1.23e+05",
                "0x1.ep+16",
                "0x1.e240c9fbe76c9p+16",
                "123456.789",
            ],
        ),
        (
            "1e-10",
            [
                "1e-10",
                "1.00000e-10",
                "1e-10",
                "0",
                "1.00e-10",
                "0x1.bp-34",
                "0x1.b7cdfd9d7bdbbp-34",
                "0.000",
            ],
        ),
        (
            "0.0001",
            [
                "0.0001",
                "0.000100000",
                "0.0001",
                "0",
                "1.00e-04",
                "0x1.ap-14",
                "0x1.a36e2eb1c432dp-14",
                "0.000",
            ],
        ),
        (
            "2.5",
            [
                "2.5", "2.50000", "2.5", "2", "2.50e+00", "0x1.4p+1", "0x1.4p+1", "2.500",
            ],
        ),
        (
            "5e-324",
            [
                "4.94066e-324",
                "4.94066e-324",
                "4.94e-324",
                "0",
                "4.94e-324",
                "0x0.0p-1022",
                "0x0.0000000000001p-1022",
                "0.000",
            ],
        ),
    ];
    for (number, expected) in rows {
        let f = float(number);
        let actual = [
            format_general(f, 6, false),
            format_general(f, 6, true),
            format_general(f, 3, false),
            format_fixed(f, 0, false),
            format_exponent(f, 2, false),
            format_hexadecimal(f, Some(1), false),
            format_hexadecimal(f, None, false),
            format_fixed(f, 3, false),
        ];
        assert_eq!(actual, expected, "of {number}");
    }
}

#[test]
fn strings_to_integers() {
    for (text, expected) in [
        ("10", 10),
        (" 0x10 ", 16),
        ("0xffffffffffffffffff", -1),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
        ("\x0b1\x0c\n", 1),
        ("-0x10", -16),
        ("+5", 5),
    ] {
        let number = str_to_number(text.as_bytes());
        assert_eq!(number, Some(Number::Integer(expected)), "{text}");
    }
}

#[test]
fn strings_to_floats() {
    for (text, expected) in [
        ("1e1", 10.0),
        ("0x.8p1", 1.0),
        ("0x1p-1074", 5e-324),
        ("0x1p-1075", 0.0),
        ("0x1.8p-1075", 5e-324),
        ("0x1.fffffffffffff8p0", 2.0),
        ("0x1p1024", f64::INFINITY),
        ("9223372036854775808", 9223372036854775808.0),
        ("-9223372036854775809", -9223372036854775808.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("1e999", f64::INFINITY),
        ("0x1p99999999999999999999", f64::INFINITY),
        ("0x1p-99999999999999999999", 0.0),
        ("0x1.8", 1.5),
        ("0x0.00000000000000000000000000001p120", 16.0),
        ("0x12345678901234567890.8", 85968058271978832000000.0),
        ("0x1.00000000000008p0", 1.0),
        ("0x1.000000000000080001p0", 1.0000000000000002),
        ("1E5", 100000.0),
        ("0e12", 0.0),
        ("0X1P4", 16.0),
    ] {
        let number = str_to_number(text.as_bytes());
        assert_eq!(number, Some(Number::Float(expected)), "{text}");
    }
}

#[test]
fn strings_that_are_no_numbers() {
    for text in [
        "1e", "1e+", "0x", "0x.", "0x.p1", ".", "inf", "nan", "- 1", "1\0", "", "  ", "0x1p",
        "1 2", "--5", "1..2", "1_0", "infinity", "+", "-", "e1", "0xg", "1e5.", "0x1p1.0",
    ] {
        assert_eq!(str_to_number(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn integer_division() {
    assert_eq!(int_floor_div(i64::MIN, -1), Some(i64::MIN));
    assert_eq!(int_floor_mod(i64::MIN, -1), Some(0));
    assert_eq!(int_floor_div(1, 0), None);
    assert_eq!(int_floor_mod(1, 0), None);
    assert_eq!(
        (int_floor_div(-7, 2), int_floor_div(7, -2)),
        (Some(-4), Some(-4))
    );
    assert_eq!(
        (int_floor_mod(-7, 3), int_floor_mod(7, -3)),
        (Some(2), Some(-2))
    );
}

#[test]
fn float_division() {
    assert_eq!(float_mod(5.0, f64::NEG_INFINITY), f64::NEG_INFINITY);
    assert_eq!(float_mod(-5.0, f64::INFINITY), f64::INFINITY);
    assert_eq!(float_mod(5.0, f64::INFINITY), 5.0);
    assert_eq!((float_mod(5.5, -2.0), float_mod(-5.5, 2.0)), (-0.5, 0.5));
    assert!(float_mod(5.0, 0.0).is_nan());
    assert!(float_floor_div(0.0, -1.0).is_sign_negative());
    assert_eq!(float_floor_div(7.5, -2.0), -4.0);
}

/// The fast ways to a remainder give what the slow one does, to the bit.
#[test]
fn remainders_by_powers_of_two_are_exact() {
    let small = [
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        3.0,
        7.25,
        1e-300,
        5e-324,
        4503599627370497.5,
    ];
    let large = [
        9007199254740993.0,
        1e17,
        1e300,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ];
    let divisors = [
        2.0,
        0.5,
        1.0,
        4096.0,
        3.0,
        0.1,
        2f64.powi(-1022),
        2f64.powi(1023),
        5e-324,
    ];
    for a in small.into_iter().chain(large).flat_map(|a| [a, -a]) {
        for b in divisors.into_iter().flat_map(|b| [b, -b]) {
            let mut expected = a % b;
            if expected != 0.0 && (expected < 0.0) != (b < 0.0) {
                expected += b;
            }
            let same = float_mod(a, b).to_bits() == expected.to_bits();
            assert!(same || expected.is_nan(), "{a} % {b}");
        }
    }
}

#[test]
fn shifts() {
    assert_eq!((shift_left(1, 63), shift_left(1, 64)), (i64::MIN, 0));
    assert_eq!((shift_right(1, -1), shift_left(1, -1)), (2, 0));
    assert_eq!((shift_right(-1, 63), shift_right(-1, 64)), (1, 0));
    assert_eq!((shift_right(1, i64::MIN), shift_left(1, i64::MIN)), (0, 0));
}

#[test]
fn float_to_integer_conversion() {
    assert_eq!(
        float_to_integer(2f64.powi(53), Rounding::Exact),
        Some(1 << 53)
    );
    assert_eq!(float_to_integer(TWO_TO_63, Rounding::Exact), None);
    assert_eq!(
        float_to_integer(-TWO_TO_63, Rounding::Exact),
        Some(i64::MIN)
    );
    assert_eq!(float_to_integer(-0.0, Rounding::Exact), Some(0));
    assert_eq!(float_to_integer(0.5, Rounding::Exact), None);
    assert_eq!(float_to_integer(-0.5, Rounding::Floor), Some(-1));
    assert_eq!(float_to_integer(0.5, Rounding::Ceil), Some(1));
    assert_eq!(float_to_integer(f64::NAN, Rounding::Floor), None);
    assert_eq!(float_to_integer(f64::INFINITY, Rounding::Ceil), None);
}

#[test]
fn comparison_is_exact() {
    let big = (1i64 << 53) + 1;
    let float = 2f64.powi(53);
    assert!(!int_eq_float(big, float) && int_eq_float(big - 1, float));
    assert!(float_lt_int(float, big) && !int_le_float(big, float));
    assert!(int_lt_float(i64::MAX, TWO_TO_63) && !float_le_int(TWO_TO_63, i64::MAX));
    assert!(int_le_float(i64::MIN, -TWO_TO_63) && float_le_int(-TWO_TO_63, i64::MIN));
    assert!(!int_lt_float(i64::MIN, -TWO_TO_63) && !float_lt_int(-TWO_TO_63, i64::MIN));
    assert!(float_lt_int(f64::NEG_INFINITY, i64::MIN));
    for integer in [0, i64::MAX, i64::MIN] {
        assert!(!int_lt_float(integer, f64::NAN) && !int_le_float(integer, f64::NAN));
        assert!(!float_lt_int(f64::NAN, integer) && !float_le_int(f64::NAN, integer));
    }
}

#[test]
fn for_loops() {
    use Number::{Float, Integer};
    let count = |start, limit, step| match for_prepare(start, limit, step) {
        Ok(ForLoop::Integer { count, .. }) => Some(count),
        _ => None,
    };
    let (max, min) = (i64::MAX, i64::MIN);
    assert_eq!(count(Integer(1), Integer(3), Integer(1)), Some(2));
    assert_eq!(count(Integer(max - 1), Integer(max), Integer(1)), Some(1));
    assert_eq!(
        count(Integer(min), Integer(max), Integer(1)),
        Some(u64::MAX)
    );
    assert_eq!(count(Integer(max), Integer(min), Integer(min)), Some(1));
    assert_eq!(count(Integer(1), Float(3.9), Integer(1)), Some(2));
    assert_eq!(count(Integer(-1), Float(-3.9), Integer(-1)), Some(2));
    assert_eq!(
        count(Integer(max), Float(f64::INFINITY), Integer(1)),
        Some(0)
    );
    assert_eq!(
        count(Integer(min), Float(f64::NEG_INFINITY), Integer(-1)),
        Some(0)
    );
    for (limit, step) in [
        (Float(f64::NAN), Integer(1)),
        (Float(f64::NEG_INFINITY), Integer(1)),
        (Float(f64::INFINITY), Integer(-1)),
        (Integer(0), Integer(1)),
        (Float(0.5), Float(1.0)),
    ] {
        assert_eq!(for_prepare(Integer(1), limit, step), Ok(ForLoop::Skip));
    }
    assert_eq!(
        for_prepare(Integer(1), Integer(2), Integer(0)),
        Err(ZeroStep)
    );
    assert_eq!(
        for_prepare(Integer(1), Integer(2), Float(-0.0)),
        Err(ZeroStep)
    );
    let Ok(ForLoop::Float { start, limit, step }) = for_prepare(Integer(0), Integer(1), Float(0.1))
    else {
        panic!("no float loop");
    };
    let mut iterations = 1;
    let mut value = start + step;
    while float_for_continues(value, limit, step) {
        iterations += 1;
        value += step;
    }
    assert_eq!(iterations, 11);
}
