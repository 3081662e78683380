//! Debug hooks (manual §6.10, `debug.sethook`): events and their delivery.
//!
//! A hook belongs to a thread; new threads inherit what it asks for, but not its function, so that
//! nothing is called for them (in PUC Lua the function is in a table that is keyed by threads).
//! While the running thread has one, `pending::HOOK` is set and Lua
//! code runs in the hooked loop. Hook functions are called from Rust and can't yield, as in PUC
//! Lua for hooks written in Lua.

use crate::call::{Next, has_open_results};
use crate::coroutine::Thread;
use crate::error::Result;
use crate::frame::FRAME_HOOK;
use crate::from_rust::call_from_rust;
use crate::interrupt::pause_between;
use crate::stack;
use crate::value::Value;
use crate::vm::{Vm, pending};
use perilune_frontend::bytecode::instruction::{
    FLAG_HIDDEN, FLAG_INVERSE, FLAG_PASSES_GOTO, Instruction, JUMP_NOTHING, JUMP_STEP, JUMP_TEST,
};
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

/// Mask bit: call events.
pub const HOOK_CALL: u8 = 1;
/// Mask bit: return events.
pub const HOOK_RETURN: u8 = 2;
/// Mask bit: line events.
pub const HOOK_LINE: u8 = 4;
/// Mask bit: count events.
pub const HOOK_COUNT: u8 = 8;

/// `last_pc` when no instruction of the running function was seen yet.
pub const NO_PC: u32 = u32::MAX;

