//! Checks that a trace is well formed. What that is:
//!
//! - An operand names a constant or an earlier instruction with a result; there are as many as the
//!   operation (or helper) takes, of the register classes that it takes.
//! - Loads and stores of memory have a class, other operations none. (That what a narrow store
//!   writes fits it, so that it can be forwarded to loads, is up to the recorder.)
//! - Guards and steps have a snapshot, other operations none. A snapshot names slots by ascending
//!   number, only live ones, only by refs that are defined before every instruction that uses it.
//! - A snapshot describes the virtual objects that it names, by ascending name; their fields are
//!   defined or virtual objects of the same snapshot. No instruction names a virtual object.
//! - All uses of a snapshot see the same memory: no write and no step between them. The guard of a
//!   helper's answer is excepted, since a helper that answers 0 has done nothing.
//! - At a step everything is in memory: its snapshot names no slots and no frames.
//! - Inherited values come first, before any other instruction; who has them is entered from its
//!   parent only.
//! - A loop has one head and ends by going back to it. A phi's first value is defined before the
//!   head, its second one is of the same register class, and no value has two phis.

use super::{Class, Effect, End, Instruction, Op, Ref, Snapshot, Trace, Type, VirtualKind};
use perilune_runtime::value;
use rustc_hash::{FxHashMap, FxHashSet};

/// Checks a trace.
///
/// # Errors
/// Says what is wrong where.
pub fn verify(trace: &Trace) -> Result<(), String> {
    let mut verifier = Verifier {
        trace,
        writes: 0,
        last_call: None,
        seen: FxHashMap::default(),
    };
    let inherits = trace.code.iter().any(|i| i.op.effect() == Effect::Entry);
    let starts_again = match trace.end {
        End::Round(_) => true,
        End::Link { trace: number, .. } => number == trace.number,
        End::Loop | End::Exit(_) => false,
    };
    if inherits && starts_again {
        return Err("a trace that inherits can't be entered by a link".to_owned());
    }
    let is_loop = trace.loop_start().is_some();
    if is_loop != (trace.end == End::Loop) {
        return Err("a loop's head and end come together".to_owned());
    }
    for (n, i) in trace.code.iter().enumerate() {
        verifier
            .instruction(n, i)
            .map_err(|problem| format!("instruction {n} ({}): {problem}", i.op))?;
    }
    if let End::Exit(snapshot) | End::Round(snapshot) = trace.end {
        verifier
            .use_snapshot(snapshot, trace.code.len())
            .map_err(|problem| format!("the end: {problem}"))?;
    }
    verifier.phis()
}

/// Checks a side trace: also that it inherits what its parent's exit has, which are values of the given
/// types.
///
/// # Errors
/// Says what is wrong where.
pub fn verify_side(trace: &Trace, given: Vec<Type>) -> Result<(), String> {
    verify(trace)?;
    for (n, i) in trace.code.iter().enumerate() {
        let is_entry = i.op.effect() == Effect::Entry;
        if is_entry && given.get(i.imm as usize) != Some(&i.op.result()) {
            return Err(format!(
                "instruction {n} ({}): the parent has no such value",
                i.op
            ));
        }
    }
    Ok(())
}

struct Verifier<'a> {
    trace: &'a Trace,
    /// Writes and steps so far.
    writes: usize,
    /// The call that was the last of these, if it was one.
    last_call: Option<usize>,
    /// How many writes there had been at the first use of each snapshot.
    seen: FxHashMap<u32, usize>,
}

