//! Conversions between Rust and Lua.

use perilune::{Error, FromLua, IntoLua, Lua, Result, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;

fn round_trip<T: IntoLua + FromLua + Clone + PartialEq + Debug>(lua: &Lua, value: T) {
    let converted: T = lua.convert(value.clone()).expect("it converts");
    assert_eq!(converted, value);
}

fn refuses<T: FromLua + Debug>(lua: &Lua, value: impl IntoLua) {
    let error = lua.convert::<T>(value).expect_err("it does not convert");
    assert!(
        matches!(error, Error::FromLuaConversionError { .. }),
        "{error:?}"
    );
}

#[test]
fn values_come_back() -> Result<()> {
    let lua = Lua::new();
    round_trip(&lua, true);
    round_trip(&lua, -7i8);
    round_trip(&lua, u32::MAX);
    round_trip(&lua, i64::MIN);
    round_trip(&lua, 1.5f32);
    round_trip(&lua, 'ä');
    round_trip(&lua, "text".to_owned());
    round_trip(&lua, Some(3));
    round_trip(&lua, None::<String>);
    round_trip(&lua, vec![1, 2, 3]);
    round_trip(&lua, [1.5, 2.5]);
    round_trip(
        &lua,
        HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]),
    );
    round_trip(&lua, BTreeMap::from([(1, true), (5, false)]));
    round_trip(&lua, BTreeSet::from(["x".to_owned(), "y".to_owned()]));
    Ok(())
}

#[test]
fn numbers_keep_to_their_ranges() -> Result<()> {
    let lua = Lua::new();
    refuses::<u8>(&lua, 256);
    refuses::<u8>(&lua, -1);
    refuses::<i32>(&lua, 1i64 << 31);
    refuses::<i64>(&lua, 1e300);
    refuses::<i64>(&lua, f64::NAN);
    refuses::<i64>(&lua, "x");
    refuses::<f64>(&lua, lua.create_table()?);
    assert_eq!(lua.convert::<u8>("0x10")?, 16);
    assert_eq!(lua.convert::<String>(12)?, "12");
    assert_eq!(lua.convert::<String>(1.0)?, "1.0");
    assert!(matches!(u64::MAX.into_lua(&lua)?, Value::Number(_)));
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_refused() -> Result<()> {
    let lua = Lua::new();
    refuses::<[i64; 2]>(&lua, vec![1, 2, 3]);
    refuses::<Vec<i64>>(&lua, 1);
    refuses::<HashMap<String, i64>>(&lua, true);
    refuses::<char>(&lua, "ab");
    refuses::<char>(&lua, 0x11_0000);
    refuses::<String>(&lua, lua.create_string(b"\xff")?);
    assert!(lua.convert::<bool>(0)?);
    assert!(!lua.convert::<bool>(Value::Nil)?);
    Ok(())
}
