//! Conversions by serde (feature `serde`).

use perilune::{
    AnyUserData, Error, IntoLua, Lua, LuaSerdeExt, MaybeSend, MaybeSync, Result, Table, UserData,
    Value,
};
use perilune::{DeserializeOptions, SerializeOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Shape {
    Point,
    Circle(f64),
    Line(i32, i32),
    Named { name: String, size: Option<u8> },
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Everything {
    flag: bool,
    small: i8,
    large: u64,
    float: f32,
    letter: char,
    text: String,
    nothing: (),
    maybe: Option<i32>,
    list: Vec<i32>,
    pair: (i32, String),
    map: BTreeMap<String, i32>,
    shapes: Vec<Shape>,
}

fn everything() -> Everything {
    Everything {
        flag: true,
        small: -3,
        large: 1 << 40,
        float: 1.5,
        letter: 'ß',
        text: "text".to_owned(),
        nothing: (),
        maybe: None,
        list: vec![1, 2, 3],
        pair: (7, "x".to_owned()),
        map: BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]),
        shapes: vec![
            Shape::Point,
            Shape::Circle(2.5),
            Shape::Line(1, -1),
            Shape::Named {
                name: "n".to_owned(),
                size: Some(3),
            },
        ],
    }
}

#[test]
fn rust_values_come_back() -> Result<()> {
    let lua = Lua::new();
    let value = lua.to_value(&everything())?;
    lua.globals().set("v", &value)?;
    lua.load(
        "assert(v.flag == true and v.small == -3 and v.large == 1 << 40 and v.float == 1.5)
         assert(v.letter == 'ß' and v.text == 'text' and v.nothing == v.maybe and v.maybe ~= nil)
         assert(#v.list == 3 and v.pair[2] == 'x' and v.map.b == 2)
         assert(v.shapes[1] == 'Point' and v.shapes[2].Circle == 2.5 and v.shapes[3].Line[2] == -1)
         assert(v.shapes[4].Named.size == 3)",
    )
    .exec()?;
    assert_eq!(lua.from_value::<Everything>(value)?, everything());
    Ok(())
}

#[test]
fn lua_values_become_json_and_come_back() -> Result<()> {
    let lua = Lua::new();
    let value: Value = lua
        .load("{list = {1, 2.5, 'x'}, empty = {}, yes = true, inner = {[1] = {}, [2] = {a = 1}}}")
        .eval()?;
    let json = serde_json::to_value(&value).map_err(Error::external)?;
    let expected = serde_json::json!({
        "list": [1, 2.5, "x"], "empty": {}, "yes": true, "inner": [{}, {"a": 1}]
    });
    assert_eq!(json, expected);
    let back: Table = lua.to_value(&json)?.as_table().cloned().expect("a table");
    assert_eq!(back.get::<Vec<Value>>("list")?.len(), 3);
    Ok(())
}

#[test]
fn empty_sequences_are_told_from_empty_maps() -> Result<()> {
    let lua = Lua::new();
    let list = lua.to_value(&Vec::<i32>::new())?;
    assert_eq!(serde_json::to_string(&list).map_err(Error::external)?, "[]");
    let map = lua.to_value(&BTreeMap::<String, i32>::new())?;
    assert_eq!(serde_json::to_string(&map).map_err(Error::external)?, "{}");
    let options = SerializeOptions::new().set_array_metatable(false);
    let plain = lua.to_value_with(&Vec::<i32>::new(), options)?;
    assert!(
        plain
            .as_table()
            .is_some_and(|table| table.metatable().is_none())
    );
    let as_array = plain.to_serializable().encode_empty_tables_as_array(true);
    assert_eq!(
        serde_json::to_string(&as_array).map_err(Error::external)?,
        "[]"
    );
    let table = lua.create_table()?;
    table.set_metatable(Some(lua.array_metatable()))?;
    assert_eq!(
        serde_json::to_string(&table).map_err(Error::external)?,
        "[]"
    );
    // The metatable is one, and programs can't reach it.
    assert_eq!(lua.array_metatable(), lua.array_metatable());
    lua.globals().set("t", table)?;
    lua.load("assert(getmetatable(t) == false)").exec()?;
    Ok(())
}

#[test]
fn nothing_is_null_or_nil() -> Result<()> {
    let lua = Lua::new();
    assert!(lua.to_value(&None::<i32>)?.is_null() && lua.to_value(&())?.is_null());
    let nil = SerializeOptions::new()
        .serialize_none_to_null(false)
        .serialize_unit_to_null(false);
    assert!(lua.to_value_with(&None::<i32>, nil)?.is_nil());
    assert!(lua.to_value_with(&(), nil)?.is_nil());
    assert_eq!(lua.from_value::<Option<i32>>(lua.null())?, None);
    assert_eq!(lua.from_value::<Option<i32>>(Value::Nil)?, None);
    assert_eq!(lua.from_value::<Option<i32>>(Value::Integer(1))?, Some(1));
    lua.from_value::<()>(lua.null())?;
    Ok(())
}

#[test]
fn what_serde_has_no_word_for_is_denied_or_left_out() -> Result<()> {
    let lua = Lua::new();
    let value: Value = lua
        .load("{a = 1, f = print, list = {1, print, 2}}")
        .eval()?;
    let error = lua
        .from_value::<serde_json::Value>(value.clone())
        .expect_err("a function");
    assert!(matches!(error, Error::DeserializeError(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("unsupported value type `function`"),
        "{error}"
    );
    let options = DeserializeOptions::new().deny_unsupported_types(false);
    let json: serde_json::Value = lua.from_value_with(value.clone(), options)?;
    assert_eq!(json, serde_json::json!({"a": 1, "list": [1, 2]}));
    assert!(serde_json::to_string(&value).is_err());
    let lenient = value
        .to_serializable()
        .deny_unsupported_types(false)
        .sort_keys(true);
    assert_eq!(
        serde_json::to_string(&lenient).map_err(Error::external)?,
        r#"{"a":1,"list":[1,2]}"#
    );
    Ok(())
}

#[test]
fn tables_within_themselves_are_denied_or_left_out() -> Result<()> {
    let lua = Lua::new();
    let value: Value = lua
        .load("(function() local t = {1} t.x = {t} local u = {} return {a = t, u, u} end)()")
        .eval()?;
    let error = lua
        .from_value::<serde_json::Value>(value.clone())
        .map(|json| json.to_string());
    // A sequence, so the field with the loop is not looked at.
    assert_eq!(error?, "[{},{}]");
    let value: Value = lua
        .load("(function() local t = {a = {}} t.a.t = t return t end)()")
        .eval()?;
    let error = serde_json::to_string(&value).expect_err("a loop");
    assert!(error.to_string().contains("recursive table"), "{error}");
    assert!(lua.from_value::<serde_json::Value>(value.clone()).is_err());
    let options = DeserializeOptions::new().deny_recursive_tables(false);
    let json: serde_json::Value = lua.from_value_with(value.clone(), options)?;
    assert_eq!(json, serde_json::json!({"a": {}}));
    let lenient = value.to_serializable().deny_recursive_tables(false);
    assert_eq!(
        serde_json::to_string(&lenient).map_err(Error::external)?,
        r#"{"a":{}}"#
    );
    Ok(())
}

#[test]
fn nesting_ends_with_an_error() -> Result<()> {
    let lua = Lua::new();
    let deep: Value = lua
        .load("(function() local t = {} for i = 1, 1e5 do t = {t} end return t end)()")
        .eval()?;
    assert!(serde_json::to_string(&deep).is_err());
    let error = lua
        .from_value::<serde_json::Value>(deep)
        .expect_err("too deep");
    assert!(error.to_string().contains("too deeply"), "{error}");
    Ok(())
}

#[test]
fn mixed_tables_are_told_from_sequences() -> Result<()> {
    let lua = Lua::new();
    let json = |code: &str| -> Result<String> {
        let value: Value = lua.load(code).eval()?;
        let value = value
            .to_serializable()
            .detect_mixed_tables(true)
            .sort_keys(true);
        serde_json::to_string(&value).map_err(Error::external)
    };
    assert_eq!(json("{1, 2, 3}")?, "[1,2,3]");
    assert_eq!(json("{1, 2, x = 3}")?, r#"{"1":1,"2":2,"x":3}"#);
    assert_eq!(json("{[1] = 'a', [3] = 'c'}")?, r#"["a",null,"c"]"#);
    assert_eq!(
        json("{[1] = 'a', [100000] = 'b'}")?,
        r#"{"1":"a","100000":"b"}"#
    );
    assert_eq!(json("{}")?, "{}");
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_refused() -> Result<()> {
    fn refused<T: serde::de::DeserializeOwned + Debug>(lua: &Lua, code: &str) {
        let value = lua.load(code).eval::<Value>().expect("a value");
        let error = lua.from_value::<T>(value).expect_err(code);
        assert!(
            matches!(
                error,
                Error::DeserializeError(_) | Error::FromLuaConversionError { .. }
            ),
            "{code}: {error:?}"
        );
    }
    let lua = Lua::new();
    refused::<Shape>(&lua, "'Square'");
    refused::<Shape>(&lua, "{Circle = 1, Point = 2}");
    refused::<Shape>(&lua, "{}");
    refused::<Shape>(&lua, "7");
    refused::<Shape>(&lua, "{Point = 1}");
    refused::<Shape>(&lua, "'Circle'");
    refused::<Shape>(&lua, "{Line = {1, 2, 3}}");
    refused::<u8>(&lua, "300");
    refused::<(i32, i32)>(&lua, "{1, 2, 3}");
    refused::<Vec<i32>>(&lua, "'x'");
    refused::<BTreeMap<String, i32>>(&lua, "1");
    refused::<Everything>(&lua, "{flag = true}");
    refused::<String>(&lua, r"'\xff'");
    Ok(())
}

#[test]
fn numbers_of_any_precision_are_numbers() -> Result<()> {
    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::Number")]
    struct Number {
        #[serde(rename = "$serde_json::private::Number")]
        text: &'static str,
    }
    let lua = Lua::new();
    let options = SerializeOptions::new().detect_serde_json_arbitrary_precision(true);
    let number = |text| lua.to_value_with(&Number { text }, options);
    assert_eq!(number("12")?, Value::Integer(12));
    assert_eq!(number("1.5")?, Value::Number(1.5));
    assert_eq!(number("100000000000000000000")?, Value::Number(1e20));
    assert!(lua.to_value(&Number { text: "12" })?.is_table());
    Ok(())
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Pair(i64, String);
impl UserData for Pair {}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Name(String);
impl UserData for Name {}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Nothing;
impl UserData for Nothing {}

impl UserData for Shape {}

#[test]
fn userdata_serialize_as_what_they_hold() -> Result<()> {
    let lua = Lua::new();
    let json = |value: &Value| serde_json::to_string(value).map_err(Error::external);
    let ordered = serde_json::json!({"b": [1, 2], "a": "test"});
    let userdata = AnyUserData::wrap_ser(ordered.clone()).into_lua(&lua)?;
    assert_eq!(json(&userdata)?, ordered.to_string());
    let pair = lua.create_ser_userdata(Pair(123, "text".into()))?;
    lua.globals().set("pair", &pair)?;
    let within: Value = lua.load("{pair, 1}").eval()?;
    assert_eq!(json(&within)?, r#"[[123,"text"],1]"#);
    // It is borrowed for the time.
    let reference = pair.borrow_mut::<Pair>()?;
    assert!(serde_json::to_string(&pair).is_err());
    drop(reference);
    // The same type without that, files, and values that are gone do not.
    for other in [
        Value::UserData(lua.create_userdata(Pair(1, String::new()))?),
        lua.load("io.stdout").eval()?,
    ] {
        let text = json(&other).expect_err("no JSON").to_string();
        assert!(text.contains("cannot serialize <userdata>"), "{text}");
    }
    pair.take::<Pair>()?;
    assert!(serde_json::to_string(&pair).is_err());
    let skips = DeserializeOptions::new().deny_unsupported_types(false);
    lua.from_value_with::<()>(Value::UserData(pair), skips)?;
    Ok(())
}

/// A value through a userdata of it.
fn through_userdata<T>(lua: &Lua, value: &T) -> Result<T>
where
    T: UserData + Serialize + DeserializeOwned + Clone + MaybeSend + MaybeSync + 'static,
{
    lua.from_value(Value::UserData(lua.create_ser_userdata(value.clone())?))
}

#[test]
fn values_in_userdata_are_deserialized() -> Result<()> {
    let lua = Lua::new();
    let pair = Pair(123, "text".into());
    assert_eq!(through_userdata(&lua, &pair)?, pair);
    let name = Name("Io".into());
    assert_eq!(through_userdata(&lua, &name)?, name);
    for shape in [
        Shape::Point,
        Shape::Circle(1.5),
        Shape::Line(1, 2),
        Shape::Named {
            name: "x".into(),
            size: Some(1),
        },
    ] {
        assert_eq!(through_userdata(&lua, &shape)?, shape);
    }
    let nothing = || lua.create_ser_userdata(Nothing).map(Value::UserData);
    assert_eq!(lua.from_value::<Option<()>>(nothing()?)?, Some(()));
    assert_eq!(lua.from_value::<Nothing>(nothing()?)?, Nothing);
    let pairs = lua.create_sequence_from([
        lua.create_ser_userdata(pair.clone())?,
        lua.create_ser_userdata(Pair(4, String::new()))?,
    ])?;
    let pairs: Vec<Pair> = lua.from_value(Value::Table(pairs))?;
    assert_eq!(pairs, [pair, Pair(4, String::new())]);
    Ok(())
}