impl Verifier<'_> {
    fn instruction(&mut self, n: usize, i: &Instruction) -> Result<(), String> {
        self.operands(n, i)?;
        check_memory(self.trace, i)?;
        if i.op.has_snapshot() {
            let is_answer = self.last_call.is_some_and(|call| {
                i.op == Op::GuardNe && i.args[0] == Ref::instruction(call) && call + 1 == n
            });
            if is_answer {
                self.seen.remove(&i.snapshot);
            }
            self.use_snapshot(i.snapshot, n)?;
            if is_answer {
                self.seen.insert(i.snapshot, self.writes);
            }
        } else if i.snapshot != u32::MAX {
            return Err("it needs no snapshot".to_owned());
        }
        match i.op {
            Op::Step => {
                if self.trace.steps.get(i.imm as usize).is_none() {
                    return Err("no such step".to_owned());
                }
                let s = &self.trace.snapshots.get(i.snapshot);
                if !s.slots.is_empty() || !s.frames.is_empty() || s.popped != 0 {
                    return Err("something is not in memory at a step".to_owned());
                }
            }
            Op::InheritInt | Op::InheritFloat => {
                let before = n.checked_sub(1).map(|n| self.trace.code[n].op.effect());
                if before.is_some_and(|effect| effect != Effect::Entry) {
                    return Err("inherited values come first".to_owned());
                }
            }
            Op::Loop if self.trace.loop_start() != Some(n) => {
                return Err("a second loop's head".to_owned());
            }
            _ => {}
        }
        if is_write(i) {
            self.writes += 1;
            self.last_call = (i.op.result() != Type::None).then_some(n);
        }
        Ok(())
    }

    fn operands(&self, n: usize, i: &Instruction) -> Result<(), String> {
        let wanted: Vec<Option<Type>> = match i.op {
            Op::CallInt | Op::CallFloat => match i.helper() {
                Some(helper) if helper.result() == i.op.result() => {
                    helper.operands().iter().map(|&t| Some(t)).collect()
                }
                _ => return Err("no such helper".to_owned()),
            },
            _ => i.op.operands().to_vec(),
        };
        let given = &i.args[..wanted.len()];
        if given.contains(&Ref::NONE) || i.operands().count() != wanted.len() {
            return Err("wrong number of operands".to_owned());
        }
        for (&r, wanted) in given.iter().zip(wanted) {
            if !self.is_defined(r, n) {
                return Err("an operand is not defined before".to_owned());
            }
            if wanted.is_some_and(|t| self.trace.type_of(r) != t) {
                return Err("an operand is of the wrong register class".to_owned());
            }
        }
        Ok(())
    }

    fn is_defined(&self, r: Ref, before: usize) -> bool {
        match r.as_instruction() {
            Some(n) => n < before && self.trace.code[n].op.result() != Type::None,
            None => r
                .as_constant()
                .is_some_and(|n| n < self.trace.constants.len()),
        }
    }

    /// A use of a snapshot by the instruction with this index, or by the end.
    fn use_snapshot(&mut self, snapshot: u32, at: usize) -> Result<(), String> {
        let Some(s) = self.trace.snapshots.iter().nth(snapshot as usize) else {
            return Err(format!("no snapshot {snapshot}"));
        };
        if *self.seen.entry(snapshot).or_insert(self.writes) != self.writes {
            return Err(format!("a write between two uses of snapshot {snapshot}"));
        }
        let mut last = i32::MIN;
        for slot in s.slots {
            let fail =
                |what: &str| Err(format!("slot {} of snapshot {snapshot} {what}", slot.slot));
            if slot.slot <= last {
                return fail("is out of order");
            }
            last = slot.slot;
            if !s.is_live(slot.slot) {
                return fail("is not live");
            }
            if !self.is_defined(slot.tag, at) || self.trace.type_of(slot.tag) != Type::Int {
                return fail("has a tag that is not defined before");
            }
            let tag = self.trace.int_of(slot.tag);
            if tag.is_some_and(|tag| !is_tag(tag)) {
                return fail("has a tag that is none");
            }
            let plain = value::FALSE as i64..=value::TRUE as i64;
            match slot.payload {
                Ref::NONE if tag.is_some_and(|tag| plain.contains(&tag)) => {}
                r if is_described(s, r) => {}
                r if self.is_defined(r, at) => {}
                _ => return fail("has a payload that is not defined before"),
            }
        }
        self.objects(s, at)
            .map_err(|problem| format!("snapshot {snapshot}: {problem}"))
    }

    /// The virtual objects of a snapshot.
    fn objects(&self, s: Snapshot, at: usize) -> Result<(), String> {
        let names = s.objects.iter().map(|o| o.name);
        if !names.clone().is_sorted_by(|a, b| a < b)
            || names.clone().any(|r| r.as_virtual().is_none())
        {
            return Err("virtual objects are out of order".to_owned());
        }
        for object in s.objects {
            if let VirtualKind::Table { items, .. } = object.kind
                && items as usize > object.fields.len()
            {
                return Err("a table has more list items than fields".to_owned());
            }
            let is_cell = object.kind == VirtualKind::Cell;
            if is_cell && object.fields.len() != 1 {
                return Err("a cell has one value".to_owned());
            }
            for &(tag, payload) in &object.fields {
                if !self.is_defined(tag, at) || self.trace.type_of(tag) != Type::Int {
                    return Err("a field has a tag that is not defined before".to_owned());
                }
                let has_none = self
                    .trace
                    .int_of(tag)
                    .is_some_and(|tag| (value::FALSE as i64..=value::TRUE as i64).contains(&tag));
                let is_known = is_described(s, payload)
                    || self.is_defined(payload, at)
                    || payload == Ref::NONE && has_none;
                if !is_known {
                    return Err("a field has a payload that is not defined before".to_owned());
                }
            }
        }
        Ok(())
    }

    fn phis(&self) -> Result<(), String> {
        let mut carried = FxHashSet::default();
        for phi in &self.trace.phis {
            let entry = phi.entry.as_instruction();
            let start = self.trace.loop_start();
            let is_before = entry.zip(start).is_some_and(|(n, start)| n < start);
            if !is_before || !self.is_defined(phi.entry, self.trace.code.len()) {
                return Err("a phi's first value is not defined before the loop".to_owned());
            }
            if !self.is_defined(phi.back, self.trace.code.len())
                || self.trace.type_of(phi.back) != self.trace.type_of(phi.entry)
            {
                return Err("a phi's second value is missing or of another class".to_owned());
            }
            if !carried.insert(phi.entry) {
                return Err("two phis of one value".to_owned());
            }
        }
        Ok(())
    }
}

