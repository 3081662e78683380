//! The way of arguments and results: slots of the running native frame.
//!
//! What Rust hands to Lua is pushed as raw values, what Lua hands to Rust is read where it stands, so a
//! call whose parameters and results are of fixed shapes makes no list of values and no handles but
//! those that the program asks for.
//!
//! Invariants:
//! - Rust code of the embedder runs in a native frame: that of a callback, or a thread's first. (Where
//!   it does not, as when the collector has it run between two instructions of Lua, [`Stack::new`] says
//!   so, and calls go another way.)
//! - Slots in use are roots. A [`Stack`] gives those back that were pushed since it was made, also when
//!   a conversion panics.
//! - A [`Slot`] is a place, not a value: what stands there is read at the last moment, since a conversion
//!   may run any code.

use crate::handle::Handle;
use crate::lock::{Held, Shared};
use crate::{Error, FromLuaMulti, IntoLuaMulti, Lua, MultiValue, Result, Value};
use perilune_runtime::error::LuaError;
use perilune_runtime::frame::FRAME_NATIVE;
use perilune_runtime::from_rust::{call_slots, take_error};
use perilune_runtime::stack::{ensure, shrink_after_error};
use perilune_runtime::value as raw;
use perilune_runtime::vm::Vm;

/// The running native frame, to push values onto.
///
/// The frame itself hears of what was pushed only when other code is about to run ([`Stack::publish`]).
#[doc(hidden)]
pub struct Stack<'a> {
    lua: &'a Lua,
    vm: *mut Vm,
    /// Slots in use when this was made.
    before: u32,
    /// Slots in use now.
    used: u32,
    _held: Held<'a>,
}

impl<'a> Stack<'a> {
    /// The stack, if the running frame is native.
    #[inline]
    pub(crate) fn new(lua: &'a Lua) -> Option<Stack<'a>> {
        let entered = lua.enter();
        Stack::of(lua, entered.vm())
    }

    /// Likewise, for whoever has the machine of `lua` at hand.
    #[inline]
    pub(crate) fn of(lua: &'a Lua, vm: *mut Vm) -> Option<Stack<'a>> {
        debug_assert!(vm == lua.state.vm());
        // SAFETY: there always is a running frame.
        let (flags, before) = unsafe {
            let frame = (*vm).frame_top;
            ((*frame).flags, (*frame).varargs)
        };
        (flags & FRAME_NATIVE != 0).then_some(Stack {
            lua,
            vm,
            before,
            used: before,
            _held: Held::new(&lua.state),
        })
    }

    /// The state.
    #[inline]
    pub fn lua(&self) -> &'a Lua {
        self.lua
    }

    /// Makes what was pushed roots, and safe from what is pushed by others: to be called before any code
    /// runs that is not ours.
    #[inline]
    pub(crate) fn publish(&mut self) {
        // SAFETY: the running frame is the one that it was.
        unsafe { (*(*self.vm).frame_top).varargs = self.used };
    }

    /// Pushes a value of this state, of which nothing has been freed since the caller had it.
    #[inline]
    pub(crate) fn push_raw(&mut self, value: raw::Value) -> Result<()> {
        let vm = self.vm;
        // SAFETY: the running frame is native; room is made before the write.
        unsafe {
            let mut place = (*vm).base.wrapping_add(self.used as usize);
            if place >= (*vm).stack_limit {
                self.grow()?;
                place = (*vm).base.add(self.used as usize);
            }
            *place = value;
        }
        self.used += 1;
        Ok(())
    }

    /// Takes the value that was pushed last; nil when there is none left.
    #[inline]
    pub(crate) fn pop_raw(&mut self) -> raw::Value {
        if self.used <= self.before {
            return raw::Value::NIL;
        }
        self.used -= 1;
        // SAFETY: the slot is in use.
        unsafe { *(*self.vm).base.add(self.used as usize) }
    }

    /// Puts a value in place of the one that was pushed first.
    #[inline]
    pub(crate) fn replace_raw(&mut self, value: raw::Value) {
        debug_assert!(self.used > self.before, "a value was pushed");
        // SAFETY: a native frame has room above the slots in use.
        unsafe { *(*self.vm).base.add(self.before as usize) = value };
    }

    #[cold]
    fn grow(&mut self) -> Result<()> {
        self.publish();
        // SAFETY: the saved state is that of the running native frame, and all slots are in use.
        match unsafe { ensure(self.vm, self.used as usize + 1) } {
            Ok(()) => Ok(()),
            Err(error) => {
                let error = self.raised(error);
                self.used = self.before;
                self.publish();
                // SAFETY: the running frame is native, and what was pushed is given up.
                unsafe { shrink_after_error(self.vm) };
                Err(error)
            }
        }
    }

    /// Pushes any value.
    pub fn push_value(&mut self, value: &Value) -> Result<()> {
        if let Value::Error(_) = value {
            // An error object is made.
            self.publish();
        }
        let value = value.to_raw(&self.lua.state)?;
        self.push_raw(value)
    }

    /// Pushes what a handle holds.
    #[inline]
    pub(crate) fn push_handle(&mut self, handle: &Handle) -> Result<()> {
        if !Shared::ptr_eq(&handle.state, &self.lua.state) {
            return Err(Error::runtime("value of another state"));
        }
        self.push_raw(handle.raw())
    }

    /// Pushes a string.
    #[inline]
    pub(crate) fn push_string(&mut self, bytes: &[u8]) -> Result<()> {
        // SAFETY: the machine lives as long as the state, and what was pushed is published.
        unsafe {
            if (*self.vm).heap.needs_step() {
                self.publish();
                collect(self.vm);
            }
        }
        // SAFETY: likewise.
        match unsafe { (*self.vm).heap.new_string(bytes) } {
            Ok(string) => self.push_raw(raw::Value::string(string)),
            Err(_) => Err(Error::memory()),
        }
    }

    /// Calls what was pushed first, with all that was pushed then; answers the results.
    #[inline(always)]
    pub(crate) fn call(&mut self) -> Result<Slots<'_>> {
        self.call_noting(true)
    }

