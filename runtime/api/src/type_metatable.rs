//! What belongs to the state as a whole: metatables of types, the table of globals.

use crate::{Error, Function, LightUserData, Lua, LuaString, Number, Result, Table, Thread, Value};
use perilune_runtime::metatable::set_type_metatable;
use perilune_runtime::native::Local;
use perilune_runtime::value as raw;

/// A type of Lua whose values share a metatable.
///
/// ```
/// use perilune::{Lua, LuaType, Table};
/// fn has_metatable<T: LuaType>(lua: &Lua) -> bool {
///     lua.type_metatable::<T>().is_some()
/// }
/// let lua = Lua::new();
/// assert!(has_metatable::<perilune::LuaString>(&lua) && !has_metatable::<bool>(&lua));
/// ```
pub trait LuaType: sealed::Sealed {
    /// Some value of the type, by which the machine knows it.
    #[doc(hidden)]
    fn sample(lua: &Lua) -> Result<Value>;
}

mod sealed {
    /// Keeps programs from making Lua types of their own.
    pub trait Sealed {}
}

macro_rules! types {
    ($($kind:ty, $lua:pat_param => $sample:expr;)*) => {$(
        impl sealed::Sealed for $kind {}
        impl LuaType for $kind {
            fn sample($lua: &Lua) -> Result<Value> {
                $sample
            }
        }
    )*};
}
types! {
    bool, _ => Ok(Value::Boolean(false));
    Number, _ => Ok(Value::Number(0.0));
    LightUserData, _ => Ok(Value::NULL);
    LuaString, lua => lua.create_string("").map(Value::String);
    Function, lua => lua.load("").into_function().map(Value::Function);
    Thread, lua => lua.main_thread().map(Value::Thread);
}

impl Lua {
    /// The metatable that all values of a type share.
    pub fn type_metatable<T: LuaType>(&self) -> Option<Table> {
        let entered = self.enter();
        let sample = T::sample(self).ok()?;
        let value = sample.to_raw(&self.state).ok()?;
        // SAFETY: the machine lives as long as the state; `sample` keeps the value alive.
        let metatable = unsafe { perilune_runtime::metatable::metatable_of(&*entered.vm(), value) };
        if metatable.is_null() {
            return None;
        }
        match Value::from_raw(&self.state, raw::Value::table(metatable)) {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Sets or removes the metatable that all values of a type share. One of another state is not
    /// set.
    ///
    /// ```
    /// use perilune::{Lua, Table};
    /// let lua = Lua::new();
    /// let metatable: Table = lua.load("{__call = function(n, m) return n * m end}").eval()?;
    /// lua.set_type_metatable::<f64>(Some(metatable));
    /// assert_eq!(lua.load("(6)(7)").eval::<i64>()?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_type_metatable<T: LuaType>(&self, metatable: Option<Table>) {
        let entered = self.enter();
        let set = || {
            let sample = T::sample(self)?;
            let value = sample.to_raw(&self.state)?;
            let metatable = match &metatable {
                Some(table) => Value::Table(table.clone())
                    .to_raw(&self.state)?
                    .as_pointer(),
                None => std::ptr::null_mut(),
            };
            // SAFETY: the machine lives as long as the state; both values are alive.
            set_type_metatable(unsafe { &mut *entered.vm() }, value, metatable);
            Ok::<(), Error>(())
        };
        // There is nothing to report to: what can fail is memory, and a stranger's table.
        let _ = set();
    }

    /// The thread on which the state's first function runs.
    fn main_thread(&self) -> Result<Thread> {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state, and so does its main thread.
        let thread = raw::Value::thread(unsafe { (*entered.vm()).main_thread });
        match Value::from_raw(&self.state, thread) {
            Value::Thread(thread) => Ok(thread),
            _ => Err(Error::memory()),
        }
    }

    /// Sets the table of globals. Chunks that are loaded from then on use it; functions that there are
    /// keep theirs, unless [`Function::set_environment`] gives them another one.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let print: perilune::Function = lua.globals().get("print")?;
    /// lua.set_globals(lua.create_table_from([("only", print)])?)?;
    /// assert!(lua.load("only ~= nil and print == nil").eval::<bool>()?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// A table of another state; memory.
    pub fn set_globals(&self, globals: Table) -> Result<()> {
        let _entered = self.enter();
        let value = Value::Table(globals).to_raw(&self.state)?;
        self.with_call(|call| {
            // SAFETY: a value of this state; the caller's handle keeps it alive.
            let globals = unsafe { Local::from_raw(value) };
            if let Some(globals) = globals.as_table() {
                call.set_globals(globals)?;
            }
            Ok(())
        })
    }
}