/// Makes `pending::HOOK` agree with the running thread's hook.
///
/// # Safety
/// `vm` is live.
pub(crate) unsafe fn update_pending(vm: *mut Vm) {
    // SAFETY: the running thread is live.
    unsafe {
        let hook = &(*(*vm).thread).hook;
        let wanted = if hook.mask != 0 && !hook.active && !hook.function.is_nil() {
            pending::HOOK
        } else {
            0
        };
        // Only this thread changes the bit; atomic changes are too slow for every switch.
        if (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != wanted {
            (*vm).pending.fetch_xor(pending::HOOK, Ordering::Relaxed);
        }
    }
}

/// Lets a new thread inherit from the one that made it.
///
/// # Safety
/// Both are live; `thread` does not run.
pub(crate) unsafe fn inherit(thread: *mut Thread, from: *const Thread) {
    // SAFETY: the caller's contract.
    unsafe {
        (*thread).hook.mask = (*from).hook.mask;
        (*thread).hook.interval = (*from).hook.interval;
        (*thread).hook.remaining = (*from).hook.interval;
        if (*from).hook.is_inherited {
            (*thread).hook.function = (*from).hook.function;
            (*thread).hook.may_yield = (*from).hook.may_yield;
            (*thread).hook.is_inherited = true;
        }
    }
}

/// Sets the hook of `thread`.
///
/// # Safety
/// `thread` is live.
pub unsafe fn set(vm: *mut Vm, thread: *mut Thread, function: Value, mask: u8, interval: u32) {
    // SAFETY: the caller's contract.
    unsafe {
        let hook = &mut (*thread).hook;
        let mask = if function.is_nil() { 0 } else { mask };
        hook.function = if mask == 0 { Value::NIL } else { function };
        hook.mask = mask;
        hook.interval = interval;
        hook.remaining = interval;
        hook.last_pc = NO_PC;
        hook.may_yield = false;
        hook.is_inherited = false;
        update_pending(vm);
    }
}

/// Sets a hook function of the embedder, which yields by returning true; `is_inherited` says whether
/// threads that this one makes get it, too.
///
/// # Safety
/// `thread` is live.
pub unsafe fn set_embedders(
    vm: *mut Vm,
    thread: *mut Thread,
    function: Value,
    (mask, interval): (u8, u32),
    is_inherited: bool,
) {
    // SAFETY: the caller's contract.
    unsafe {
        set(vm, thread, function, mask, interval);
        (*thread).hook.may_yield = true;
        (*thread).hook.is_inherited = is_inherited;
    }
}

/// Keeps the running thread's hook from being called; answers what [`resume`] needs.
///
/// # Safety
/// `vm` is live.
pub(crate) unsafe fn suspend(vm: *mut Vm) -> bool {
    // SAFETY: the running thread is live.
    unsafe {
        let was_active = std::mem::replace(&mut (*(*vm).thread).hook.active, true);
        update_pending(vm);
        was_active
    }
}

/// Undoes [`suspend`], in the same thread.
///
/// # Safety
/// `vm` is live.
pub(crate) unsafe fn resume(vm: *mut Vm, was_active: bool) {
    // SAFETY: the running thread is live.
    unsafe {
        (*(*vm).thread).hook.active = was_active;
        update_pending(vm);
    }
}

/// Calls the running thread's hook function with `event` and a line (or nil); whether it wants the
/// thread to pause.
unsafe fn call_hook(vm: *mut Vm, event: &str, line: Value) -> Result<bool> {
    // SAFETY: the saved state is up to date.
    unsafe {
        let thread = (*vm).thread;
        let hook = &(*thread).hook;
        if hook.active || hook.mask == 0 || hook.function.is_nil() {
            return Ok(false);
        }
        let event = (*vm).string(event.as_bytes())?;
        (*thread).hook.active = true;
        update_pending(vm);
        let result = call_from_rust(vm, (*thread).hook.function, &[event, line], FRAME_HOOK);
        (*thread).hook.active = false;
        (*thread).hook.transfer = (0, 0);
        update_pending(vm);
        let (first, count) = result?;
        Ok(count > 0 && (*first).is_truthy() && (*thread).hook.may_yield)
    }
}

/// Within a call or return hook of `thread`, for the activation that the hook is about: the index
/// of the first value passed or returned and how many there are; else zeros.
///
/// # Safety
/// The activation belongs to `thread`, and nothing ran since it was made.
pub(crate) unsafe fn transfer(thread: *const Thread, activation: &stack::Activation) -> (u32, u32) {
    // SAFETY: the caller's contract.
    unsafe {
        let hook = &(*thread).hook;
        let above = (&(*thread).frames).get(activation.frame_index + 1);
        let is_interrupted = above.is_some_and(|frame| frame.flags & FRAME_HOOK != 0);
        if hook.active && is_interrupted && !activation.site_above.is_null() {
            hook.transfer
        } else {
            (0, 0)
        }
    }
}

/// A function was entered.
///
/// # Errors
/// What the hook raises.
///
/// # Safety
/// The saved state is that of the new function.
pub(crate) unsafe fn call_event(vm: *mut Vm, tail: bool) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe {
        if (*(*vm).thread).hook.mask & HOOK_CALL == 0 {
            return Ok(());
        }
        let passed = match stack::running_proto(vm) {
            Some(proto) => u32::from((*proto).num_params),
            None => (*(*vm).frame_top).varargs,
        };
        (*(*vm).thread).hook.transfer = (1, passed);
        call_hook(vm, if tail { "tail call" } else { "call" }, Value::NIL).map(|_| ())
    }
}

/// A Lua function was entered: call event, fresh line state.
///
/// # Errors
/// What the hook raises.
///
/// # Safety
/// As [`call_event`].
#[inline(always)]
pub(crate) unsafe fn after_entering(vm: *mut Vm, tail: bool) -> Result<Next> {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0 {
            (*(*vm).thread).hook.last_pc = NO_PC;
            call_event(vm, tail)?;
        }
        Ok(Next::Continue)
    }
}

/// The running function is about to return `count` values from `first`; answers where they are
/// after the hook.
///
/// # Errors
/// What the hook raises.
///
/// # Safety
/// The saved state is that of the returning function.
pub(crate) unsafe fn return_event(
    vm: *mut Vm,
    first: *mut Value,
    count: usize,
) -> Result<*mut Value> {
    // SAFETY: the caller's contract; results up to `top` are kept below the hook's call.
    unsafe {
        let thread = (*vm).thread;
        if (*thread).hook.mask & HOOK_RETURN == 0 {
            return_to_caller(vm);
            return Ok(first);
        }
        let offset = first.offset_from((*vm).base);
        (*vm).top = first.add(count);
        if stack::running_proto(vm).is_none() {
            (*(*vm).frame_top).varargs = (*(*vm).frame_top)
                .varargs
                .max((offset + count as isize).max(0) as u32);
        }
        (*thread).hook.transfer = ((offset + 1).max(0) as u32, count as u32);
        call_hook(vm, "return", Value::NIL)?;
        return_to_caller(vm);
        Ok((*vm).base.offset(offset))
    }
}

