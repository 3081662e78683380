//! Userdata: what types say they have, borrowing, taking, destroying, user values, metatables.

use perilune::{
    AnyUserData, Error, ExternalError, Function, Lua, LuaString, MetaMethod, ObjectLike, Result,
    UserData, UserDataFields, UserDataMethods, UserDataRef, UserDataRefMut, Value, Variadic,
};
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(crate) struct Number(pub(crate) i64);

impl UserData for Number {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field("kind", "number");
        fields.add_field_method_get("value", |_, this| Ok(this.0));
        fields.add_field_method_set("value", |_, this, value| {
            this.0 = value;
            Ok(())
        });
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("get", |_, this, ()| Ok(this.0));
        methods.add_method_mut("set", |_, this, value| {
            this.0 = value;
            Ok(())
        });
        methods.add_method_mut("add", |_, this, values: Variadic<i64>| {
            this.0 += values.iter().sum::<i64>();
            Ok(())
        });
        methods.add_function("new", |_, value| Ok(Number(value)));
    }
}

/// The cause of an error that a callback has returned.
pub(crate) fn cause<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result {
        Err(Error::CallbackError { cause, .. }) => (*cause).clone(),
        other => panic!("no error of a callback: {other:?}"),
    }
}

#[test]
fn a_userdata_knows_its_type() -> Result<()> {
    struct Other;
    impl UserData for Other {}

    let lua = Lua::new();
    let (number, other) = (lua.create_userdata(Number(1))?, lua.create_userdata(Other)?);
    assert!(number.is::<Number>() && !number.is::<Other>());
    assert!(other.is::<Other>() && !other.is::<Number>());
    assert_eq!(number.type_id(), Some(TypeId::of::<Number>()));
    assert_eq!(number.borrow::<Number>()?.0, 1);
    assert!(matches!(
        number.borrow::<Other>(),
        Err(Error::UserDataTypeMismatch)
    ));
    assert!(matches!(
        number.borrow_mut::<Other>(),
        Err(Error::UserDataTypeMismatch)
    ));
    assert!(matches!(
        number.take::<Other>(),
        Err(Error::UserDataTypeMismatch)
    ));
    Ok(())
}

#[test]
fn methods_read_and_change_the_value() -> Result<()> {
    let lua = Lua::new();
    let userdata = lua.create_userdata(Number(42))?;
    lua.globals().set("number", &userdata)?;
    assert_eq!(lua.load("number:get()").eval::<i64>()?, 42);
    userdata.borrow_mut::<Number>()?.0 = 64;
    assert_eq!(lua.load("number:get()").eval::<i64>()?, 64);
    lua.load("number:set(100) number:add(1, 5, -10)").exec()?;
    assert_eq!(userdata.borrow::<Number>()?.0, 96);
    Ok(())
}

#[test]
fn fields_are_read_and_stored_by_their_functions() -> Result<()> {
    struct Thing(i64);
    impl UserData for Thing {
        fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
            fields.add_field("constant", "always");
            fields.add_field_method_get("value", |_, this| Ok(this.0));
            fields.add_field_method_set("value", |_, this, value| {
                this.0 = value;
                Ok(())
            });
            fields.add_field_function_get("reader", |lua, this| {
                lua.create_function(move |_, ()| Ok(this.borrow::<Thing>()?.0))
            });
            fields.add_field_function_get("note", |_, this| this.user_value::<Option<LuaString>>());
            fields.add_field_function_set("note", |_, this, note: Option<LuaString>| {
                this.set_user_value(note)
            });
            fields.add_meta_field(MetaMethod::Index, HashMap::from([("more", 321)]));
            fields.add_meta_field_with(MetaMethod::NewIndex, |lua| {
                lua.create_function(|lua, (_, key, value): (AnyUserData, String, Value)| {
                    lua.globals().set(key, value)
                })
            });
        }
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_method("method", |_, _, ()| Ok("called"));
        }
    }

    let lua = Lua::new();
    lua.globals().set("thing", Thing(7))?;
    lua.load(
        "
        assert(thing.constant == 'always')
        assert(thing.value == 7)
        thing.value = 10
        assert(thing.value == 10)
        assert(thing:reader() == 10)
        assert(thing.note == nil)
        thing.note = 'hello'
        assert(thing.note == 'hello')
        assert(thing.more == 321)
        assert(thing.nothing == nil)
        assert(thing:method() == 'called')
        thing.unknown = 789
        assert(unknown == 789)
        ",
    )
    .exec()
}

