//! Collection at safepoints: the collector's roots, and finalisers.

use crate::coroutine::Thread;
use crate::error::{Limit, LuaError};
use crate::frame::FRAME_FINALIZER;
use crate::from_rust::call_from_rust;
use crate::gc::{self, Roots};
use crate::hook;
use crate::metatable::{Event, metamethod};
use crate::stack;
use crate::userdata;
use crate::value::Value;
use crate::vm::{MEMBER_SITES, Vm};
use std::panic::{AssertUnwindSafe, catch_unwind};

// SAFETY: everything that native code and the machine hold on to is visited.
unsafe impl Roots for Vm {
    unsafe fn visit_roots(vm: *mut Vm, visit: &mut dyn FnMut(Value)) {
        // SAFETY: the trait's contract.
        unsafe {
            visit((*vm).registry);
            visit(Value::table((*vm).globals));
            visit(Value::thread((*vm).main_thread));
            visit(Value::thread((*vm).thread));
            for &metatable in &(*vm).type_metatables {
                if !metatable.is_null() {
                    visit(Value::table(metatable));
                }
            }
            for &handle in &(*vm).handles {
                visit(handle);
            }
            for &metatable in &(*vm).metatables {
                visit(Value::table(metatable));
            }
            if let Some(interrupt) = (*vm).interrupt {
                visit(interrupt);
            }
            if let Some(LuaError::Runtime(value) | LuaError::Handled(value)) = (*vm).error {
                visit(value);
            }
        }
    }

    unsafe fn visit_traced_shapes(vm: *mut Vm, visit: &mut dyn FnMut(u32)) {
        // SAFETY: the trait's contract.
        unsafe {
            if let Some(tracer) = &(*vm).tracer {
                tracer.visit_shapes(visit);
            }
        }
    }

    unsafe fn forget_dead(
        vm: *mut Vm,
        is_live_shape: &dyn Fn(u32) -> bool,
        is_live_object: &dyn Fn(*const gc::GcHeader) -> bool,
    ) {
        // SAFETY: the trait's contract.
        unsafe {
            (*vm).member_sites = [(std::ptr::null(), std::ptr::null()); MEMBER_SITES];
            let (shape, _) = (*vm).string_index;
            if shape != 0 && !is_live_shape(shape) {
                (*vm).string_index = (0, 0);
            }
            if let Some(tracer) = &(*vm).tracer {
                tracer.forget_dead(is_live_shape, is_live_object);
            }
        }
    }

    unsafe fn visit_thread(
        vm: *mut Vm,
        thread: *mut Thread,
        atomic: bool,
        visit: &mut dyn FnMut(Value),
    ) {
        // SAFETY: collections happen at safepoints, with the saved state up to date.
        unsafe { stack::visit_thread(vm, thread, atomic, visit) }
    }
}

/// A step of the collector, then due finalisers.
///
/// # Safety
/// Called at a safepoint with the saved state up to date.
#[cold]
pub unsafe fn step(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        (*vm).heap.note_peak();
        gc::step(&raw mut *(*vm).heap, vm);
        settle_compiled(vm);
        (*vm).heap.return_memory();
        run_finalizers(vm);
    }
}

/// Charges the state for its compiled code as it is now; has it dropped when memory is short.
unsafe fn settle_compiled(vm: *mut Vm) {
    // SAFETY: called at a safepoint.
    unsafe {
        if let Some(tracer) = &(*vm).tracer {
            if (*vm).heap.is_nearly_full() {
                tracer.relieve();
            }
            // More than before it is only if that was refused: then it stays so.
            let _ = (*vm).heap.charge_compiled(tracer.compiled_bytes());
        }
    }
}

/// A full collection, then due finalisers.
///
/// # Safety
/// As [`step`].
pub unsafe fn full(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).is_busy {
            return;
        }
        (*vm).heap.note_peak();
        gc::full_collection(&raw mut *(*vm).heap, vm, false);
        settle_compiled(vm);
        (*vm).heap.return_memory();
        run_finalizers(vm);
    }
}

/// A full collection when somebody has caught that memory ran out ([`crate::protect::caught`]), if there is
/// a limit: what could not be freed where the allocation failed is garbage now, and who goes on is not to
/// fail for it at once.
///
/// # Safety
/// As [`step`].
#[cold]
pub(crate) unsafe fn after_memory_error(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).heap.memory_limit().is_some() && !(*vm).heap.is_internally_stopped() {
            full(vm);
        }
    }
}

/// A full collection where an allocation has failed that is to be tried again, as PUC Lua does it in the
/// allocator: here only at safepoints, for large allocations that the memory limit has refused
/// ([`crate::gc::Heap`]). False when that is not so, or nothing may collect: then the error stands. Finalisers
/// wait for the next safepoint.
///
/// # Safety
/// As [`step`].
#[cold]
#[inline(never)]
pub unsafe fn make_room(vm: *mut Vm) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        let heap = &raw mut *(*vm).heap;
        if !(*heap).take_refusal() || (*vm).is_busy || (*heap).is_internally_stopped() {
            return false;
        }
        (*heap).note_peak();
        gc::full_collection(heap, vm, true);
        settle_compiled(vm);
        (*heap).return_memory();
        if (*heap).has_pending_finalizers() || !(*heap).dropped.is_empty() {
            (*heap).set_debt(1);
        }
        true
    }
}

/// As [`make_room`], in the middle of an instruction of Lua code whose operands are all there, and which
/// will be done from its start, or from an operand that is left, if the answer is true.
///
/// # Safety
/// The saved state is that of an instruction being executed that takes no open list; who calls holds no
/// value that is not in its registers.
#[cold]
#[inline(never)]
pub(crate) unsafe fn make_room_within(vm: *mut Vm) -> bool {
    // SAFETY: with the pc of the instruction itself, the saved state is that of a safepoint before it.
    unsafe {
        let pc = (*vm).pc;
        (*vm).pc = pc.sub(1);
        let is_made = make_room(vm);
        (*vm).pc = pc;
        is_made
    }
}

