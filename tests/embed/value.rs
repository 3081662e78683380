//! Values, lists of values, strings, chunks and functions as such.

use perilune::{
    BString, Chunk, ChunkMode, Either, Error, FromLua, Function, IntoLua, LightUserData, Lua,
    LuaString, MultiValue, Nil, Result, Table, Value, Variadic,
};
use std::collections::{BTreeMap, HashSet};
use std::ffi::{CString, OsString};
use std::path::{Path, PathBuf};

#[test]
fn values_tell_what_they_are() -> Result<()> {
    let lua = Lua::new();
    let function = lua.load("return 1").into_function()?;
    let values = [
        (Value::Nil, "nil"),
        (Value::Boolean(true), "boolean"),
        (Value::NULL, "lightuserdata"),
        (Value::Integer(1), "integer"),
        (Value::Number(1.5), "number"),
        ("text".into_lua(&lua)?, "string"),
        (Value::Table(lua.create_table()?), "table"),
        (Value::Function(function), "function"),
        (Error::runtime("x").into_lua(&lua)?, "error"),
    ];
    for (value, name) in &values {
        assert_eq!(value.type_name(), *name);
        assert_eq!(value.is_nil(), *name == "nil");
        assert_eq!(value.is_null(), *name == "lightuserdata");
        assert_eq!(value.as_boolean().is_some(), *name == "boolean");
        assert_eq!(value.as_integer().is_some(), *name == "integer");
        assert_eq!(value.as_number().is_some(), *name == "number");
        assert_eq!(value.as_string().is_some(), *name == "string");
        assert_eq!(value.as_table().is_some(), *name == "table");
        assert_eq!(value.as_function().is_some(), *name == "function");
        assert_eq!(value.as_error().is_some(), *name == "error");
        assert!(value.as_thread().is_none() && value.as_userdata().is_none());
    }
    let large = Value::Integer(1 << 40);
    assert_eq!((large.as_i32(), large.as_u32()), (None, None));
    assert_eq!(
        (large.as_i64(), large.as_u64()),
        (Some(1 << 40), Some(1 << 40))
    );
    assert_eq!(Value::Integer(-1).as_usize(), None);
    assert_eq!(Value::Number(1.5).as_f32(), Some(1.5));
    Ok(())
}

#[test]
fn equality_is_raw_or_with_metamethods() -> Result<()> {
    let lua = Lua::new();
    let make: Function = lua
        .load("function(n) return setmetatable({n}, {__eq = function(a, b) return a[1] == b[1] end}) end")
        .eval()?;
    let (a, b, c): (Value, Value, Value) = (make.call(1)?, make.call(1)?, make.call(2)?);
    assert!(a == a.clone() && a != b && a.equals(&b)? && !a.equals(&c)?);
    assert!(Value::Integer(1) == Value::Number(1.0));
    // As `==` of Lua, and unlike a comparison of floats.
    assert!(Value::Integer((1 << 53) + 1) != Value::Number((1u64 << 53) as f64));
    assert!("x".into_lua(&lua)? == "x".into_lua(&lua)?);
    assert!("x".repeat(100).into_lua(&lua)? == "x".repeat(100).into_lua(&lua)?);
    assert!(Value::NULL == Value::NULL && Value::NULL != Nil);
    assert!(a.equals(&Value::Nil).is_ok_and(|equal| !equal));
    let failing: Table = lua
        .load("setmetatable({}, {__eq = function() error('no') end})")
        .eval()?;
    assert!(failing.equals(&lua.create_table()?).is_err());
    Ok(())
}

#[test]
fn values_are_shown() -> Result<()> {
    let lua = Lua::new();
    let text = |value: &Value| value.to_string();
    assert_eq!(text(&Value::Nil)?, "nil");
    assert_eq!(text(&Value::NULL)?, "null");
    assert_eq!(text(&Value::Integer(-3))?, "-3");
    assert_eq!(text(&Value::Number(0.5))?, "0.5");
    assert_eq!(text(&"ä".into_lua(&lua)?)?, "ä");
    let table = Value::Table(lua.create_table()?);
    assert!(text(&table)?.starts_with("table: 0x"));
    let named: Value = lua
        .load("setmetatable({}, {__tostring = function() return 'named' end})")
        .eval()?;
    assert_eq!(text(&named)?, "named");
    let wrong: Value = lua
        .load("setmetatable({}, {__tostring = function() return {} end})")
        .eval()?;
    assert!(text(&wrong).is_err());
    assert!(text(&lua.create_string(b"\xff")?.into_lua(&lua)?).is_err());
    assert_eq!(format!("{:?}", Value::Integer(1)), "Integer(1)");
    let nested: Value = lua
        .load("(function() local t = {2, {a_1 = 'x', [1.5] = true}} t[2].t = t return t end)()")
        .eval()?;
    let shown = format!("{nested:#?}");
    let expected = "{\n  2,\n  {\n    [1.5] = true,\n    a_1 = \"x\",\n    t = table: ";
    assert!(shown.starts_with(expected), "{shown}");
    Ok(())
}

