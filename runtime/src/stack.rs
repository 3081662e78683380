//! The running thread's stack and frames: growth, switching, walking.
//!
//! Invariants:
//! - Stack slot 0 holds nil as the sentinel frame's function; the sentinel's base is slot 1.
//! - Nothing holds a pointer into a stack or frame vector across a call that may grow it, except
//!   the fields of `Vm`, which growth updates.
//! - `stack.len()` is the stack's size; the last [`EXTRA_SLOTS`] of it are above `stack_limit`.

use crate::coroutine::Thread;
use crate::error::{LuaError, Result};
use crate::frame::{Continuation, FRAME_NATIVE, Frame};
use crate::function::{LuaClosure, Proto};
use crate::value::{self, Value};
use crate::vm::{ERROR_STACK, EXTRA_SLOTS, Vm};

const INITIAL_STACK: usize = 40 + EXTRA_SLOTS;
const INITIAL_FRAMES: usize = 8;

/// Gives a new thread its first stack and sentinel frame.
///
/// # Errors
/// [`LuaError::Memory`].
///
/// # Safety
/// `thread` is live and not running.
pub unsafe fn prepare(vm: &mut Vm, thread: *mut Thread) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe {
        let this = &mut *thread;
        this.stack
            .try_reserve_exact(INITIAL_STACK)
            .map_err(|_| LuaError::Memory)?;
        this.frames
            .try_reserve_exact(INITIAL_FRAMES)
            .map_err(|_| LuaError::Memory)?;
        this.stack.resize(INITIAL_STACK, Value::NIL);
        this.frames.resize(INITIAL_FRAMES, SENTINEL);
        this.frame_index = 0;
        this.base = 1;
        this.pc = std::ptr::null();
        this.top = 1;
        vm.heap.update_thread_charge(thread)
    }
}

/// The frame at the bottom of every thread.
pub const SENTINEL: Frame = Frame {
    site: std::ptr::null(),
    varargs: 0,
    flags: FRAME_NATIVE,
};

/// Moves the running thread's hot fields into its object.
///
/// # Safety
/// The saved state of `vm` is that of its running thread.
pub unsafe fn save_thread(vm: *mut Vm) {
    // SAFETY: the caller's contract; thread objects are only accessed through raw pointers.
    unsafe {
        let thread = (*vm).thread;
        let frames = (*thread).frames.as_mut_ptr();
        let stack = (*thread).stack.as_mut_ptr();
        (*thread).frame_index = (*vm).frame_top.offset_from(frames) as usize;
        (*thread).base = (*vm).base.offset_from(stack) as usize;
        (*thread).pc = (*vm).pc;
        (*thread).top = if (*vm).top.is_null() {
            0
        } else {
            (*vm).top.offset_from(stack) as usize
        };
    }
}

/// Makes `thread` the running one.
///
/// # Safety
/// `thread` is live; the previously running thread was saved.
pub unsafe fn load_thread(vm: *mut Vm, thread: *mut Thread) {
    // SAFETY: the caller's contract.
    unsafe {
        (*vm).thread = thread;
        let frames = (*thread).frames.as_mut_ptr();
        let stack = (*thread).stack.as_mut_ptr();
        (*vm).frame_top = frames.add((*thread).frame_index);
        (*vm).frame_limit = frames.add((*thread).frames.len() - 1);
        (*vm).stack_limit = stack.add((*thread).stack.len() - EXTRA_SLOTS);
        (*vm).base = stack.add((*thread).base);
        (*vm).top = stack.add((*thread).top);
        (*vm).pc = (*thread).pc;
        (*vm).constants = match running_proto(vm) {
            Some(proto) => (*proto).constants.as_ptr(),
            None => std::ptr::null(),
        };
        crate::hook::update_pending(vm);
    }
}

/// The proto of the running function, if it is a Lua function.
///
/// # Safety
/// `vm`'s saved base is right.
pub unsafe fn running_proto(vm: *const Vm) -> Option<*mut Proto> {
    // SAFETY: the function stands at base - 1 (frame invariant).
    unsafe {
        let function = *(*vm).base.sub(1);
        (function.tag == value::LUA_CLOSURE).then(|| (*function.as_pointer::<LuaClosure>()).proto)
    }
}

