//! Metatables of userdata types, and making userdata.
//!
//! A type's metatable is made when its first userdata is, or when the type is registered. Its `__index`
//! is a table where methods and constant fields are all there is; with getters it is the native
//! function that the machine knows (`perilune_runtime::userdata::members`).
//!
//! Invariant: the metatables of registered types live as long as the state (`Vm::metatables`), so that
//! they can be kept by address.

use super::method::{self, Maker};
use super::registry::{Accessor, Members, UserDataRegistry};
use crate::handle::Handle;
use crate::{
    AnyUserData, Error, Function, IntoLua, Lua, MetaMethod, Result, Table, UserData, Value,
};
use perilune_runtime::metatable::Event;
use perilune_runtime::native::{Local, Native};
use perilune_runtime::table::Table as RawTable;
use perilune_runtime::userdata::{Boxed, Contents, finalize, members};
use perilune_runtime::value as raw;
use rustc_hash::FxHashMap;
use std::any::TypeId;
use std::cell::{Cell, RefCell};

/// What a state knows of userdata types.
#[derive(Default)]
pub(crate) struct Classes {
    metatables: RefCell<FxHashMap<TypeId, *mut RawTable>>,
    /// The metatable of userdata whose value is gone; null before the first one.
    destructed: Cell<*mut RawTable>,
}

impl Lua {
    /// The metatable of a type: `register` says what it has, if it is not known yet.
    pub(crate) fn class<T: 'static>(
        &self,
        register: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<*mut RawTable> {
        let known = self
            .state
            .parts()
            .classes
            .metatables
            .borrow()
            .get(&TypeId::of::<T>())
            .copied();
        match known {
            Some(metatable) => Ok(metatable),
            None => self.register_class(register),
        }
    }

    fn register_class<T: 'static>(
        &self,
        register: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<*mut RawTable> {
        let mut registry = UserDataRegistry::new(self);
        register(&mut registry);
        let metatable = self.create_metatable(registry.into_members())?;
        let metatable = self.keep_metatable(&metatable);
        let mut metatables = self.state.parts().classes.metatables.borrow_mut();
        metatables.insert(TypeId::of::<T>(), metatable);
        Ok(metatable)
    }

    /// Keeps a metatable for as long as the state lives.
    fn keep_metatable(&self, metatable: &Table) -> *mut RawTable {
        let raw: *mut RawTable = metatable.0.raw().as_pointer();
        // SAFETY: the machine lives as long as the state, and nothing else refers to it.
        unsafe { (*self.state.vm()).metatables.push(raw) };
        raw
    }

    /// The metatable of userdata whose value is gone.
    pub(crate) fn destructed_metatable(&self) -> Result<*mut RawTable> {
        let entered = self.enter();
        let known = entered.classes.destructed.get();
        if !known.is_null() {
            return Ok(known);
        }
        let metatable = self.create_table()?;
        let function = method::destructed(self)?;
        let silent = [
            Event::Gc,
            Event::Mode,
            Event::Name,
            Event::Metatable,
            Event::Close,
        ];
        for event in Event::ALL.iter().filter(|event| !silent.contains(event)) {
            metatable.raw_set(event.name(), &function)?;
        }
        metatable.raw_set(Event::Metatable.name(), false)?;
        let metatable = self.keep_metatable(&metatable);
        entered.classes.destructed.set(metatable);
        Ok(metatable)
    }