#[test]
fn strings_are_bytes_and_perhaps_text() -> Result<()> {
    let lua = Lua::new();
    let (text, bytes) = (lua.create_string("héllo")?, lua.create_string(b"\xff\0x")?);
    assert_eq!(text.to_str()?, "héllo");
    assert_eq!(bytes.as_bytes(), b"\xff\0x");
    assert!(bytes.to_str().is_err());
    assert_eq!(bytes.to_string_lossy(), "\u{fffd}\0x");
    assert_eq!(
        format!("{}|{text:?}|{bytes:?}", text.display()),
        "héllo|\"héllo\"|b\"\\xff\\x00x\""
    );
    assert!(text == "héllo" && text == lua.create_string("héllo")? && text != bytes);
    assert!(text < bytes && text < "z" && bytes > b"\xfe");
    #[expect(clippy::mutable_key_type, reason = "what is hashed does not change")]
    let set: HashSet<LuaString> = [&text, &bytes, &text].map(Clone::clone).into();
    assert_eq!(set.len(), 2);
    let view = text.to_str()?;
    drop(text);
    lua.gc_collect()?;
    assert_eq!(&*view, "héllo");
    lua.globals().set("view", &view)?;
    assert_eq!(lua.globals().get::<perilune::BorrowedStr>("view")?, *view);
    assert_eq!(bytes.as_bytes().iter().count(), 3);
    Ok(())
}

#[test]
fn bytes_keep_their_values_in_all_types() -> Result<()> {
    let lua = Lua::new();
    let odd = BString::from(&b"a\xff\0"[..]);
    assert_eq!(lua.convert::<BString>(odd.clone())?, odd);
    assert_eq!(lua.convert::<BString>(12)?, "12");
    assert!(lua.convert::<CString>(odd.clone()).is_err());
    assert_eq!(
        lua.convert::<CString>(CString::new("a").expect("no nul"))?
            .as_bytes(),
        b"a"
    );
    assert_eq!(lua.convert::<OsString>(OsString::from("ä"))?, "ä");
    assert_eq!(
        lua.convert::<PathBuf>(Path::new("/a/b"))?,
        Path::new("/a/b")
    );
    assert_eq!(
        lua.convert::<Box<str>>("x".to_owned().into_boxed_str())?,
        "x".into()
    );
    assert_eq!(
        lua.convert::<Box<[i64]>>(vec![1, 2].into_boxed_slice())?,
        [1, 2].into()
    );
    assert_eq!(lua.convert::<char>('ß')?, 'ß');
    assert_eq!(lua.convert::<char>(223)?, 'ß');
    assert!(lua.convert::<char>(Value::Boolean(true)).is_err());
    assert_eq!(
        lua.convert::<LightUserData>(Value::NULL)?.0,
        std::ptr::null_mut()
    );
    let either = |value: Value| lua.unpack::<Either<i64, Table>>(value);
    assert_eq!(either(Value::Integer(3))?.left(), Some(3));
    assert!(either(lua.create_table()?.into_lua(&lua)?)?.is_right());
    let error = either(Value::Boolean(true)).expect_err("neither");
    assert!(error.to_string().contains("Either<i64, Table>"), "{error}");
    Ok(())
}

#[test]
fn numbers_at_the_ends_of_their_ranges() -> Result<()> {
    let lua = Lua::new();
    assert_eq!(lua.convert::<i64>(i64::MIN as f64)?, i64::MIN);
    assert!(lua.convert::<i64>(i64::MAX as f64).is_err());
    assert_eq!(lua.convert::<u64>(2f64.powi(63))?, 1 << 63);
    assert!(lua.convert::<u64>(2f64.powi(64)).is_err());
    assert_eq!(lua.convert::<u8>(255.9)?, 255);
    assert_eq!(lua.convert::<u8>(-0.9)?, 0);
    assert!(lua.convert::<u8>(256.0).is_err() && lua.convert::<i8>(-129).is_err());
    assert_eq!(lua.convert::<u128>(u64::MAX)?, 1 << 64);
    assert!(lua.convert::<i32>(f64::INFINITY).is_err());
    assert_eq!(lua.convert::<f32>("0x10")?, 16.0);
    let error = lua.convert::<u8>(300).expect_err("too large");
    assert_eq!(
        error.to_string(),
        "error converting Lua integer to u8 (out of range)"
    );
    Ok(())
}

