//! Collecting the fields, methods and operators of a type.

#[cfg(feature = "async")]
use super::asynchronous;
use super::borrow::{OnlyUserdata, Target};
use super::field::{Field, PlainValue};
use super::method::{self, Maker};
use super::{full_name, short_type_name};
use crate::{
    AnyUserData, Error, FromLua, FromLuaMulti, IntoLua, IntoLuaMulti, Lua, MaybeSend, MetaMethod,
    Result, UserData, UserDataFields, UserDataMethods, Value,
};
#[cfg(feature = "async")]
use crate::{UserDataRef, UserDataRefMut};
use perilune_runtime::userdata::place::PlainField;
use std::marker::PhantomData;

/// A getter or setter.
pub(crate) struct Accessor {
    pub(super) name: String,
    pub(super) make: Maker,
    /// The plain field that it reads or stores, if it does nothing else.
    pub(super) plain: Option<PlainField>,
}

impl Accessor {
    fn new(name: String, make: Maker) -> Accessor {
        Accessor {
            name,
            make,
            plain: None,
        }
    }
}

/// What a metatable is made of.
pub(crate) struct Members {
    pub(super) fields: Vec<(String, Result<Value>)>,
    pub(super) getters: Vec<Accessor>,
    pub(super) setters: Vec<Accessor>,
    pub(super) methods: Vec<(String, Maker)>,
    pub(super) meta_fields: Vec<(String, Result<Value>)>,
    pub(super) meta_methods: Vec<(String, Maker)>,
    pub(super) type_name: String,
}

/// Where a type's fields, methods and operators are added: see [`UserData::register`] and
/// [`Lua::register_userdata_type`].
///
/// ```
/// use perilune::{Lua, UserDataMethods, UserDataRegistry};
///
/// let lua = Lua::new();
/// lua.register_userdata_type(|registry: &mut UserDataRegistry<String>| {
///     registry.add_method("length", |_, this, ()| Ok(this.len()));
/// })?;
/// lua.globals().set("text", lua.create_any_userdata("hello".to_owned())?)?;
/// assert_eq!(lua.load("text:length()").eval::<usize>()?, 5);
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct UserDataRegistry<T> {
    lua: Lua,
    members: Members,
    target: Target,
    items: PhantomData<fn(T)>,
}

impl<T: 'static> UserDataRegistry<T> {
    /// The registry of all userdata of the type.
    pub(crate) fn new(lua: &Lua) -> UserDataRegistry<T> {
        UserDataRegistry::with_target(lua, Target::of::<T>())
    }
}

impl<T> UserDataRegistry<T> {
    /// The registry of one userdata.
    pub(crate) fn of_one(lua: &Lua, userdata: OnlyUserdata) -> UserDataRegistry<T> {
        UserDataRegistry::with_target(lua, Target::One(userdata))
    }

    fn with_target(lua: &Lua, target: Target) -> UserDataRegistry<T> {
        UserDataRegistry {
            lua: lua.clone(),
            members: Members {
                fields: Vec::new(),
                getters: Vec::new(),
                setters: Vec::new(),
                methods: Vec::new(),
                meta_fields: Vec::new(),
                meta_methods: Vec::new(),
                type_name: short_type_name::<T>(),
            },
            target,
            items: PhantomData,
        }
    }

    pub(crate) fn into_members(self) -> Members {
        self.members
    }