/// Makes sure that `needed` slots from the saved `base` on are usable (besides the extra ones).
///
/// # Errors
/// A "stack overflow" error beyond [`Vm::max_stack`]; [`LuaError::Memory`].
///
/// # Safety
/// The saved state is that of the running thread. Pointers into its stack other than the fields
/// of `vm` are stale afterwards.
#[inline]
pub unsafe fn ensure(vm: *mut Vm, needed: usize) -> Result<()> {
    // SAFETY: base lies within the stack.
    unsafe {
        if (*vm).stack_limit.offset_from((*vm).base) >= needed as isize {
            return Ok(());
        }
        grow(vm, needed)
    }
}

#[cold]
unsafe fn grow(vm: *mut Vm, needed: usize) -> Result<()> {
    // SAFETY: the caller's contract (see `ensure`).
    unsafe {
        let thread = (*vm).thread;
        let old_len = (*thread).stack.len();
        let used = (*vm).base.offset_from((*thread).stack.as_ptr()) as usize + needed;
        let most = (*vm).max_stack;
        let handling_overflow = old_len > most + EXTRA_SLOTS;
        if used > most {
            if handling_overflow {
                if used <= old_len - EXTRA_SLOTS {
                    return Ok(());
                }
                return Err(crate::protect::error_in_error(&mut *vm));
            }
            // Room for the handling of the error itself.
            resize(vm, most + ERROR_STACK + EXTRA_SLOTS)?;
            return Err((*vm).runtime_error("stack overflow"));
        }
        let new_len = (old_len * 2)
            .max(used + EXTRA_SLOTS)
            .min(most + EXTRA_SLOTS);
        resize(vm, new_len)
    }
}

/// Gives the running thread's stack `new_len` slots and updates the fields of `vm`.
///
/// # Errors
/// [`LuaError::Memory`]; nothing has changed then.
///
/// # Safety
/// As [`ensure`]; all slots in use lie below `new_len`.
pub unsafe fn resize(vm: *mut Vm, new_len: usize) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        let stack = &mut (*thread).stack;
        let old_len = stack.len();
        let old = stack.as_mut_ptr();
        let base = (*vm).base.offset_from(old);
        let top = if (*vm).top.is_null() {
            0
        } else {
            (*vm).top.offset_from(old)
        };
        if new_len > old_len {
            let growth = new_len - old_len;
            charge_growth(vm, new_len * size_of::<Value>())?;
            if stack.try_reserve_exact(growth).is_err() {
                (*vm).heap.update_thread_charge(thread)?;
                return Err(LuaError::Memory);
            }
            stack.resize(new_len, Value::NIL);
        } else {
            stack.truncate(new_len);
            stack.shrink_to_fit();
        }
        let new = stack.as_mut_ptr();
        (*vm).base = new.offset(base);
        (*vm).top = new.offset(top);
        (*vm).stack_limit = new.add(new_len - EXTRA_SLOTS);
        (*vm).heap.update_thread_charge(thread)
    }
}

/// Charges the running thread for memory that it is about to get, so that a refusal leaves
/// everything as it was; what it gets is found out afterwards. The memory that it had is there meanwhile.
unsafe fn charge_growth(vm: *mut Vm, bytes: usize) -> Result<()> {
    // SAFETY: the running thread is live.
    unsafe {
        (*vm).heap.charge(bytes)?;
        (*(*vm).thread).charged += bytes;
        Ok(())
    }
}

/// Shrinks the running thread's stack after an overflow or when the collector finds it mostly
/// unused.
///
/// # Safety
/// As [`ensure`].
pub unsafe fn shrink(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        let len = (*thread).stack.len();
        let base = (*vm).base.offset_from((*thread).stack.as_ptr()) as usize;
        let proto_slots = running_proto(vm).map_or(0, |p| (*p).max_stack as usize);
        let native_slots = (*(*vm).frame_top).varargs as usize;
        let top = if (*vm).top.is_null() {
            0
        } else {
            (*vm).top.offset_from((*thread).stack.as_ptr()) as usize
        };
        let used = (base + proto_slots.max(native_slots) + 64).max(top + 64);
        let wanted = (used + EXTRA_SLOTS).max(INITIAL_STACK);
        let most = (*vm).max_stack;
        if (wanted * 3 < len || (len > most + EXTRA_SLOTS && wanted < most))
            && resize(vm, (wanted * 2).min(most)).is_err()
        {
            // Shrinking allocates nothing that is charged; a failure leaves the larger stack.
        }
    }
}

