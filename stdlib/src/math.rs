//! The library `math` (§6.7).
//!
//! The pseudo-random generator is xoshiro256** with PUC's seeding and projection, so the same seed
//! gives the same numbers. Its state is a userdata, an upvalue of `random` and `randomseed`.

use perilune_frontend::number::{self, Rounding, float_to_integer};
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, Local, LocalView, Native, NativeResult, TableRef};
use std::hash::{BuildHasher, Hasher, RandomState};

/// The functions of the library, but for `random` and `randomseed`.
pub const FUNCTIONS: &[Native] = &[
    native!("abs", abs, intrinsic Abs),
    native!("acos", |call| of_float(call, f64::acos)),
    native!("asin", |call| of_float(call, f64::asin)),
    native!("atan", atan),
    native!("ceil", ceil),
    native!("cos", |call| of_float(call, f64::cos), intrinsic Cos),
    native!("deg", |call| of_float(call, |x| x * (180.0 / PI))),
    native!("exp", |call| of_float(call, f64::exp)),
    native!("floor", floor, intrinsic Floor),
    native!("fmod", fmod),
    native!("log", log),
    native!("max", |call| extreme(call, false), intrinsic Max),
    native!("min", |call| extreme(call, true), intrinsic Min),
    native!("modf", modf),
    native!("rad", |call| of_float(call, |x| x * (PI / 180.0))),
    native!("sin", |call| of_float(call, f64::sin), intrinsic Sin),
    native!("sqrt", |call| of_float(call, f64::sqrt), intrinsic Sqrt),
    native!("tan", |call| of_float(call, f64::tan)),
    native!("tointeger", tointeger),
    native!("type", type_),
    native!("ult", ult),
];

const PI: f64 = std::f64::consts::PI;

/// Adds the constants and the random functions to `library`.
pub fn open<'c>(call: &mut Call<'c>, library: TableRef<'c>) -> Result<(), LuaError> {
    call.table_set_str(library, b"pi", Local::float(PI))?;
    call.table_set_str(library, b"huge", Local::float(f64::INFINITY))?;
    call.table_set_str(library, b"maxinteger", Local::integer(i64::MAX))?;
    call.table_set_str(library, b"mininteger", Local::integer(i64::MIN))?;
    let (seed, _) = random_seed();
    let generator = call.new_userdata(Generator::new(seed, 0), None, 0)?;
    for native in [native!("random", random), native!("randomseed", randomseed)] {
        let function = call.new_closure(native, &[generator.into()])?;
        call.table_set_str(library, native.description.name.as_bytes(), function)?;
    }
    Ok(())
}

fn of_float(call: &mut Call<'_>, function: impl Fn(f64) -> f64) -> NativeResult {
    let x = call.check_number(1)?;
    Ok(call.return_one(Local::float(function(x))))
}

/// An integral float as an integer if it fits.
fn integer_if_it_fits(x: f64) -> Local<'static> {
    match float_to_integer(x, Rounding::Exact) {
        Some(integer) => Local::integer(integer),
        None => Local::float(x),
    }
}

/// `x` cut off towards zero, if that is surely an integer.
#[inline]
fn truncated(x: f64) -> Option<i64> {
    const LIMIT: f64 = (1u64 << 62) as f64;
    (-LIMIT < x && x < LIMIT).then_some(x as i64)
}

fn floor(call: &mut Call<'_>) -> NativeResult {
    let x = call.arg(1);
    if x.as_integer().is_some() {
        return Ok(call.return_one(x));
    }
    let x = call.check_number(1)?;
    let result = match truncated(x) {
        Some(integer) => Local::integer(integer - i64::from(integer as f64 > x)),
        None => integer_if_it_fits(number::floor(x)),
    };
    Ok(call.return_one(result))
}

fn ceil(call: &mut Call<'_>) -> NativeResult {
    let x = call.arg(1);
    if x.as_integer().is_some() {
        return Ok(call.return_one(x));
    }
    let x = call.check_number(1)?;
    let result = match truncated(x) {
        Some(integer) => Local::integer(integer + i64::from((integer as f64) < x)),
        None => integer_if_it_fits(-number::floor(-x)),
    };
    Ok(call.return_one(result))
}