/// The last line that the caller of the returning function was seen at is that of the call.
unsafe fn return_to_caller(vm: *mut Vm) {
    // SAFETY: the running frame has a call site; one with an instruction has a live proto.
    unsafe {
        let site = &*(*(*vm).frame_top).site;
        if !site.proto.is_null() && !site.instruction.is_null() {
            let start = (*site.proto).code.as_ptr();
            (*(*vm).thread).hook.last_pc = site.instruction.offset_from(start) as u32;
        }
    }
}

/// Line and count events before the instruction at the saved pc (as `luaG_traceexec`); answers how to go
/// on if the thread pauses.
///
/// # Errors
/// What the hook raises.
///
/// # Safety
/// The saved state is that before an instruction, which has been paid for.
pub(crate) unsafe fn before_instruction(vm: *mut Vm) -> Result<Option<Next>> {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        if std::mem::take(&mut (*thread).hook.has_paused)
            || is_part_of_instruction_before(vm)
            || is_passed_by_jump(vm)
        {
            return Ok(None);
        }
        let wants_pause = count_event(vm)? | line_event(vm)?;
        if !wants_pause || has_open_results(vm) {
            return Ok(None);
        }
        let next = pause_between(vm)?;
        (*thread).hook.has_paused = next.is_some();
        Ok(next)
    }
}

/// The count event before an instruction, if it is due; whether the hook wants the thread to pause.
unsafe fn count_event(vm: *mut Vm) -> Result<bool> {
    // SAFETY: see `before_instruction`.
    unsafe {
        let hook = &mut (*(*vm).thread).hook;
        if hook.mask & HOOK_COUNT == 0 {
            return Ok(false);
        }
        hook.remaining = hook.remaining.saturating_sub(1);
        if hook.remaining > 0 {
            return Ok(false);
        }
        hook.remaining = hook.interval;
        at_instruction(vm, |vm| call_hook(vm, "count", Value::NIL))
    }
}

/// The line event before an instruction, if it is on a new line; whether the hook wants the thread to
/// pause.
unsafe fn line_event(vm: *mut Vm) -> Result<bool> {
    // SAFETY: see `before_instruction`.
    unsafe {
        let thread = (*vm).thread;
        if (*thread).hook.mask & HOOK_LINE == 0 {
            return Ok(false);
        }
        let Some(proto) = stack::running_proto(vm) else {
            return Ok(false);
        };
        let pc = (*vm).pc.offset_from((*proto).code.as_ptr()) as usize;
        if (*proto).is_vararg && pc == 0 {
            // The line of the function's header is reported with its first real instruction.
            return Ok(false);
        }
        let lines = &(*proto).debug.lines;
        let last = (*thread).hook.last_pc;
        let line = lines.line(pc);
        (*thread).hook.last_pc = pc as u32;
        let is_new = last == NO_PC || pc as u32 <= last || lines.line(last as usize) != line;
        if !is_new {
            return Ok(false);
        }
        let line = line.map_or(Value::NIL, |line| Value::integer(line as i64));
        let wants_pause = at_instruction(vm, |vm| call_hook(vm, "line", line))?;
        (*thread).hook.last_pc = pc as u32;
        Ok(wants_pause)
    }
}

/// Whether PUC Lua does what the instruction at the saved pc does without looking at hooks: it has
/// no cells, and from the preparation of a generic loop it goes on to the call of the iterator.
unsafe fn is_part_of_instruction_before(vm: *mut Vm) -> bool {
    // SAFETY: see `before_instruction`; `last_pc` is a position in the running function.
    unsafe {
        match Instruction(*(*vm).pc).opcode() {
            Some(Opcode::GenericForCall) => {
                let last = (*(*vm).thread).hook.last_pc as usize;
                let word = stack::running_proto(vm).and_then(|proto| (&(*proto).code).get(last));
                word.and_then(|&word| Instruction(word).opcode()) == Some(Opcode::GenericForPrep)
            }
            _ => is_hidden(Instruction(*(*vm).pc)),
        }
    }
}

