//! Traces as text, for people: one line for each instruction, snapshots and steps below.
//!
//! `v7` is the result of instruction 7, `i` and `f` before it say its register class; constants
//! stand for themselves; `-> s3` is the snapshot through which a guard leaves.

use super::{Class, Constant, End, Helper, Instruction, Op, Ref, Trace, Type};
use std::fmt::{self, Display, Formatter};

/// A ref of a trace, as it is printed.
struct Shown<'a>(&'a Trace, Ref);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.1 == Ref::NONE {
            return f.write_str("-");
        }
        match (self.1.as_instruction(), self.0.constant_of(self.1)) {
            (Some(n), _) => write!(f, "v{n}"),
            (None, Some(Constant::Vm)) => f.write_str("vm"),
            (None, Some(Constant::Int(i))) => write!(f, "{i}"),
            (None, Some(Constant::Float(bits))) => write!(f, "{:?}", f64::from_bits(bits)),
            (None, Some(Constant::Object(bits))) => write!(f, "object:{bits:x}"),
            (None, None) => f.write_str("?"),
        }
    }
}

impl Trace {
    fn print_instruction(&self, f: &mut Formatter<'_>, n: usize, i: &Instruction) -> fmt::Result {
        write!(f, "{n:5}  ")?;
        match i.op.result() {
            Type::None => write!(f, "         ")?,
            Type::Int => write!(f, "i {:<4} = ", format!("v{n}"))?,
            Type::Float => write!(f, "f {:<4} = ", format!("v{n}"))?,
        }
        write!(f, "{:<13}", i.op.name())?;
        if i.class != Class::None {
            write!(f, " {:?}", i.class)?;
        }
        match i.op {
            Op::CallInt | Op::CallFloat => {
                let helper = Helper::ALL.get(i.imm as usize);
                write!(f, " {}", helper.map_or("?", |h| h.name()))?;
            }
            Op::SlotTag | Op::SlotInt | Op::SlotFloat => write!(f, " [{}]", i.imm)?,
            Op::StoreSlotTag | Op::StoreSlotInt | Op::StoreSlotFloat => {
                write!(f, " [{}] :=", i.imm)?;
            }
            Op::InheritInt | Op::InheritFloat | Op::Step => write!(f, " {}", i.imm)?,
            _ if i.imm != 0 => write!(f, " {:+}", i.imm)?,
            _ => {}
        }
        for r in i.operands() {
            write!(f, " {}", Shown(self, r))?;
        }
        if i.op.has_snapshot() {
            write!(f, "  -> s{}", i.snapshot)?;
        }
        f.write_str("\n")
    }

    fn print_snapshot(&self, f: &mut Formatter<'_>, n: usize) -> fmt::Result {
        let s = &self.snapshots[n];
        write!(f, "s{n}: pc {:p} base {}", s.pc, s.base)?;
        if s.popped != 0 || !s.frames.is_empty() {
            write!(f, " frames -{} +{}", s.popped, s.frames.len())?;
        }
        for slot in &s.slots {
            let (tag, payload) = (Shown(self, slot.tag), Shown(self, slot.payload));
            write!(f, " [{}]={tag}:{payload}", slot.slot)?;
        }
        f.write_str("\n")
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, i) in self.code.iter().enumerate() {
            self.print_instruction(f, n, i)?;
        }
        for phi in &self.phis {
            let (entry, back) = (Shown(self, phi.entry), Shown(self, phi.back));
            writeln!(f, "       phi {entry} <- {back}")?;
        }
        match self.end {
            End::Loop => writeln!(f, "       to the loop's head")?,
            End::Link { trace, base } => writeln!(f, "       to trace {trace}, anchor {base:+}")?,
            End::Exit(snapshot) => writeln!(f, "       to the interpreter -> s{snapshot}")?,
        }
        for n in 0..self.snapshots.len() {
            self.print_snapshot(f, n)?;
        }
        for (n, step) in self.steps.iter().enumerate() {
            writeln!(
                f,
                "step {n}: pc {:p} base {} {:?}, then base {}, frames {:+}, changes {:?}",
                step.pc, step.base, step.family, step.next_base, step.frames, step.clobbers
            )?;
        }
        Ok(())
    }
}