fn abs(call: &mut Call<'_>) -> NativeResult {
    let result = match call.arg(1).as_integer() {
        Some(integer) => Local::integer(integer.wrapping_abs()),
        None => Local::float(call.check_number(1)?.abs()),
    };
    Ok(call.return_one(result))
}

fn atan(call: &mut Call<'_>) -> NativeResult {
    let y = call.check_number(1)?;
    let x = call.opt_number(2, 1.0)?;
    Ok(call.return_one(Local::float(y.atan2(x))))
}

fn fmod(call: &mut Call<'_>) -> NativeResult {
    let integers = (call.arg(1).as_integer(), call.arg(2).as_integer());
    let result = match integers {
        (Some(_), Some(0)) => return Err(call.arg_error(2, "zero")),
        (Some(a), Some(b)) => Local::integer(a.wrapping_rem(b)),
        _ => {
            // The reference complains about the second argument first.
            let divisor = call.check_number(2)?;
            Local::float(call.check_number(1)? % divisor)
        }
    };
    Ok(call.return_one(result))
}

fn modf(call: &mut Call<'_>) -> NativeResult {
    let x = call.arg(1);
    if x.as_integer().is_some() {
        return call.return_values(&[x, Local::float(0.0)]);
    }
    let x = call.check_number(1)?;
    let whole = if x < 0.0 {
        -number::floor(-x)
    } else {
        number::floor(x)
    };
    // Infinities have no fraction.
    let fraction = if x == whole { 0.0 } else { x - whole };
    call.return_values(&[integer_if_it_fits(whole), Local::float(fraction)])
}

fn log(call: &mut Call<'_>) -> NativeResult {
    let x = call.check_number(1)?;
    let result = if call.is_none_or_nil(2) {
        x.ln()
    } else {
        let base = call.check_number(2)?;
        if base == 2.0 {
            x.log2()
        } else if base == 10.0 {
            x.log10()
        } else {
            x.ln() / base.ln()
        }
    };
    Ok(call.return_one(Local::float(result)))
}

fn ult(call: &mut Call<'_>) -> NativeResult {
    let a = call.check_integer(1)? as u64;
    let b = call.check_integer(2)? as u64;
    Ok(call.return_one(Local::boolean(a < b)))
}

fn tointeger(call: &mut Call<'_>) -> NativeResult {
    let result = match call.to_integer(call.arg(1)) {
        Some(integer) => Local::integer(integer),
        None => {
            call.check_any(1)?;
            Local::NIL
        }
    };
    Ok(call.return_one(result))
}

fn type_(call: &mut Call<'_>) -> NativeResult {
    let name: &[u8] = match call.arg(1).view() {
        LocalView::Integer(_) => b"integer",
        LocalView::Float(_) => b"float",
        _ => {
            call.check_any(1)?;
            return Ok(call.return_one(Local::NIL));
        }
    };
    let name = call.new_string(name)?;
    Ok(call.return_one(name))
}

/// `min` and `max`. A comparison that needs a metamethod is made by the machine between two
/// steps; behind the arguments are then the number of the argument compared, the number of the
/// best so far, and the result.
fn extreme(call: &mut Call<'_>, least: bool) -> NativeResult {
    let (count, mut index, mut best);
    if call.state() == 0 {
        count = call.arg_count();
        if count == 0 {
            return Err(call.arg_error(1, "value expected"));
        }
        (index, best) = (2, 1);
    } else {
        count = call.top() - 3;
        let saved = |call: &Call<'_>, slot| call.slot(slot).as_integer().unwrap_or(1) as u32;
        index = saved(call, count + 1);
        best = saved(call, count + 2);
        if call.slot(count + 3).is_truthy() {
            best = index;
        }
        index += 1;
    }
    while index <= count {
        let (left, right) = if least { (index, best) } else { (best, index) };
        match call.compare_less(call.slot(left), call.slot(right)) {
            Some(true) => best = index,
            Some(false) => {}
            None => {
                call.set_top(count + 3)?;
                call.set_slot(count + 1, Local::integer(i64::from(index)));
                call.set_slot(count + 2, Local::integer(i64::from(best)));
                return Ok(Action::Less {
                    left,
                    right,
                    target: count + 3,
                    state: 1,
                });
            }
        }
        index += 1;
    }
    Ok(Action::Return {
        first: best,
        count: 1,
    })
}

