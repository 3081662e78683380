//! The life of values in userdata: borrowed, taken, destroyed, collected, shared.

use crate::shared::Rc;
use crate::userdata::{Number, cause};
use perilune::{
    AnyUserData, Error, Function, Lua, Result, UserData, UserDataFields, UserDataMethods,
    UserDataOwned, Value,
};
#[cfg(not(feature = "send"))]
use std::cell::RefCell;
use std::sync::{Arc, Mutex, RwLock};

#[test]
fn borrows_exclude_each_other() -> Result<()> {
    let lua = Lua::new();
    let userdata = lua.create_userdata(Number(1))?;
    lua.globals().set("number", &userdata)?;
    {
        let first = userdata.borrow::<Number>()?;
        let second = userdata.borrow::<Number>()?;
        assert_eq!(first.0 + second.0, 2);
        assert!(matches!(
            userdata.borrow_mut::<Number>(),
            Err(Error::UserDataBorrowMutError)
        ));
        assert!(matches!(
            userdata.take::<Number>(),
            Err(Error::UserDataBorrowMutError)
        ));
        assert_eq!(lua.load("number:get() + number.value").eval::<i64>()?, 2);
        let error = cause(lua.load("number.value = 2").exec());
        assert!(
            matches!(error, Error::BadArgument { ref cause, .. }
            if matches!(**cause, Error::UserDataBorrowMutError)),
            "{error:?}"
        );
    }
    {
        let _exclusive = userdata.borrow_mut::<Number>()?;
        assert!(matches!(
            userdata.borrow::<Number>(),
            Err(Error::UserDataBorrowError)
        ));
        let error = cause(lua.load("return number.value").exec());
        assert!(
            matches!(error, Error::BadArgument { ref cause, .. }
            if matches!(**cause, Error::UserDataBorrowError)),
            "{error:?}"
        );
    }
    lua.load("number.value = 3").exec()?;
    assert_eq!(userdata.borrow::<Number>()?.0, 3);
    Ok(())
}

#[test]
fn a_method_that_changes_the_value_has_it_for_itself() -> Result<()> {
    struct Thing(i64);
    impl UserData for Thing {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_method_mut("change", |_, this, f: Function| {
                this.0 += 1;
                f.call::<()>(())
            });
            methods.add_method("read", |_, this, ()| Ok(this.0));
            methods.add_method("with", |_, this, f: Function| f.call::<i64>(this.0));
        }
    }

    let lua = Lua::new();
    lua.globals().set("thing", Thing(0))?;
    lua.load(
        "
        local ok, message = pcall(thing.change, thing, function() return thing:read() end)
        assert(not ok and tostring(message):find('error borrowing userdata', 1, true))
        ok, message = pcall(thing.change, thing, function() thing:change(print) end)
        assert(not ok and tostring(message):find('called recursively', 1, true))
        ok, message = pcall(thing.with, thing, function() thing:change(print) return 1 end)
        assert(not ok and tostring(message):find('error mutably borrowing userdata', 1, true))
        assert(thing:with(function(n) return n + thing:read() end) == 4)
        ",
    )
    .exec()
}

