//! Machine instructions of guards: a comparison, and a jump to the exit if it is not as it was.

use super::super::Refusal;
use super::emit::Emitter;
use super::exits::Condition;
use super::operands::{FloatOperand, Operand};
use super::operations::float_operands;
use super::short::displaced;
use super::{RAX, RCX, XMM15};
use crate::ir::{Instruction, Op};
use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use perilune_runtime::layout;

impl Emitter<'_> {
    /// Writes a guard.
    pub(super) fn guard(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        let [a, b, _] = i.args;
        let exit = i.snapshot;
        if let Some((every, countdown)) = self.deopt.filter(|_| !i.asks_for_write(&self.trace.code))
        {
            let skip = self.ops.new_dynamic_label();
            dynasm!(self.ops
                ; mov rax, QWORD countdown as i64
                ; sub DWORD [rax], 1
                ; jnz =>skip
                ; mov DWORD [rax], every as i32
            );
            self.leave(exit);
            dynasm!(self.ops ; =>skip);
        }
        if let Some(load) = self.allocation.fused.load_of(n) {
            self.compare_memory(self.trace.code[load], b)?;
            match i.op {
                Op::GuardEq => self.leave_if(Condition::NotEqual, exit),
                _ => self.leave_if(Condition::Equal, exit),
            }
            return Ok(());
        }
        match i.op {
            Op::GuardEq => {
                self.compare(a, b)?;
                self.leave_if(Condition::NotEqual, exit);
            }
            Op::GuardNe => {
                self.compare(a, b)?;
                self.leave_if(Condition::Equal, exit);
            }
            Op::GuardLt => match self.compare(a, b)? {
                false => self.leave_if(Condition::NotLess, exit),
                true => self.leave_if(Condition::NotGreater, exit),
            },
            Op::GuardLe => match self.compare(a, b)? {
                false => self.leave_if(Condition::Greater, exit),
                true => self.leave_if(Condition::Less, exit),
            },
            Op::GuardBelow => match self.compare(a, b)? {
                false => self.leave_if(Condition::NotBelow, exit),
                true => self.leave_if(Condition::NotAbove, exit),
            },
            Op::GuardNotBelow => match self.compare(a, b)? {
                false => self.leave_if(Condition::Below, exit),
                true => self.leave_if(Condition::Above, exit),
            },
            Op::GuardBits | Op::GuardNoBits => {
                let a = self.general(a, RAX)?;
                match self.operand(b, RCX)? {
                    Operand::Immediate(v) => dynasm!(self.ops ; test Rq(a), v),
                    Operand::Register(b) => dynasm!(self.ops ; test Rq(a), Rq(b)),
                    Operand::Spilled(b) => dynasm!(self.ops ; test [rbp + b], Rq(a)),
                }
                if i.op == Op::GuardBits {
                    self.leave_if(Condition::Equal, exit);
                } else {
                    self.leave_if(Condition::NotEqual, exit);
                }
            }
            Op::GuardStack => {
                displaced!(self.ops, { lea rax, } [r12] + i.imm, {});
                displaced!(self.ops, { cmp rax, } [rbx] + layout::VM_STACK_LIMIT, {});
                self.leave_if(Condition::Above, exit);
            }
            Op::GuardQuiet => {
                displaced!(self.ops, { cmp DWORD } [rbx] + layout::VM_PENDING, { , 0 });
                self.leave_if(Condition::NotEqual, exit);
            }
            Op::GuardFuel => {
                displaced!(self.ops, { mov rax, } [rbx] + layout::VM_FUEL, {});
                dynasm!(self.ops ; sub rax, i.imm);
                self.leave_if(Condition::Negative, exit);
                displaced!(self.ops, { mov } [rbx] + layout::VM_FUEL, { , rax });
            }
            Op::GuardPaid => {
                dynasm!(self.ops ; mov rax, [rbx + layout::VM_HEAP]);
                displaced!(self.ops, { mov rcx, } [rax] + layout::HEAP_THRESHOLD, {});
                dynasm!(self.ops ; sub rcx, i.imm);
                displaced!(self.ops, { cmp rcx, } [rax] + layout::HEAP_USED, {});
                self.leave_if(Condition::Less, exit);
                displaced!(self.ops, { mov } [rax] + layout::HEAP_THRESHOLD, { , rcx });
            }
            _ => self.float_guard(i, exit)?,
        }
        Ok(())
    }

    /// Comparisons of floats: an unordered result sets the carry, zero and parity flags.
    fn float_guard(&mut self, i: Instruction, exit: u32) -> Result<(), Refusal> {
        let [a, b, _] = i.args;
        let is_equality = matches!(i.op, Op::GuardFEq | Op::GuardNotFEq);
        // a < b is tested as b > a: "above" is false when unordered.
        let (first, second) = if is_equality { (a, b) } else { (b, a) };
        let first = self.float(first, XMM15)?;
        let second = self.float_operand(second)?;
        float_operands!(self, ucomisd, first, second);
        match i.op {
            Op::GuardFLt => self.leave_if(Condition::NotAbove, exit),
            Op::GuardFLe => self.leave_if(Condition::Below, exit),
            Op::GuardNotFLt => self.leave_if(Condition::Above, exit),
            Op::GuardNotFLe => self.leave_if(Condition::NotBelow, exit),
            Op::GuardFEq => {
                self.leave_if(Condition::Parity, exit);
                self.leave_if(Condition::NotEqual, exit);
            }
            Op::GuardNotFEq => {
                let differs = self.ops.new_dynamic_label();
                dynasm!(self.ops ; jp =>differs);
                self.leave_if(Condition::Equal, exit);
                dynasm!(self.ops ; =>differs);
            }
            _ => return Err(Refusal::Malformed),
        }
        Ok(())
    }
}
