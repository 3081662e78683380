//! Operands: values in registers, in spill slots and constants, as instructions want them.
//!
//! Invariant: fetching an operand changes only the scratch register that the caller names, and no
//! flags.

use super::super::{Location, Refusal};
use super::emit::Emitter;
use super::moves::Source;
use super::short::displaced;
use super::{R11, RAX, RCX, VM, XMM15};
use crate::ir::{Constant, Instruction, Op, Ref};
use dynasmrt::{DynamicLabel, DynasmApi, dynasm};
use perilune_runtime::layout;

/// The second operand of a two-operand instruction on general registers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Register(u8),
    /// Offset from `rbp`.
    Spilled(i32),
    Immediate(i32),
}

/// The same on float registers.
#[derive(Clone, Copy, Debug)]
pub(super) enum FloatOperand {
    Register(u8),
    Spilled(i32),
    Constant(DynamicLabel),
}

/// The value's slot, in bytes from the anchor.
pub(super) fn slot(n: i32, offset: i32) -> i32 {
    n * layout::VALUE_SIZE + offset
}

impl Emitter<'_> {
    /// A value in a general register: its own, or `scratch`.
    pub(super) fn general(&mut self, r: Ref, scratch: u8) -> Result<u8, Refusal> {
        match self.source(r)? {
            Source::Place(Location::General(register)) => Ok(register),
            Source::Constant(Constant::Vm) => Ok(VM),
            Source::Place(Location::Float(_)) => Err(Refusal::Malformed),
            from => {
                self.move_one(Location::General(scratch), from);
                Ok(scratch)
            }
        }
    }

    /// A value in a float register: its own, or `scratch`.
    pub(super) fn float(&mut self, r: Ref, scratch: u8) -> Result<u8, Refusal> {
        match self.source(r)? {
            Source::Place(Location::Float(register)) => Ok(register),
            Source::Place(Location::General(_)) => Err(Refusal::Malformed),
            from => {
                self.move_one(Location::Float(scratch), from);
                Ok(scratch)
            }
        }
    }

    /// A value as a second operand; large constants go to `scratch`.
    pub(super) fn operand(&mut self, r: Ref, scratch: u8) -> Result<Operand, Refusal> {
        Ok(match self.source(r)? {
            Source::Place(Location::General(register)) => Operand::Register(register),
            Source::Place(Location::Spill(n)) => Operand::Spilled(Self::spill(n)),
            Source::Place(Location::Float(_)) => return Err(Refusal::Malformed),
            Source::Constant(Constant::Vm) => Operand::Register(VM),
            Source::Constant(c) => match i32::try_from(c.bits() as i64) {
                Ok(i) => Operand::Immediate(i),
                Err(_) => {
                    self.load_int(scratch, c.bits() as i64);
                    Operand::Register(scratch)
                }
            },
        })
    }

    /// A float as a second operand.
    pub(super) fn float_operand(&mut self, r: Ref) -> Result<FloatOperand, Refusal> {
        Ok(match self.source(r)? {
            Source::Place(Location::Float(register)) => FloatOperand::Register(register),
            Source::Place(Location::Spill(n)) => FloatOperand::Spilled(Self::spill(n)),
            Source::Constant(Constant::Float(bits)) => {
                FloatOperand::Constant(self.float_constant(bits))
            }
            _ => return Err(Refusal::Malformed),
        })
    }

    /// The register in which to compute a result: its own, or `rax`.
    pub(super) fn target(&self, n: usize) -> u8 {
        match self.allocation.places[n] {
            Some(Location::General(register)) => register,
            _ => RAX,
        }
    }

    /// The float register in which to compute a result: its own, or the scratch register.
    pub(super) fn float_target(&self, n: usize) -> u8 {
        match self.allocation.places[n] {
            Some(Location::Float(register)) => register,
            _ => XMM15,
        }
    }

    /// Puts a result that was computed in a register where it belongs.
    pub(super) fn put(&mut self, n: usize, register: u8) {
        match self.allocation.places[n] {
            Some(Location::General(own)) if own == register => {}
            Some(place) => self.move_one(place, Source::Place(Location::General(register))),
            None => {}
        }
    }

    /// The same for floats.
    pub(super) fn put_float(&mut self, n: usize, register: u8) {
        match self.allocation.places[n] {
            Some(Location::Float(own)) if own == register => {}
            Some(place) => self.move_one(place, Source::Place(Location::Float(register))),
            None => {}
        }
    }

    /// Compares a register with an immediate operand. The assembler does not know the form with one
    /// byte.
    fn compare_immediate(&mut self, register: u8, value: i32) {
        const WIDE: u8 = 0x48;
        const COMPARE: u8 = 7 << 3;
        match i8::try_from(value) {
            Ok(value) => {
                let (high, low) = (register >> 3, register & 7);
                let code = [WIDE | high, 0x83, 0xc0 | COMPARE | low, value as u8];
                self.ops.extend(&code);
            }
            Err(_) => dynasm!(self.ops ; cmp Rq(register), value),
        }
    }

    /// Compares what a load would load with a value.
    pub(super) fn compare_memory(&mut self, load: Instruction, b: Ref) -> Result<(), Refusal> {
        let [at, index, _] = load.args;
        let with = self.operand(b, R11)?;
        if let Operand::Spilled(b) = with {
            dynasm!(self.ops ; mov r11, [rbp + b]);
        }
        let (with, value) = match with {
            Operand::Immediate(i) => (R11, Some(i)),
            Operand::Register(register) => (register, None),
            Operand::Spilled(_) => (R11, None),
        };
        match (load.op, value) {
            (Op::SlotTag, Some(tag)) => {
                let at = slot(load.imm, layout::VALUE_TAG);
                displaced!(self.ops, { cmp BYTE } [r12] + at, { , BYTE tag as i8 });
            }
            (Op::SlotInt, Some(value)) => {
                let at = slot(load.imm, layout::VALUE_PAYLOAD);
                displaced!(self.ops, { cmp QWORD } [r12] + at, { , value });
            }
            (Op::SlotInt, None) => {
                let at = slot(load.imm, layout::VALUE_PAYLOAD);
                displaced!(self.ops, { cmp } [r12] + at, { , Rq(with) });
            }
            (Op::Load8, Some(value)) => {
                let at = self.general(at, RAX)?;
                displaced!(self.ops, { cmp BYTE } [Rq(at)] + load.imm, { , BYTE value as i8 });
            }
            (Op::Load32, Some(value)) => {
                let at = self.general(at, RAX)?;
                displaced!(self.ops, { cmp DWORD } [Rq(at)] + load.imm, { , value });
            }
            (Op::Load64, Some(value)) => {
                let at = self.general(at, RAX)?;
                displaced!(self.ops, { cmp QWORD } [Rq(at)] + load.imm, { , value });
            }
            (Op::Load64, None) => {
                let at = self.general(at, RAX)?;
                displaced!(self.ops, { cmp } [Rq(at)] + load.imm, { , Rq(with) });
            }
            (Op::Load8At, Some(value)) => {
                let (at, index) = (self.general(at, RAX)?, self.general(index, RCX)?);
                displaced!(self.ops, { cmp BYTE } [Rq(at) + Rq(index)] + load.imm, { , BYTE value as i8 });
            }
            (Op::Load64At, Some(value)) => {
                let (at, index) = (self.general(at, RAX)?, self.general(index, RCX)?);
                displaced!(self.ops, { cmp QWORD } [Rq(at) + 8 * Rq(index)] + load.imm, { , value });
            }
            (Op::Load64At, None) => {
                let (at, index) = (self.general(at, RAX)?, self.general(index, RCX)?);
                displaced!(self.ops, { cmp } [Rq(at) + 8 * Rq(index)] + load.imm, { , Rq(with) });
            }
            _ => return Err(Refusal::Malformed),
        }
        Ok(())
    }

    /// Compares two values, in this order or the other: true when they were swapped.
    pub(super) fn compare(&mut self, a: Ref, b: Ref) -> Result<bool, Refusal> {
        let swapped = a.is_constant() && !b.is_constant() && a != Ref::VM;
        let (a, b) = if swapped { (b, a) } else { (a, b) };
        if let Source::Place(Location::Spill(n)) = self.source(a)? {
            let a = Self::spill(n);
            match self.operand(b, RCX)? {
                Operand::Immediate(i) => dynasm!(self.ops ; cmp QWORD [rbp + a], i),
                Operand::Register(b) => dynasm!(self.ops ; cmp [rbp + a], Rq(b)),
                Operand::Spilled(b) => {
                    dynasm!(self.ops ; mov rax, [rbp + a] ; cmp rax, [rbp + b]);
                }
            }
            return Ok(swapped);
        }
        let a = self.general(a, RAX)?;
        match self.operand(b, RCX)? {
            Operand::Immediate(0) => dynasm!(self.ops ; test Rq(a), Rq(a)),
            Operand::Immediate(i) => self.compare_immediate(a, i),
            Operand::Register(b) => dynasm!(self.ops ; cmp Rq(a), Rq(b)),
            Operand::Spilled(b) => dynasm!(self.ops ; cmp Rq(a), [rbp + b]),
        }
        Ok(swapped)
    }
}
