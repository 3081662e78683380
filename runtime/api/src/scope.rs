//! Functions and userdata that borrow from the Rust stack, and end with a scope.
//!
//! Invariant: whatever a scope has made holds nothing of the program's from the moment the scope ends:
//! first all of it is taken out of the Lua objects, then it is dropped, so that code which runs then
//! finds none of the others. The scope's handles keep the objects alive until then; so the collector
//! never drops a value that has a lifetime.

use crate::userdata::{self, OnlyUserdata, UserDataRegistry};
use crate::{AnyUserData, Error, FromLuaMulti, Function, IntoLuaMulti, Lua, Result, UserData};
use perilune_runtime::userdata::{Access, Boxed, Contents, Userdata};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

/// What [`Lua::scope`] hands to its function: makes Lua functions and userdata of Rust values that
/// need not live for ever.
///
/// Both lifetimes are invariant: what is made can neither outlive the scope nor borrow from what the
/// scope's function owns.
///
/// ```compile_fail
/// # let lua = perilune::Lua::new();
/// lua.scope(|scope| {
///     let local = 1;
///     scope.create_function(|_, ()| Ok(local))?; // `local` does not live long enough
///     Ok(())
/// })?;
/// # Ok::<(), perilune::Error>(())
/// ```
///
/// ```compile_fail
/// # let lua = perilune::Lua::new();
/// struct Value<'a>(&'a i64);
/// impl perilune::UserData for Value<'_> {}
/// lua.scope(|scope| {
///     let inner = 1;
///     scope.create_userdata(Value(&inner))?; // as above
///     Ok(())
/// })?;
/// # Ok::<(), perilune::Error>(())
/// ```
///
/// ```compile_fail
/// # let lua = perilune::Lua::new();
/// let mut value = 0;
/// lua.scope(|scope| {
///     let first = scope.create_function_mut(|_, ()| {
///         value += 1;
///         Ok(())
///     })?;
///     let second = scope.create_function_mut(|_, ()| {
///         value += 1; // borrowed mutably twice
///         Ok(())
///     })?;
///     first.call::<()>(())?;
///     second.call::<()>(())
/// })?;
/// # Ok::<(), perilune::Error>(())
/// ```
///
/// ```compile_fail
/// # let lua = perilune::Lua::new();
/// struct Holder<'a>(Option<&'a i64>);
/// impl perilune::UserData for Holder<'_> {
///     fn add_methods<M: perilune::UserDataMethods<Self>>(methods: &mut M) {
///         methods.add_method_mut("set", |_, this: &mut Holder<'_>, ()| {
///             let local = 1;
///             this.0 = Some(&local); // `local` does not live long enough
///             Ok(())
///         });
///     }
/// }
/// ```
///
/// ```compile_fail
/// # let lua = perilune::Lua::new();
/// let mut outer = None;
/// lua.scope(|scope| {
///     outer = Some(scope); // the scope escapes
///     Ok(())
/// })?;
/// # Ok::<(), perilune::Error>(())
/// ```
///
/// ```
/// use perilune::{Lua, Scope, Function};
/// fn counter<'s, 'e>(scope: &'s Scope<'s, 'e>, count: &'s std::cell::Cell<u32>) -> perilune::Result<Function> {
///     scope.create_function(|_, ()| Ok(count.set(count.get() + 1)))
/// }
/// let (lua, count) = (Lua::new(), std::cell::Cell::new(0));
/// lua.scope(|scope| lua.load("local f = ... f() f()").call::<()>(counter(scope, &count)?))?;
/// assert_eq!(count.get(), 2);
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct Scope<'scope, 'env: 'scope> {
    // In this order they are dropped.
    ends: Ends,
    destructors: Destructors<'env>,
    lua: Lua,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// What ends with a scope.
enum End {
    /// A function.
    Function(Function),
    /// A userdata.
    Userdata(AnyUserData),
    /// The methods of a userdata, which know it by its address.
    Methods(OnlyUserdata),
}

/// All that ends with a scope.
struct Ends(RefCell<Vec<End>>);

/// What the program wants to have called at the end of the scope.
struct Destructors<'env>(RefCell<Vec<Box<dyn FnOnce() + 'env>>>);

impl Drop for Ends {
    fn drop(&mut self) {
        // What is dropped may use the scope to make something.
        loop {
            let ends = std::mem::take(&mut *self.0.borrow_mut());
            if ends.is_empty() {
                return;
            }
            let values: Vec<Box<dyn Any>> = ends.iter().map(End::take).collect();
            drop(values);
        }
    }
}