#[test]
fn lists_of_values() -> Result<()> {
    let lua = Lua::new();
    let values = lua.pack_multi((1, "x", Variadic::from(vec![2, 3])))?;
    assert_eq!(values.len(), 4);
    let (n, rest): (i64, MultiValue) = lua.unpack_multi(values.clone())?;
    assert_eq!((n, rest.len()), (1, 3));
    assert!(lua.unpack_multi::<(i64, i64)>(values).is_err());
    let failed: std::result::Result<(), Error> = Err(Error::runtime("no"));
    let values = lua.pack_multi(failed)?;
    assert!(values[0].is_nil() && values[1].is_error());
    let all = Vec::from(MultiValue::from_vec(vec![Value::Integer(1)]));
    assert_eq!(all, [Value::Integer(1)]);
    Ok(())
}

#[test]
fn chunks_have_names_modes_and_environments() -> Result<()> {
    let lua = Lua::new();
    let chunk = lua.load("error('here')");
    assert!(
        chunk.name().starts_with("tests/embed/value.rs:"),
        "{}",
        chunk.name()
    );
    assert_eq!(chunk.mode(), ChunkMode::Text);
    let error = chunk.set_name("@file.lua").exec().expect_err("it fails");
    assert!(error.to_string().contains("file.lua:1: here"), "{error}");
    let environment = lua.create_table_from([("x", 5)])?;
    let chunk = lua
        .load("x = x + 1 return x")
        .set_environment(environment.clone());
    assert_eq!(chunk.environment(), Some(&environment));
    assert_eq!(chunk.eval::<i64>()?, 6);
    assert!(lua.globals().get::<Value>("x")?.is_nil());
    let binary = lua.load("return ... + 1").into_function()?.dump(true);
    assert_eq!(lua.load(&binary).mode(), ChunkMode::Binary);
    assert_eq!(lua.load(&binary).call::<i64>(41)?, 42);
    assert!(lua.load(&binary).set_mode(ChunkMode::Text).exec().is_err());
    assert!(
        lua.load("return 1")
            .set_mode(ChunkMode::Binary)
            .exec()
            .is_err()
    );
    assert!(lua.load(&binary[..binary.len() - 3]).exec().is_err());
    lua.globals().set("chunk", Chunk::wrap("return ..."))?;
    assert_eq!(lua.load("chunk(7)").eval::<i64>()?, 7);
    Ok(())
}

#[test]
fn chunks_come_from_files() -> Result<()> {
    let lua = Lua::new();
    let path = std::env::temp_dir().join(format!("perilune-chunk-{}.lua", std::process::id()));
    std::fs::write(&path, "return 6 * 7, (...)")?;
    let outcome = lua.load(path.as_path()).call::<(i64, String)>("x");
    let name = lua.load(path.clone()).name().to_owned();
    std::fs::remove_file(&path)?;
    assert_eq!(outcome?, (42, "x".to_owned()));
    assert_eq!(name, format!("@{}", path.display()));
    let error = lua.load(path).exec().expect_err("no file");
    assert!(
        error.downcast_ref::<std::io::Error>().is_some(),
        "{error:?}"
    );
    Ok(())
}

#[test]
fn functions_tell_where_they_are_from() -> Result<()> {
    let lua = Lua::new();
    let function: Function = lua
        .load("\nreturn function(a, b, ...)\nreturn a\nend")
        .set_name("=text")
        .call(())?;
    let info = function.info();
    assert_eq!(
        (info.what, info.line_defined, info.last_line_defined),
        ("Lua", Some(2), Some(4))
    );
    assert_eq!(
        (info.num_params, info.is_vararg, info.num_upvalues),
        (2, true, 0)
    );
    assert_eq!(info.source.as_deref(), Some("=text"));
    let native = lua.create_function(|_, ()| Ok(()))?;
    let info = native.info();
    assert_eq!(
        (info.what, info.line_defined, info.num_upvalues),
        ("C", None, 0)
    );
    assert!(native.environment().is_none() && native.dump(false).is_empty());
    Ok(())
}