#[test]
fn a_taken_value_leaves_a_destructed_userdata() -> Result<()> {
    struct Shared(Arc<i64>);
    impl UserData for Shared {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_method("number", |_, this, ()| Ok(*this.0));
        }
    }

    let lua = Lua::new();
    let shared = Arc::new(18);
    let userdata = lua.create_userdata(Shared(shared.clone()))?;
    userdata.set_nth_user_value(2, Shared(shared.clone()))?;
    lua.globals().set("userdata", &userdata)?;
    assert_eq!(Arc::strong_count(&shared), 3);
    let value = userdata.take::<Shared>()?;
    assert_eq!(*value.0, 18);
    drop(value);
    assert_eq!(Arc::strong_count(&shared), 2);

    assert!(matches!(
        userdata.borrow::<Shared>(),
        Err(Error::UserDataDestructed)
    ));
    assert!(matches!(
        userdata.take::<Shared>(),
        Err(Error::UserDataDestructed)
    ));
    assert!(matches!(userdata.destroy(), Err(Error::UserDataDestructed)));
    assert!(matches!(
        userdata.metatable(),
        Err(Error::UserDataDestructed)
    ));
    assert!(!userdata.is::<Shared>() && userdata.type_id().is_none());
    for code in [
        "userdata:number()",
        "return #userdata",
        "userdata.x = 1",
        "return userdata + 1",
        "tostring(userdata)",
        "userdata()",
    ] {
        let error = cause(lua.load(code).exec());
        assert!(
            matches!(error, Error::UserDataDestructed),
            "{code}: {error:?}"
        );
    }
    drop(userdata);
    lua.globals().set("userdata", Value::Nil)?;
    lua.gc_collect()?;
    lua.gc_collect()?;
    assert_eq!(Arc::strong_count(&shared), 1);
    Ok(())
}

#[test]
fn destroying_waits_for_references_and_is_refused_within_calls() -> Result<()> {
    struct Shared(#[allow(dead_code)] Arc<()>);
    impl UserData for Shared {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_method("destroy_global", |lua, _, ()| {
                let userdata: AnyUserData = lua.globals().get("userdata")?;
                assert!(matches!(
                    userdata.destroy(),
                    Err(Error::UserDataBorrowMutError)
                ));
                Ok(())
            });
        }
    }

    let lua = Lua::new();
    let shared = Arc::new(());
    let userdata = lua.create_userdata(Shared(shared.clone()))?;
    let reference = userdata.borrow::<Shared>()?;
    userdata.destroy()?;
    assert_eq!(Arc::strong_count(&shared), 2);
    drop(reference);
    assert_eq!(Arc::strong_count(&shared), 1);

    let userdata = lua.create_userdata(Shared(shared.clone()))?;
    lua.globals().set("userdata", &userdata)?;
    lua.load("userdata:destroy_global()").exec()?;
    assert_eq!(Arc::strong_count(&shared), 2);
    userdata.destroy()?;
    assert_eq!(Arc::strong_count(&shared), 1);
    Ok(())
}

#[test]
fn a_method_may_consume_the_value() -> Result<()> {
    struct Shared(Arc<i64>);
    impl UserData for Shared {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_method_once("consume", |_, this, ()| Ok(*this.0));
        }
    }

    let lua = Lua::new();
    let shared = Arc::new(42);
    lua.globals().set("first", Shared(shared.clone()))?;
    lua.globals().set("second", Shared(shared.clone()))?;
    assert_eq!(lua.load("first:consume()").eval::<i64>()?, 42);
    assert_eq!(Arc::strong_count(&shared), 2);
    let error = cause(lua.load("second.consume(first)").exec()).to_string();
    assert!(
        error.contains("bad argument `self` to `Shared.consume`"),
        "{error}"
    );
    assert!(error.contains("userdata has been destructed"), "{error}");

    let take = lua.create_function(|_, value: UserDataOwned<Shared>| Ok(*value.0.0))?;
    assert_eq!(take.call::<i64>(Shared(Arc::new(5)))?, 5);
    Ok(())
}

#[test]
fn userdata_in_userdata_is_collected() -> Result<()> {
    let lua = Lua::new();
    let shared = Arc::new(());
    let list = vec![lua.create_any_userdata(shared.clone())?];
    let outer = lua.create_any_userdata(list)?;
    drop(outer);
    lua.gc_collect()?;
    lua.gc_collect()?;
    assert_eq!(Arc::strong_count(&shared), 1);
    Ok(())
}

