//! Dumps come back as they were; anything else is an error.

use super::super::dump::{SIGNATURE, dump, undump};
use super::super::proto::{Constant, Proto};
use super::super::verify::verify;
use super::{SAMPLE, compiled};

fn stripped(proto: &Proto) -> Proto {
    let mut proto = proto.clone();
    proto.source = None;
    proto.lines.runs.clear();
    proto.locals.clear();
    for upvalue in &mut proto.upvalues {
        upvalue.name = None;
    }
    proto.protos = proto
        .protos
        .iter()
        .map(|inner| Box::new(stripped(inner)))
        .collect();
    proto
}

fn message(bytes: &[u8], name: &[u8]) -> String {
    undump(bytes, name).expect_err("invalid chunk").to_string()
}

#[test]
fn round_trip() {
    let proto = compiled(SAMPLE);
    assert_eq!(undump(&dump(&proto, false), b"=x").as_ref(), Ok(&proto));
    assert_eq!(undump(&dump(&proto, true), b"=x"), Ok(stripped(&proto)));
    let inner = &*proto.protos[0];
    assert_eq!(undump(&dump(inner, false), b"=x").as_ref(), Ok(inner));
}

/// The header that the reference implementation's `calls.lua` checks.
#[test]
fn header() {
    let bytes = dump(&compiled("return 1"), false);
    let mut expected = b"\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08".to_vec();
    expected.extend(0x5678i64.to_ne_bytes());
    expected.extend(370.5f64.to_ne_bytes());
    expected.push(1);
    assert!(bytes.starts_with(&expected));
    for position in 0..expected.len() {
        let mut corrupted = bytes.clone();
        corrupted[position] = corrupted[position].wrapping_add(1);
        assert!(undump(&corrupted, b"=x").is_err(), "byte {position}");
    }
}

/// The messages are those of the reference implementation.
#[test]
fn messages() {
    let bytes = dump(&compiled("return 1"), false);
    let corrupted = |position: usize| {
        let mut corrupted = bytes.clone();
        corrupted[position] ^= 0x40;
        corrupted
    };
    let with = |position, name: &[u8]| message(&corrupted(position), name);
    assert_eq!(with(1, b"=x"), "x: bad binary format (not a binary chunk)");
    assert_eq!(with(4, b"@x"), "x: bad binary format (version mismatch)");
    assert_eq!(with(5, b"x"), "x: bad binary format (format mismatch)");
    assert_eq!(with(7, b"=x"), "x: bad binary format (corrupted chunk)");
    assert_eq!(
        with(12, b"=x"),
        "x: bad binary format (Instruction size mismatch)"
    );
    assert_eq!(
        with(13, b"=x"),
        "x: bad binary format (lua_Integer size mismatch)"
    );
    assert_eq!(
        with(14, b"=x"),
        "x: bad binary format (lua_Number size mismatch)"
    );
    assert_eq!(
        with(15, b"=x"),
        "x: bad binary format (integer format mismatch)"
    );
    assert_eq!(
        with(23, b"=x"),
        "x: bad binary format (float format mismatch)"
    );
    assert_eq!(
        with(1, SIGNATURE),
        "binary string: bad binary format (not a binary chunk)"
    );
}

#[test]
fn prefixes_are_truncated() {
    let bytes = dump(&compiled(SAMPLE), false);
    for length in 0..bytes.len() {
        let message = message(&bytes[..length], b"=x");
        assert_eq!(
            message, "x: bad binary format (truncated chunk)",
            "{length} bytes"
        );
    }
}

#[test]
fn corrupted_chunks_are_rejected_or_verify() {
    let bytes = dump(&compiled(SAMPLE), false);
    let mut accepted = 0;
    for position in 0..bytes.len() {
        for value in [
            0,
            1,
            0x7f,
            0x80,
            0xff,
            bytes[position] ^ 1,
            bytes[position] ^ 4,
        ] {
            let mut corrupted = bytes.clone();
            corrupted[position] = value;
            if let Ok(proto) = undump(&corrupted, b"=x") {
                assert_eq!(verify(&proto), Ok(()));
                accepted += 1;
            }
        }
    }
    // Bytes of strings and numbers may be anything.
    assert!(accepted > 0);
}

#[test]
fn sources_are_not_repeated() {
    let name = "x".repeat(1000);
    let proto = crate::compile(
        b"return function (x) return function (y) return x + y end end",
        name.as_bytes(),
    );
    let proto = proto.expect("valid program");
    let bytes = dump(&proto, false);
    assert!(
        bytes.len() > 1000 && bytes.len() < 2000,
        "{} bytes",
        bytes.len()
    );
    assert!(dump(&proto, true).len() < 500);
    let loaded = undump(&bytes, b"=other").expect("valid dump");
    let source = loaded.protos[0].protos[0].source.as_deref();
    assert_eq!(source, Some(name.as_bytes()));
}

#[test]
fn extreme_constants() {
    let mut proto = compiled("return 1.5, 'x', 40000000000");
    proto.constants = vec![
        Constant::Float(f64::NEG_INFINITY),
        Constant::String([0, 255, b'\n'].as_slice().into()),
        Constant::Integer(i64::MIN),
        Constant::Integer(i64::MAX),
        Constant::Float(-0.0),
        Constant::Nil,
        Constant::Boolean(true),
        Constant::Boolean(false),
        Constant::String([7; 5000].as_slice().into()),
    ];
    let loaded = undump(&dump(&proto, true), b"=x").expect("valid dump");
    assert_eq!(loaded.constants, proto.constants);
    assert!(matches!(loaded.constants[4], Constant::Float(f) if f.is_sign_negative()));
}