    /// Likewise; an error has its traceback if `wants_traceback`.
    #[inline(always)]
    pub(crate) fn call_noting(&mut self, wants_traceback: bool) -> Result<Slots<'_>> {
        let vm = self.vm;
        let args = (self.used - self.before) as usize - 1;
        self.lua.state.expect_interrupt();
        // SAFETY: the running frame is native, and the function stands in the slot behind those that were
        // in use.
        let results = unsafe {
            let wanted = std::mem::replace(&mut (*vm).wants_traceback, wants_traceback);
            let results = call_slots(vm, self.before as usize + 1, args);
            (*vm).wants_traceback = wanted;
            results
        };
        match results {
            Some(count) => {
                self.used = self.before + count as u32;
                Ok(self.slots())
            }
            None => Err(self.failed()),
        }
    }

    /// As [`Stack::call`], for one result, in place of the function.
    pub(crate) fn call_for_one(&mut self) -> Result<()> {
        if self.call()?.is_empty() {
            self.push_raw(raw::Value::NIL)?;
        }
        Ok(())
    }

    #[cold]
    fn failed(&mut self) -> Error {
        self.used = self.before;
        // SAFETY: a call has just failed.
        let error = unsafe { take_error(self.vm) };
        self.raised(error)
    }

    #[cold]
    fn raised(&self, error: LuaError) -> Error {
        self.lua.state.describe(error).into()
    }

    /// What was pushed, or the results of the last call, to be read by any code.
    #[inline]
    pub(crate) fn slots(&mut self) -> Slots<'_> {
        self.publish();
        Slots {
            lua: self.lua,
            vm: self.vm,
            first: self.before,
            count: self.used - self.before,
        }
    }

    /// What was pushed at `index`, to be used or rooted before any other code runs.
    #[inline]
    pub(crate) fn pushed(&self, index: u32) -> raw::Value {
        debug_assert!(self.before + index < self.used, "so many were pushed");
        // SAFETY: a native frame has room above the slots in use.
        unsafe { *(*self.vm).base.add((self.before + index) as usize) }
    }

    /// Leaves the slots in use.
    #[inline]
    pub(crate) fn keep(mut self) {
        // As in `drop`.
        self.before = self.used;
    }
}

/// A step of the collector, which is due. Values that are neither in handles nor in published slots may
/// be gone afterwards.
///
/// # Safety
/// The running frame is native.
#[cold]
#[inline(never)]
unsafe fn collect(vm: *mut Vm) {
    // SAFETY: between two steps of a native function everything that it has is in slots; so it is here,
    // where handles and slots have all of it. Where a library function is interrupted, it is not.
    unsafe {
        if !(*vm).is_busy {
            perilune_runtime::collect::step(vm);
        }
    }
}

impl Lua {
    /// Has the collector do what is due, as an instruction that allocates does: to be called before a new
    /// object is made. Rust code that runs between two instructions of a Lua function leaves that to
    /// those.
    #[inline]
    pub(crate) fn safepoint(&self) {
        let entered = self.enter();
        let vm = entered.vm();
        // SAFETY: there always is a running frame.
        unsafe {
            if (*vm).heap.needs_step() && (*(*vm).frame_top).flags & FRAME_NATIVE != 0 {
                collect(vm);
            }
        }
    }

