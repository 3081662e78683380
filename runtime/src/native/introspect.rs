//! What the `debug`, `coroutine` and basic libraries need of the machine: activations, locals,
//! upvalues, hooks, user values, control of the collector.
//!
//! Invariant: a [`Level`] is valid for the step in which it was made, because no Lua code runs
//! and no frame is pushed or popped during a step.

use super::call::Call;
use super::local::{FunctionRef, Local, ThreadRef, UserdataRef};
use crate::coroutine::Status;
use crate::debug::{info, locals, traceback};
use crate::stack::{self, Activation};
use crate::value::Value;
use std::marker::PhantomData;

pub use crate::debug::info::{ActivationInfo, FunctionInfo};
pub use crate::debug::names::Name;

/// An active function of a thread.
#[derive(Clone, Copy, Debug)]
pub struct Level<'c> {
    thread: ThreadRef<'c>,
    activation: Activation,
    step: PhantomData<&'c ()>,
}

impl<'c> Call<'c> {
    /// The active function at `level` of `thread`: 0 is the running one, 1 its caller.
    pub fn level(&self, thread: ThreadRef<'c>, level: i64) -> Option<Level<'c>> {
        let level = usize::try_from(level).ok()?;
        // SAFETY: the thread lives during the step, and the saved state is up to date in a step.
        let activation = unsafe { stack::activation(self.vm, thread.raw, level)? };
        Some(Level {
            thread,
            activation,
            step: PhantomData,
        })
    }

    /// The function at a level.
    pub fn level_function(&self, level: Level<'c>) -> FunctionRef<'c> {
        // SAFETY: the level is valid during the step.
        FunctionRef(Local::new(unsafe {
            level.activation.function(level.thread.raw)
        }))
    }

    /// Line, name and the like of a level.
    pub fn level_info(&self, level: Level<'c>) -> ActivationInfo {
        // SAFETY: the level is valid during the step.
        unsafe { info::activation_info(level.thread.raw, &level.activation) }
    }

    /// Within a call or return hook, for the function that is called or returns: the index of the
    /// first value passed or returned and how many there are; else zeros.
    pub fn level_transfer(&self, level: Level<'c>) -> (u32, u32) {
        // SAFETY: the thread lives during the step.
        unsafe { crate::hook::transfer(level.thread.raw, &level.activation) }
    }

    /// Information about a function.
    pub fn function_info(&self, function: FunctionRef<'c>) -> FunctionInfo {
        // SAFETY: the function lives during the step.
        unsafe { info::function_info(function.0.raw) }
    }

    /// The lines of a Lua function that have code; `None` for native functions.
    pub fn active_lines(&self, function: FunctionRef<'c>) -> Option<Vec<u32>> {
        // SAFETY: the function lives during the step.
        unsafe { info::active_lines(function.0.raw) }
    }

    /// Name and value of local `n` at a level; negative numbers are variable arguments.
    pub fn local(&self, level: Level<'c>, n: i64) -> Option<(Vec<u8>, Local<'c>)> {
        // SAFETY: the level is valid during the step.
        let (name, value) = unsafe { locals::local(level.thread.raw, &level.activation, n)? };
        Some((name, Local::new(value)))
    }

    /// Sets local `n` at a level; its name if there is such a local.
    pub fn set_local(&mut self, level: Level<'c>, n: i64, value: Local<'c>) -> Option<Vec<u8>> {
        // SAFETY: the level is valid during the step.
        unsafe { locals::set_local(self.vm, level.thread.raw, &level.activation, n, value.raw) }
    }

    /// The name of parameter `n` of a Lua function.
    pub fn parameter_name(&self, function: FunctionRef<'c>, n: i64) -> Option<Vec<u8>> {
        // SAFETY: the function lives during the step.
        unsafe { locals::parameter_name(function.0.raw, n) }
    }

    /// Name and value of upvalue `n` of a function.
    pub fn function_upvalue(
        &self,
        function: FunctionRef<'c>,
        n: i64,
    ) -> Option<(Vec<u8>, Local<'c>)> {
        // SAFETY: the function lives during the step.
        let (name, value) = unsafe { locals::upvalue(function.0.raw, n)? };
        Some((name, Local::new(value)))
    }

    /// Sets upvalue `n` of a function; its name if there is such an upvalue.
    pub fn set_function_upvalue(
        &mut self,
        function: FunctionRef<'c>,
        n: i64,
        value: Local<'c>,
    ) -> Option<Vec<u8>> {
        // SAFETY: function and value live during the step.
        unsafe { locals::set_upvalue(self.vm, function.0.raw, n, value.raw) }
    }

    /// A light userdata that identifies upvalue `n` of a function.
    pub fn upvalue_identity(&self, function: FunctionRef<'c>, n: i64) -> Option<Local<'c>> {
        // SAFETY: the function lives during the step.
        let identity = unsafe { locals::upvalue_identity(function.0.raw, n)? };
        Some(Local::new(Value::light_userdata(identity)))
    }

    /// Makes upvalue `n` of the Lua function `function` refer to upvalue `from_n` of `from`.
    pub fn join_upvalues(
        &mut self,
        function: FunctionRef<'c>,
        n: i64,
        from: FunctionRef<'c>,
        from_n: i64,
    ) {
        // SAFETY: both functions live during the step.
        unsafe { locals::join_upvalues(self.vm, function.0.raw, n, from.0.raw, from_n) }
    }

    /// The traceback of `thread` from `level` on, after `message`.
    pub fn traceback(&self, thread: ThreadRef<'c>, message: Option<&[u8]>, level: i64) -> Vec<u8> {
        // SAFETY: the thread lives during the step, and the saved state is up to date.
        unsafe { traceback::traceback(self.vm, thread.raw, message, level) }
    }

    /// Hook function (nil when there is none), mask and count of `thread`.
    pub fn hook(&self, thread: ThreadRef<'c>) -> (Local<'c>, u8, u32) {
        // SAFETY: the thread lives during the step.
        let hook = unsafe { (*thread.raw).hook };
        (Local::new(hook.function), hook.mask, hook.interval)
    }

    /// Sets the hook of `thread`; nil or an empty mask removes it.
    pub fn set_hook(&mut self, thread: ThreadRef<'c>, function: Local<'c>, mask: u8, count: u32) {
        // SAFETY: thread and function live during the step.
        unsafe { crate::hook::set(self.vm, thread.raw, function.raw, mask, count) }
    }

    /// Sets a hook function of the embedder ([`hook::set_embedders`](crate::hook::set_embedders)).
    pub fn set_embedders_hook(
        &mut self,
        thread: ThreadRef<'c>,
        function: Local<'c>,
        events: (u8, u32),
        is_inherited: bool,
    ) {
        // SAFETY: thread and function live during the step.
        unsafe {
            crate::hook::set_embedders(self.vm, thread.raw, function.raw, events, is_inherited);
        }
    }

    /// Makes a coroutine that is dead, or that has not started, one that will run `function`; false if it
    /// is neither.
    pub fn restart_thread(&mut self, thread: ThreadRef<'c>, function: Local<'c>) -> bool {
        // SAFETY: thread and function live during the step; what is dead was closed or has ended.
        unsafe {
            let is_new =
                (*thread.raw).status == Status::Suspended && (*thread.raw).frame_index == 0;
            let may = is_new || (*thread.raw).status == Status::Dead;
            if may {
                (*thread.raw).to_be_closed.clear();
                crate::switch::restart(thread.raw, function.raw);
            }
            may
        }
    }

    /// Makes a coroutine for a call of the embedder.
    pub fn set_own_thread(&mut self, thread: ThreadRef<'c>) {
        // SAFETY: live during the step.
        unsafe {
            (*thread.raw).is_own = true;
            (*thread.raw).is_shown = false;
        }
    }

    /// Makes a coroutine that has ended by itself, and to which nothing may refer, one that runs `function`
    /// for a call of the embedder, as if it were new.
    pub fn reuse_thread(&mut self, thread: ThreadRef<'c>, function: Local<'c>) {
        // SAFETY: thread and function live during the step; the thread has ended.
        unsafe {
            crate::switch::restart(thread.raw, function.raw);
            (*thread.raw).hook = crate::vm::NO_HOOK;
            crate::hook::inherit(thread.raw, self.vm_ref().thread);
        }
        self.set_own_thread(thread);
    }

    /// Gives a coroutine that has not started another argument, before those that it is resumed with; false
    /// when there is no room for more.
    pub fn give_argument(&mut self, thread: ThreadRef<'c>, v: Local<'c>) -> bool {
        // SAFETY: both live during the step.
        unsafe { crate::switch::give_argument(thread.raw, v.raw) }
    }

    /// The call for which a coroutine was made is over. Answers whether it may be used for another one: it
    /// has ended by itself, programs can't refer to it, and its stack has not grown.
    pub fn end_own_thread(&mut self, thread: ThreadRef<'c>) -> bool {
        // SAFETY: live during the step.
        unsafe {
            let thread = thread.raw;
            std::mem::take(&mut (*thread).is_own)
                && !(*thread).is_shown
                && (*thread).status == Status::Dead
                && !(*thread).failed
                && !(*thread).closing
                && (&(*thread).to_be_closed).is_empty()
                && crate::stack::is_small(thread)
        }
    }

    /// Whether programs may not load binary chunks.
    pub fn refuses_binary_chunks(&self) -> bool {
        self.vm_ref().limits.refuses_binary
    }

    /// Whether a coroutine died of an error that nobody has asked for by closing it.
    pub fn has_thread_failed(&self, thread: ThreadRef<'c>) -> bool {
        // SAFETY: live during the step.
        unsafe { (*thread.raw).failed }
    }

    /// Whether a coroutine has not been resumed yet.
    pub fn is_thread_new(&self, thread: ThreadRef<'c>) -> bool {
        // SAFETY: live during the step.
        unsafe { (*thread.raw).status == Status::Suspended && (*thread.raw).frame_index == 0 }
    }

    /// User value `n` of a userdata, if it has that many.
    pub fn user_value(&self, userdata: UserdataRef<'c>, n: i64) -> Option<Local<'c>> {
        let index = usize::try_from(n).ok()?.checked_sub(1)?;
        // SAFETY: the userdata lives during the step.
        let values = unsafe { &(*userdata.raw).user_values };
        values.get(index).map(|&value| Local::new(value))
    }

    /// Sets user value `n` of a userdata; false if it does not have that many.
    pub fn set_user_value(&mut self, userdata: UserdataRef<'c>, n: i64, value: Local<'c>) -> bool {
        let Some(index) = usize::try_from(n).ok().and_then(|n| n.checked_sub(1)) else {
            return false;
        };
        // SAFETY: userdata and value live during the step.
        unsafe {
            let values = &mut (*userdata.raw).user_values;
            let Some(place) = values.get_mut(index) else {
                return false;
            };
            *place = value.raw;
            let header = &raw mut (*userdata.raw).header;
            (*self.vm).heap.barrier_forward(header, value.raw);
        }
        true
    }

    /// Whether the collector cannot be used now (within a finaliser).
    pub fn is_collector_busy(&self) -> bool {
        // SAFETY: the machine outlives the step.
        unsafe { (*self.vm).heap.is_internally_stopped() }
    }

    /// Whether the collector runs by itself.
    pub fn is_collector_running(&self) -> bool {
        // SAFETY: the machine outlives the step.
        unsafe { (*self.vm).heap.is_collector_running() }
    }

    /// Stops the collector.
    pub fn stop_collector(&mut self) {
        // SAFETY: the machine outlives the step.
        unsafe { (*self.vm).heap.stop_collector() }
    }

    /// Lets the collector run again.
    pub fn restart_collector(&mut self) {
        // SAFETY: the machine outlives the step.
        unsafe { (*self.vm).heap.restart_collector() }
    }

    /// Sets the collector's pause in percent; returns the one before.
    pub fn set_collector_pause(&mut self, percent: i64) -> i64 {
        // SAFETY: the machine outlives the step.
        unsafe { (*self.vm).heap.set_pause(percent) }
    }

    /// Sets the collector's step multiplier in percent; returns the one before.
    pub fn set_collector_step_multiplier(&mut self, percent: i64) -> i64 {
        // SAFETY: the machine outlives the step.
        unsafe { (*self.vm).heap.set_step_multiplier(percent) }
    }

    /// Bytes in use, with garbage that was not collected yet, whether or not it was made: traces do
    /// without objects that nobody sees.
    pub fn memory_used(&self) -> usize {
        // SAFETY: the machine outlives the step.
        unsafe { (*self.vm).heap.apparent_bytes() }
    }
}