/// Whether a snapshot describes the virtual object that a ref names.
fn is_described(s: Snapshot, r: Ref) -> bool {
    r.as_virtual().is_some() && s.objects.iter().any(|o| o.name == r)
}

/// Whether an instruction may change memory.
pub fn is_write(i: &Instruction) -> bool {
    match i.op {
        Op::CallInt | Op::CallFloat => i.helper().is_none_or(|h| h.effect().is_write()),
        op => matches!(op.effect(), Effect::Write | Effect::Step),
    }
}

fn is_tag(i: i64) -> bool {
    (0..=i64::from(value::CELL)).contains(&i)
}

/// The class of a load or store, and a constant tag that is stored.
fn check_memory(trace: &Trace, i: &Instruction) -> Result<(), String> {
    let is_access =
        matches!(i.op.effect(), Effect::Read | Effect::Write) && super::print::has_offset(i.op);
    if is_access != (i.class != Class::None) {
        return Err("it lacks a memory class, or has one too many".to_owned());
    }
    let tag = trace.int_of(i.args[0]);
    match i.op {
        Op::StoreSlotTag if tag.is_some_and(|tag| !is_tag(tag)) => {
            Err("the tag that is stored is none".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::verify;
    use crate::ir::parse::parse;

    /// What the verifier says of a trace; empty: it is well formed.
    fn problem(text: &str) -> String {
        let trace = parse(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
        verify(&trace).err().unwrap_or_default()
    }

    const EXIT: &str =
        "to the interpreter -> s1\ns0: pc 0x10 base 0 live 0..4\ns1: pc 0x18 base 0 live 0..4\n";

    #[test]
    fn what_is_well_formed_passes() {
        for text in [
            "i v0 = SlotInt [0]\n GuardEq v0 1 -> s0\n StoreSlotInt [0] := v0\n",
            "i v0 = SlotInt [0]\n i v1 = CallInt Append v0 0 7\n GuardNe v1 0 -> s0\n",
            "Store8 Mark +9 vm 255\n",
            "i v0 = InheritInt 1\n f v1 = InheritFloat 0\n GuardFLt v1 v1 -> s0\n",
        ] {
            assert_eq!(problem(&format!("{text}{EXIT}")), "", "{text}");
        }
        let text = "i v0 = SlotInt [0]\n Loop\n i v1 = Add v0 1\n GuardQuiet -> s0\n phi v0 <- v1\n\
                    to the loop's head\ns0: pc 0x10 base 0 [0]=0:v0 [2]=3:- live 0..3\n";
        assert_eq!(problem(text), "");
    }

    #[test]
    fn what_is_not_is_found() {
        for (text, wanted) in [
            ("i v0 = Add 1\n", "wrong number"),
            ("f v0 = FNeg 1\n", "wrong register class"),
            ("i v0 = CallInt FloatMod 1.0 2.0\n", "no such helper"),
            ("f v0 = CallFloat FloatMod 1.0 2\n", "wrong register class"),
            ("GuardEq 1 1\n", "no snapshot"),
            ("GuardEq 1 1 -> s7\n", "no snapshot 7"),
            ("i v0 = Add 1 1 -> s0\n", "needs no snapshot"),
            ("i v0 = Load64 None +8 vm\n", "memory class"),
            ("StoreSlotTag [0] := 14\n", "is none"),
            ("Step 0 -> s0\n", "no such step"),
            ("i v0 = SlotInt [0]\n i v1 = InheritInt 0\n", "come first"),
            ("Loop\n", "come together"),
            (
                "GuardQuiet -> s0\n Store8 Mark +8 vm 1\n GuardQuiet -> s0\n",
                "a write between",
            ),
            (
                "GuardQuiet -> s0\n i v1 = CallInt Append vm 0 7\n i v2 = Add v1 1\n\
                 GuardNe v1 0 -> s0\n",
                "a write between",
            ),
        ] {
            let found = problem(&format!("{text}{EXIT}"));
            assert!(found.contains(wanted), "{text}: {found:?}");
        }
    }

    #[test]
    fn snapshots_are_checked() {
        let code = "i v0 = SlotInt [0]\n GuardQuiet -> s0\n i v2 = SlotInt [1]\n\
                    f v3 = SlotFloat [1]\n GuardQuiet -> s1\n to the interpreter -> s1\n";
        for (slots, wanted) in [
            ("[0]=0:v0", ""),
            ("[0]=v0:v2", ""),
            ("[0]=0:v3", ""),
            ("[0]=3:-", ""),
            ("[0]=0:-", "payload"),
            ("[0]=v3:v0", "tag that is not defined"),
            ("[0]=77:v0", "tag that is none"),
            ("[1]=0:v0 [0]=0:v0", "out of order"),
            ("[0]=0:v0 [0]=0:v0", "out of order"),
            ("[5]=0:v0", "not live"),
        ] {
            let text = format!("{code}s0: pc 0x8 base 0\ns1: pc 0x10 base 0 {slots} live 0..4\n");
            let found = problem(&text);
            assert!(
                found.contains(wanted) && found.is_empty() == wanted.is_empty(),
                "{slots}: {found:?}"
            );
        }
        let early = format!("{code}s0: pc 0x8 base 0 [0]=0:v2 live 0..4\ns1: pc 0x10 base 0\n");
        assert!(problem(&early).contains("payload that is not defined"));
    }

    #[test]
    fn phis_are_checked() {
        for (phi, wanted) in [
            ("phi v0 <- v2", ""),
            ("phi v2 <- v2", "before the loop"),
            ("phi v0 <- v3", "another class"),
            ("phi v0 <- v2\nphi v0 <- v0", "two phis"),
        ] {
            let text = format!(
                "i v0 = SlotInt [0]\nLoop\ni v2 = Add v0 1\nf v3 = SlotFloat [1]\nGuardQuiet -> s0\n\
                 {phi}\nto the loop's head\ns0: pc 0x10 base 0\n"
            );
            let found = problem(&text);
            assert!(
                found.contains(wanted) && found.is_empty() == wanted.is_empty(),
                "{phi}: {found:?}"
            );
        }
    }
}