/// Gives back the room that the handling of a stack overflow needed.
///
/// # Safety
/// As [`ensure`]; the running frame is native.
pub unsafe fn shrink_after_error(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*(*vm).thread).stack.len() > (*vm).max_stack + EXTRA_SLOTS {
            (*vm).top = (*vm).base;
            shrink(vm);
        }
    }
}

/// Pushes a frame.
///
/// # Errors
/// [`LuaError::Memory`].
///
/// # Safety
/// As [`ensure`].
#[inline]
pub unsafe fn push_frame(vm: *mut Vm, frame: Frame) -> Result<()> {
    // SAFETY: frame_top < frame_limit leaves room for one more.
    unsafe {
        if (*vm).frame_top >= (*vm).frame_limit {
            grow_frames(vm)?;
        }
        (*vm).frame_top = (*vm).frame_top.add(1);
        *(*vm).frame_top = frame;
        Ok(())
    }
}

/// Gives the running thread room for more frames.
///
/// # Errors
/// [`LuaError::Memory`].
///
/// # Safety
/// As [`ensure`].
#[cold]
pub unsafe fn grow_frames(vm: *mut Vm) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        let frames = &mut (*thread).frames;
        let index = (*vm).frame_top.offset_from(frames.as_ptr());
        let extra = frames.len();
        charge_growth(vm, 2 * extra * size_of::<Frame>())?;
        if frames.try_reserve_exact(extra).is_err() {
            (*vm).heap.update_thread_charge(thread)?;
            return Err(LuaError::Memory);
        }
        frames.resize(extra * 2, SENTINEL);
        (*vm).frame_top = frames.as_mut_ptr().offset(index);
        (*vm).frame_limit = frames.as_mut_ptr().add(frames.len() - 1);
        (*vm).heap.update_thread_charge(thread)
    }
}

/// An active function as a walk over a thread's frames sees it.
#[derive(Clone, Copy, Debug)]
pub struct Activation {
    /// Index of its frame in the thread's frames (0 is the sentinel).
    pub frame_index: usize,
    /// The frame.
    pub frame: Frame,
    /// Stack index of its base; the function stands one below.
    pub base: usize,
    /// For a Lua function: the pc as saved or returned to (see [`Activation::instruction`]).
    pub pc: *const u64,
    /// Stack index of the first slot that belongs to the function it called, or one past its own
    /// slots when it is the topmost.
    pub end: usize,
    /// The call site through which it called the next frame; null for the topmost.
    pub site_above: *const crate::frame::CallSite,
}

impl Activation {
    /// The function.
    ///
    /// # Safety
    /// The activation belongs to `thread` and nothing ran since it was made.
    pub unsafe fn function(&self, thread: *const Thread) -> Value {
        // SAFETY: the caller's contract.
        unsafe { (&(*thread).stack)[self.base - 1] }
    }
    /// Its proto, if it is a Lua function.
    ///
    /// # Safety
    /// As [`Activation::function`].
    pub unsafe fn proto(&self, thread: *const Thread) -> Option<*mut Proto> {
        // SAFETY: the caller's contract.
        unsafe {
            let function = self.function(thread);
            (function.tag == value::LUA_CLOSURE)
                .then(|| (*function.as_pointer::<LuaClosure>()).proto)
        }
    }
    /// The word index of the instruction that it is executing; `None` for natives.
    ///
    /// # Safety
    /// As [`Activation::function`].
    pub unsafe fn instruction(&self, thread: *const Thread) -> Option<usize> {
        // SAFETY: the caller's contract; pcs point into the proto's code.
        unsafe {
            let proto = self.proto(thread)?;
            let code = (*proto).code.as_ptr();
            if !self.site_above.is_null() {
                return Some((*self.site_above).instruction.offset_from(code) as usize);
            }
            Some((self.pc.offset_from(code) as usize).saturating_sub(1))
        }
    }
    /// The line that it is executing; `None` for natives and stripped code.
    ///
    /// # Safety
    /// As [`Activation::function`].
    pub unsafe fn line(&self, thread: *const Thread) -> Option<u32> {
        // SAFETY: the caller's contract.
        unsafe {
            let pc = self.instruction(thread)?;
            (*self.proto(thread)?).debug.lines.line(pc)
        }
    }
    /// How many slots below `base` its variable arguments reach (0 when none).
    pub fn vararg_shift(&self) -> usize {
        if self.frame.flags & FRAME_NATIVE != 0 {
            0
        } else {
            self.frame.varargs as usize
        }
    }
}