#[test]
fn an_index_metamethod_is_asked_for_what_is_no_member() -> Result<()> {
    struct Thing(i64);
    impl UserData for Thing {
        fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
            fields.add_field("z", 0);
            fields.add_field_method_get("x", |_, this| Ok(this.0));
        }
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_method("m", |_, _, ()| Ok("m"));
            methods.add_meta_method(MetaMethod::Index, |_, this, key: LuaString| {
                Ok((key.to_bytes() == b"y").then_some(-this.0))
            });
        }
    }

    let lua = Lua::new();
    lua.globals().set("thing", Thing(1))?;
    lua.load("assert(thing.x == 1 and thing.y == -1 and thing.z == 0 and thing.w == nil)")
        .exec()?;
    lua.load("assert(thing:m() == 'm' and thing[1] == nil)")
        .exec()?;
    // What `__index` is can be called, too.
    let index: Function = lua
        .globals()
        .get::<AnyUserData>("thing")?
        .metatable()?
        .get("__index")?;
    let thing: AnyUserData = lua.globals().get("thing")?;
    assert_eq!(index.call::<i64>((&thing, "x"))?, 1);
    assert_eq!(index.call::<i64>((&thing, "y"))?, -1);
    Ok(())
}

#[test]
fn unknown_fields_are_nil_or_errors_as_methods_have_it() -> Result<()> {
    struct Fields;
    impl UserData for Fields {
        fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
            fields.add_field_method_get("x", |_, _| Ok(1));
            fields.add_field_method_set("x", |_, _, _: i64| Ok(()));
        }
    }
    struct Nothing;
    impl UserData for Nothing {}

    let lua = Lua::new();
    lua.globals().set("fields", Fields)?;
    lua.globals().set("number", Number(1))?;
    lua.globals().set("nothing", Nothing)?;
    let text = |code: &str| lua.load(code).exec().unwrap_err().to_string();
    assert!(text("return fields.y").contains("attempt to get an unknown field 'y'"));
    assert!(text("fields.y = 1").contains("attempt to set an unknown field 'y'"));
    assert!(text("return fields[{}]").contains("attempt to get an unknown field 'table: "));
    lua.load("assert(number.y == nil)").exec()?;
    assert!(text("number.y = 1").contains("attempt to set an unknown field 'y'"));
    assert!(
        text("return nothing.x").contains("attempt to index a Nothing value (global 'nothing')")
    );
    Ok(())
}

#[test]
fn functions_get_the_userdata_as_an_argument() -> Result<()> {
    struct Thing(i64);
    impl UserData for Thing {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_function("get", |_, this: AnyUserData| Ok(this.borrow::<Thing>()?.0));
            methods.add_function_mut("set", |_, (this, value): (AnyUserData, i64)| {
                this.borrow_mut::<Thing>()?.0 = value;
                Ok(())
            });
            methods.add_function("seven", |_, ()| Ok(7));
        }
    }

    let lua = Lua::new();
    lua.globals().set("thing", Thing(42))?;
    lua.load("assert(thing:get() == 42) thing:set(100) assert(thing.get(thing) == 100)")
        .exec()?;
    assert_eq!(lua.load("thing.seven()").eval::<i64>()?, 7);
    Ok(())
}