/// `collectgarbage("step", n)`: whether a cycle ended.
///
/// # Safety
/// As [`step`].
pub unsafe fn explicit_step(vm: *mut Vm, kilobytes: i64) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).is_busy {
            return false;
        }
        (*vm).heap.note_peak();
        let ended = gc::pacing::explicit_step(&raw mut *(*vm).heap, vm, kilobytes);
        (*vm).heap.return_memory();
        run_finalizers(vm);
        ended
    }
}

/// Changes to incremental mode with the given parameters (0 leaves one as it is); answers the
/// previous mode.
///
/// # Safety
/// As [`step`].
pub unsafe fn set_incremental(vm: *mut Vm, pause: i64, multiplier: i64, step: i64) -> gc::Mode {
    // SAFETY: the caller's contract.
    unsafe {
        let before = gc::pacing::set_incremental(&raw mut *(*vm).heap, vm, pause, multiplier, step);
        drop_garbage(vm);
        before
    }
}

/// Changes to generational mode, likewise.
///
/// # Safety
/// As [`step`].
pub unsafe fn set_generational(vm: *mut Vm, minor: i64, major: i64) -> gc::Mode {
    // SAFETY: the caller's contract.
    unsafe {
        let before = gc::pacing::set_generational(&raw mut *(*vm).heap, vm, minor, major);
        drop_garbage(vm);
        before
    }
}

/// Drops the values of userdata that were freed, which may run any code: nothing of the machine is
/// borrowed meanwhile, and the collector rests. A panic becomes a warning, as a finaliser's error does.
unsafe fn drop_garbage(vm: *mut Vm) {
    // SAFETY: called at a safepoint, after the collector's step.
    unsafe {
        if (*vm).heap.dropped.is_empty() {
            return;
        }
        let stopped = (*vm).heap.set_internal_stop(true);
        while let Some(value) = (*vm).heap.dropped.pop() {
            if catch_unwind(AssertUnwindSafe(|| drop(value))).is_err() {
                let _ = crate::warn::warn(vm, b"error in __gc (panic)", false);
            }
        }
        (*vm).heap.set_internal_stop(stopped);
    }
}

/// Calls the finalisers of objects found dead (manual §2.5.3), and drops the values of freed userdata.
/// Errors become warnings.
unsafe fn run_finalizers(vm: *mut Vm) {
    // SAFETY: called at a safepoint; the object stays alive as an argument.
    unsafe {
        drop_garbage(vm);
        if (*vm).finalizing || !(*vm).heap.has_pending_finalizers() {
            return;
        }
        (*vm).finalizing = true;
        while let Some(object) = (*vm).heap.next_pending_finalizer() {
            if finalize(vm, object).is_err() && (*vm).heap.is_closing() {
                // Nobody is left to hear of the limit: what has to end now is this.
                break;
            }
        }
        (*vm).finalizing = false;
    }
}

/// Calls the finaliser of an object, if it has one.
///
/// # Errors
/// It has reached a limit that may not be caught: an error at the next safepoint.
unsafe fn finalize(vm: *mut Vm, object: Value) -> Result<(), Limit> {
    // SAFETY: see `run_finalizers`.
    unsafe {
        // Anything but nil is called, and what can't be called is an error like any other.
        let finalizer = metamethod(&*vm, object, Event::Gc);
        if finalizer.is_nil() {
            return Ok(());
        }
        if let Some(value) = userdata::finalize::drop_at_once(vm, object, finalizer) {
            if let Some(value) = value {
                (*vm).heap.put_aside(value);
            }
            drop_garbage(vm);
            return Ok(());
        }
        let callable =
            finalizer.is_function() || !metamethod(&*vm, finalizer, Event::Call).is_nil();
        if !callable {
            let kind = finalizer.type_name();
            let text =
                format!("error in __gc (attempt to call a {kind} value (metamethod '__gc'))");
            // A finaliser has no caller to raise an error in.
            let _ = crate::warn::warn(vm, text.as_bytes(), false);
            return Ok(());
        }
        let stopped = (*vm).heap.set_internal_stop(true);
        // When it runs is the collector's choice, which hooks must not see.
        let hooks = hook::suspend(vm);
        crate::limit::swap_fuel(vm);
        let result = call_from_rust(vm, finalizer, &[object], FRAME_FINALIZER);
        crate::limit::swap_fuel(vm);
        hook::resume(vm, hooks);
        (*vm).heap.set_internal_stop(stopped);
        if let Err(LuaError::Uncatchable(limit)) = result {
            crate::limit::stop_soon(vm, limit);
            return Err(limit);
        } else if let Err(error) = result {
            let value = crate::protect::error_value(&mut *vm, error);
            let message = match value.to_string_object() {
                Some(s) => crate::string::LuaString::as_bytes(s).to_vec(),
                None => b"error object is not a string".to_vec(),
            };
            let text = [b"error in __gc (", &message[..], b")"].concat();
            let _ = crate::warn::warn(vm, &text, false);
        }
        Ok(())
    }
}

/// Calls all finalisers when the state is closed, newest object first. One that reaches a limit or is
/// interrupted is the last: closing a state takes no longer than its limits allow.
///
/// # Safety
/// As [`step`]; nothing but finalisers runs afterwards.
pub unsafe fn finalize_all(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        (*vm).heap.separate_all_finalizers();
        (*vm).limits.set_catchable(Limit::Interrupt, false);
        run_finalizers(vm);
    }
}
