//! Tables: raw access, access with metamethods, iteration.

use perilune::{Lua, Result, Table, Value};

#[test]
fn fields_are_set_and_found() -> Result<()> {
    let lua = Lua::new();
    let globals = lua.globals();
    globals.set("a", 7)?;
    globals.set("b", "text")?;
    globals.set(3, lua.create_table()?)?;
    lua.load("assert(a == 7 and b == 'text')").exec()?;
    assert_eq!(globals.get::<i32>("a")?, 7);
    assert_eq!(globals.get::<String>("b")?, "text");
    assert!(globals.get::<Table>(3)?.is_empty());
    assert!(globals.contains_key("a")? && !globals.contains_key("none")?);
    assert_eq!(globals.get::<Option<i64>>("none")?, None);
    assert!(globals.get::<Table>("a").is_err());
    Ok(())
}

#[test]
fn metamethods_are_heard_unless_access_is_raw() -> Result<()> {
    let lua = Lua::new();
    let table: Table = lua
        .load(
            "setmetatable({}, {
               __index = function(t, k) return k .. '!' end,
               __newindex = function(t, k, v) rawset(t, k, v .. '?') end})",
        )
        .eval()?;
    assert_eq!(table.get::<String>("x")?, "x!");
    assert!(table.raw_get::<Value>("x")?.is_nil());
    table.set("x", "y")?;
    assert_eq!(table.get::<String>("x")?, "y?");
    table.raw_set("z", 1)?;
    assert_eq!(table.raw_get::<i64>("z")?, 1);
    table.set_metatable(None)?;
    assert!(table.metatable().is_none());
    assert!(table.get::<Value>("other")?.is_nil());
    Ok(())
}

#[test]
fn errors_of_metamethods_come_out() -> Result<()> {
    let lua = Lua::new();
    let table: Table = lua
        .load("setmetatable({}, {__index = function() error('no index', 0) end})")
        .eval()?;
    let error = table.get::<Value>("x").expect_err("it fails");
    assert!(error.to_string().contains("no index"), "{error}");
    let error = table.raw_set(Value::Nil, 1).expect_err("nil is no key");
    assert!(error.to_string().contains("index is nil"), "{error}");
    let error = table.set(f64::NAN, 1).expect_err("NaN is no key");
    assert!(error.to_string().contains("index is NaN"), "{error}");
    Ok(())
}

#[test]
fn sequences_and_entries() -> Result<()> {
    let lua = Lua::new();
    let list = lua.create_sequence_from(["a", "b", "c"])?;
    list.raw_push("d")?;
    assert_eq!(list.raw_len(), 4);
    let texts: Vec<String> = list.sequence_values().collect::<Result<_>>()?;
    assert_eq!(texts, ["a", "b", "c", "d"]);
    assert_eq!(list.raw_pop::<String>()?, "d");
    let wrong: Result<Vec<Table>> = list.sequence_values().collect();
    assert!(wrong.is_err());

    let table = lua.create_table_from([("x", 1), ("y", 2)])?;
    let mut entries: Vec<(String, i64)> = table.pairs().collect::<Result<_>>()?;
    entries.sort();
    assert_eq!(entries, [("x".to_owned(), 1), ("y".to_owned(), 2)]);
    let mut sum = 0;
    table.for_each(|_: String, n: i64| {
        sum += n;
        Ok(())
    })?;
    assert_eq!(sum, 3);
    table.clear()?;
    assert!(table.is_empty());
    assert_eq!(lua.create_table()?.raw_pop::<Option<i64>>()?, None);
    Ok(())
}

#[test]
fn values_of_another_state_are_refused() -> Result<()> {
    let (lua, other) = (Lua::new(), Lua::new());
    let stranger = other.create_table()?;
    assert!(lua.globals().set("x", &stranger).is_err());
    assert!(lua.globals().raw_set("x", &stranger).is_err());
    let function = lua.load("return ...").into_function()?;
    assert!(function.call::<Value>(&stranger).is_err());
    assert!(lua.globals().get::<Value>("x")?.is_nil());
    Ok(())
}