#[test]
fn a_finalised_userdata_that_is_reached_again_is_destructed() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("number", Number(1))?;
    let result = lua
        .load(
            "
            local t = setmetatable({ number = number }, { __gc = function(self)
              saved = self.number
            end })
            t, number = nil, nil
            collectgarbage()
            return saved:get()
            ",
        )
        .exec();
    assert!(matches!(cause(result), Error::UserDataDestructed));
    Ok(())
}

#[test]
fn values_may_use_the_state_when_they_are_dropped() -> Result<()> {
    struct Caller(Option<Function>);
    impl Drop for Caller {
        fn drop(&mut self) {
            if let Some(function) = self.0.take() {
                function.call::<()>(()).unwrap();
            }
        }
    }

    let lua = Lua::new();
    lua.load("count = 0 function dropped() count = count + 1 local t = {} for i = 1, 50 do t[i] = {i} end end")
        .exec()?;
    lua.set_gc_stress(Some(1));
    for _ in 0..20 {
        let function: Function = lua.globals().get("dropped")?;
        lua.create_any_userdata(Caller(Some(function.clone())))?;
        // What a Rust function has captured is dropped in the same way.
        let caller = Caller(Some(function));
        lua.create_function(move |_, ()| Ok(caller.0.is_some()))?;
    }
    lua.load("collectgarbage() collectgarbage()").exec()?;
    lua.set_gc_stress(None);
    assert_eq!(lua.globals().get::<i64>("count")?, 40);
    lua.check_heap().map_err(Error::runtime)
}

/// What is shared, and what a test of all kinds of pointers needs.
struct Shared(i64);

impl UserData for Shared {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field("constant", "always");
        fields.add_field_method_get("value", |_, this| Ok(this.0));
        fields.add_field_method_set("value", |_, this, value| {
            this.0 = value;
            Ok(())
        });
    }
}

const CHANGE: &str = "assert(u.constant == 'always') u.value = u.value + 1 return u.value";

#[test]
fn a_shared_value_is_changed_only_by_its_only_owner() -> Result<()> {
    let lua = Lua::new();
    let (rc, arc) = (Rc::new(Shared(1)), Arc::new(Shared(1)));
    for userdata in [
        lua.create_userdata(rc.clone())?,
        lua.create_userdata(arc.clone())?,
    ] {
        lua.globals().set("u", &userdata)?;
        let error = cause(lua.load(CHANGE).eval::<i64>()).to_string();
        assert!(
            error.contains("error mutably borrowing userdata"),
            "{error}"
        );
        assert!(!userdata.is::<Shared>());
        assert_eq!(userdata.borrow::<Shared>()?.0, 1);
        let refused = userdata.borrow_mut::<Shared>();
        assert!(matches!(refused, Err(Error::UserDataBorrowMutError)));
        assert_eq!(userdata.borrow_scoped::<Shared, _>(|shared| shared.0)?, 1);
        assert!(userdata.borrow_mut_scoped::<Shared, _>(|_| ()).is_err());
    }
    lua.globals().set("u", Value::Nil)?;
    lua.gc_collect()?;
    lua.gc_collect()?;
    assert_eq!((Rc::strong_count(&rc), Arc::strong_count(&arc)), (1, 1));
    lua.globals().set("u", rc)?;
    assert_eq!(lua.load(CHANGE).eval::<i64>()?, 2);
    lua.globals().set("u", arc)?;
    assert_eq!(lua.load(CHANGE).eval::<i64>()?, 2);
    Ok(())
}

