//! Scopes: functions and userdata that borrow from the stack.

use perilune::{
    AnyUserData, Error, Function, Lua, LuaString, MetaMethod, ObjectLike, Result, UserData,
    UserDataFields, UserDataMethods, UserDataRegistry,
};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// The cause of an error that a callback has returned.
fn cause<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result {
        Err(Error::CallbackError { cause, .. }) => (*cause).clone(),
        other => panic!("no error of a callback: {other:?}"),
    }
}

/// A value that borrows.
struct Counter<'a>(&'a Cell<i64>);

impl UserData for Counter<'_> {
    fn register(registry: &mut UserDataRegistry<Self>) {
        registry.add_field("kind", "counter");
        registry.add_field_method_get("value", |_, this| Ok(this.0.get()));
        registry.add_field_method_set("value", |_, this, value| {
            this.0.set(value);
            Ok(())
        });
        registry.add_method("increase", |_, this, ()| {
            this.0.set(this.0.get() + 1);
            Ok(())
        });
        registry.add_meta_method(MetaMethod::Add, |_, this, other: i64| {
            Ok(this.0.get() + other)
        });
    }
}

/// A value that is lent.
struct Number(i64);

impl UserData for Number {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("get", |_, this, ()| Ok(this.0));
        methods.add_method_mut("increase", |_, this, ()| {
            this.0 += 1;
            Ok(())
        });
    }
}

#[test]
fn functions_borrow_until_the_scope_ends() -> Result<()> {
    let lua = Lua::new();
    let shared = Rc::new(Cell::new(0));
    lua.scope(|scope| {
        let inner = shared.clone();
        let set = scope.create_function(move |_, value| {
            inner.set(value);
            Ok(())
        })?;
        lua.globals().set("set", &set)?;
        set.call::<()>(42)?;
        assert_eq!(Rc::strong_count(&shared), 2);
        Ok(())
    })?;
    assert_eq!((shared.get(), Rc::strong_count(&shared)), (42, 1));
    let error = cause(lua.globals().get::<Function>("set")?.call::<()>(1));
    assert!(matches!(error, Error::CallbackDestructed));
    Ok(())
}

#[test]
fn functions_change_what_they_borrow() -> Result<()> {
    let lua = Lua::new();
    let mut calls = 0;
    lua.scope(|scope| {
        let count = scope.create_function_mut(|_, ()| {
            calls += 1;
            Ok(())
        })?;
        lua.load("local f = ... for i = 1, 100 do f() end")
            .call::<()>(count)
    })?;
    assert_eq!(calls, 100);
    Ok(())
}

#[test]
fn a_scope_can_be_used_by_what_it_has_made() -> Result<()> {
    let lua = Lua::new();
    let sum = Cell::new(0);
    lua.scope(|scope| {
        let make = scope.create_function(|_, ()| {
            scope.create_function(|_, n: i64| {
                sum.set(sum.get() + n);
                Ok(())
            })
        })?;
        make.call::<Function>(())?.call::<()>(10)
    })?;
    assert_eq!(sum.get(), 10);
    Ok(())
}

#[test]
fn values_that_borrow_have_fields_methods_and_operators() -> Result<()> {
    let lua = Lua::new();
    let value = Cell::new(42);
    let use_it: Function = lua
        .load(
            "
            local u = ...
            assert(u.kind == 'counter' and u.value == 42)
            u.value = 44
            u:increase()
            assert(u + 1 == 46)
            kept, method = u, u.increase
            ",
        )
        .into_function()?;
    lua.scope(|scope| use_it.call::<()>(scope.create_userdata(Counter(&value))?))?;
    assert_eq!(value.get(), 45);
    for code in [
        "kept:increase()",
        "return kept.value",
        "kept.value = 1",
        "return kept + 1",
    ] {
        let error = cause(lua.load(code).exec());
        assert!(
            matches!(error, Error::UserDataDestructed),
            "{code}: {error:?}"
        );
    }
    // A method that was kept belongs to nothing any more.
    let again = Cell::new(0);
    lua.scope(|scope| {
        let other = scope.create_userdata(Counter(&again))?;
        lua.globals().set("other", other)?;
        assert!(matches!(
            cause(lua.load("method(other)").exec()),
            Error::BadArgument { ref cause, .. } if matches!(**cause, Error::UserDataTypeMismatch)
        ));
        Ok(())
    })?;
    let kept: AnyUserData = lua.globals().get("kept")?;
    assert!(matches!(
        kept.borrow_scoped::<Number, _>(|_| ()),
        Err(Error::UserDataDestructed)
    ));
    assert!(matches!(kept.metatable(), Err(Error::UserDataDestructed)));
    Ok(())
}

