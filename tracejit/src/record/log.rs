//! What a recording executes, for people: a line for each bytecode instruction.

use perilune_frontend::bytecode::instruction::{Instruction, SCALE};
use perilune_frontend::bytecode::opcode::Operand;
use perilune_frontend::error::chunk_id;
use perilune_runtime::function::Proto;

/// The source and line of an instruction.
///
/// # Safety
/// `pc` points into the code of the live `proto`.
pub(super) unsafe fn place(proto: *const Proto, pc: *const u64) -> String {
    // SAFETY: the caller's contract.
    unsafe {
        let debug = &(*proto).debug;
        let source = debug.source.as_deref().map_or(b"?".to_vec(), chunk_id);
        let source = String::from_utf8_lossy(&source).into_owned();
        match debug.lines.line(pc.offset_from((*proto).entry) as usize) {
            Some(line) => format!("{source}:{line}"),
            None => source,
        }
    }
}

/// An instruction with its operands: registers (R), constants (K), upvalues (U), numbers.
///
/// # Safety
/// As for [`place`]; `pc` is the first word of an instruction of verified code.
pub(super) unsafe fn instruction(proto: *const Proto, pc: *const u64, depth: usize) -> String {
    // SAFETY: the caller's contract.
    let (place, i) = unsafe { (place(proto, pc), Instruction(*pc)) };
    let Some(op) = i.opcode() else {
        return place;
    };
    let mut operands = Vec::new();
    for (kind, field) in op.operands().into_iter().zip([i.a(), i.b(), i.c()]) {
        let number = field / SCALE;
        let wide = i.bc();
        operands.push(match kind {
            Operand::None | Operand::Jump | Operand::WideJump => continue,
            Operand::Write | Operand::Read | Operand::ReadWrite => format!("R{number}"),
            Operand::Constant => format!("K{number}"),
            Operand::WideConstant => format!("K{}", wide / u32::from(SCALE)),
            Operand::Upvalue => format!("U{field}"),
            Operand::Count => field.to_string(),
            Operand::Immediate => (field as i16).to_string(),
            Operand::WideImmediate => (wide as i32).to_string(),
            Operand::InnerFunction => format!("F{wide}"),
        });
    }
    let indent = ". ".repeat(depth);
    format!("{place:<18} {indent}{} {}", op.name(), operands.join(" "))
}