#[cfg(not(feature = "send"))]
#[test]
fn a_value_in_a_cell_is_changed_by_all_its_owners() -> Result<()> {
    let lua = Lua::new();
    let shared = Rc::new(RefCell::new(Shared(1)));
    let userdata = lua.create_userdata(shared.clone())?;
    lua.globals().set("u", &userdata)?;
    assert_eq!(lua.load(CHANGE).eval::<i64>()?, 2);
    userdata.borrow_mut::<Shared>()?.0 = 20;
    assert_eq!(shared.borrow().0, 20);
    let reference: perilune::UserDataRef<Shared> = lua.convert(&userdata)?;
    assert_eq!(userdata.borrow::<Shared>()?.0 + reference.0, 40);
    assert!(matches!(
        userdata.borrow_mut::<Shared>(),
        Err(Error::UserDataBorrowMutError)
    ));
    drop(reference);
    let borrowed = shared.borrow();
    let error = cause(lua.load(CHANGE).eval::<i64>()).to_string();
    assert!(
        error.contains("error mutably borrowing userdata"),
        "{error}"
    );
    drop(borrowed);
    assert_eq!(lua.load(CHANGE).eval::<i64>()?, 21);
    Ok(())
}

#[test]
fn a_value_behind_a_lock_is_borrowed_for_calls_only() -> Result<()> {
    let lua = Lua::new();
    let (mutex, lock) = (
        Arc::new(Mutex::new(Shared(1))),
        Arc::new(RwLock::new(Shared(1))),
    );
    for userdata in [
        lua.create_userdata(mutex.clone())?,
        lua.create_userdata(lock.clone())?,
    ] {
        lua.globals().set("u", &userdata)?;
        assert_eq!(lua.load(CHANGE).eval::<i64>()?, 2);
        userdata.borrow_mut_scoped::<Shared, _>(|shared| shared.0 = 5)?;
        assert_eq!(userdata.borrow_scoped::<Shared, _>(|shared| shared.0)?, 5);
        let refused = userdata.borrow::<Shared>();
        assert!(matches!(refused, Err(Error::UserDataTypeMismatch)));
    }
    let locked = mutex.lock().map_err(|_| Error::runtime("poisoned"))?;
    lua.globals().set("u", mutex.clone())?;
    assert!(lua.load("return u.value").exec().is_err());
    drop(locked);
    assert_eq!(lua.load("u.value").eval::<i64>()?, 5);
    Ok(())
}

#[cfg(feature = "userdata-wrappers")]
#[test]
fn a_value_behind_a_parking_lots_lock_is_borrowed_as_long_as_one_likes() -> Result<()> {
    let lua = Lua::new();
    let mutex = Arc::new(parking_lot::Mutex::new(Shared(1)));
    let lock = Arc::new(parking_lot::RwLock::new(Shared(1)));
    for userdata in [
        lua.create_userdata(mutex.clone())?,
        lua.create_userdata(lock.clone())?,
    ] {
        lua.globals().set("u", &userdata)?;
        assert_eq!(lua.load(CHANGE).eval::<i64>()?, 2);
        userdata.borrow_mut_scoped::<Shared, _>(|shared| shared.0 = 5)?;
        assert_eq!(userdata.borrow_scoped::<Shared, _>(|shared| shared.0)?, 5);
        let mut reference = userdata.borrow_mut::<Shared>()?;
        reference.0 += 1;
        assert!(mutex.is_locked() != lock.is_locked_exclusive());
        assert!(matches!(
            userdata.borrow::<Shared>(),
            Err(Error::UserDataBorrowError)
        ));
        drop(reference);
        let reference = userdata.borrow::<Shared>()?;
        assert_eq!(reference.0, 6);
        assert!(mutex.is_locked() != lock.is_locked());
        // It lives on behind its lock.
        userdata.destroy()?;
        assert_eq!(reference.0, 6);
        drop(reference);
        assert!(!mutex.is_locked() && !lock.is_locked());
    }
    lua.globals().set("u", mutex.clone())?;
    let locked = mutex.lock();
    let error = cause(lua.load(CHANGE).eval::<i64>()).to_string();
    assert!(error.contains("error borrowing userdata"), "{error}");
    drop(locked);
    let other = lock.read();
    let userdata = lua.create_userdata(lock.clone())?;
    assert_eq!(userdata.borrow::<Shared>()?.0, other.0);
    assert!(userdata.borrow_mut::<Shared>().is_err());
    Ok(())
}