#[test]
fn methods_belong_to_one_userdata_of_a_scope() -> Result<()> {
    struct Borrowed<'a>(&'a mut i64);
    impl UserData for Borrowed<'_> {
        fn register(registry: &mut UserDataRegistry<Self>) {
            registry.add_method("get", |_, this, ()| Ok(*this.0));
            registry.add_method_mut("increase", |_, this, ()| {
                *this.0 += 1;
                Ok(())
            });
        }
    }

    let lua = Lua::new();
    let (mut a, mut b) = (1, 1);
    lua.scope(|scope| {
        let (a, b) = (
            scope.create_userdata(Borrowed(&mut a))?,
            scope.create_userdata(Borrowed(&mut b))?,
        );
        for name in ["get", "increase"] {
            a.call_function::<()>(name, &a)?;
            match cause(a.call_function::<()>(name, &b)) {
                Error::BadArgument {
                    to, pos: 1, cause, ..
                } => {
                    assert_eq!(to, Some(format!("Borrowed.{name}")));
                    assert!(matches!(*cause, Error::UserDataTypeMismatch));
                }
                other => panic!("no bad argument: {other:?}"),
            }
            let text = cause(a.call_function::<()>(name, 321)).to_string();
            assert!(
                text.contains("expected userdata of type 'Borrowed'"),
                "{text}"
            );
        }
        Ok(())
    })?;
    assert_eq!((a, b), (2, 1));
    Ok(())
}

#[test]
fn values_are_dropped_when_the_scope_ends() -> Result<()> {
    struct Shared<'a>(&'a Cell<i64>, #[allow(dead_code)] Rc<()>);
    impl UserData for Shared<'_> {
        fn register(registry: &mut UserDataRegistry<Self>) {
            registry.add_method("increase", |_, this, ()| {
                this.0.set(this.0.get() + 1);
                Ok(())
            });
        }
    }

    let lua = Lua::new();
    let (value, shared) = (Cell::new(1), Rc::new(()));
    lua.set_gc_stress(Some(1));
    lua.scope(|scope| {
        lua.globals()
            .set("u", scope.create_userdata(Shared(&value, shared.clone()))?)?;
        lua.load("u:increase() u = nil collectgarbage()").exec()?;
        assert_eq!(Rc::strong_count(&shared), 2);
        Ok(())
    })?;
    lua.set_gc_stress(None);
    assert_eq!((value.get(), Rc::strong_count(&shared)), (2, 1));
    lua.check_heap().map_err(Error::runtime)
}

#[test]
fn user_values_belong_to_a_scopes_userdata_too() -> Result<()> {
    let lua = Lua::new();
    let value = Cell::new(0);
    lua.scope(|scope| {
        let userdata = scope.create_userdata(Counter(&value))?;
        userdata.set_user_value("kept")?;
        assert_eq!(userdata.user_value::<String>()?, "kept");
        Ok(())
    })
}

