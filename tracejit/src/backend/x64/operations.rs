//! The machine instructions of each trace operation.
//!
//! Invariant: a result is written to its place only after the last operand was read, since an
//! operand that dies may have the same place.

use super::super::{Location, Refusal};
use super::emit::Emitter;
use super::moves::Source;
use super::operands::{FloatOperand, Operand, slot};
use super::short::{displaced, immediate};
use super::{R11, RAX, RCX, XMM15};
use crate::ir::{Instruction, Op, Ref};
use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use perilune_runtime::layout;

/// `target := target op operand`, for a two-operand instruction.
macro_rules! two_operands {
    ($self:ident, $mnemonic:ident, $target:ident, $operand:ident) => {
        match $operand {
            Operand::Register(b) => dynasm!($self.ops ; $mnemonic Rq($target), Rq(b)),
            Operand::Spilled(b) => dynasm!($self.ops ; $mnemonic Rq($target), [rbp + b]),
            Operand::Immediate(i) => immediate!($self.ops, { $mnemonic Rq($target), } i),
        }
    };
}

/// `target := target op operand`, likewise, for floats.
macro_rules! float_operands {
    ($self:ident, $mnemonic:ident, $target:ident, $operand:ident) => {
        match $operand {
            FloatOperand::Register(b) => dynasm!($self.ops ; $mnemonic Rx($target), Rx(b)),
            FloatOperand::Spilled(b) => dynasm!($self.ops ; $mnemonic Rx($target), [rbp + b]),
            FloatOperand::Constant(b) => dynasm!($self.ops ; $mnemonic Rx($target), [=>b]),
        }
    };
}
pub(super) use float_operands;