#[test]
fn operators_are_metamethods() -> Result<()> {
    #[derive(Clone, Copy)]
    struct Count(i64);
    impl UserData for Count {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            type Both = (UserDataRef<Count>, UserDataRef<Count>);
            methods.add_meta_function(MetaMethod::Add, |_, (a, b): Both| Ok(Count(a.0 + b.0)));
            methods.add_meta_function(MetaMethod::Eq, |_, (a, b): Both| Ok(a.0 == b.0));
            methods.add_meta_method(MetaMethod::Lt, |_, this, other: UserDataRef<Count>| {
                Ok(this.0 < other.0)
            });
            methods.add_meta_method(MetaMethod::Unm, |_, this, ()| Ok(Count(-this.0)));
            methods.add_meta_method(MetaMethod::Len, |_, this, ()| Ok(this.0));
            methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
                Ok(format!("{} things", this.0))
            });
            methods.add_meta_method(MetaMethod::Call, |_, this, n: i64| Ok(this.0 * n));
            methods.add_meta_method_mut(MetaMethod::Concat, |_, this, n: i64| {
                this.0 += n;
                Ok(this.0)
            });
            methods.add_meta_method(MetaMethod::Index, |_, this, key: LuaString| {
                if key.to_bytes() == b"inner" {
                    Ok(this.0)
                } else {
                    Err("no such field".into_lua_err())
                }
            });
            methods.add_meta_method(MetaMethod::Pairs, |lua, this, ()| {
                let next = lua.create_function(|_, (this, i): (UserDataRef<Count>, i64)| {
                    Ok((i < this.0).then(|| i + 1))
                })?;
                Ok((next, *this, 0))
            });
        }
    }

    let lua = Lua::new();
    lua.globals().set("seven", Count(7))?;
    lua.globals().set("three", Count(3))?;
    lua.globals().set("also", Count(3))?;
    assert_eq!(
        lua.load("seven + three").eval::<UserDataRef<Count>>()?.0,
        10
    );
    lua.load(
        "
        assert(three == also and three ~= seven and three < seven and not (seven < three))
        assert(#seven == 7 and seven(3) == 21 and tostring(seven) == '7 things')
        assert((-seven).inner == -7)
        assert(also .. 4 == 7)
        local sum = 0
        for i in pairs(seven) do sum = sum + i end
        assert(sum == 28)
        ",
    )
    .exec()?;
    assert!(
        lua.load("return seven.other")
            .exec()
            .unwrap_err()
            .to_string()
            .contains("no such field")
    );
    let (three, also): (AnyUserData, AnyUserData) = lua
        .load("also.inner == 7, three")
        .eval()
        .and_then(|(_, three): (bool, AnyUserData)| Ok((three, lua.create_userdata(Count(3))?)))?;
    assert!(three != also && three.equals(&also)?);
    let metatable = three.metatable()?;
    assert!(metatable.contains(MetaMethod::Add)? && !metatable.contains(MetaMethod::Pow)?);
    Ok(())
}

#[test]
fn close_metamethods_run_at_the_end_of_the_block() -> Result<()> {
    struct Guard(Arc<AtomicI64>);
    impl UserData for Guard {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_meta_method(MetaMethod::Close, |_, this, _: Value| {
                this.0.store(0, Ordering::Relaxed);
                Ok(())
            });
        }
    }

    let lua = Lua::new();
    let shared = Arc::new(AtomicI64::new(7));
    let inner = shared.clone();
    lua.globals().set(
        "guard",
        lua.create_function(move |_, ()| Ok(Guard(inner.clone())))?,
    )?;
    lua.globals().set(
        "check",
        lua.create_function({
            let shared = shared.clone();
            move |_, ()| Ok(shared.load(Ordering::Relaxed))
        })?,
    )?;
    lua.load("do local g <close> = guard() assert(check() == 7) end assert(check() == 0)")
        .exec()
}

#[test]
fn user_values_are_numbered_and_named() -> Result<()> {
    let lua = Lua::new();
    let userdata = lua.create_userdata(Number(0))?;
    userdata.set_nth_user_value(1, "hello")?;
    userdata.set_nth_user_value(65535, 321)?;
    assert_eq!(userdata.user_value::<String>()?, "hello");
    assert_eq!(userdata.nth_user_value::<i64>(65535)?, 321);
    assert!(userdata.nth_user_value::<Value>(2)?.is_nil());
    assert!(userdata.nth_user_value::<Value>(0).is_err());
    assert!(userdata.set_nth_user_value(65536, 1).is_err());
    userdata.set_named_user_value("name", "alex")?;
    assert_eq!(userdata.named_user_value::<String>("name")?, "alex");
    assert!(userdata.named_user_value::<Value>("age")?.is_nil());
    let other = lua.create_userdata(Number(0))?;
    assert!(other.named_user_value::<Value>("name")?.is_nil());
    Ok(())
}

