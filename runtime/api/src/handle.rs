//! Handles: values of a state, kept alive from Rust.
//!
//! A handle keeps its value alive, not its state: a callback may capture handles of the state that
//! holds it, and both go when the last [`Lua`] does. Then the handle is dead: what may fail says so,
//! and nothing else happens.

use crate::lock::Shared;
use crate::state::{Owner, State};
use crate::{Error, Result, Value};
use perilune_runtime::metatable::{Event, metamethod};
use perilune_runtime::native::Local;
use perilune_runtime::value as raw;
use perilune_runtime::vm::Vm;
use std::ffi::c_void;
use std::fmt;

/// A rooted value: its index in `Vm::handles`, freed on drop.
pub(crate) struct Handle {
    pub(crate) state: Shared<State>,
    index: usize,
}

/// The index of a handle that was made when its state was gone.
const DEAD: usize = usize::MAX;

/// Roots `value`: answers its index in `Vm::handles`.
#[inline]
pub(crate) fn root(vm: &mut Vm, value: raw::Value) -> usize {
    match vm.free_handles.pop() {
        Some(index) => {
            vm.handles[index] = value;
            index
        }
        None => {
            vm.handles.push(value);
            vm.handles.len() - 1
        }
    }
}

/// Frees an index that [`root`] has answered.
#[inline]
pub(crate) fn unroot(vm: &mut Vm, index: usize) {
    vm.handles[index] = raw::Value::NIL;
    vm.free_handles.push(index);
}

impl Handle {
    /// Roots `value`, for whom has entered the state.
    #[inline]
    pub(crate) fn new(state: &Shared<State>, value: raw::Value) -> Handle {
        // SAFETY: `Lua`'s rule for the use of handles: nothing else refers to the machine.
        let vm = unsafe { &mut *state.vm() };
        Handle {
            index: root(vm, value),
            state: state.clone(),
        }
    }

    /// The handle of an index that [`root`] has answered.
    #[cfg(feature = "async")]
    pub(crate) fn of_root(state: &Shared<State>, index: usize) -> Handle {
        Handle {
            index,
            state: state.clone(),
        }
    }

    /// The value. Its state lives: the caller has an owner of it, and has entered it.
    ///
    /// # Panics
    /// When the state is gone, or the running thread has not entered it.
    #[inline]
    pub(crate) fn raw(&self) -> raw::Value {
        // SAFETY: as `new`.
        unsafe { (&(*self.state.vm()).handles)[self.index] }
    }

    /// Roots another value instead.
    ///
    /// # Panics
    /// When the state is gone.
    pub(crate) fn set_raw(&self, value: raw::Value) {
        // SAFETY: as `new`.
        unsafe { (&mut (*self.state.vm()).handles)[self.index] = value };
    }

    /// The state, which lives as long as the answer does.
    ///
    /// # Errors
    /// The state is gone.
    #[inline]
    pub(crate) fn lua(&self) -> Result<Owner<'_>> {
        Owner::of(&self.state)
    }

    /// The object's address; null when the state is gone.
    pub(crate) fn to_pointer(&self) -> *const c_void {
        match self.lua() {
            Ok(_lua) => self.raw().as_pointer::<c_void>(),
            Err(_) => std::ptr::null(),
        }
    }

    /// Whether the objects are equal, `__eq` included.
    ///
    /// # Errors
    /// What `__eq` raises.
    pub(crate) fn equals(&self, other: &Handle) -> Result<bool> {
        let lua = self.lua()?;
        if self == other || !Shared::ptr_eq(&self.state, &other.state) {
            return Ok(self == other);
        }
        let (a, b) = (self.raw(), other.raw());
        // SAFETY: the handles keep both alive.
        let function = unsafe {
            let of = |value| metamethod(&*lua.vm(), value, Event::Eq);
            let first = of(a);
            if first.is_nil() { of(b) } else { first }
        };
        if function.is_nil() {
            return Ok(false);
        }
        let operands = [a, b].map(|value| Value::from_raw(&lua.state, value));
        let results = lua.state.call(function, &operands, true)?;
        Ok(!matches!(
            results.first(),
            None | Some(Value::Nil | Value::Boolean(false))
        ))
    }

    /// What `tostring` gives.
    ///
    /// # Errors
    /// What `__tostring` raises; a result that is no string or not UTF-8.
    pub(crate) fn display_text(&self) -> Result<String> {
        let lua = self.lua()?;
        // SAFETY: the handle keeps the value alive.
        let function = unsafe { metamethod(&*lua.vm(), self.raw(), Event::ToString) };
        if function.is_nil() {
            return Ok(self.plain_text());
        }
        let value = Value::from_raw(&lua.state, self.raw());
        match lua.state.call(function, &[value], true)?.first() {
            Some(Value::String(text)) => Ok(text.to_str()?.to_owned()),
            _ => Err(Error::runtime("'__tostring' must return a string")),
        }
    }

    /// What `tostring` gives without `__tostring`.
    pub(crate) fn plain_text(&self) -> String {
        let text = self.lua().and_then(|lua| {
            lua.with_call(|call| {
                // SAFETY: a value of this state, which the handle keeps alive.
                call.to_display(unsafe { Local::from_raw(self.raw()) })
            })
        });
        text.map_or_else(
            |error| error.to_string(),
            |text| String::from_utf8_lossy(&text).into_owned(),
        )
    }
}

/// Whether both are the same object.
impl PartialEq for Handle {
    fn eq(&self, other: &Handle) -> bool {
        Shared::ptr_eq(&self.state, &other.state)
            && (self.index == other.index || self.to_pointer() == other.to_pointer())
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        let entered = self.state.enter();
        if entered.vm().is_null() {
            Handle {
                state: self.state.clone(),
                index: DEAD,
            }
        } else {
            Handle::new(&self.state, self.raw())
        }
    }
}

impl Drop for Handle {
    #[inline]
    fn drop(&mut self) {
        if self.index != DEAD {
            self.state.drop_handle(self.index);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref({:p})", self.to_pointer())
    }
}

/// A Lua table.
///
/// ```
/// let lua = perilune::Lua::new();
/// let table: perilune::Table = lua.load("{ x = 1 }").eval()?;
/// assert_eq!(table.get::<i64>("x")?, 1);
/// drop(lua);
/// assert!(table.get::<i64>("x").is_err()); // a handle does not keep its state
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Table(pub(crate) Handle);

/// A Lua string: any bytes.
///
/// ```
/// let lua = perilune::Lua::new();
/// let string: perilune::LuaString = lua.load(r"'a\xff'").eval()?;
/// assert_eq!(string.as_bytes(), b"a\xff");
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone)]
pub struct LuaString(pub(crate) Handle);

/// A Lua or native function.
///
/// ```
/// let lua = perilune::Lua::new();
/// let max: perilune::Function = lua.load("math.max").eval()?;
/// assert_eq!(max.call::<i64>((1, 3, 2))?, 3);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Function(pub(crate) Handle);

/// A coroutine.
///
/// ```
/// let lua = perilune::Lua::new();
/// let thread: perilune::Thread = lua.load("coroutine.create(coroutine.yield)").eval()?;
/// assert_eq!(thread.resume::<String>("hello")?, "hello");
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Thread(pub(crate) Handle);

/// A full userdata.
///
/// ```
/// let lua = perilune::Lua::new();
/// let userdata: perilune::AnyUserData = lua.create_any_userdata(vec![1, 2])?;
/// assert_eq!(userdata.borrow::<Vec<i32>>()?.len(), 2);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AnyUserData(pub(crate) Handle);