/// Calls `visit` with every activation of `thread` from the topmost down (the sentinel excluded),
/// until it answers `false`.
///
/// # Safety
/// `thread` is live; if it is the running one, the saved state of `vm` is up to date.
pub unsafe fn walk(vm: *const Vm, thread: *mut Thread, mut visit: impl FnMut(&Activation) -> bool) {
    // SAFETY: the caller's contract; frames form a chain down to the sentinel.
    unsafe {
        let frames = (*thread).frames.as_ptr();
        let stack = (*thread).stack.as_ptr();
        let (mut index, mut base, mut pc) = if thread == (*vm).thread {
            (
                (*vm).frame_top.offset_from(frames) as usize,
                (*vm).base.offset_from(stack) as usize,
                (*vm).pc,
            )
        } else {
            ((*thread).frame_index, (*thread).base, (*thread).pc)
        };
        let mut end = usize::MAX;
        let mut site_above = std::ptr::null();
        while index > 0 {
            let frame = *frames.add(index);
            let mut activation = Activation {
                frame_index: index,
                frame,
                base,
                pc,
                end,
                site_above,
            };
            if end == usize::MAX {
                let own = match activation.proto(thread) {
                    Some(proto) => (*proto).max_stack as usize,
                    None => frame.varargs as usize,
                };
                activation.end = base + own;
            }
            if !visit(&activation) {
                return;
            }
            let site = &*frame.site;
            end = base - 1 - activation.vararg_shift();
            base = base - activation.vararg_shift() - site.delta as usize / size_of::<Value>();
            pc = site.return_pc;
            site_above = frame.site;
            index -= 1;
        }
    }
}

/// The activation at `level` of `thread` as `debug.getinfo` counts: 0 is the running function.
///
/// # Safety
/// As [`walk`].
pub unsafe fn activation(vm: *const Vm, thread: *mut Thread, level: usize) -> Option<Activation> {
    let mut found = None;
    let mut remaining = level;
    // SAFETY: the caller's contract.
    unsafe {
        walk(vm, thread, |activation| {
            if remaining == 0 {
                found = Some(*activation);
                return false;
            }
            remaining -= 1;
            true
        });
    }
    found
}

/// `chunk:line: ` of the function at `level` of the running thread; empty when it is not a Lua
/// function or has no line information, as `luaL_where`.
///
/// # Safety
/// The saved state is up to date.
pub unsafe fn position(vm: *const Vm, level: usize) -> Vec<u8> {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        let Some(activation) = activation(vm, thread, level) else {
            return Vec::new();
        };
        let Some(proto) = activation.proto(thread) else {
            return Vec::new();
        };
        let line = activation.line(thread);
        let source = (*proto).debug.source.clone();
        let mut text = match &source {
            Some(source) => perilune_frontend::error::chunk_id(source),
            None => b"?".to_vec(),
        };
        match line {
            Some(line) => text.extend_from_slice(format!(":{line}: ").as_bytes()),
            None => text.extend_from_slice(b":-1: "),
        }
        text
    }
}