    /// To be called where an allocation has failed at what [`Lua::safepoint`] is for: collects if that may help,
    /// and answers whether to try again.
    #[cold]
    pub(crate) fn make_room(&self) -> bool {
        let entered = self.enter();
        let vm = entered.vm();
        // SAFETY: there always is a running frame.
        unsafe {
            (*(*vm).frame_top).flags & FRAME_NATIVE != 0 && perilune_runtime::collect::make_room(vm)
        }
    }

    /// Calls a value, which the caller keeps alive.
    ///
    /// # Errors
    /// What the call raises, or what a conversion says.
    #[inline]
    pub(crate) fn call_value<R: FromLuaMulti>(
        &self,
        function: raw::Value,
        args: impl IntoLuaMulti,
    ) -> Result<R> {
        let Some(mut stack) = Stack::new(self) else {
            return self.call_value_elsewhere(function, args);
        };
        stack.push_raw(function)?;
        args.push_into_stack_multi(&mut stack)?;
        R::from_slots(stack.call()?)
    }

    /// Likewise, between two instructions of a Lua function.
    #[cold]
    fn call_value_elsewhere<R: FromLuaMulti>(
        &self,
        function: raw::Value,
        args: impl IntoLuaMulti,
    ) -> Result<R> {
        let mut args = args.into_lua_multi(self)?;
        let results = self.state.call(function, args.make_contiguous(), true)?;
        R::from_lua_multi(MultiValue::from_vec(results), self)
    }
}

impl Drop for Stack<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the running frame is the one that it was.
        unsafe { (*(*self.vm).frame_top).varargs = self.before };
    }
}

/// Consecutive slots of the running native frame.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Slots<'a> {
    lua: &'a Lua,
    vm: *mut Vm,
    /// Index of the first, from the base.
    first: u32,
    count: u32,
}

impl<'a> Slots<'a> {
    /// All slots in use of the running native frame: the arguments of a callback. `vm` is the machine of
    /// `lua`.
    #[inline]
    pub(crate) fn arguments(lua: &'a Lua, vm: *mut Vm) -> Slots<'a> {
        debug_assert!(vm == lua.state.vm());
        Slots {
            lua,
            vm,
            first: 0,
            // SAFETY: there always is a running frame.
            count: unsafe { (*(*vm).frame_top).varargs },
        }
    }

    /// The state.
    #[inline]
    pub fn lua(&self) -> &'a Lua {
        self.lua
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slot at `index`; nil when there are not so many.
    #[inline]
    pub fn get(&self, index: usize) -> Slot<'a> {
        Slot {
            lua: self.lua,
            vm: self.vm,
            index: if index < self.count as usize {
                self.first + index as u32
            } else {
                NO_SLOT
            },
        }
    }

    /// The slots from `index` on.
    #[inline]
    pub fn from(&self, index: usize) -> Slots<'a> {
        let skipped = (index as u32).min(self.count);
        Slots {
            lua: self.lua,
            vm: self.vm,
            first: self.first + skipped,
            count: self.count - skipped,
        }
    }

    /// The values.
    pub fn values(self) -> impl ExactSizeIterator<Item = Value> {
        (0..self.len()).map(move |index| self.get(index).value())
    }
}

/// The index of a slot that is not there.
const NO_SLOT: u32 = u32::MAX;

/// A slot of the running native frame, or none, which is nil.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Slot<'a> {
    lua: &'a Lua,
    vm: *mut Vm,
    /// From the base.
    index: u32,
}

impl<'a> Slot<'a> {
    /// The state.
    #[inline]
    pub fn lua(&self) -> &'a Lua {
        self.lua
    }

    /// The value; to be used, or rooted, before any other code runs.
    #[inline]
    pub(crate) fn raw(&self) -> raw::Value {
        if self.index == NO_SLOT {
            return raw::Value::NIL;
        }
        // SAFETY: the slot was in use when this was made, and the stack does not shrink under a running
        // native frame; unused slots hold values, too.
        unsafe { *(*self.vm).base.add(self.index as usize) }
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> Value {
        Value::from_raw(&self.lua.state, self.raw())
    }

    /// The bytes, if it is a string, for `use_`, which runs no other code.
    #[inline]
    pub(crate) fn with_bytes<T>(&self, use_: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let string = self.raw().to_string_object()?;
        // SAFETY: the string is in a slot, and nothing happens to that meanwhile.
        Some(use_(unsafe {
            perilune_runtime::string::LuaString::as_bytes(string)
        }))
    }
}
