//! Shortcuts for operators whose metamethods are native functions: arithmetic, comparisons and
//! concatenations of objects are called at once (`at_once.rs`).
//!
//! Each does what the slow path does; one that declines has changed nothing.

use super::at_once::{Outcome, constant, enter, run};
use super::fast::slot;
use super::perform;
use super::slow::{Relation, event_of, question};
use crate::machine::{Insn, Slow};
use crate::metatable::{Event, metamethod};
use crate::value::{NATIVE_CLOSURE, TABLE, USERDATA, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::instruction::{FLAG_FLOAT, FLAG_SWAPPED};
use perilune_frontend::bytecode::opcode::{Opcode, Operand};

/// Whether a value may have a metatable of its own.
fn is_object(v: Value) -> bool {
    v.tag == USERDATA || v.tag == TABLE
}

/// The metamethod of the first operand that has one, if that is a native function and one of the
/// operands is an object.
unsafe fn native_metamethod(vm: *mut Vm, event: Event, [left, right]: [Value; 2]) -> Option<Value> {
    if !is_object(left) && !is_object(right) {
        return None;
    }
    // SAFETY: the caller passes live values.
    let function = unsafe {
        let function = metamethod(&*vm, left, event);
        if function.is_nil() {
            metamethod(&*vm, right, event)
        } else {
            function
        }
    };
    (function.tag == NATIVE_CLOSURE).then_some(function)
}

/// An arithmetic or bitwise operation, or a length; answers an exit code or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn arithmetic(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: the caller's contract; operands of verified code are in range.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let op = Opcode::ALL[i.op_byte() as usize];
        let left = *slot(base, i.b().0);
        let right = match op.operands()[2] {
            Operand::Read => *slot(base, i.c().0),
            Operand::Constant => constant(constants, i.ck().0),
            Operand::Immediate => Value::integer(i.ci()),
            // Unary operations have their operand twice, as metamethods see it.
            _ => left,
        };
        let operands = match i.flags() & FLAG_SWAPPED {
            0 => [left, right],
            _ => [right, left],
        };
        let outcome = Outcome::Store(i.a().0);
        if let Some(event) = event_of(op)
            && let Some(function) = native_metamethod(vm, event, operands)
            && enter(vm, pc, base, constants, function, &operands, outcome)
        {
            return run(vm, outcome);
        }
        perform(vm, pc, base, constants, Slow::Arithmetic)
    }
}

/// A comparison with its jump; answers an exit code or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn compare(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: as in `arithmetic`.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let op = Opcode::ALL[i.op_byte() as usize];
        let asked = question(op);
        let a = *slot(base, i.a().0);
        let b = match op.operands()[1] {
            Operand::Read => *slot(base, i.b().0),
            Operand::Constant => constant(constants, i.bk().0),
            _ if i.flags() & FLAG_FLOAT != 0 => Value::float(i.bi() as f64),
            _ => Value::integer(i.bi()),
        };
        let operands = if asked.swapped { [b, a] } else { [a, b] };
        let event = match asked.relation {
            Relation::Equal => Event::Eq,
            Relation::Less => Event::Lt,
            Relation::LessOrEqual => Event::Le,
        };
        // Only two different objects of one kind are asked whether they are equal.
        let is_asked = event != Event::Eq || a.tag == b.tag && a.payload != b.payload;
        let outcome = Outcome::Branch(asked.sense);
        if is_asked
            && let Some(function) = native_metamethod(vm, event, operands)
            && enter(vm, pc, base, constants, function, &operands, outcome)
        {
            return run(vm, outcome);
        }
        perform(vm, pc, base, constants, Slow::Compare)
    }
}

/// A concatenation; answers an exit code or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn concat(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: as in `arithmetic`.
    unsafe {
        let i = Insn::at(pc.sub(1));
        // Of more operands the rest would go on when the metamethod returns.
        if i.op_byte() == Opcode::Concat as u8 && i.bn() == 2 {
            let first = slot(base, i.a().0);
            let operands = [*first, *first.add(1)];
            let outcome = Outcome::Store(i.a().0);
            if let Some(function) = native_metamethod(vm, Event::Concat, operands)
                && enter(vm, pc, base, constants, function, &operands, outcome)
            {
                return run(vm, outcome);
            }
        }
        perform(vm, pc, base, constants, Slow::Concat)
    }
}