    /// Takes over all that another type has: what its methods find in userdata of type `T`, too.
    pub(super) fn extend_from<U: UserData + 'static>(&mut self) {
        let mut other = UserDataRegistry::<U>::new(&self.lua);
        U::register(&mut other);
        let (members, other) = (&mut self.members, other.members);
        members.fields.extend(other.fields);
        members.getters.extend(other.getters);
        members.setters.extend(other.setters);
        members.methods.extend(other.methods);
        members.meta_fields.extend(other.meta_fields);
        members.meta_methods.extend(other.meta_methods);
    }

    /// The getter that was added last does nothing but read this field: how derived types say so.
    #[doc(hidden)]
    pub fn last_getter_reads<V: 'static>(&mut self, field: Field<T, V>) {
        let plain = self.plain(field);
        if let Some(getter) = self.members.getters.last_mut() {
            getter.plain = plain;
        }
    }

    /// The setter that was added last does nothing but store to this field.
    #[doc(hidden)]
    pub fn last_setter_stores<V: 'static>(&mut self, field: Field<T, V>) {
        let plain = self.plain(field);
        if let Some(setter) = self.members.setters.last_mut() {
            setter.plain = plain;
        }
    }

    /// The field as the machine knows it; `None` for one that it does not.
    fn plain<V: 'static>(&self, field: Field<T, V>) -> Option<PlainField> {
        let Target::Type(contents, ..) = self.target else {
            return None;
        };
        Some(PlainField::new(field.place()?, contents))
    }

    /// A meta field's value, which for two of them must be something that can be asked.
    fn meta_field(&self, name: &str, value: impl IntoLua) -> Result<Value> {
        let value = value.into_lua(&self.lua)?;
        let is_asked = name == MetaMethod::Index.name() || name == MetaMethod::NewIndex.name();
        match value {
            Value::Nil | Value::Table(_) | Value::Function(_) => Ok(value),
            value if !is_asked => Ok(value),
            value => Err(Error::MetaMethodTypeError {
                method: name.to_owned(),
                type_name: value.type_name(),
                message: Some("expected nil, table or function".to_owned()),
            }),
        }
    }
}

/// Slots between the userdata and an accessor's value: the key.
const KEY: usize = 1;

impl<T> UserDataFields<T> for UserDataRegistry<T> {
    fn add_field<V>(&mut self, name: impl Into<String>, value: V)
    where
        V: IntoLua + 'static,
    {
        let value = value.into_lua(&self.lua);
        self.members.fields.push((name.into(), value));
    }

    fn add_field_method_get<M, R>(&mut self, name: impl Into<String>, method: M)
    where
        M: Fn(&Lua, &T) -> Result<R> + MaybeSend + 'static,
        R: IntoLua,
    {
        let name = name.into();
        let full_name = full_name::<T>(&name);
        let body = method::shared(self.target.clone(), full_name, KEY, move |lua, this, ()| {
            method(lua, this)
        });
        self.members.getters.push(Accessor::new(name, body));
    }

    fn add_field_method_set<M, A>(&mut self, name: impl Into<String>, method: M)
    where
        M: FnMut(&Lua, &mut T, A) -> Result<()> + MaybeSend + 'static,
        A: FromLua,
    {
        let name = name.into();
        let body = method::exclusive(self.target.clone(), full_name::<T>(&name), KEY, method);
        self.members.setters.push(Accessor::new(name, body));
    }

    fn add_plain_field_get<V: PlainValue>(&mut self, name: impl Into<String>, field: Field<T, V>)
    where
        T: 'static,
    {
        self.add_field_method_get(name, move |_, this| Ok(field.get(this)));
        self.last_getter_reads(field);
    }

    fn add_plain_field_set<V: PlainValue>(&mut self, name: impl Into<String>, field: Field<T, V>)
    where
        T: 'static,
    {
        self.add_field_method_set(name, move |_, this, value| {
            field.set(this, value);
            Ok(())
        });
        self.last_setter_stores(field);
    }

    fn add_field_function_get<F, R>(&mut self, name: impl Into<String>, function: F)
    where
        F: Fn(&Lua, AnyUserData) -> Result<R> + MaybeSend + 'static,
        R: IntoLua,
    {
        let name = name.into();
        let body = method::getter(full_name::<T>(&name), function);
        self.members.getters.push(Accessor::new(name, body));
    }