#[test]
fn metatables_are_protected() -> Result<()> {
    let lua = Lua::new();
    let userdata = lua.create_userdata(Number(1))?;
    lua.globals().set("number", &userdata)?;
    let metatable = userdata.metatable()?;
    for name in ["__gc", "__metatable"] {
        assert!(matches!(
            metatable.get::<Value>(name),
            Err(Error::MetaMethodRestricted(_))
        ));
        assert!(matches!(
            metatable.contains(name),
            Err(Error::MetaMethodRestricted(_))
        ));
        assert!(matches!(
            metatable.set(name, 1),
            Err(Error::MetaMethodRestricted(_))
        ));
    }
    for name in [MetaMethod::Index, MetaMethod::NewIndex] {
        assert!(matches!(
            metatable.set(name, Value::Nil),
            Err(Error::MetaMethodRestricted(_))
        ));
    }
    let names = metatable.pairs::<Value>().map(|entry| Ok(entry?.0));
    let mut names = names.collect::<Result<Vec<String>>>()?;
    names.sort();
    assert_eq!(names, ["__index", "__name", "__newindex"]);
    lua.load("assert(getmetatable(number) == false and not pcall(setmetatable, number, {}))")
        .exec()?;
    // Changes count for all userdata of the type.
    metatable.set(MetaMethod::Len, lua.create_function(|_, _: Value| Ok(5))?)?;
    assert_eq!(lua.load("#number.new(1)").eval::<i64>()?, 5);
    Ok(())
}

#[test]
fn names_of_types_are_their_own_or_given() -> Result<()> {
    struct Named;
    impl UserData for Named {
        fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
            fields.add_meta_field_with(MetaMethod::Type, |_| Ok("GivenName"));
        }
    }
    struct Misnamed;
    impl UserData for Misnamed {
        fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
            fields.add_meta_field(MetaMethod::Type, 42);
        }
    }

    let lua = Lua::new();
    let name = |userdata: AnyUserData| Ok::<_, Error>(userdata.type_name()?.to_string_lossy());
    assert_eq!(name(lua.create_userdata(Number(1))?)?, "Number");
    assert_eq!(name(lua.create_userdata(Named)?)?, "GivenName");
    assert_eq!(name(lua.create_userdata(Misnamed)?)?, "userdata");
    lua.globals().set("number", Number(1))?;
    lua.load("assert(tostring(number):find('^Number: 0x'))")
        .exec()
}

#[test]
fn a_bad_registration_is_an_error_of_making_the_userdata() -> Result<()> {
    struct BadIndex;
    impl UserData for BadIndex {
        fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
            fields.add_meta_field_with("__index", |_| Ok(1));
        }
    }
    struct Restricted;
    impl UserData for Restricted {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_meta_method("__gc", |_, _, ()| Ok(()));
        }
    }

    let lua = Lua::new();
    assert!(matches!(
        lua.create_userdata(BadIndex),
        Err(Error::MetaMethodTypeError { .. })
    ));
    assert!(matches!(
        lua.create_userdata(Restricted),
        Err(Error::MetaMethodRestricted(_))
    ));
    Ok(())
}

#[test]
fn a_proxy_has_constants_and_functions_but_no_value() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("Number", lua.create_proxy::<Number>()?)?;
    let proxy: AnyUserData = lua.globals().get("Number")?;
    assert!(proxy.is_proxy::<Number>() && !proxy.is_proxy::<()>() && !proxy.is::<Number>());
    lua.load(
        "
        assert(Number.kind == 'number')
        local n = Number.new(321)
        assert(n.kind == 'number' and n.value == 321 and n:get() == 321)
        assert(not pcall(function() return Number.value end))
        assert(not pcall(function() return Number:get() end))
        ",
    )
    .exec()
}

