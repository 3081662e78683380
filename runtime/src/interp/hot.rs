//! Hot back-edges: where the interpreter hands over to the tracing compiler.

use super::{EXIT_HOT, perform};
use crate::hot;
use crate::machine::{Insn, Slow};
use crate::value::{INTEGER, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

/// A back-edge with an event pending or a hot location, or of a float loop; answers an exit code
/// or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn poll(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: the caller's contract; a numeric loop has four registers from A on.
    unsafe {
        if (*vm).pending.load(Ordering::Relaxed) == 0 {
            let i = Insn::at(pc.sub(1));
            let is_float_loop = i.op_byte() == Opcode::ForLoop as u8
                && (*base.byte_add(i.a().plus(2).0)).tag != INTEGER;
            // The opcode function has not counted these.
            if is_float_loop {
                hot::count(pc);
            }
            if hot::is_hot(vm, pc) {
                (*vm).pc = pc.sub(1);
                (*vm).base = base;
                (*vm).constants = constants;
                return EXIT_HOT;
            }
        }
        perform(vm, pc, base, constants, Slow::Poll)
    }
}