/// Visits the live values of `thread`: every frame's function, variable arguments, and live
/// registers or slots; with `atomic`, dead slots are cleared.
///
/// # Safety
/// As [`walk`]; called at a safepoint only, when `thread` runs with the pc of the next
/// instruction saved.
pub unsafe fn visit_thread(
    vm: *const Vm,
    thread: *mut Thread,
    atomic: bool,
    visit: &mut dyn FnMut(Value),
) {
    // SAFETY: the caller's contract; all slots are initialised values.
    unsafe {
        let mut clear_from = 0;
        let mut lowest = 1;
        walk(vm, thread, |activation| {
            let stack = (*thread).stack.as_mut_ptr();
            if clear_from == 0 {
                clear_from = activation.end;
            }
            let shift = activation.vararg_shift();
            lowest = activation.base - 1 - shift;
            for index in lowest..activation.base {
                visit(*stack.add(index));
            }
            match activation.proto(thread) {
                None => {
                    for index in activation.base..activation.end {
                        visit(*stack.add(index));
                    }
                }
                Some(proto) => visit_registers(&*proto, activation, stack, atomic, visit),
            }
            true
        });
        // Below the first function: values that Rust code or the closing of a thread keeps there.
        for index in 0..lowest.min((*thread).stack.len()) {
            visit((&(*thread).stack)[index]);
        }
        visit((*thread).hook.function);
        visit((*thread).failure);
        if !(*thread).resumer.is_null() {
            visit(Value::thread((*thread).resumer));
        }
        if clear_from == 0 {
            // Only the sentinel: what the embedder holds there, or the body of a coroutine that has
            // not started.
            clear_from = if thread == (*vm).thread {
                1 + (&(*thread).frames)[0].varargs as usize
            } else {
                (*thread).top
            };
            for index in 0..clear_from.min((*thread).stack.len()) {
                visit((&(*thread).stack)[index]);
            }
        }
        if atomic {
            let len = (*thread).stack.len();
            for index in clear_from.min(len)..len {
                (&mut (*thread).stack)[index] = Value::NIL;
            }
        }
    }
}

/// Visits the live registers of one Lua activation: locals in scope and live temporaries; clears
/// the others when `atomic`.
unsafe fn visit_registers(
    proto: &Proto,
    activation: &Activation,
    stack: *mut Value,
    atomic: bool,
    visit: &mut dyn FnMut(Value),
) {
    // SAFETY: pcs point into the proto's code; registers lie within the stack.
    unsafe {
        let live = live_in_activation(proto, activation);
        for register in 0..activation.end.saturating_sub(activation.base).min(256) {
            let slot = stack.add(activation.base + register);
            if live[register / 64] >> (register % 64) & 1 != 0 {
                visit(*slot);
            } else if atomic {
                *slot = Value::NIL;
            }
        }
        for index in activation.base + 256.min(activation.end - activation.base)..activation.end {
            visit(*stack.add(index));
        }
    }
}

/// The registers of one Lua activation that hold something: all of them in the middle of an
/// instruction that goes on afterwards.
///
/// # Safety
/// The activation is one of a live thread, and `proto` its proto.
pub unsafe fn live_in_activation(proto: &Proto, activation: &Activation) -> [u64; 4] {
    // SAFETY: sites live as long as their frames; pcs point into the proto's code.
    unsafe {
        let continuation =
            (!activation.site_above.is_null()).then(|| (*activation.site_above).continuation);
        let everything = matches!(
            continuation,
            Some(
                Continuation::CloseReturn
                    | Continuation::Close
                    | Continuation::CloseError
                    | Continuation::Concat
                    | Continuation::Entry
            )
        );
        if everything {
            return [u64::MAX; 4];
        }
        let pc = activation.pc.offset_from(proto.code.as_ptr()) as usize;
        live_registers(proto, pc)
    }
}

/// The registers that are live when execution goes on at word `pc`: locals in scope and
/// temporaries that will be read.
pub fn live_registers(proto: &Proto, pc: usize) -> [u64; 4] {
    let liveness = proto.liveness.get_or_init(|| {
        let liveness = proto.compute_liveness();
        Box::new(liveness.with_locals(&proto.debug.locals))
    });
    liveness.live_or_in_scope(pc).0
}