#[test]
fn lent_values_are_read_or_changed() -> Result<()> {
    let lua = Lua::new();
    let read = Number(1);
    let mut changed = Number(1);
    lua.scope(|scope| {
        let userdata = scope.create_userdata_ref(&read)?;
        assert_eq!(userdata.call_method::<i64>("get", ())?, 1);
        match cause(userdata.call_method::<()>("increase", ())) {
            Error::BadArgument { cause, .. } => {
                assert!(matches!(*cause, Error::UserDataBorrowMutError));
            }
            other => panic!("no bad argument: {other:?}"),
        }
        assert!(matches!(
            userdata.borrow::<Number>(),
            Err(Error::UserDataTypeMismatch)
        ));
        assert_eq!(userdata.borrow_scoped::<Number, _>(|number| number.0)?, 1);
        assert!(userdata.borrow_mut_scoped::<Number, _>(|_| ()).is_err());
        assert!(userdata.take::<Number>().is_err() && userdata.destroy().is_err());

        let userdata = scope.create_userdata_ref_mut(&mut changed)?;
        userdata.call_method::<()>("increase", ())?;
        assert!(matches!(
            userdata.borrow_mut::<Number>(),
            Err(Error::UserDataTypeMismatch)
        ));
        userdata.borrow_mut_scoped::<Number, _>(|number| number.0 += 10)?;
        lua.globals().set("lent", userdata)
    })?;
    assert_eq!((read.0, changed.0), (1, 12));
    assert!(matches!(
        cause(lua.load("lent:get()").exec()),
        Error::UserDataDestructed
    ));
    Ok(())
}

#[test]
fn any_type_can_be_lent() -> Result<()> {
    let lua = Lua::new();
    lua.register_userdata_type::<Cell<i64>>(|registry| {
        registry.add_method("add", |_, this, n: i64| {
            this.set(this.get() + n);
            Ok(())
        });
    })?;
    lua.register_userdata_type::<i64>(|registry| {
        registry.add_method_mut("add", |_, this, n: i64| {
            *this += n;
            Ok(())
        });
    })?;
    let (cell, mut number) = (Cell::new(1i64), 1i64);
    lua.scope(|scope| {
        let (cell, number) = (
            scope.create_any_userdata_ref(&cell)?,
            scope.create_any_userdata_ref_mut(&mut number)?,
        );
        lua.load("local a, b = ... a:add(1) b:add(2)")
            .call::<()>((cell, number))
    })?;
    assert_eq!((cell.get(), number), (2, 3));
    Ok(())
}

#[test]
fn any_type_that_borrows_can_be_registered_for_one_userdata() -> Result<()> {
    let lua = Lua::new();
    let mut text = String::from("foo");
    lua.scope(|scope| {
        let userdata = scope.create_any_userdata(&mut text, |registry| {
            registry.add_method_mut("push", |_, this, more: LuaString| {
                this.push_str(&more.to_string_lossy());
                Ok(())
            });
            registry.add_meta_method("__tostring", |_, this, ()| Ok((*this).clone()));
        })?;
        lua.globals().set("u", userdata)?;
        lua.load("assert(tostring(u) == 'foo') u:push('bar') assert(tostring(u) == 'foobar')")
            .exec()
    })?;
    assert_eq!(text, "foobar");
    assert!(matches!(
        cause(lua.load("tostring(u)").exec()),
        Error::UserDataDestructed
    ));
    Ok(())
}

#[test]
fn destructors_run_after_the_scope() -> Result<()> {
    let lua = Lua::new();
    let shared = Arc::new(());
    let userdata = lua.create_any_userdata(shared.clone())?;
    lua.scope(|scope| {
        scope.add_destructor(|| assert!(userdata.destroy().is_ok()));
        Ok(())
    })?;
    assert_eq!(Arc::strong_count(&shared), 1);
    let userdata = lua.create_any_userdata(shared.clone())?;
    userdata.borrow_scoped::<Arc<()>, _>(|_| {
        lua.scope(|scope| {
            scope.add_destructor(|| assert!(userdata.destroy().is_err()));
            Ok(())
        })
    })??;
    Ok(())
}

#[test]
fn a_panic_ends_the_scope() {
    let lua = Lua::new();
    let shared = Rc::new(());
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        lua.scope(|scope| {
            let inner = shared.clone();
            let f = scope.create_function(move |_, ()| Ok(Rc::strong_count(&inner)))?;
            lua.globals().set("f", f)?;
            panic!("on purpose");
            #[allow(unreachable_code)]
            Ok(())
        })
    }));
    assert!(result.is_err());
    assert_eq!(Rc::strong_count(&shared), 1);
    assert!(matches!(
        cause(lua.load("f()").exec()),
        Error::CallbackDestructed
    ));
}