#[test]
fn elements_are_pushed_popped_inserted_and_removed() -> Result<()> {
    let lua = Lua::new();
    let list = lua.create_sequence_from([1, 2, 3])?;
    list.raw_insert(1, 0)?;
    list.raw_insert(5, 4)?;
    list.raw_remove(3)?;
    assert_eq!(list, [0, 1, 3, 4]);
    for wrong in [0, -1, 7] {
        assert!(list.raw_insert(wrong, 9).is_err() && list.raw_remove(wrong).is_err());
    }
    list.push(5)?;
    assert_eq!((list.pop::<i64>()?, list.len()?), (5, 4));
    list.raw_set("x", 1)?;
    list.raw_remove("x")?;
    assert!(!list.contains_key("x")?);
    let empty = lua.create_table()?;
    assert!(empty.raw_remove(1).is_err());
    assert_eq!(empty.pop::<Option<i64>>()?, None);
    // With metamethods: a list whose elements are elsewhere.
    let proxy: Table = lua
        .load(
            "setmetatable({}, {store = {}, __len = function(t) return #getmetatable(t).store end,
               __index = function(t, k) return getmetatable(t).store[k] end,
               __newindex = function(t, k, v) getmetatable(t).store[k] = v end})",
        )
        .eval()?;
    proxy.push("a")?;
    proxy.push("b")?;
    assert_eq!((proxy.len()?, proxy.raw_len()), (2, 0));
    assert_eq!(proxy.pop::<String>()?, "b");
    assert_eq!(proxy.len()?, 1);
    let strange: Table = lua
        .load("setmetatable({}, {__len = function() return 'x' end})")
        .eval()?;
    assert!(strange.len().is_err());
    Ok(())
}

#[test]
fn tables_equal_sequences_and_each_other() -> Result<()> {
    let lua = Lua::new();
    let list = lua.create_sequence_from(["a", "b"])?;
    let slice = &["a", "b"][..];
    assert!(list == ["a", "b"] && list == *slice && list == slice);
    assert!(list != ["a"] && list != ["a", "c"] && list != ["a", "b", "c"]);
    let other = lua.create_sequence_from(["a", "b"])?;
    assert!(list == list.clone() && list != other);
    assert_ne!(list.to_pointer(), other.to_pointer());
    Ok(())
}

#[test]
fn iteration_ends_with_the_first_error() -> Result<()> {
    let lua = Lua::new();
    let table: Table = lua.load("{1, 2, 'x', 4}").eval()?;
    let mut entries = table.pairs::<i64, i64>();
    assert!(
        entries
            .by_ref()
            .take(3)
            .last()
            .is_some_and(|entry| entry.is_err())
    );
    assert!(entries.next().is_none());
    let mut seen = Vec::new();
    let outcome = table.for_each_value(|n: i64| {
        seen.push(n);
        Ok(())
    });
    assert!(outcome.is_err());
    assert_eq!(seen, [1, 2]);
    // Entries may be removed on the way.
    let table: Table = lua.load("{a = 1, b = 2, c = 3, 4, 5}").eval()?;
    for entry in table.pairs::<Value, Value>() {
        table.raw_set(entry?.0, Value::Nil)?;
        lua.gc_collect()?;
    }
    assert!(table.is_empty());
    Ok(())
}

#[test]
fn room_for_very_many_is_an_error_or_there() -> Result<()> {
    let lua = Lua::new();
    lua.set_memory_limit(lua.used_memory() + (1 << 20))?;
    assert!(lua.create_table_with_capacity(1 << 26, 1 << 26).is_err());
    assert!(lua.create_table_with_capacity(usize::MAX, 0).is_err());
    assert!(lua.create_table_with_capacity(0, usize::MAX).is_err());
    lua.check_heap().expect("a whole heap");
    Ok(())
}
