//! Values that Rust keeps in a state: registry keys and names, modules, application data, weak
//! references.

use crate::shared::{Cell, Rc};
use perilune::{Error, FromLua, Function, IntoLua, Lua, RegistryKey, Result, Table, Value};
use std::collections::HashSet;

#[test]
fn keys_keep_values() -> Result<()> {
    let lua = Lua::new();
    let key = lua.create_registry_value(lua.create_sequence_from([1, 2, 3])?)?;
    lua.gc_collect()?;
    assert_eq!(lua.registry_value::<Vec<i64>>(&key)?, [1, 2, 3]);
    let other = lua.create_registry_value("text")?;
    assert_ne!(key, other);
    assert!(lua.registry_value::<Table>(&other).is_err());
    lua.remove_registry_value(key)?;
    assert_eq!(lua.registry_value::<String>(&other)?, "text");
    Ok(())
}

#[test]
fn keys_to_nil_need_no_place() -> Result<()> {
    let lua = Lua::new();
    let mut key = lua.create_registry_value(Value::Nil)?;
    assert_eq!(key.id(), -1);
    assert!(lua.registry_value::<Value>(&key)?.is_nil());
    lua.replace_registry_value(&mut key, 7)?;
    assert_eq!(lua.registry_value::<i64>(&key)?, 7);
    lua.replace_registry_value(&mut key, 8)?;
    assert_eq!(lua.registry_value::<i64>(&key)?, 8);
    lua.replace_registry_value(&mut key, None::<i64>)?;
    assert_eq!(
        (key.id(), lua.registry_value::<Option<i64>>(&key)?),
        (-1, None)
    );
    lua.remove_registry_value(key)
}

#[test]
fn values_of_dropped_keys_are_let_go() -> Result<()> {
    let lua = Lua::new();
    let token = Rc::new(());
    let captured = token.clone();
    let function = lua.create_function(move |_, ()| Ok(Rc::strong_count(&captured)))?;
    let key = lua.create_registry_value(function)?;
    lua.gc_collect()?;
    assert_eq!(Rc::strong_count(&token), 2);
    drop(key);
    lua.gc_collect()?;
    assert_eq!(Rc::strong_count(&token), 2);
    lua.expire_registry_values();
    lua.gc_collect()?;
    assert_eq!(Rc::strong_count(&token), 1);
    // A new key may take the place of a dropped one.
    let first = lua.create_registry_value("a")?;
    let id = first.id();
    drop(first);
    let second = lua.create_registry_value("b")?;
    assert_eq!(second.id(), id);
    assert_eq!(lua.registry_value::<String>(&second)?, "b");
    Ok(())
}

#[test]
fn keys_belong_to_their_state() -> Result<()> {
    let (lua, other) = (Lua::new(), Lua::new());
    let mut key = lua.create_registry_value(1)?;
    assert!(lua.owns_registry_value(&key) && !other.owns_registry_value(&key));
    let refused = |outcome: Result<()>| {
        assert!(
            matches!(outcome, Err(Error::MismatchedRegistryKey)),
            "{outcome:?}"
        );
    };
    refused(other.registry_value::<i64>(&key).map(|_| ()));
    refused(other.replace_registry_value(&mut key, 2));
    refused((&key).into_lua(&other).map(|_| ()));
    refused(other.remove_registry_value(key));
    // They may outlive it.
    let key = lua.create_registry_value(1)?;
    drop(lua);
    assert!(!other.owns_registry_value(&key));
    Ok(())
}

#[test]
fn keys_are_compared_hashed_converted_and_sent() -> Result<()> {
    let lua = Lua::new();
    let key = RegistryKey::from_lua(Value::Integer(7), &lua)?;
    lua.globals().set("x", &key)?;
    assert_eq!(lua.globals().get::<i64>("x")?, 7);
    let other = lua.create_registry_value("y")?;
    let key = std::thread::spawn(move || key).join().expect("no panic");
    #[expect(clippy::mutable_key_type, reason = "what is hashed does not change")]
    let keys: HashSet<RegistryKey> = HashSet::from([key, other]);
    assert_eq!(keys.len(), 2);
    Ok(())
}

#[test]
fn names_hold_values() -> Result<()> {
    let lua = Lua::new();
    lua.set_named_registry_value("name", 7)?;
    assert_eq!(lua.named_registry_value::<i64>("name")?, 7);
    lua.unset_named_registry_value("name")?;
    assert!(lua.named_registry_value::<Value>("name")?.is_nil());
    Ok(())
}

#[test]
fn modules_are_registered_preloaded_and_forgotten() -> Result<()> {
    let lua = Lua::new();
    lua.register_module("numbers", lua.create_sequence_from([1, 2])?)?;
    assert_eq!(lua.load("#require('numbers')").eval::<i64>()?, 2);
    lua.unload_module("numbers")?;
    assert!(lua.load("require('numbers')").exec().is_err());
    let loads = Rc::new(Cell::new(0));
    let counter = loads.clone();
    let loader = lua.create_function(move |lua, name: String| {
        counter.set(counter.get() + 1);
        lua.create_table_from([("name", name)])
    })?;
    lua.preload_module("lazy", loader)?;
    let code = "assert(require('lazy') == require('lazy')) return require('lazy').name";
    assert_eq!(lua.load(code).eval::<String>()?, "lazy");
    assert_eq!(loads.get(), 1);
    lua.unload_module("lazy")?;
    lua.load("require('lazy')").exec()?;
    assert_eq!(loads.get(), 2);
    Ok(())
}

#[test]
fn application_data_is_kept_by_type() -> Result<()> {
    let lua = Lua::new();
    assert_eq!(lua.set_app_data(1i32), None);
    assert_eq!(lua.set_app_data("text"), None);
    assert_eq!(lua.set_app_data(2i32), Some(1));
    let hit = lua.create_function(|lua, ()| {
        *lua.app_data_mut::<i32>().expect("it is there") += 1;
        Ok(())
    })?;
    hit.call::<()>(())?;
    assert_eq!(lua.app_data_ref::<i32>().as_deref(), Some(&3));
    assert_eq!(lua.app_data_ref::<&str>().as_deref(), Some(&"text"));
    assert!(lua.app_data_ref::<f64>().is_none());
    {
        let borrowed = lua.app_data_ref::<i32>().expect("it is there");
        assert!(lua.try_app_data_mut::<i32>().is_err());
        assert_eq!(lua.try_set_app_data(9i32), Err(9));
        assert!(
            lua.try_app_data_ref::<i32>()
                .is_ok_and(|data| data.is_some())
        );
        assert!(
            lua.try_app_data_mut::<&str>()
                .is_ok_and(|data| data.is_some())
        );
        assert_eq!(*borrowed, 3);
    }
    assert_eq!(lua.remove_app_data::<i32>(), Some(3));
    assert_eq!(lua.remove_app_data::<i32>(), None);
    Ok(())
}

#[test]
fn application_data_goes_with_the_state() {
    let token = Rc::new(());
    let lua = Lua::new();
    lua.set_app_data(token.clone());
    drop(lua);
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn weak_references_do_not_keep_a_state() -> Result<()> {
    let lua = Lua::new();
    let weak = lua.weak();
    let function: Function = lua.create_function(move |_, ()| {
        let lua = weak.upgrade();
        lua.globals().get::<i64>("x")
    })?;
    lua.globals().set("x", 7)?;
    lua.globals().set("f", &function)?;
    assert_eq!(lua.load("f()").eval::<i64>()?, 7);
    let weak = lua.weak();
    drop(lua);
    assert!(weak.try_upgrade().is_none());
    Ok(())
}