/// The generator xoshiro256**.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Generator {
    state: [u64; 4],
}

impl Generator {
    fn new(seed: i64, second_seed: i64) -> Self {
        let state = [seed as u64, 0xff, second_seed as u64, 0];
        let mut generator = Generator { state };
        // The first numbers of similar seeds are similar.
        for _ in 0..16 {
            generator.next_bits();
        }
        generator
    }

    fn next_bits(&mut self) -> u64 {
        let [state0, state1, state2, state3] = self.state;
        let state2 = state2 ^ state0;
        let state3 = state3 ^ state1;
        self.state = [
            state0 ^ state3,
            state1 ^ state2,
            state2 ^ (state1 << 17),
            state3.rotate_left(45),
        ];
        state1.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
    }

    /// Projects `bits` uniformly into `0..=limit`, with further numbers if needed.
    fn project(&mut self, mut bits: u64, limit: u64) -> u64 {
        if limit & limit.wrapping_add(1) == 0 {
            return bits & limit;
        }
        // The smallest mask of ones not below `limit`.
        let mask = u64::MAX >> limit.leading_zeros();
        loop {
            bits &= mask;
            if bits <= limit {
                return bits;
            }
            bits = self.next_bits();
        }
    }
}

/// Two unpredictable seeds.
fn random_seed() -> (i64, i64) {
    let seed = || RandomState::new().build_hasher().finish() as i64;
    (seed(), seed())
}

/// Runs `function` with the generator of this state.
fn with_generator<R>(
    call: &mut Call<'_>,
    function: impl FnOnce(&mut Generator) -> R,
) -> Result<R, LuaError> {
    if let LocalView::Userdata(userdata) = call.upvalue(1).view()
        && let Some(mut generator) = call.userdata_mut::<Generator>(userdata)
    {
        return Ok(function(&mut generator));
    }
    Err(call.error("invalid random generator"))
}

fn random(call: &mut Call<'_>) -> NativeResult {
    let bits = with_generator(call, Generator::next_bits)?;
    let (low, high) = match call.arg_count() {
        0 => {
            // The highest 53 bits are the digits of a float below 1.
            let float = (bits >> 11) as f64 * (0.5 / (1u64 << 52) as f64);
            return Ok(call.return_one(Local::float(float)));
        }
        1 => match call.check_integer(1)? {
            0 => return Ok(call.return_one(Local::integer(bits as i64))),
            high => (1, high),
        },
        2 => (call.check_integer(1)?, call.check_integer(2)?),
        _ => return Err(call.error("wrong number of arguments")),
    };
    if low > high {
        return Err(call.arg_error(1, "interval is empty"));
    }
    let limit = (high as u64).wrapping_sub(low as u64);
    let offset = with_generator(call, |generator| generator.project(bits, limit))?;
    Ok(call.return_one(Local::integer((low as u64).wrapping_add(offset) as i64)))
}

fn randomseed(call: &mut Call<'_>) -> NativeResult {
    let (first, second) = if call.is_none(1) {
        random_seed()
    } else {
        (call.check_integer(1)?, call.opt_integer(2, 0)?)
    };
    with_generator(call, |generator| *generator = Generator::new(first, second))?;
    call.return_values(&[Local::integer(first), Local::integer(second)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generator_gives_the_numbers_of_the_reference() {
        let mut generator = Generator::new(42, 0);
        assert_eq!(generator.next_bits() as i64, -1_276_290_044_721_465_627);
        assert_eq!(generator.next_bits() as i64, 8_333_941_968_102_511_665);
        generator.next_bits();
        generator.next_bits();
        let mut between = |low: i64, high: i64| {
            let bits = generator.next_bits();
            let limit = (high as u64).wrapping_sub(low as u64);
            (low as u64).wrapping_add(generator.project(bits, limit)) as i64
        };
        assert_eq!(between(1, 6), 6);
        assert_eq!(between(1, 6), 2);
        assert_eq!(between(1, 100), 25);
        assert_eq!(between(-10, 10), -8);
        assert_eq!(between(i64::MIN, i64::MAX), -8_801_378_756_440_956_393);
        assert_eq!(between(3, 1_000_003), 630_298);
        let mut generator = Generator::new(-7, 99);
        assert_eq!(generator.next_bits() as i64, 3_970_848_704_289_935_802);
    }
}
