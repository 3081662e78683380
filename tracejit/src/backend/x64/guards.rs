//! Machine instructions of guards: a comparison, and a jump to the exit if it is not as it was.

use super::super::Refusal;
use super::emit::Emitter;
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
        let exit = self.exit(i.snapshot);
        if let Some((every, countdown)) = self.deopt.filter(|_| !i.asks_for_write(&self.trace.code))
        {
            let skip = self.ops.new_dynamic_label();
            dynasm!(self.ops
                ; mov rax, QWORD countdown as i64
                ; sub DWORD [rax], 1
                ; jnz =>skip
                ; mov DWORD [rax], every as i32
                ; jmp =>exit
                ; =>skip
            );
        }
        if let Some(load) = self.allocation.fused.load_of(n) {
            self.compare_memory(self.trace.code[load], b)?;
            match i.op {
                Op::GuardEq => dynasm!(self.ops ; jne =>exit),
                _ => dynasm!(self.ops ; je =>exit),
            }
            return Ok(());
        }
        match i.op {
            Op::GuardEq => {
                self.compare(a, b)?;
                dynasm!(self.ops ; jne =>exit);
            }
            Op::GuardNe => {
                self.compare(a, b)?;
                dynasm!(self.ops ; je =>exit);
            }
            Op::GuardLt => match self.compare(a, b)? {
                false => dynasm!(self.ops ; jge =>exit),
                true => dynasm!(self.ops ; jle =>exit),
            },
            Op::GuardLe => match self.compare(a, b)? {
                false => dynasm!(self.ops ; jg =>exit),
                true => dynasm!(self.ops ; jl =>exit),
            },
            Op::GuardBelow => match self.compare(a, b)? {
                false => dynasm!(self.ops ; jae =>exit),
                true => dynasm!(self.ops ; jbe =>exit),
            },
            Op::GuardNotBelow => match self.compare(a, b)? {
                false => dynasm!(self.ops ; jb =>exit),
                true => dynasm!(self.ops ; ja =>exit),
            },
            Op::GuardBits | Op::GuardNoBits => {
                let a = self.general(a, RAX)?;
                match self.operand(b, RCX)? {
                    Operand::Immediate(v) => dynasm!(self.ops ; test Rq(a), v),
                    Operand::Register(b) => dynasm!(self.ops ; test Rq(a), Rq(b)),
                    Operand::Spilled(b) => dynasm!(self.ops ; test [rbp + b], Rq(a)),
                }
                if i.op == Op::GuardBits {
                    dynasm!(self.ops ; jz =>exit);
                } else {
                    dynasm!(self.ops ; jnz =>exit);
                }
            }
            Op::GuardStack => {
                displaced!(self.ops, { lea rax, } [r12] + i.imm, {});
                displaced!(self.ops, { cmp rax, } [rbx] + layout::VM_STACK_LIMIT, {});
                dynasm!(self.ops ; ja =>exit);
            }
            Op::GuardQuiet => {
                displaced!(self.ops, { cmp DWORD } [rbx] + layout::VM_PENDING, { , 0 });
                dynasm!(self.ops ; jne =>exit);
            }
            Op::GuardFuel => {
                displaced!(self.ops, { mov rax, } [rbx] + layout::VM_FUEL, {});
                dynasm!(self.ops ; sub rax, i.imm ; js =>exit);
                displaced!(self.ops, { mov } [rbx] + layout::VM_FUEL, { , rax });
            }
            Op::GuardPaid => {
                dynasm!(self.ops ; mov rax, [rbx + layout::VM_HEAP]);
                displaced!(self.ops, { mov rcx, } [rax] + layout::HEAP_THRESHOLD, {});
                dynasm!(self.ops ; sub rcx, i.imm);
                displaced!(self.ops, { cmp rcx, } [rax] + layout::HEAP_USED, {});
                dynasm!(self.ops ; jl =>exit);
                displaced!(self.ops, { mov } [rax] + layout::HEAP_THRESHOLD, { , rcx });
            }
            _ => self.float_guard(i, exit)?,
        }
        Ok(())
    }

    /// Comparisons of floats: an unordered result sets the carry, zero and parity flags.
    fn float_guard(&mut self, i: Instruction, exit: dynasmrt::DynamicLabel) -> Result<(), Refusal> {
        let [a, b, _] = i.args;
        let is_equality = matches!(i.op, Op::GuardFEq | Op::GuardNotFEq);
        // a < b is tested as b > a: "above" is false when unordered.
        let (first, second) = if is_equality { (a, b) } else { (b, a) };
        let first = self.float(first, XMM15)?;
        let second = self.float_operand(second)?;
        float_operands!(self, ucomisd, first, second);
        match i.op {
            Op::GuardFLt => dynasm!(self.ops ; jbe =>exit),
            Op::GuardFLe => dynasm!(self.ops ; jb =>exit),
            Op::GuardNotFLt => dynasm!(self.ops ; ja =>exit),
            Op::GuardNotFLe => dynasm!(self.ops ; jae =>exit),
            Op::GuardFEq => dynasm!(self.ops ; jp =>exit ; jne =>exit),
            Op::GuardNotFEq => {
                let differs = self.ops.new_dynamic_label();
                dynasm!(self.ops ; jp =>differs ; je =>exit ; =>differs);
            }
            _ => return Err(Refusal::Malformed),
        }
        Ok(())
    }
}
