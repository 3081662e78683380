//! Machine instructions that leave a trace's straight line: calls of helpers, write barriers, residual
//! steps.
//!
//! Invariant: no value that is needed after a call or step lives in a register that a call may
//! change; the allocator sees to that.

use super::super::{Location, Refusal};
use super::emit::Emitter;
use super::exits::Condition;
use super::moves::Move;
use super::short::displaced;
use super::{RAX, RCX};
use crate::ir::{Helper, Instruction, Op, Type};
use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use perilune_runtime::layout;
use perilune_runtime::value::NIL;

impl Emitter<'_> {
    /// Calls a helper, with the machine as its last argument.
    pub(super) fn call(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        const GENERAL: [u8; 4] = [7, 6, 2, 1];
        let helper = i.helper().ok_or(Refusal::Malformed)?;
        let (mut general, mut float) = (0, 0);
        let mut moves = Vec::with_capacity(GENERAL.len());
        for (r, kind) in i.operands().zip(helper.operands()) {
            let to = if *kind == Type::Float {
                float += 1;
                Location::Float(float - 1)
            } else {
                general += 1;
                Location::General(GENERAL[general - 1])
            };
            moves.push(Move {
                to,
                from: self.source(r)?,
            });
        }
        self.move_all(moves);
        let done = self.ops.new_dynamic_label();
        if helper == Helper::Append {
            self.append_with_room(done);
        }
        dynasm!(self.ops
            ; mov Rq(GENERAL[general]), rbx
            ; mov rax, QWORD helper.address() as i64
            ; call rax
            ; =>done
        );
        if i.op == Op::CallFloat {
            self.put_float(n, 0);
        } else {
            self.put(n, RAX);
        }
        Ok(())
    }

    /// What [`Helper::Append`] does for a list that has room (`Table::array_append`): table, tag and
    /// payload are where a call has its operands, the answer is where it has that. Goes on behind
    /// this where there is no room. No value lives in a register that a call may change.
    fn append_with_room(&mut self, done: DynamicLabel) {
        let no_room = self.ops.new_dynamic_label();
        dynasm!(self.ops
            ; mov eax, [rdi + layout::TABLE_BORDER]
            ; lea r8, [rax + 1]
            ; cmp r8d, [rdi + layout::TABLE_CAPACITY]
            ; jae =>no_room
            ; mov r9, [rdi + layout::TABLE_TAGS]
            ; cmp BYTE [r9 + rax + 1], NIL as i8
            ; jne =>no_room
            ; mov [r9 + rax], sil
            ; mov r9, [rdi + layout::TABLE_ARRAY]
            ; mov [r9 + rax * 8], rdx
            ; mov [rdi + layout::TABLE_BORDER], r8d
            ; mov eax, 1
            ; jmp =>done
            ; =>no_room
        );
    }

    /// A write barrier: a test, and what is to be done for a black object by a routine that keeps
    /// all registers.
    pub(super) fn barrier(&mut self, i: Instruction) -> Result<(), Refusal> {
        let done = self.ops.new_dynamic_label();
        let object = self.general(i.args[0], RAX)?;
        let black = perilune_runtime::gc::BLACK as i8;
        displaced!(self.ops, { test BYTE } [Rq(object)] + layout::OBJECT_MARK, { , black });
        dynasm!(self.ops ; jz =>done);
        let (object, routine) = (self.source(i.args[0])?, self.common.barriers);
        self.move_one(Location::General(RAX), object);
        if i.op == Op::BarrierForward {
            let child = self.source(i.args[1])?;
            self.move_one(Location::General(RCX), child);
            self.go_to(&[0xe8], routine.forward);
        } else {
            self.go_to(&[0xe8], routine.back);
        }
        dynasm!(self.ops ; =>done);
        Ok(())
    }

    /// Does a residual step, and leaves the trace unless it went as recorded.
    pub(super) fn step(&mut self, i: Instruction) -> Result<(), Refusal> {
        let step = self
            .trace
            .steps
            .get(i.imm as usize)
            .ok_or(Refusal::Malformed)?;
        let address = &raw const **step as i64;
        let anchor = step.next_base * layout::VALUE_SIZE;
        dynasm!(self.ops
            ; mov rdi, rbx
            ; mov rsi, QWORD address
            ; mov rdx, r12
            ; mov rax, QWORD self.common.step as i64
            ; call rax
            ; test rax, rax
        );
        let not_zero = Condition::NotEqual as u8;
        self.go_to(&[0x0f, 0x80 | not_zero], self.common.leave);
        dynasm!(self.ops ; mov r12, [rbx + layout::VM_BASE]);
        if anchor != 0 {
            dynasm!(self.ops ; sub r12, anchor);
        }
        Ok(())
    }
}