    /// A metatable.
    pub(crate) fn create_metatable(&self, members: Members) -> Result<Table> {
        let metatable = self.create_table()?;
        let add = |to: &Table, name: &str, make: Maker| {
            self.set_member(to, name, &Value::Function(make(self)?))
        };
        for (name, make) in members.meta_methods {
            add(&metatable, MetaMethod::validate(&name)?, make)?;
        }
        for (name, value) in members.meta_fields {
            self.set_member(&metatable, MetaMethod::validate(&name)?, &value?)?;
        }
        if metatable
            .raw_get::<Value>(MetaMethod::Type.name())?
            .is_nil()
        {
            let name = members.type_name.into_lua(self)?;
            self.set_member(&metatable, MetaMethod::Type.name(), &name)?;
        }
        let asked: Value = metatable.raw_get(MetaMethod::Index.name())?;
        // Where a table is asked already it gets methods and constant fields as well.
        let has_others = !members.fields.is_empty() || !members.methods.is_empty();
        let (others, asked) = match asked {
            Value::Table(table) => (Some(table.clone()), Value::Table(table)),
            Value::Nil if has_others => {
                let table = self.create_table()?;
                (Some(table.clone()), Value::Table(table))
            }
            asked if has_others => (Some(self.create_table()?), asked),
            asked => (None, asked),
        };
        if let Some(others) = &others {
            for (name, value) in members.fields {
                self.set_member(others, &name, &value?)?;
            }
            for (name, make) in members.methods {
                add(others, &name, make)?;
            }
        }
        let is_asked_itself = matches!(asked, Value::Table(_) | Value::Nil);
        let index = if members.getters.is_empty() && is_asked_itself {
            asked
        } else {
            let getters = self.create_table()?;
            for accessor in members.getters {
                self.add_accessor(&getters, accessor)?;
            }
            let methods = if is_asked_itself { None } else { others };
            self.members_function(
                members::INDEX,
                &[
                    Value::Table(getters),
                    methods.map_or(Value::Nil, Value::Table),
                    asked,
                ],
            )?
        };
        self.set_member(&metatable, MetaMethod::Index.name(), &index)?;
        if !members.setters.is_empty() {
            let setters = self.create_table()?;
            for accessor in members.setters {
                self.add_accessor(&setters, accessor)?;
            }
            let asked = metatable.raw_get(MetaMethod::NewIndex.name())?;
            let function =
                self.members_function(members::NEW_INDEX, &[Value::Table(setters), asked])?;
            self.set_member(&metatable, MetaMethod::NewIndex.name(), &function)?;
        }
        self.set_member(&metatable, Event::Metatable.name(), &Value::Boolean(false))?;
        let destructed = self.destructed_metatable()?;
        let destructed = Value::Table(Table(Handle::new(
            &self.state,
            raw::Value::table(destructed),
        )));
        let drop = self.members_function(finalize::DROP_VALUE, &[destructed])?;
        self.set_member(&metatable, Event::Gc.name(), &drop)?;
        Ok(metatable)
    }

    /// Adds a getter or setter to the table of those.
    fn add_accessor(&self, table: &Table, accessor: Accessor) -> Result<()> {
        let mut function = (accessor.make)(self)?;
        if let Some(plain) = accessor.plain {
            function = self.plain_accessor(&function, plain)?;
        }
        self.set_member(table, &accessor.name, &Value::Function(function))
    }

    /// Stores under a name that stands in programs: tables with such keys keep their shape, on which
    /// inline caches and traces rely.
    fn set_member(&self, table: &Table, name: &str, value: &Value) -> Result<()> {
        let _entered = self.enter();
        let (table, value) = (table.0.raw(), value.to_raw(&self.state)?);
        self.with_call(|call| {
            // SAFETY: values of this state, which the caller's handles keep alive.
            let (table, value) = unsafe { (Local::from_raw(table), Local::from_raw(value)) };
            match table.as_table() {
                Some(table) => call.table_set_str(table, name.as_bytes(), value),
                None => Ok(()),
            }
        })
    }

    fn members_function(&self, native: Native, upvalues: &[Value]) -> Result<Value> {
        let _entered = self.enter();
        let raw: Result<Vec<raw::Value>> = upvalues.iter().map(|v| v.to_raw(&self.state)).collect();
        let raw = raw?;
        let mut made = raw::Value::NIL;
        self.with_call(|call| {
            // SAFETY: values of this state, which the handles keep alive.
            let locals = raw.iter().map(|&v| unsafe { Local::from_raw(v) });
            let locals: Vec<Local<'_>> = locals.collect();
            made = call.new_closure(native, &locals)?.raw();
            Ok(())
        })?;
        // Nothing has collected since it was made.
        Ok(Value::Function(Function(Handle::new(&self.state, made))))
    }

    /// A userdata with a value of its own.
    pub(super) fn create_userdata_of<T: 'static>(
        &self,
        value: T,
        register: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<AnyUserData> {
        let _entered = self.enter();
        let userdata = self.new_userdata_of(value, register)?;
        Ok(AnyUserData(Handle::new(&self.state, userdata)))
    }

    /// Likewise, to be used or rooted before anything collects.
    pub(super) fn new_userdata_of<T: 'static>(
        &self,
        value: T,
        register: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<raw::Value> {
        self.new_described_userdata(value, Contents::of::<T>(), register)
    }

    /// Likewise, with this description of its type.
    pub(crate) fn new_described_userdata<T: 'static>(
        &self,
        value: T,
        contents: &'static Contents,
        register: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<raw::Value> {
        let metatable = self.class::<T>(register)?;
        let boxed = Boxed::new(value, contents).map_err(|_| Error::memory())?;
        self.new_userdata_from(boxed, metatable)
    }

