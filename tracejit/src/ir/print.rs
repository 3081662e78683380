//! Traces as text: one line for each instruction, snapshots and steps below.
//!
//! `v7` is the result of instruction 7, `i` and `f` before it say its register class; constants
//! stand for themselves; `-> s3` is the snapshot through which a guard leaves. The text is complete:
//! [`super::parse`] makes the same trace of it.

use super::{
    Class, Constant, Effect, End, Instruction, Op, Ref, Snapshot, Trace, Type, VirtualKind,
};
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
            (None, Some(Constant::Float(bits))) => match f64::from_bits(bits) {
                x if x.is_nan() => write!(f, "nan@{bits:x}"),
                x => write!(f, "{x:?}"),
            },
            (None, Some(Constant::Object(bits))) => write!(f, "object@{bits:x}"),
            (None, None) => match self.1.as_virtual() {
                Some(n) => write!(f, "o{n}"),
                None => f.write_str("?"),
            },
        }
    }
}

/// Whether the text of an operation always has its `imm`, with a sign: an offset.
pub(super) fn has_offset(op: Op) -> bool {
    match op.effect() {
        Effect::Read | Effect::Write => {
            let has_none = matches!(
                op,
                Op::CallInt | Op::CallFloat | Op::BarrierBack | Op::BarrierForward
            );
            !has_none && !is_slot(op)
        }
        _ => matches!(op, Op::GuardStack | Op::GuardPaid | Op::GuardFuel),
    }
}

/// Whether `imm` is the number of a stack slot.
pub(super) fn is_slot(op: Op) -> bool {
    use Op::{SlotFloat, SlotInt, SlotTag, StoreSlotFloat, StoreSlotInt, StoreSlotTag};
    matches!(
        op,
        SlotTag | SlotInt | SlotFloat | StoreSlotTag | StoreSlotInt | StoreSlotFloat
    )
}

impl Trace {
    fn print_instruction(&self, f: &mut Formatter<'_>, n: usize, i: &Instruction) -> fmt::Result {
        write!(f, "{n:5}  ")?;
        match i.op.result() {
            Type::None => write!(f, "         ")?,
            Type::Int => write!(f, "i {:<4} = ", format!("v{n}"))?,
            Type::Float => write!(f, "f {:<4} = ", format!("v{n}"))?,
        }
        if i.op == Op::Loop {
            return f.write_str("Loop\n");
        }
        write!(f, "{:<13}", i.op.name())?;
        if i.class != Class::None {
            write!(f, " {:?}", i.class)?;
        }
        match i.op {
            Op::CallInt | Op::CallFloat => {
                let helper = i.helper();
                write!(f, " {}", helper.map_or("?", |h| h.name()))?;
            }
            Op::InheritInt | Op::InheritFloat | Op::Step => write!(f, " {}", i.imm)?,
            op if is_slot(op) && op.effect() == Effect::Write => write!(f, " [{}] :=", i.imm)?,
            op if is_slot(op) => write!(f, " [{}]", i.imm)?,
            op if has_offset(op) => write!(f, " {:+}", i.imm)?,
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
        let s = self.snapshots.get(n as u32);
        write!(f, "s{n}: pc {:p}", s.pc)?;
        if !s.constants.is_null() {
            write!(f, " constants {:p}", s.constants)?;
        }
        write!(f, " base {}", s.base)?;
        if let Some(top) = s.top {
            write!(f, " top {top}")?;
        }
        if s.popped != 0 {
            write!(f, " popped {}", s.popped)?;
        }
        for frame in &s.frames {
            write!(
                f,
                " frame {:p}/{}/{}",
                frame.site, frame.varargs, frame.flags
            )?;
        }
        for slot in s.slots {
            let (tag, payload) = (Shown(self, slot.tag), Shown(self, slot.payload));
            write!(f, " [{}]={tag}:{payload}", slot.slot)?;
        }
        for object in s.objects {
            write!(f, " {}=", Shown(self, object.name))?;
            match object.kind {
                VirtualKind::Table { shape, items: 0 } => write!(f, "table/{shape}")?,
                VirtualKind::Table { shape, items } => write!(f, "table/{shape}/{items}")?,
                VirtualKind::Cell => f.write_str("cell")?,
                VirtualKind::Closure(proto) => write!(f, "closure/{}", Shown(self, proto))?,
            }
            for &(tag, payload) in &object.fields {
                write!(f, ",{}:{}", Shown(self, tag), Shown(self, payload))?;
            }
        }
        if s.unspent != 0 {
            write!(f, " unspent {}", s.unspent)?;
        }
        print_live(f, s)?;
        f.write_str(if s.is_speculative {
            " speculative\n"
        } else {
            "\n"
        })
    }
}

/// The live slots as ranges, each without its end: `live -1..3,5`.
fn print_live(f: &mut Formatter<'_>, s: Snapshot) -> fmt::Result {
    let (start, end) = s.live.bounds();
    let (mut slot, mut separator) = (start, " live ");
    while slot < end {
        if !s.is_live(slot) {
            slot += 1;
            continue;
        }
        let from = slot;
        while slot < end && s.is_live(slot) {
            slot += 1;
        }
        write!(f, "{separator}{from}")?;
        if slot > from + 1 {
            write!(f, "..{slot}")?;
        }
        separator = ",";
    }
    Ok(())
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "trace {}", self.number)?;
        for (n, i) in self.code.iter().enumerate() {
            self.print_instruction(f, n, i)?;
        }
        for phi in &self.phis {
            let (entry, back) = (Shown(self, phi.entry), Shown(self, phi.back));
            writeln!(f, "       phi {entry} <- {back}")?;
        }
        match self.end {
            End::Loop => writeln!(f, "       to the loop's head")?,
            End::Round(snapshot) => writeln!(f, "       to the start -> s{snapshot}")?,
            End::Link { trace, base } => writeln!(f, "       to trace {trace}, anchor {base:+}")?,
            End::Exit(snapshot) => writeln!(f, "       to the interpreter -> s{snapshot}")?,
        }
        for n in 0..self.snapshots.len() {
            self.print_snapshot(f, n)?;
        }
        for (n, step) in self.steps.iter().enumerate() {
            let (from, to) = step.clobbers;
            write!(f, "step {n}: pc {:p}", step.pc)?;
            if !step.constants.is_null() {
                write!(f, " constants {:p}", step.constants)?;
            }
            write!(f, " base {}", step.base)?;
            if let Some(top) = step.top {
                write!(f, " top {top}")?;
            }
            write!(f, " {:?}", step.family)?;
            if !step.accessor.is_null() {
                write!(f, " accessor {:p}", step.accessor)?;
            }
            write!(f, " next {:p} base {}", step.next_pc, step.next_base)?;
            write!(f, " frames {:+} changes {from}..{to}", step.frames)?;
            f.write_str(if step.leaves_thread {
                " leaves\n"
            } else {
                "\n"
            })?;
        }
        Ok(())
    }
}