    fn add_field_function_set<F, A>(&mut self, name: impl Into<String>, function: F)
    where
        F: FnMut(&Lua, AnyUserData, A) -> Result<()> + MaybeSend + 'static,
        A: FromLua,
    {
        let name = name.into();
        let body = method::setter(full_name::<T>(&name), function);
        self.members.setters.push(Accessor::new(name, body));
    }

    fn add_meta_field<V>(&mut self, name: impl Into<String>, value: V)
    where
        V: IntoLua + 'static,
    {
        let name = name.into();
        let value = self.meta_field(&name, value);
        self.members.meta_fields.push((name, value));
    }

    fn add_meta_field_with<F, R>(&mut self, name: impl Into<String>, f: F)
    where
        F: FnOnce(&Lua) -> Result<R> + 'static,
        R: IntoLua,
    {
        let name = name.into();
        let value = f(&self.lua).and_then(|value| self.meta_field(&name, value));
        self.members.meta_fields.push((name, value));
    }
}

/// Two functions that register what is made in the same way, a method and a metamethod.
macro_rules! registrations {
    ($($of_methods:ident $of_meta_methods:ident: $bound:path => $make:expr;)*) => {$(
        registrations! { methods $of_methods $bound, $make }
        registrations! { meta_methods $of_meta_methods $bound, $make }
    )*};
    ($list:ident $name:ident $bound:path, $make:expr) => {
        fn $name<F, A, R>(&mut self, name: impl Into<String>, body: F)
        where
            F: $bound + MaybeSend + 'static,
            A: FromLuaMulti,
            R: IntoLuaMulti,
        {
            let name = name.into();
            let made = ($make)(self.target.clone(), full_name::<T>(&name), body);
            self.members.$list.push((name, made));
        }
    };
}

/// Likewise, of futures; `$value` is what `T` has to be.
#[cfg(feature = "async")]
macro_rules! async_registrations {
    ($($list:ident $name:ident: $bound:path, $($value:lifetime)? => $make:expr;)*) => {$(
        fn $name<F, A, W, R>(&mut self, name: impl Into<String>, body: F)
        where
            $(T: $value,)?
            F: $bound + MaybeSend + 'static,
            A: FromLuaMulti,
            W: Future<Output = Result<R>> + MaybeSend + 'static,
            R: IntoLuaMulti,
        {
            let name = name.into();
            let made = ($make)(full_name::<T>(&name), body);
            self.members.$list.push((name, made));
        }
    )*};
}

impl<T> UserDataMethods<T> for UserDataRegistry<T> {
    registrations! {
        add_method add_meta_method: Fn(&Lua, &T, A) -> Result<R>
            => |target, name, body| method::shared(target, name, 0, body);
        add_method_mut add_meta_method_mut: FnMut(&Lua, &mut T, A) -> Result<R>
            => |target, name, body| method::exclusive(target, name, 0, body);
        add_function add_meta_function: Fn(&Lua, A) -> Result<R>
            => |_, name, body| method::function(name, body);
        add_function_mut add_meta_function_mut: FnMut(&Lua, A) -> Result<R>
            => |_, name, body| method::function_mut(name, body);
    }

    #[cfg(feature = "async")]
    async_registrations! {
        methods add_async_method: Fn(Lua, UserDataRef<T>, A) -> W, 'static => asynchronous::shared;
        meta_methods add_async_meta_method: Fn(Lua, UserDataRef<T>, A) -> W, 'static
            => asynchronous::shared;
        methods add_async_method_mut: Fn(Lua, UserDataRefMut<T>, A) -> W, 'static
            => asynchronous::exclusive;
        meta_methods add_async_meta_method_mut: Fn(Lua, UserDataRefMut<T>, A) -> W, 'static
            => asynchronous::exclusive;
        methods add_async_method_once: Fn(Lua, T, A) -> W, 'static => asynchronous::once;
        methods add_async_function: Fn(Lua, A) -> W, => asynchronous::function;
        meta_methods add_async_meta_function: Fn(Lua, A) -> W, => asynchronous::function;
    }
}