#[test]
fn any_type_can_be_registered() -> Result<()> {
    let lua = Lua::new();
    lua.register_userdata_type::<String>(|registry| {
        registry.add_method("get", |_, this, ()| Ok(this.clone()));
        registry.add_method_mut("append", |_, this, more: String| {
            this.push_str(&more);
            Ok(())
        });
    })?;
    let userdata = lua.create_any_userdata("hello".to_owned())?;
    assert_eq!(*userdata.borrow::<String>()?, "hello");
    lua.globals().set("text", userdata)?;
    lua.globals()
        .set("wrapped", AnyUserData::wrap("other".to_owned()))?;
    lua.load("text:append(' world') assert(text:get() == 'hello world')")
        .exec()?;
    lua.load("assert(wrapped:get() == 'other')").exec()?;
    let unregistered = lua.create_any_userdata(5u8)?;
    lua.globals().set("five", unregistered)?;
    assert!(lua.load("five:get()").exec().is_err());
    Ok(())
}

#[test]
fn userdata_are_objects_like_tables() -> Result<()> {
    let lua = Lua::new();
    let number = lua.create_userdata(Number(123))?;
    assert_eq!(number.get::<i64>("value")?, 123);
    number.set("value", 321)?;
    assert_eq!(number.get_path::<i64>(".value")?, 321);
    assert_eq!(number.get::<Option<i64>>("nothing")?, None);
    assert!(matches!(
        number.set("nothing", 1),
        Err(Error::RuntimeError(_))
    ));
    number.call_method::<()>("add", 2)?;
    assert_eq!(number.call_function::<i64>("get", &number)?, 323);
    match number.call_method::<()>("nothing", ()) {
        Err(Error::RuntimeError(text)) => {
            assert!(text.contains("attempt to call a nil value (function 'nothing')"));
        }
        other => panic!("no runtime error: {other:?}"),
    }
    assert!(ObjectLike::to_string(&number)?.starts_with("Number: 0x"));
    let table: perilune::Table = lua.load("{ a = { 1, { b = 'deep' } } }").eval()?;
    table.set("number", &number)?;
    assert_eq!(table.get_path::<String>("a[2].b")?, "deep");
    assert_eq!(table.get_path::<i64>("number.value")?, 323);
    assert_eq!(table.get_path::<Option<i64>>("missing?.value")?, None);
    assert!(table.get_path::<Value>("missing.value").is_err());
    Ok(())
}

#[test]
fn a_method_refuses_what_it_does_not_belong_to() -> Result<()> {
    let lua = Lua::new();
    let number = lua.create_userdata(Number(1))?;
    let refused = |result: Result<()>| match cause(result) {
        Error::BadArgument {
            to,
            pos,
            name,
            cause,
        } => {
            assert_eq!(
                (to.as_deref(), pos, name.as_deref()),
                (Some("Number.get"), 1, Some("self"))
            );
            cause.to_string()
        }
        other => panic!("no bad argument: {other:?}"),
    };
    assert_eq!(
        refused(number.call_function("get", "text")),
        "error converting Lua string to userdata (expected userdata of type 'Number')"
    );
    let other = lua.create_any_userdata(1u8)?;
    assert_eq!(
        refused(number.call_function("get", other)),
        "userdata is not expected type"
    );
    assert!(refused(number.call_function("get", ())).contains("missing argument"));
    match cause(number.call_method::<()>("set", "text")) {
        Error::BadArgument { to, pos, .. } => {
            assert_eq!((to.as_deref(), pos), (Some("Number.set"), 2));
        }
        other => panic!("no bad argument: {other:?}"),
    }
    Ok(())
}

#[test]
fn pointers_tell_userdata_apart() -> Result<()> {
    let lua = Lua::new();
    let (a, b) = (lua.create_any_userdata("x")?, lua.create_any_userdata("x")?);
    assert_eq!(a.to_pointer(), a.clone().to_pointer());
    assert_ne!(a.to_pointer(), b.to_pointer());
    Ok(())
}

#[test]
fn mutable_references_are_arguments() -> Result<()> {
    let lua = Lua::new();
    let change = lua.create_function(|_, mut number: UserDataRefMut<Number>| {
        number.0 += 1;
        Ok(())
    })?;
    let number = lua.create_userdata(Number(1))?;
    change.call::<()>(&number)?;
    assert_eq!(number.borrow::<Number>()?.0, 2);
    let error = cause(change.call::<()>("text")).to_string();
    assert!(error.contains("expected userdata of type"), "{error}");
    Ok(())
}