impl End {
    /// Takes the Rust value out of the Lua object.
    fn take(&self) -> Box<dyn Any> {
        match self {
            // SAFETY: a scope's functions are lent ones; the scope keeps the state open.
            End::Function(function) => Box::new(unsafe { userdata::take_back(function) }),
            End::Userdata(userdata) => Box::new(userdata.take_scoped()),
            End::Methods(only) => {
                only.set(std::ptr::null());
                Box::new(())
            }
        }
    }
}

impl Drop for Destructors<'_> {
    fn drop(&mut self) {
        for destructor in std::mem::take(&mut *self.0.borrow_mut()) {
            destructor();
        }
    }
}

impl<'scope, 'env: 'scope> Scope<'scope, 'env> {
    fn new(lua: &Lua) -> Scope<'scope, 'env> {
        Scope {
            ends: Ends(RefCell::new(Vec::new())),
            destructors: Destructors(RefCell::new(Vec::new())),
            lua: lua.clone(),
            scope: PhantomData,
            env: PhantomData,
        }
    }

    fn end_with_scope(&self, end: End) {
        self.ends.0.borrow_mut().push(end);
    }

    /// A function that may be called until the scope ends; see [`Lua::create_function`]. Later calls
    /// raise [`Error::CallbackDestructed`].
    ///
    /// ```
    /// use perilune::{Error, Function, Lua};
    /// let (lua, words) = (Lua::new(), ["a", "b"]);
    /// lua.scope(|scope| {
    ///     let word = scope.create_function(|_, n: usize| Ok(words[n - 1]))?;
    ///     lua.globals().set("word", word)?;
    ///     assert_eq!(lua.load("word(2)").eval::<String>()?, "b");
    ///     Ok(())
    /// })?;
    /// let word: Function = lua.globals().get("word")?;
    /// assert!(word.call::<String>(1).is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_function<F, A, R>(&'scope self, func: F) -> Result<Function>
    where
        F: Fn(&Lua, A) -> Result<R> + 'scope,
        A: FromLuaMulti,
        R: IntoLuaMulti,
    {
        // SAFETY: it is taken back when the scope ends, which is within 'scope.
        let function = unsafe { userdata::lend(&self.lua, func)? };
        self.end_with_scope(End::Function(function.clone()));
        Ok(function)
    }

    /// Likewise, for a function that needs its captures for itself; see
    /// [`Lua::create_function_mut`].
    ///
    /// # Errors
    /// Memory.
    pub fn create_function_mut<F, A, R>(&'scope self, func: F) -> Result<Function>
    where
        F: FnMut(&Lua, A) -> Result<R> + 'scope,
        A: FromLuaMulti,
        R: IntoLuaMulti,
    {
        let func = RefCell::new(func);
        self.create_function(move |lua, args| {
            let mut func = func
                .try_borrow_mut()
                .map_err(|_| Error::RecursiveMutCallback)?;
            (*func)(lua, args)
        })
    }

    /// A userdata that refers to `data` until the scope ends, and reads it. Later uses raise
    /// [`Error::UserDataDestructed`]. From Rust it is borrowed with
    /// [`AnyUserData::borrow_scoped`].
    ///
    /// ```
    /// use perilune::{Lua, UserData, UserDataMethods};
    /// struct Log(Vec<String>);
    /// impl UserData for Log {
    ///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
    ///         methods.add_method("len", |_, this, ()| Ok(this.0.len()));
    ///         methods.add_method_mut("add", |_, this, line: String| Ok(this.0.push(line)));
    ///     }
    /// }
    /// let (lua, mut log) = (Lua::new(), Log(Vec::new()));
    /// lua.scope(|scope| {
    ///     let log = scope.create_userdata_ref_mut(&mut log)?;
    ///     lua.load("local log = ... log:add('hello')").call::<()>(log)
    /// })?;
    /// let length = lua.scope(|scope| {
    ///     lua.load("local log = ... return log:len()").call::<usize>(scope.create_userdata_ref(&log)?)
    /// })?;
    /// assert_eq!(length, 1);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lua::create_userdata`].
    pub fn create_userdata_ref<T>(&'scope self, data: &'env T) -> Result<AnyUserData>
    where
        T: UserData + 'static,
    {
        // SAFETY: 'env outlives the scope, at whose end the userdata forgets the value; it is only
        // read.
        unsafe {
            self.lend(
                std::ptr::from_ref(data).cast_mut(),
                Access::Lent,
                T::register,
            )
        }
    }

    /// Likewise, of a value that may be changed.
    ///
    /// # Errors
    /// As [`Lua::create_userdata`].
    pub fn create_userdata_ref_mut<T>(&'scope self, data: &'env mut T) -> Result<AnyUserData>
    where
        T: UserData + 'static,
    {
        // SAFETY: as in `create_userdata_ref`; nobody else uses the value during 'env.
        unsafe { self.lend(data, Access::LentExclusively, T::register) }
    }

    /// As [`Scope::create_userdata_ref`], of any type; see [`Lua::create_any_userdata`].
    ///
    /// ```
    /// use perilune::{AnyUserData, Lua};
    /// let (lua, mut text) = (Lua::new(), "ab".to_owned());
    /// let append = lua.create_function(|_, to: AnyUserData| to.borrow_mut_scoped(|s: &mut String| s.push('c')))?;
    /// lua.scope(|scope| append.call::<()>(scope.create_any_userdata_ref_mut(&mut text)?))?;
    /// assert_eq!(text, "abc");
    /// let length = lua.create_function(|_, of: AnyUserData| of.borrow_scoped(|s: &String| s.len()))?;
    /// lua.scope(|scope| {
    ///     assert_eq!(length.call::<usize>(scope.create_any_userdata_ref(&text)?)?, 3);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_any_userdata_ref<T>(&'scope self, data: &'env T) -> Result<AnyUserData>
    where
        T: 'static,
    {
        // SAFETY: as in `create_userdata_ref`.
        unsafe { self.lend(std::ptr::from_ref(data).cast_mut(), Access::Lent, |_| {}) }
    }

    /// As [`Scope::create_userdata_ref_mut`], of any type.
    ///
    /// # Errors
    /// Memory.
    pub fn create_any_userdata_ref_mut<T>(&'scope self, data: &'env mut T) -> Result<AnyUserData>
    where
        T: 'static,
    {
        // SAFETY: as in `create_userdata_ref_mut`.
        unsafe { self.lend(data, Access::LentExclusively, |_| {}) }
    }

    /// A userdata that refers to a value until the scope ends.
    ///
    /// # Safety
    /// The value lives longer than the scope, and may be used as `access` says.
    unsafe fn lend<T: 'static>(
        &self,
        value: *mut T,
        access: Access,
        register: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<AnyUserData> {
        let metatable = self.lua.class::<T>(register)?;
        // SAFETY: the caller's contract; the metatable is one of this type.
        unsafe {
            let userdata = self.placeholder(value.cast(), Contents::of::<T>(), access)?;
            userdata.set_metatable(metatable);
            Ok(userdata)
        }
    }

    /// A userdata without metatable for a value that it does not own.
    ///
    /// # Safety
    /// As [`Scope::lend`].
    unsafe fn placeholder(
        &self,
        value: *mut (),
        contents: &'static Contents,
        access: Access,
    ) -> Result<AnyUserData> {
        // Made now, since there may be no memory for it at the end.
        self.lua.destructed_metatable()?;
        let nothing = Boxed::new((), Contents::of::<()>()).map_err(|()| Error::memory())?;
        let userdata = self.lua.create_userdata_without_metatable(nothing)?;
        let raw: *mut Userdata = userdata.0.raw().as_pointer();
        // SAFETY: the userdata is new, and what it held needs no drop.
        unsafe {
            (*raw).value = value;
            (*raw).contents = contents;
            (*raw).access = access;
        }
        self.end_with_scope(End::Userdata(userdata.clone()));
        Ok(userdata)
    }

    /// A userdata with a value of its own that need not live for ever. Since its type has no name at
    /// run time, it can't be borrowed from Rust, and each such userdata has a metatable of its own.
    ///
    /// ```
    /// use perilune::{Lua, UserData, UserDataMethods};
    /// struct Words<'a>(&'a [&'a str]);
    /// impl UserData for Words<'_> {
    ///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
    ///         methods.add_method("joined", |_, this, by: String| Ok(this.0.join(&by)));
    ///     }
    /// }
    /// let (lua, words) = (Lua::new(), ["a", "b"]);
    /// lua.scope(|scope| {
    ///     lua.globals().set("words", scope.create_userdata(Words(&words))?)?;
    ///     assert_eq!(lua.load("words:joined('-')").eval::<String>()?, "a-b");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lua::create_userdata`].
    pub fn create_userdata<T>(&'scope self, data: T) -> Result<AnyUserData>
    where
        T: UserData + 'env,
    {
        self.create_any_userdata(data, T::register)
    }

    /// Likewise, of any type; `register` says what it has.
    ///
    /// ```
    /// use perilune::{Lua, UserDataMethods};
    /// let (lua, text) = (Lua::new(), "hello".to_owned());
    /// lua.scope(|scope| {
    ///     let userdata = scope.create_any_userdata(text.as_str(), |registry| {
    ///         registry.add_method("len", |_, this, ()| Ok(this.len()));
    ///     })?;
    ///     assert_eq!(lua.load("return (...):len()").call::<usize>(userdata)?, 5);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lua::create_userdata`].
    pub fn create_any_userdata<T>(
        &'scope self,
        data: T,
        register: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<AnyUserData>
    where
        T: 'env,
    {
        let contents = Contents::unnamed::<T>();
        let boxed = Boxed::new(data, contents).map_err(|_| Error::memory())?;
        // SAFETY: the value is the userdata's own until the scope ends, before 'env does.
        let userdata = unsafe {
            let (value, _) = boxed.into_parts();
            match self.placeholder(value.as_ptr(), contents, Access::Scoped) {
                Ok(userdata) => userdata,
                Err(error) => {
                    drop(Boxed::from_parts(value, contents));
                    return Err(error);
                }
            }
        };
        let raw: *mut Userdata = userdata.0.raw().as_pointer();
        let only: OnlyUserdata = Rc::new(Cell::new(raw.cast_const()));
        self.end_with_scope(End::Methods(only.clone()));
        let mut registry = UserDataRegistry::of_one(&self.lua, only);
        register(&mut registry);
        let metatable = self.lua.create_metatable(registry.into_members())?.0.raw();
        // SAFETY: the handle keeps the metatable alive.
        unsafe { userdata.set_metatable(metatable.as_pointer()) };
        Ok(userdata)
    }

    /// Has a function called when the scope has ended, after all that was made in it is gone.
    ///
    /// ```
    /// # use perilune::{Error, Lua};
    /// # let lua = Lua::new();
    /// let userdata = lua.create_any_userdata("text".to_owned())?;
    /// lua.scope(|scope| {
    ///     scope.add_destructor(|| {
    ///         let _ = userdata.take::<String>();
    ///     });
    ///     Ok(())
    /// })?;
    /// assert!(matches!(userdata.borrow::<String>(), Err(Error::UserDataDestructed)));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn add_destructor(&'scope self, destructor: impl FnOnce() + 'env) {
        self.destructors.0.borrow_mut().push(Box::new(destructor));
    }
}

impl Lua {
    /// Calls `f` with a [`Scope`], which makes Lua functions and userdata that borrow from the Rust
    /// stack. They end with the call: then their values are dropped, and whoever still has them in Lua
    /// gets errors for using them. With the feature `send` other threads wait for the state until the
    /// scope ends.
    ///
    /// ```
    /// # use perilune::Lua;
    /// let lua = Lua::new();
    /// let mut lines = Vec::new();
    /// lua.scope(|scope| {
    ///     let emit = scope.create_function_mut(|_, line: String| {
    ///         lines.push(line);
    ///         Ok(())
    ///     })?;
    ///     lua.globals().set("emit", emit)?;
    ///     lua.load("for i = 1, 3 do emit('line ' .. i) end").exec()
    /// })?;
    /// assert_eq!(lines, ["line 1", "line 2", "line 3"]);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `f` fails with.
    pub fn scope<'env, R>(
        &self,
        f: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> Result<R>,
    ) -> Result<R> {
        // What a scope makes need not be `Send`: until all of it is gone no other thread gets at it.
        let _entered = self.enter();
        f(&Scope::new(self))
    }
}

impl AnyUserData {
    /// Takes the value of a scope's userdata out of it; what is left to drop.
    fn take_scoped(&self) -> Option<Boxed> {
        let raw: *mut Userdata = self.0.raw().as_pointer();
        // SAFETY: the handle keeps the userdata alive.
        unsafe {
            // Uses are within calls that began after the scope did, so they end before it.
            let is_used = (*raw).uses != 0;
            debug_assert!(!is_used, "a scope's userdata is in use after its end");
            let value = Userdata::take(raw);
            if let Ok(destructed) = self.0.lua().and_then(|lua| lua.destructed_metatable()) {
                self.set_metatable(destructed);
            }
            if is_used {
                // Never dropped, what is used is there for whoever uses it.
                std::mem::forget(value);
                return None;
            }
            value
        }
    }
}