    /// A userdata with this value, and no metatable.
    pub(crate) fn create_userdata_without_metatable(&self, value: Boxed) -> Result<AnyUserData> {
        let _entered = self.enter();
        let userdata = self.new_userdata_from(value, std::ptr::null_mut())?;
        Ok(AnyUserData(Handle::new(&self.state, userdata)))
    }

    /// A userdata with this value and metatable, to be used or rooted before anything collects.
    fn new_userdata_from(&self, value: Boxed, metatable: *mut RawTable) -> Result<raw::Value> {
        // SAFETY: the metatable is live, and the caller has entered the state.
        let made = unsafe {
            let heap = &mut (*self.state.vm()).heap;
            heap.new_userdata_of(value, metatable, 0)
                .and_then(|userdata| {
                    if !metatable.is_null() {
                        heap.arm_finalizer(userdata.cast())?;
                    }
                    Ok(userdata)
                })
        };
        made.map(raw::Value::userdata).map_err(|_| Error::memory())
    }

    /// A userdata of a type that says of itself what it has. All of a type share a metatable.
    ///
    /// ```
    /// use perilune::{Lua, UserData, UserDataMethods};
    /// struct Name(&'static str);
    /// impl UserData for Name {
    ///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
    ///         methods.add_method("get", |_, this, ()| Ok(this.0));
    ///     }
    /// }
    /// let lua = Lua::new();
    /// let userdata = lua.create_userdata(Name("Io"))?;
    /// assert_eq!(lua.load("return (...):get()").call::<String>(userdata)?, "Io");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, or the type's registration fails (see [`UserDataFields::add_meta_field`]).
    ///
    /// [`UserDataFields::add_meta_field`]: crate::UserDataFields::add_meta_field
    pub fn create_userdata<T>(&self, data: T) -> Result<AnyUserData>
    where
        T: UserData + crate::MaybeSend + crate::MaybeSync + 'static,
    {
        self.create_userdata_of(data, T::register)
    }

    /// A userdata of any type. What it has is what [`Lua::register_userdata_type`] was told; without
    /// that it can only be handed round.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata(vec![1, 2])?;
    /// let length = lua.create_function(|_, list: perilune::AnyUserData| Ok(list.borrow::<Vec<i32>>()?.len()))?;
    /// assert_eq!(length.call::<usize>(userdata)?, 2);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_any_userdata<T>(&self, data: T) -> Result<AnyUserData>
    where
        T: crate::MaybeSend + crate::MaybeSync + 'static,
    {
        self.create_userdata_of(data, |_| {})
    }

    /// Says what userdata of a type have that are made from now on.
    ///
    /// ```
    /// use perilune::{Lua, UserDataMethods};
    /// use std::time::Duration;
    /// let lua = Lua::new();
    /// lua.register_userdata_type::<Duration>(|registry| {
    ///     registry.add_method("seconds", |_, this, ()| Ok(this.as_secs_f64()));
    /// })?;
    /// lua.globals().set("pause", lua.create_any_userdata(Duration::from_millis(1500))?)?;
    /// assert_eq!(lua.load("pause:seconds()").eval::<f64>()?, 1.5);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, a restricted name of a metamethod, or what a conversion of a field says.
    pub fn register_userdata_type<T: 'static>(
        &self,
        f: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<()> {
        let _entered = self.enter();
        self.register_class(f).map(|_| ())
    }

    /// A userdata without a value that has what the type has without one: constant fields and
    /// functions, a constructor among them.
    ///
    /// ```
    /// use perilune::{Lua, UserData, UserDataFields, UserDataMethods};
    ///
    /// struct Counter(u32);
    /// impl UserData for Counter {
    ///     fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
    ///         fields.add_field_method_get("count", |_, this| Ok(this.0));
    ///     }
    ///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
    ///         methods.add_function("new", |_, count: u32| Ok(Counter(count)));
    ///     }
    /// }
    ///
    /// let lua = Lua::new();
    /// lua.globals().set("Counter", lua.create_proxy::<Counter>()?)?;
    /// lua.load("assert(Counter.new(7).count == 7)").exec()?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lua::create_userdata`].
    pub fn create_proxy<T>(&self) -> Result<AnyUserData>
    where
        T: UserData + 'static,
    {
        self.create_userdata_of(super::Proxy::<T>::new(), |registry| {
            registry.extend_from::<T>();
        })
    }
}
