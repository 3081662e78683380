//! Handles: values of a state, kept alive from Rust.

use crate::state::State;
use crate::{FromLuaMulti, IntoLuaMulti, Lua, MultiValue, Raised, Result, Value};
use perilune_runtime::value as raw;
use std::fmt;
use std::rc::Rc;

/// A rooted value: its index in `Vm::handles`, freed on drop.
pub(crate) struct Handle {
    pub(crate) state: Rc<State>,
    index: usize,
}

impl Handle {
    /// Roots `value`.
    pub(crate) fn new(state: &Rc<State>, value: raw::Value) -> Handle {
        // SAFETY: `Lua`'s rule for the use of handles: nothing else refers to the machine.
        let vm = unsafe { &mut *state.vm() };
        let index = match vm.free_handles.pop() {
            Some(index) => {
                vm.handles[index] = value;
                index
            }
            None => {
                vm.handles.push(value);
                vm.handles.len() - 1
            }
        };
        Handle {
            state: state.clone(),
            index,
        }
    }

    /// The value.
    pub(crate) fn raw(&self) -> raw::Value {
        // SAFETY: as `new`.
        unsafe { (&(*self.state.vm()).handles)[self.index] }
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        Handle::new(&self.state, self.raw())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: as `new`.
        let vm = unsafe { &mut *self.state.vm() };
        vm.handles[self.index] = raw::Value::NIL;
        vm.free_handles.push(self.index);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.raw())
    }
}

macro_rules! handle_type {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $name(pub(crate) Handle);
        )*
    };
}
handle_type! {
    /// A Lua table.
    Table
    /// A Lua or native function.
    Function
    /// A Lua string: any bytes.
    LuaString
    /// A coroutine.
    Thread
    /// A full userdata of any type.
    AnyUserData
}

impl LuaString {
    /// The bytes, copied.
    pub fn to_bytes(&self) -> Vec<u8> {
        // SAFETY: the handle keeps the string alive.
        unsafe { perilune_runtime::string::LuaString::as_bytes(self.0.raw().as_pointer()).to_vec() }
    }
    /// The bytes as text, with replacement characters for what is not UTF-8.
    pub fn to_string_lossy(&self) -> String {
        String::from_utf8_lossy(&self.to_bytes()).into_owned()
    }
}

impl Function {
    /// Calls the function.
    ///
    /// # Errors
    /// Whatever Lua error the call raises, or what a conversion says.
    pub fn call<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> Result<R> {
        let lua = Lua {
            state: self.0.state.clone(),
        };
        let mut args = args.into_lua_multi(&lua)?;
        let args = args.make_contiguous();
        let results = self.0.state.call(self.0.raw(), args, true)?;
        R::from_lua_multi(MultiValue::from_vec(results), &lua)
    }

    /// Likewise, with the error's object and exact bytes.
    ///
    /// # Errors
    /// Whatever Lua error the call raises; with its traceback if `traceback`.
    pub fn call_raw(
        &self,
        args: &[Value],
        traceback: bool,
    ) -> std::result::Result<Vec<Value>, Raised> {
        self.0.state.call(self.0.raw(), args, traceback)
    }

    /// The binary form of the function; `None` for a native one.
    pub fn dump(&self, strip: bool) -> Option<Vec<u8>> {
        self.0.state.dump(self.0.raw(), strip)
    }
}