#[test]
fn environments_are_a_functions_own() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("x", "global")?;
    let (f, g): (Function, Function) = lua
        .load("return function() return x end, function() return x end")
        .eval()?;
    assert_eq!(f.environment(), Some(lua.globals()));
    assert!(f.set_environment(lua.create_table_from([("x", "own")])?)?);
    assert_eq!(
        (f.call::<String>(())?, g.call::<String>(())?),
        ("own".into(), "global".into())
    );
    let plain: Function = lua.load("function() return 1 end").eval()?;
    assert!(!plain.set_environment(lua.create_table()?)?);
    Ok(())
}

#[test]
fn clones_of_functions_have_their_own_upvalues() -> Result<()> {
    let lua = Lua::new();
    let counter: Function = lua
        .load("(function() local n = 0 return function() n = n + 1 return n end end)()")
        .eval()?;
    counter.call::<()>(())?;
    let copy = counter.deep_clone()?;
    assert_eq!(counter.call::<i64>(())?, 2);
    assert_eq!(counter.call::<i64>(())?, 3);
    assert_eq!(copy.call::<i64>(())?, 2);
    lua.gc_collect()?;
    lua.check_heap().expect("a whole heap");
    Ok(())
}

#[test]
fn rust_functions_become_lua_functions_where_they_are_wanted() -> Result<()> {
    let lua = Lua::new();
    let globals = lua.globals();
    globals.set(
        "add",
        Function::wrap(|a: i64, b: i64| Ok::<_, Error>(a + b)),
    )?;
    globals.set("raw", Function::wrap_raw(|a: i64| a * 2))?;
    let mut sum = 0;
    globals.set(
        "sum",
        Function::wrap_mut(move |n: i64| {
            sum += n;
            Ok::<_, Error>(sum)
        }),
    )?;
    globals.set(
        "fails",
        Function::wrap_raw(|| Err::<i64, Error>(Error::runtime("no"))),
    )?;
    lua.load("assert(add(1, 2) == 3 and raw(4) == 8 and sum(2) == 2 and sum(3) == 5)")
        .exec()?;
    lua.load("local n, e = fails() assert(n == nil and tostring(e):find('no'))")
        .exec()?;
    Ok(())
}

#[test]
fn types_and_globals_may_be_replaced() -> Result<()> {
    let lua = Lua::new();
    assert!(lua.type_metatable::<bool>().is_none());
    assert!(lua.type_metatable::<LuaString>().is_some());
    let metatable: Table = lua.load("{__index = {kind = 'truth'}}").eval()?;
    lua.set_type_metatable::<bool>(Some(metatable));
    assert_eq!(lua.load("(true).kind").eval::<String>()?, "truth");
    lua.set_type_metatable::<bool>(None);
    assert!(lua.load("(true).kind").eval::<Value>().is_err());
    let old = lua.load("function() return x end").eval::<Function>()?;
    lua.globals().set("x", "old")?;
    lua.set_globals(lua.create_table_from([("x", "new")])?)?;
    assert_eq!(lua.load("x").eval::<String>()?, "new");
    assert_eq!(old.call::<String>(())?, "old");
    let stranger = Lua::new().create_table()?;
    assert!(lua.set_globals(stranger).is_err());
    Ok(())
}

#[test]
fn collectors_are_controlled() -> Result<()> {
    use perilune::state::{GcGenParams, GcIncParams, GcMode};
    let lua = Lua::new();
    assert!(lua.gc_is_running());
    lua.gc_stop();
    assert!(!lua.gc_is_running());
    lua.gc_restart();
    assert!(lua.gc_is_running());
    assert_eq!(lua.gc_set_pause(150), 200);
    assert_eq!(lua.gc_set_step_multiplier(200), 100);
    let generational = GcMode::Generational(GcGenParams::default().minor_multiplier(30));
    assert_eq!(
        lua.gc_set_mode(generational),
        GcMode::Incremental(GcIncParams::default())
    );
    lua.load("for i = 1, 1000 do local t = {{}} end").exec()?;
    assert_eq!(
        lua.gc_inc(200, 100, 13),
        GcMode::Generational(GcGenParams::default())
    );
    let mut steps = 0;
    while !lua.gc_step_kbytes(10)? {
        steps += 1;
        assert!(steps < 100_000);
    }
    lua.gc_step()?;
    lua.check_heap().expect("a whole heap");
    Ok(())
}

#[test]
fn maps_of_values_keep_their_entries() -> Result<()> {
    let lua = Lua::new();
    let map: BTreeMap<String, Vec<i64>> = lua.load("{a = {1, 2}, b = {}}").eval()?;
    assert_eq!(map["a"], [1, 2]);
    assert!(map["b"].is_empty());
    assert!(BTreeMap::<i64, i64>::from_lua(Value::Integer(1), &lua).is_err());
    Ok(())
}
