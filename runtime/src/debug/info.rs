//! Information about functions and activations, as `debug.getinfo` gives it.

use super::names::{self, Name};
use crate::coroutine::Thread;
use crate::frame::{FRAME_FINALIZER, FRAME_HOOK, FRAME_TAIL_CALL};
use crate::function::{LuaClosure, NativeClosure, Proto};
use crate::stack::{self, Activation};
use crate::value::{self, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::instruction::{Instruction, SCALE};
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_frontend::error::chunk_id;

/// What is known about a function, active or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The chunk's name as given to `load`; `=[C]` for native functions, `=?` when stripped.
    pub source: Vec<u8>,
    /// The source as messages show it.
    pub short_source: Vec<u8>,
    /// The line of `function`; 0 for a main chunk, -1 for native functions.
    pub line_defined: i64,
    /// The line of `end`; 0 for a main chunk, -1 for native functions.
    pub last_line_defined: i64,
    /// `Lua`, `C` or `main`.
    pub what: &'static str,
    /// How many upvalues it has.
    pub upvalue_count: u32,
    /// How many named parameters it has (0 for native functions).
    pub parameter_count: u8,
    /// Whether it takes variable arguments (true for native functions).
    pub is_vararg: bool,
}

/// What is known about an activation beyond its function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationInfo {
    /// The line being executed; -1 when unknown.
    pub current_line: i64,
    /// A name from the code that called it.
    pub name: Option<Name>,
    /// Whether it was tail-called.
    pub is_tail_call: bool,
}

/// The proto of a Lua function.
fn proto_of(function: Value) -> Option<*mut Proto> {
    // SAFETY: a value with this tag refers to a live closure.
    (function.tag == value::LUA_CLOSURE)
        .then(|| unsafe { (*function.as_pointer::<LuaClosure>()).proto })
}

/// Information about `function`.
///
/// # Safety
/// `function` is a live function.
pub unsafe fn function_info(function: Value) -> FunctionInfo {
    // SAFETY: the caller's contract.
    unsafe {
        let Some(proto) = proto_of(function) else {
            let closure = function.as_pointer::<NativeClosure>();
            return FunctionInfo {
                source: b"=[C]".to_vec(),
                short_source: b"[C]".to_vec(),
                line_defined: -1,
                last_line_defined: -1,
                what: "C",
                upvalue_count: (*closure).visible_upvalues(),
                parameter_count: 0,
                is_vararg: true,
            };
        };
        let debug = &(*proto).debug;
        let source: &[u8] = debug.source.as_deref().unwrap_or(b"=?");
        FunctionInfo {
            source: source.to_vec(),
            short_source: chunk_id(source),
            line_defined: i64::from(debug.line_defined),
            last_line_defined: i64::from(debug.last_line_defined),
            what: if debug.line_defined == 0 {
                "main"
            } else {
                "Lua"
            },
            upvalue_count: (*function.as_header()).extra,
            parameter_count: (*proto).num_params,
            is_vararg: (*proto).is_vararg,
        }
    }
}

/// The lines of `function` that have code, without duplicates; `None` for native functions.
///
/// # Safety
/// `function` is a live function.
pub unsafe fn active_lines(function: Value) -> Option<Vec<u32>> {
    let proto = proto_of(function)?;
    // SAFETY: the caller's contract.
    let proto = unsafe { &*proto };
    let runs = &proto.debug.lines.runs;
    let is_prologue = |pc: usize| {
        pc == 0 && proto.code.first().map(|&word| word as u8) == Some(Opcode::VarArgPrep as u8)
    };
    let mut lines = Vec::with_capacity(runs.len());
    for (index, &(start, line)) in runs.iter().enumerate() {
        let end = runs
            .get(index + 1)
            .map_or(proto.code.len(), |run| run.0 as usize);
        // The instruction that sets up variable arguments is not a line of the program.
        let start = start as usize + usize::from(is_prologue(start as usize));
        if start < end {
            lines.push(line);
        }
    }
    lines.sort_unstable();
    lines.dedup();
    Some(lines)
}

/// The name by which an activation was called.
///
/// # Safety
/// The activation belongs to `thread`, and nothing ran since it was made.
pub unsafe fn call_name(thread: *const Thread, activation: &Activation) -> Option<Name> {
    let frame = &activation.frame;
    if frame.flags & FRAME_TAIL_CALL != 0 || frame.site.is_null() {
        return None;
    }
    if frame.flags & FRAME_HOOK != 0 {
        return Some(Name::new("hook", "?"));
    }
    if frame.flags & FRAME_FINALIZER != 0 {
        return Some(Name::new("metamethod", "__gc"));
    }
    // SAFETY: call sites live as long as their frames; a site with an instruction belongs to a
    // live proto.
    unsafe {
        let site = &*frame.site;
        if site.proto.is_null() || site.instruction.is_null() {
            return None;
        }
        let start = (*site.proto).code.as_ptr();
        let pc = usize::try_from(site.instruction.offset_from(start)).ok()?;
        let shift = activation.vararg_shift() + site.delta as usize / size_of::<Value>();
        let caller = (&(*thread).stack).get(activation.base - shift..)?;
        if divides_integers(&*site.proto, Instruction(*site.instruction), caller) {
            return None;
        }
        names::callee_name(site.proto, pc)
    }
}

/// Whether an instruction divides two integers: what it called is no metamethod but the handler of
/// an error, for which PUC Lua has no name.
fn divides_integers(proto: &Proto, instruction: Instruction, registers: &[Value]) -> bool {
    let register = |number: usize| registers.get(number).copied();
    let right = match instruction.opcode() {
        Some(Opcode::Mod | Opcode::IDiv) => register(instruction.register_c()),
        Some(Opcode::ModConst | Opcode::IDivConst) => {
            let index = usize::from(instruction.c() / SCALE);
            proto.constants.get(index).copied()
        }
        _ => return false,
    };
    let left = register(instruction.register_b());
    [left, right]
        .iter()
        .all(|operand| operand.is_some_and(|value| value.tag == value::INTEGER))
}

/// Information about an activation of `thread`.
///
/// # Safety
/// The activation belongs to `thread`, and nothing ran since it was made.
pub unsafe fn activation_info(thread: *const Thread, activation: &Activation) -> ActivationInfo {
    // SAFETY: the caller's contract.
    unsafe {
        ActivationInfo {
            current_line: activation.line(thread).map_or(-1, i64::from),
            name: call_name(thread, activation),
            is_tail_call: activation.frame.flags & FRAME_TAIL_CALL != 0,
        }
    }
}

/// `chunk:line: ` of the function at `level` of the running thread; empty when the line is not
/// known.
///
/// # Safety
/// The saved state of `vm` is up to date.
pub unsafe fn position(vm: *mut Vm, level: usize) -> Vec<u8> {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        let Some(activation) = stack::activation(vm, thread, level) else {
            return Vec::new();
        };
        let Some(line) = activation.line(thread) else {
            return Vec::new();
        };
        let mut text = function_info(activation.function(thread)).short_source;
        text.extend_from_slice(format!(":{line}: ").as_bytes());
        text
    }
}