impl Emitter<'_> {
    /// Writes one instruction.
    pub(super) fn instruction(&mut self, n: usize) -> Result<(), Refusal> {
        let i = self.trace.code[n];
        if self.allocation.fused.is_fused(n) {
            return Ok(());
        }
        if !self.is_used(n) && !matches!(i.op, Op::CallInt | Op::CallFloat) {
            return Ok(());
        }
        let [a, b, _] = i.args;
        match i.op {
            Op::InheritInt | Op::InheritFloat | Op::Loop => {}
            Op::SlotTag | Op::SlotInt | Op::SlotFloat => self.load_slot(n, i),
            Op::StoreSlotTag | Op::StoreSlotInt | Op::StoreSlotFloat => self.store_slot(i)?,
            Op::Load8 | Op::Load32 | Op::Load64 | Op::LoadFloat => self.load(n, i)?,
            Op::Load8At | Op::Load64At | Op::LoadFloatAt => self.load_at(n, i)?,
            Op::Store8 | Op::Store32 | Op::Store64 | Op::StoreFloat => self.store(i)?,
            Op::Store8At | Op::Store64At | Op::StoreFloatAt => self.store_at(i)?,
            Op::Add | Op::Sub | Op::Mul | Op::And | Op::Or | Op::Xor => {
                self.integer_operation(n, i)?;
            }
            Op::Shl | Op::Shr => self.shift(n, i)?,
            Op::FloorDiv | Op::FloorMod => self.floor_division(n, i)?,
            Op::DivUnsigned => self.unsigned_division(n, a, b)?,
            Op::FAdd | Op::FSub | Op::FMul | Op::FDiv => self.float_operation(n, i)?,
            Op::FNeg | Op::FAbs => self.float_sign(n, i)?,
            Op::FSqrt => {
                let (target, a) = (self.float_target(n), self.float(a, XMM15)?);
                dynasm!(self.ops ; sqrtsd Rx(target), Rx(a));
                self.put_float(n, target);
            }
            Op::IntToFloat => {
                let (target, a) = (self.float_target(n), self.general(a, RAX)?);
                dynasm!(self.ops ; xorps Rx(target), Rx(target) ; cvtsi2sd Rx(target), Rq(a));
                self.put_float(n, target);
            }
            Op::FloatToInt => {
                let (target, a) = (self.target(n), self.float(a, XMM15)?);
                dynasm!(self.ops ; cvttsd2si Rq(target), Rx(a));
                self.put(n, target);
            }
            Op::FloorToInt => {
                let (target, a) = (self.target(n), self.float_operand(a)?);
                match a {
                    FloatOperand::Register(a) => dynasm!(self.ops ; cvttsd2si Rq(target), Rx(a)),
                    FloatOperand::Spilled(a) => {
                        dynasm!(self.ops ; cvttsd2si Rq(target), QWORD [rbp + a]);
                    }
                    FloatOperand::Constant(a) => {
                        dynasm!(self.ops ; cvttsd2si Rq(target), QWORD [=>a]);
                    }
                }
                // Negative fractions were cut off upwards.
                let whole = XMM15;
                dynasm!(self.ops
                    ; xorps Rx(whole), Rx(whole)
                    ; cvtsi2sd Rx(whole), Rq(target)
                    ; xor Rd(R11), Rd(R11)
                );
                float_operands!(self, ucomisd, whole, a);
                dynasm!(self.ops ; seta Rb(R11) ; sub Rq(target), Rq(R11));
                self.put(n, target);
            }
            Op::FloatBits => {
                let a = self.float(a, XMM15)?;
                let target = self.target(n);
                dynasm!(self.ops ; movq Rq(target), Rx(a));
                self.put(n, target);
            }
            Op::FloatFromBits => {
                let a = self.general(a, RAX)?;
                let target = self.float_target(n);
                dynasm!(self.ops ; movq Rx(target), Rq(a));
                self.put_float(n, target);
            }
            Op::SingleBits => {
                let (target, a) = (self.target(n), self.float(a, XMM15)?);
                dynasm!(self.ops ; cvtsd2ss Rx(XMM15), Rx(a) ; movd Rd(target), Rx(XMM15));
                self.put(n, target);
            }
            Op::FloatFromSingle => {
                let (target, a) = (self.float_target(n), self.general(a, RAX)?);
                dynasm!(self.ops ; movd Rx(XMM15), Rd(a) ; cvtss2sd Rx(target), Rx(XMM15));
                self.put_float(n, target);
            }
            Op::CopyInt | Op::CopyFloat => {
                let from = self.source(a)?;
                let to = self.allocation.places[n].ok_or(Refusal::Malformed)?;
                if from != Source::Place(to) {
                    self.move_one(to, from);
                }
            }
            Op::CallInt | Op::CallFloat => self.call(n, i)?,
            Op::BarrierBack | Op::BarrierForward => self.barrier(i)?,
            Op::Step => self.step(i)?,
            op if op.is_guard() => self.guard(n, i)?,
            _ => return Err(Refusal::Malformed),
        }
        Ok(())
    }

    fn load_slot(&mut self, n: usize, i: Instruction) {
        match i.op {
            Op::SlotFloat => {
                let target = self.float_target(n);
                let at = slot(i.imm, layout::VALUE_PAYLOAD);
                displaced!(self.ops, { movsd Rx(target), } [r12] + at, {});
                self.put_float(n, target);
            }
            op => {
                let target = self.target(n);
                if op == Op::SlotTag {
                    let at = slot(i.imm, layout::VALUE_TAG);
                    displaced!(self.ops, { movzx Rd(target), BYTE } [r12] + at, {});
                } else {
                    let at = slot(i.imm, layout::VALUE_PAYLOAD);
                    displaced!(self.ops, { mov Rq(target), } [r12] + at, {});
                }
                self.put(n, target);
            }
        }
    }

    fn store_slot(&mut self, i: Instruction) -> Result<(), Refusal> {
        let place = slot(i.imm, layout::VALUE_PAYLOAD);
        match i.op {
            Op::StoreSlotTag => {
                let place = slot(i.imm, layout::VALUE_TAG);
                if let Some(tag) = self.trace.int_of(i.args[0]) {
                    displaced!(self.ops, { mov BYTE } [r12] + place, { , tag as i8 });
                } else {
                    let tag = self.general(i.args[0], RAX)?;
                    displaced!(self.ops, { mov } [r12] + place, { , Rb(tag) });
                }
            }
            Op::StoreSlotFloat => {
                let value = self.float(i.args[0], XMM15)?;
                displaced!(self.ops, { movsd } [r12] + place, { , Rx(value) });
            }
            _ => match self.operand(i.args[0], RAX)? {
                Operand::Immediate(v) => {
                    displaced!(self.ops, { mov QWORD } [r12] + place, { , v });
                }
                Operand::Register(v) => {
                    displaced!(self.ops, { mov } [r12] + place, { , Rq(v) });
                }
                Operand::Spilled(v) => {
                    dynasm!(self.ops ; mov rax, [rbp + v]);
                    displaced!(self.ops, { mov } [r12] + place, { , rax });
                }
            },
        }
        Ok(())
    }

    fn load(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        let at = self.general(i.args[0], RAX)?;
        if i.op == Op::LoadFloat {
            let target = self.float_target(n);
            displaced!(self.ops, { movsd Rx(target), } [Rq(at)] + i.imm, {});
            self.put_float(n, target);
            return Ok(());
        }
        let target = self.target(n);
        match i.op {
            Op::Load8 => displaced!(self.ops, { movzx Rd(target), BYTE } [Rq(at)] + i.imm, {}),
            Op::Load32 => displaced!(self.ops, { mov Rd(target), } [Rq(at)] + i.imm, {}),
            _ => displaced!(self.ops, { mov Rq(target), } [Rq(at)] + i.imm, {}),
        }
        self.put(n, target);
        Ok(())
    }

    fn load_at(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        let (at, index) = (self.general(i.args[0], RAX)?, self.general(i.args[1], RCX)?);
        if i.op == Op::LoadFloatAt {
            let target = self.float_target(n);
            displaced!(self.ops, { movsd Rx(target), } [Rq(at) + 8 * Rq(index)] + i.imm, {});
            self.put_float(n, target);
            return Ok(());
        }
        let target = self.target(n);
        match i.op {
            Op::Load8At => {
                displaced!(self.ops, { movzx Rd(target), BYTE } [Rq(at) + Rq(index)] + i.imm, {});
            }
            _ => displaced!(self.ops, { mov Rq(target), } [Rq(at) + 8 * Rq(index)] + i.imm, {}),
        }
        self.put(n, target);
        Ok(())
    }

    fn store(&mut self, i: Instruction) -> Result<(), Refusal> {
        let at = self.general(i.args[0], RAX)?;
        if i.op == Op::StoreFloat {
            let value = self.float(i.args[1], XMM15)?;
            displaced!(self.ops, { movsd } [Rq(at)] + i.imm, { , Rx(value) });
            return Ok(());
        }
        if let (Op::Store8, Some(v)) = (i.op, self.trace.int_of(i.args[1])) {
            displaced!(self.ops, { mov BYTE } [Rq(at)] + i.imm, { , v as i8 });
            return Ok(());
        }
        match (i.op, self.operand(i.args[1], RCX)?) {
            (Op::Store64, Operand::Immediate(v)) => {
                displaced!(self.ops, { mov QWORD } [Rq(at)] + i.imm, { , v });
                return Ok(());
            }
            (Op::Store32, Operand::Immediate(v)) => {
                displaced!(self.ops, { mov DWORD } [Rq(at)] + i.imm, { , v });
                return Ok(());
            }
            _ => {}
        }
        let value = self.general(i.args[1], RCX)?;
        match i.op {
            Op::Store8 => displaced!(self.ops, { mov } [Rq(at)] + i.imm, { , Rb(value) }),
            Op::Store32 => displaced!(self.ops, { mov } [Rq(at)] + i.imm, { , Rd(value) }),
            _ => displaced!(self.ops, { mov } [Rq(at)] + i.imm, { , Rq(value) }),
        }
        Ok(())
    }

    fn store_at(&mut self, i: Instruction) -> Result<(), Refusal> {
        let (at, index) = (self.general(i.args[0], RAX)?, self.general(i.args[1], RCX)?);
        if i.op == Op::StoreFloatAt {
            let value = self.float(i.args[2], XMM15)?;
            displaced!(self.ops, { movsd } [Rq(at) + 8 * Rq(index)] + i.imm, { , Rx(value) });
            return Ok(());
        }
        if let Some(v) = self.trace.int_of(i.args[2]) {
            if i.op == Op::Store8At {
                displaced!(self.ops, { mov BYTE } [Rq(at) + Rq(index)] + i.imm, { , v as i8 });
                return Ok(());
            }
            if let Ok(v) = i32::try_from(v) {
                displaced!(self.ops, { mov QWORD } [Rq(at) + 8 * Rq(index)] + i.imm, { , v });
                return Ok(());
            }
        }
        let value = self.general(i.args[2], R11)?;
        match i.op {
            Op::Store8At => {
                displaced!(self.ops, { mov } [Rq(at) + Rq(index)] + i.imm, { , Rb(value) });
            }
            _ => displaced!(self.ops, { mov } [Rq(at) + 8 * Rq(index)] + i.imm, { , Rq(value) }),
        }
        Ok(())
    }

    fn integer_operation(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        let [mut a, mut b, _] = i.args;
        let commutes = i.op != Op::Sub;
        let own = self.target(n);
        let is_own = |e: &Self, r| e.place(r) == Some(Location::General(own));
        if commutes && (is_own(self, b) || a.is_constant()) && !b.is_constant() {
            (a, b) = (b, a);
        }
        // The target may hold the second operand: then the result is computed aside.
        let target = if is_own(self, b) && !is_own(self, a) {
            RAX
        } else {
            own
        };
        if i.op == Op::Add
            && let (Some(Location::General(a)), Some(v)) = (self.place(a), self.trace.int_of(b))
            && a != target
            && let Ok(v) = i32::try_from(v)
        {
            displaced!(self.ops, { lea Rq(target), } [Rq(a)] + v, {});
            self.put(n, target);
            return Ok(());
        }
        if i.op == Op::Add
            && let (Some(Location::General(a)), Some(Location::General(b))) =
                (self.place(a), self.place(b))
            && a != target
        {
            dynasm!(self.ops ; lea Rq(target), [Rq(a) + Rq(b)]);
            self.put(n, target);
            return Ok(());
        }
        let operand = self.operand(b, RCX)?;
        if let (Op::Mul, Operand::Immediate(v)) = (i.op, operand) {
            let a = self.general(a, RAX)?;
            immediate!(self.ops, { imul Rq(target), Rq(a), } v);
            self.put(n, target);
            return Ok(());
        }
        let from = self.source(a)?;
        if from != Source::Place(Location::General(target)) {
            // A large constant or a spilled value is loaded without touching `rcx`.
            self.move_one(Location::General(target), from);
        }
        match i.op {
            Op::Add => two_operands!(self, add, target, operand),
            Op::Sub => two_operands!(self, sub, target, operand),
            Op::And => two_operands!(self, and, target, operand),
            Op::Or => two_operands!(self, or, target, operand),
            Op::Xor => two_operands!(self, xor, target, operand),
            _ => match operand {
                Operand::Register(b) => dynasm!(self.ops ; imul Rq(target), Rq(b)),
                Operand::Spilled(b) => dynasm!(self.ops ; imul Rq(target), [rbp + b]),
                Operand::Immediate(_) => return Err(Refusal::Malformed),
            },
        }
        self.put(n, target);
        Ok(())
    }

    /// Lua's shifts (manual 3.4.2): zeros are shifted in, any count is allowed, negative ones shift
    /// the other way.
    fn shift(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        let [a, b, _] = i.args;
        let left = i.op == Op::Shl;
        if let Some(count) = self.trace.int_of(b) {
            let from = self.source(a)?;
            let (left, count) = (left == (count >= 0), count.unsigned_abs());
            self.move_one(Location::General(RAX), from);
            match (count, left) {
                (64.., _) => dynasm!(self.ops ; xor eax, eax),
                (_, true) => dynasm!(self.ops ; shl rax, count as i8),
                (_, false) => dynasm!(self.ops ; shr rax, count as i8),
            }
            self.put(n, RAX);
            return Ok(());
        }
        let (a, b) = (self.source(a)?, self.source(b)?);
        let (other, none, done) = (
            self.ops.new_dynamic_label(),
            self.ops.new_dynamic_label(),
            self.ops.new_dynamic_label(),
        );
        self.move_one(Location::General(RAX), a);
        self.move_one(Location::General(RCX), b);
        dynasm!(self.ops ; cmp rcx, 63 ; ja =>other);
        if left {
            dynasm!(self.ops ; shl rax, cl);
        } else {
            dynasm!(self.ops ; shr rax, cl);
        }
        dynasm!(self.ops ; jmp =>done ; =>other ; neg rcx ; cmp rcx, 63 ; ja =>none);
        if left {
            dynasm!(self.ops ; shr rax, cl);
        } else {
            dynasm!(self.ops ; shl rax, cl);
        }
        dynasm!(self.ops ; jmp =>done ; =>none ; xor eax, eax ; =>done);
        self.put(n, RAX);
        Ok(())
    }

    /// Division towards minus infinity, and its remainder (manual 3.4.1). The processor's division
    /// truncates, and traps on the least integer divided by -1; small operands take its fast form.
    fn floor_division(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        let (a, b) = (self.source(i.args[0])?, self.source(i.args[1])?);
        let (wide, minus_one, done) = (
            self.ops.new_dynamic_label(),
            self.ops.new_dynamic_label(),
            self.ops.new_dynamic_label(),
        );
        let is_mod = i.op == Op::FloorMod;
        self.move_one(Location::General(RAX), a);
        self.move_one(Location::General(RCX), b);
        dynasm!(self.ops
            ; mov Rq(R11), rdx
            ; mov rdx, rax
            ; or rdx, rcx
            ; shr rdx, 32
            ; jnz =>wide
            ; div ecx
        );
        if is_mod {
            dynasm!(self.ops ; mov eax, edx);
        }
        dynasm!(self.ops
            ; jmp =>done
            ; =>wide
            ; cmp rcx, -1
            ; je =>minus_one
            ; cqo
            ; idiv rcx
        );
        let exact = self.ops.new_dynamic_label();
        dynasm!(self.ops ; test rdx, rdx ; jz =>exact);
        if is_mod {
            dynasm!(self.ops
                ; mov rax, rdx
                ; xor rax, rcx
                ; jns =>exact
                ; add rdx, rcx
                ; =>exact
                ; mov rax, rdx
                ; jmp =>done
                ; =>minus_one
                ; xor eax, eax
            );
        } else {
            dynasm!(self.ops
                ; xor rdx, rcx
                ; jns =>exact
                ; dec rax
                ; =>exact
                ; jmp =>done
                ; =>minus_one
                ; neg rax
            );
        }
        dynasm!(self.ops ; =>done ; mov rdx, Rq(R11));
        self.put(n, RAX);
        Ok(())
    }

    fn unsigned_division(&mut self, n: usize, a: Ref, b: Ref) -> Result<(), Refusal> {
        if self.trace.int_of(b) == Some(1) {
            let from = self.source(a)?;
            self.move_one(Location::General(RAX), from);
        } else {
            let (a, b) = (self.source(a)?, self.source(b)?);
            self.move_one(Location::General(RAX), a);
            self.move_one(Location::General(RCX), b);
            dynasm!(self.ops
                ; mov Rq(R11), rdx
                ; xor edx, edx
                ; div rcx
                ; mov rdx, Rq(R11)
            );
        }
        self.put(n, RAX);
        Ok(())
    }

    fn float_operation(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        let [a, b, _] = i.args;
        let own = self.float_target(n);
        let is_own = |e: &Self, r| e.place(r) == Some(Location::Float(own));
        // Operands are never exchanged: of two NaNs the first comes out, and its sign is visible.
        let target = if is_own(self, b) && !is_own(self, a) {
            XMM15
        } else {
            own
        };
        let from = self.source(a)?;
        if from != Source::Place(Location::Float(target)) {
            self.move_one(Location::Float(target), from);
        }
        let operand = self.float_operand(b)?;
        match i.op {
            Op::FAdd => float_operands!(self, addsd, target, operand),
            Op::FSub => float_operands!(self, subsd, target, operand),
            Op::FMul => float_operands!(self, mulsd, target, operand),
            _ => float_operands!(self, divsd, target, operand),
        }
        self.put_float(n, target);
        Ok(())
    }

    fn float_sign(&mut self, n: usize, i: Instruction) -> Result<(), Refusal> {
        let from = self.source(i.args[0])?;
        self.move_one(Location::General(RAX), from);
        if i.op == Op::FNeg {
            dynasm!(self.ops ; btc rax, 63);
        } else {
            dynasm!(self.ops ; btr rax, 63);
        }
        let to = self.allocation.places[n].ok_or(Refusal::Malformed)?;
        self.move_one(to, Source::Place(Location::General(RAX)));
        Ok(())
    }
}