/// Whether PUC Lua has no such instruction, because it has no cells.
fn is_hidden(instruction: Instruction) -> bool {
    match instruction.opcode() {
        Some(Opcode::NewCell) => true,
        Some(Opcode::GetCell | Opcode::SetCell) => instruction.flags() == FLAG_HIDDEN,
        _ => false,
    }
}

/// How many unconditional jumps in a row PUC Lua's jumps skip.
const MAX_HOPS: usize = 100;

/// Whether the instruction at the saved pc is an unconditional jump that another one has led to:
/// PUC Lua's jumps go to the final target at once. Here the compiler leaves back-edges what they
/// are, because loops are counted there.
///
/// A jump over nothing is no instruction in PUC Lua. Falling through to it is noted in `last_pc`,
/// so that what follows does not seem to be jumped to.
unsafe fn is_passed_by_jump(vm: *mut Vm) -> bool {
    // SAFETY: see `before_instruction`; `last_pc` is a position in the running function.
    unsafe {
        let instruction = Instruction(*(*vm).pc);
        if !is_passable(instruction) {
            return false;
        }
        let Some(proto) = stack::running_proto(vm) else {
            return false;
        };
        let code: &[u64] = &(*proto).code;
        let pc = (*vm).pc.offset_from(code.as_ptr()) as usize;
        let last_pc = &mut (*(*vm).thread).hook.last_pc;
        if leads_to(code, *last_pc as usize, pc) {
            return true;
        }
        let is_nothing = instruction.flags() == JUMP_NOTHING;
        if is_nothing {
            *last_pc = pc as u32;
        }
        is_nothing
    }
}

/// Whether the jump at `last`, if it is one that PUC Lua lets pass by others, passes by the one at
/// `pc`.
fn leads_to(code: &[u64], last: usize, pc: usize) -> bool {
    use Opcode::{ForLoop, ForPrep, GenericForLoop, GenericForPrep, Jump};
    let Some(&word) = code.get(last) else {
        return false;
    };
    let jump = Instruction(word);
    match jump.opcode() {
        None | Some(ForPrep | ForLoop | GenericForPrep | GenericForLoop) => return false,
        Some(Jump) if matches!(jump.flags(), JUMP_STEP | JUMP_NOTHING) => return false,
        Some(_) => {}
    }
    let is_inverse = jump.flags() & FLAG_INVERSE != 0;
    let falls_through = jump.flags() & FLAG_PASSES_GOTO != 0 || is_inverse;
    falls_through && passes(code, last + 1, pc)
        || !is_inverse && jump_target(last, jump).is_some_and(|target| passes(code, target, pc))
}

/// Whether a jump to `at` passes by `pc`.
fn passes(code: &[u64], mut at: usize, pc: usize) -> bool {
    for _ in 0..MAX_HOPS {
        let instruction = code.get(at).map(|&word| Instruction(word));
        match instruction {
            _ if at == pc => return true,
            Some(store) if is_hidden(store) => at += 1,
            Some(jump) if is_passable(jump) => match jump_target(at, jump) {
                Some(target) => at = target,
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

fn jump_target(pc: usize, jump: Instruction) -> Option<usize> {
    (pc as i64 + 1 + jump.jump_distance()?).try_into().ok()
}

/// Whether jumps to `instruction` go where it goes.
fn is_passable(instruction: Instruction) -> bool {
    match instruction.opcode() {
        Some(Opcode::Jump) => !matches!(instruction.flags(), JUMP_TEST | JUMP_STEP),
        Some(Opcode::Loop) => true,
        _ => false,
    }
}

/// Runs `event` with the saved pc as if the instruction were being executed, so that the hook
/// sees its line.
unsafe fn at_instruction(vm: *mut Vm, event: impl FnOnce(*mut Vm) -> Result<bool>) -> Result<bool> {
    // SAFETY: see `before_instruction`.
    unsafe {
        (*vm).pc = (*vm).pc.add(1);
        let result = event(vm);
        if result.is_ok() {
            (*vm).pc = (*vm).pc.sub(1);
        }
        result
    }
}
