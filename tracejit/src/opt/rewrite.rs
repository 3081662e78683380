//! The forward sweep: instructions are taken one by one, simplified, and written to a new trace.
//!
//! Invariants:
//! - `map` says what each instruction of the old trace is in the new one, in the current copy.
//! - What is known of refs (facts, common expressions) holds wherever the ref is defined, since a
//!   ref never changes; what is known of memory is dropped when memory may change.
//! - In the second copy of a loop (`pending`), slots that the end of the first one left out of memory
//!   are looked up there.

use super::alias::Plan;
use super::expressions::Expressions;
use super::guards::Facts;
use super::memory::{Memory, Place};
use super::pending::Pending;
use super::rebuild::Edit;
use super::sink::{self, Objects};
use super::{Passes, Workspace, fold};
use crate::ir::helper::HelperEffect;
use crate::ir::{
    Class, Effect, End, Helper, Instruction, NewSnapshot, Op, Ref, Snapshot, SnapshotSlot, Trace,
    Type, VirtualObject,
};
use perilune_runtime::layout;
use perilune_runtime::table::shape::EMPTY_SHAPE;

/// What of a table changes with its shape.
pub(super) const SHAPE_AND_SLOTS: [(Class, i32); 2] = [
    (Class::Shape, layout::OBJECT_EXTRA),
    (Class::TableHeader, layout::TABLE_SLOTS),
];
/// Stands for an object's need of a barrier, as a place in its header.
const BARRIER: i32 = -1;

/// The sweep at work.
pub(super) struct Rewriter<'a> {
    pub(super) old: &'a Trace,
    pub(super) new: Trace,
    pub(super) passes: Passes,
    pub(super) facts: Facts,
    pub(super) memory: Memory,
    /// Bytes above the anchor that the stack was found to have.
    pub(super) checked_stack: i32,
    /// Whether nothing was pending, since the loop's head or the last step: what other threads ask
    /// for in between may wait for the next round.
    pub(super) is_quiet: bool,
    /// Tag and payload of slots that memory does not have yet.
    pub(super) pending: Pending,
    /// What is assumed of the second copy of a loop, and whether it was found not to be so.
    pub(super) plan: Plan,
    pub(super) is_broken: bool,
    /// The first instruction since something was last written.
    pub(super) unwritten_from: usize,
    /// Whether a guard can't hold.
    pub(super) is_refuted: bool,
    /// Objects that are not made.
    pub(super) objects: Objects,
    /// The calls of the old trace whose objects must be made.
    pub(super) escaped: Escaped,
    /// What is to be changed in the new trace when it is written.
    pub(super) edit: Edit,
    /// The index of the instruction of the old trace that is being taken.
    pub(super) at: usize,
    map: Vec<Ref>,
    /// The new trace's snapshots, by those of the old one; [`NOT_TAKEN`] for those that are not there.
    snapshots: Vec<u32>,
    expressions: Expressions,
}

/// Stands for a snapshot that the new trace has not.
const NOT_TAKEN: u32 = u32::MAX;

/// The calls of the old trace whose objects must be made, by index.
#[derive(Clone, Debug, Default)]
pub(super) struct Escaped {
    calls: Vec<usize>,
}

impl Escaped {
    pub(super) fn contains(&self, call: usize) -> bool {
        self.calls.contains(&call)
    }
    pub(super) fn add(&mut self, calls: &[usize]) {
        for &call in calls {
            if !self.contains(call) {
                self.calls.push(call);
            }
        }
    }
    pub(super) fn count(&self) -> usize {
        self.calls.len()
    }
}

impl<'a> Rewriter<'a> {
    /// A sweep at its start, of a round that may be written so many times.
    pub(super) fn new(
        old: &'a Trace,
        passes: Passes,
        escaped: Escaped,
        copies: usize,
        workspace: &mut Workspace,
    ) -> Rewriter<'a> {
        let mut new = Trace::like(old, workspace.take());
        let copies = match old.end {
            End::Round(_) => copies,
            _ => 1,
        };
        let length = copies * old.code.len();
        new.code.reserve(length);
        let (snapshots, slots) = (old.snapshots.len(), old.snapshots.slot_count());
        new.snapshots.reserve(copies * snapshots, copies * slots);
        Rewriter {
            new,
            old,
            passes,
            facts: Facts::new(length, std::mem::take(&mut workspace.facts)),
            memory: Memory::default(),
            checked_stack: i32::MIN,
            is_quiet: false,
            pending: Pending::default(),
            plan: Plan::default(),
            is_broken: false,
            unwritten_from: 0,
            is_refuted: false,
            objects: Objects::new(first_object(old)),
            escaped,
            edit: Edit::default(),
            at: 0,
            map: filled(&mut workspace.map, Ref::NONE, old.code.len()),
            snapshots: filled(&mut workspace.snapshots, NOT_TAKEN, snapshots),
            expressions: Expressions::new(length, std::mem::take(&mut workspace.expressions)),
        }
    }

    /// The new trace, and what is to be changed in it; the workspace gets back what it has lent.
    pub(super) fn into_trace(self, workspace: &mut Workspace) -> (Trace, Edit) {
        Workspace::keep(&mut workspace.facts, self.facts.into_list());
        Workspace::keep(&mut workspace.expressions, self.expressions.into_list());
        Workspace::keep(&mut workspace.map, self.map);
        Workspace::keep(&mut workspace.snapshots, self.snapshots);
        (self.new, self.edit)
    }

    /// Goes over the old trace once.
    pub(super) fn sweep(&mut self) {
        self.snapshots.fill(NOT_TAKEN);
        self.begin_payment();
        let old = self.old;
        for (n, i) in old.code.iter().enumerate() {
            self.at = n;
            self.map[n] = self.instruction(i);
        }
        self.settle_payment();
    }

    /// The new trace as if it ended here, for those who check it.
    pub(super) fn as_it_is(&self) -> Trace {
        let mut trace = self.new.clone();
        trace.steps.clone_from(&self.old.steps);
        let mut end = |snapshot: u32| {
            let slots = self.mapped_slots(snapshot);
            let old = self.old.snapshots.get(snapshot);
            trace.snapshots.add(NewSnapshot {
                point: self.old.snapshots.point_of(snapshot),
                objects: self.described(&slots),
                slots,
                is_speculative: old.is_speculative,
                unspent: old.unspent,
            })
        };
        trace.end = match self.old.end {
            End::Exit(snapshot) => End::Exit(end(snapshot)),
            End::Round(snapshot) => End::Round(end(snapshot)),
            end => end,
        };
        trace
    }

    fn names(&self) -> Names<'_> {
        Names {
            map: &self.map,
            facts: &self.facts,
        }
    }

    /// What a ref of the old trace is in the new one.
    pub(super) fn mapped(&self, r: Ref) -> Ref {
        self.names().of(r)
    }

    /// The constant that a value was found to equal, or the value.
    pub(super) fn known(&self, r: Ref) -> Ref {
        self.facts.constant_of(r).unwrap_or(r)
    }

    /// A slot of a snapshot of the old trace, with the new one's refs.
    pub(super) fn mapped_slot(&self, s: &SnapshotSlot) -> SnapshotSlot {
        self.names().slot(s)
    }

    /// The slots of a snapshot of the old trace.
    pub(super) fn mapped_slots(&self, snapshot: u32) -> Vec<SnapshotSlot> {
        let slots = self.old.snapshots.get(snapshot).slots;
        slots.iter().map(|s| self.mapped_slot(s)).collect()
    }

    fn instruction(&mut self, old: &Instruction) -> Ref {
        let mut i = *old;
        let mut names_virtual = false;
        for r in &mut i.args {
            if let Some(n) = r.as_instruction() {
                *r = self.known(self.map[n]);
                names_virtual |= r.as_virtual().is_some();
            }
        }
        if names_virtual || i.op == Op::CallInt {
            if let Some(r) = self.on_objects(&i) {
                return r;
            }
            self.escape_operands(&mut i);
        }
        match i.op {
            Op::SlotTag | Op::SlotInt | Op::SlotFloat => self.load_slot(i),
            Op::StoreSlotTag | Op::StoreSlotInt | Op::StoreSlotFloat => self.store_slot(i),
            Op::GuardStack => {
                if !self.passes.guards || i.imm > self.checked_stack {
                    self.checked_stack = i.imm;
                    self.guard(i);
                }
                Ref::NONE
            }
            Op::GuardQuiet => {
                if !self.passes.guards || !self.is_quiet {
                    self.is_quiet = true;
                    self.guard(i);
                }
                Ref::NONE
            }
            Op::GuardFuel => {
                self.guard(i);
                Ref::NONE
            }
            Op::Step => self.step(i),
            Op::CallInt | Op::CallFloat => self.call(i),
            Op::BarrierBack => self.barrier(i),
            Op::BarrierForward => self.new.push(i),
            _ => match i.op.effect() {
                Effect::Pure => self.pure(i),
                Effect::Read => self.load(i),
                Effect::Write => self.store(i),
                Effect::Guard => {
                    self.is_refuted |= Facts::refute(&self.new, &i);
                    if !self.passes.guards {
                        self.guard(i);
                    } else if !self.facts.implies(&self.new, &i) {
                        if !self.strengthen(&i) {
                            self.guard(i);
                        }
                        self.facts.learn(&self.new, &i);
                    }
                    Ref::NONE
                }
                _ => self.new.push(i),
            },
        }
    }

    /// An instruction without effect whose operands are the new trace's.
    pub(super) fn pure(&mut self, i: Instruction) -> Ref {
        if self.passes.fold
            && let Some(r) = fold::fold(self, &i)
        {
            return r;
        }
        if !self.passes.cse {
            return self.new.push(i);
        }
        if let Some(r) = self.expressions.find(&self.new, &i) {
            return r;
        }
        let r = self.new.push(i);
        self.expressions.add(i.op, r);
        r
    }

    /// A payload in the register class that is wanted.
    pub(super) fn converted(&mut self, r: Ref, wanted: Type) -> Ref {
        match (self.new.type_of(r), wanted) {
            (Type::Int, Type::Float) => self.pure(Instruction::new(Op::FloatFromBits, 0, &[r])),
            (Type::Float, Type::Int) => self.pure(Instruction::new(Op::FloatBits, 0, &[r])),
            _ => r,
        }
    }

    fn load_slot(&mut self, i: Instruction) -> Ref {
        let is_tag = i.op == Op::SlotTag;
        if let Some((tag, payload)) = self.pending.get(i.imm) {
            return match (is_tag, payload) {
                (true, _) => tag,
                // Nobody looks at the payload of nil.
                (false, Ref::NONE) => {
                    let zero = self.new.int(0);
                    self.converted(zero, i.op.result())
                }
                (false, payload) => self.converted(payload, i.op.result()),
            };
        }
        let place = if is_tag {
            Place::SlotTag(i.imm)
        } else {
            Place::SlotPayload(i.imm)
        };
        self.load_from(place, i)
    }

    fn load(&mut self, i: Instruction) -> Ref {
        match Place::of(&i) {
            Some(place) => self.load_from(place, i),
            None => self.new.push(i),
        }
    }

    fn load_from(&mut self, place: Place, i: Instruction) -> Ref {
        if !self.passes.memory {
            return self.new.push(i);
        }
        if let Some(r) = self.memory.get(&place) {
            let r = self.facts.constant_of(r).unwrap_or(r);
            return self.converted(r, i.op.result());
        }
        let r = self.new.push(i);
        self.memory.add(place, r);
        r
    }

    fn store_slot(&mut self, mut i: Instruction) -> Ref {
        self.escape_operands(&mut i);
        self.pending.remove(i.imm);
        let place = if i.op == Op::StoreSlotTag {
            Place::SlotTag(i.imm)
        } else {
            Place::SlotPayload(i.imm)
        };
        self.store_to(place, i.args[0], i)
    }

    fn store(&mut self, i: Instruction) -> Ref {
        let value = *i
            .args
            .iter()
            .rfind(|&&r| r != Ref::NONE)
            .unwrap_or(&Ref::NONE);
        match Place::of(&i) {
            Some(place) => self.store_to(place, value, i),
            None => {
                self.memory.kill_class(i.class);
                self.push_write(i)
            }
        }
    }

    fn store_to(&mut self, place: Place, value: Ref, i: Instruction) -> Ref {
        if self.passes.memory
            && let Some(stored) = self.memory.stored(&place)
            && self.facts.constant_of(stored).unwrap_or(stored) == value
        {
            return Ref::NONE;
        }
        self.is_broken |= self.plan.is_broken_by(self, &place);
        self.memory.kill(&self.new, &self.facts, &place);
        self.memory.set(place, value);
        self.push_write(i)
    }

    fn call(&mut self, i: Instruction) -> Ref {
        match Helper::ALL.get(i.imm as usize).map(|h| h.effect()) {
            Some(HelperEffect::Pure) => self.pure(i),
            Some(HelperEffect::ReadsTables) => self.new.push(i),
            Some(HelperEffect::FindsNode) => {
                let [t, tag, payload] = i.args;
                match self.new.int_of(tag) {
                    Some(tag) => {
                        self.load_from(Place::Element(Class::Node, t, payload, tag as i32), i)
                    }
                    None => self.new.push(i),
                }
            }
            Some(HelperEffect::Allocates) => {
                let r = self.new.push(i);
                if i.imm == Helper::NewTable as i32 {
                    self.learn_new_table(r);
                }
                r
            }
            Some(HelperEffect::Finds) => {
                self.memory.kill_class(Class::Found);
                self.new.push(i)
            }
            Some(HelperEffect::SetsMetatable) => {
                let t = i.args[0];
                for (class, at) in SHAPE_AND_SLOTS {
                    self.memory
                        .kill(&self.new, &self.facts, &Place::Field(class, t, at));
                }
                self.forget_nodes();
                self.new.push(i)
            }
            Some(HelperEffect::GivesShape) => {
                let [t, shape, _] = i.args;
                let place = Place::Field(Class::Shape, t, layout::OBJECT_EXTRA);
                self.memory.kill(&self.new, &self.facts, &place);
                self.memory.set(place, shape);
                self.push_write(i)
            }
            Some(HelperEffect::AddsField) => {
                let [t, shape, _] = i.args;
                for (class, at) in SHAPE_AND_SLOTS {
                    self.memory
                        .kill(&self.new, &self.facts, &Place::Field(class, t, at));
                }
                let place = Place::Field(Class::Shape, t, layout::OBJECT_EXTRA);
                self.memory.set(place, shape);
                self.forget_nodes();
                self.new.push(i)
            }
            _ => {
                for class in [Class::TableHeader, Class::Element, Class::ElementTag] {
                    self.memory.kill_class(class);
                }
                self.forget_nodes();
                self.push_write(i)
            }
        }
    }

    /// Keys may have moved in a hash part.
    fn forget_nodes(&mut self) {
        self.memory.kill_class(Class::Node);
        self.memory.kill_class(Class::Hash);
    }

    /// What is known of a table that was just made.
    fn learn_new_table(&mut self, t: Ref) {
        let (shape, zero) = (self.new.int(EMPTY_SHAPE as i64), self.new.int(0));
        let shape_place = Place::Field(Class::Shape, t, layout::OBJECT_EXTRA);
        self.memory.set(shape_place, shape);
        let border = Place::Field(Class::TableHeader, t, layout::TABLE_BORDER);
        self.memory.set(border, zero);
        self.memory.set(Place::Field(Class::Mark, t, BARRIER), t);
    }

    /// A write barrier, unless the table has had one since the last step: only steps collect.
    fn barrier(&mut self, i: Instruction) -> Ref {
        let t = i.args[0];
        let place = Place::Field(Class::Mark, t, BARRIER);
        if self.passes.memory && self.memory.get(&place) == Some(t) {
            return Ref::NONE;
        }
        self.memory.set(place, t);
        self.new.push(i)
    }

    fn step(&mut self, mut i: Instruction) -> Ref {
        self.store_pending();
        i.snapshot = self.snapshot(i.snapshot);
        let step = &self.old.steps[i.imm as usize];
        let (from, to) = if step.leaves_thread {
            (i32::MIN, i32::MAX)
        } else {
            step.clobbers
        };
        self.memory.after_step(|slot| !(from..to).contains(&slot));
        self.checked_stack = i32::MIN;
        self.is_quiet = false;
        self.push_write(i)
    }

    /// Brings the pending slots into memory.
    fn store_pending(&mut self) {
        for (slot, (tag, payload)) in std::mem::take(&mut self.pending).iter() {
            self.store_slot(Instruction::new(Op::StoreSlotTag, slot, &[tag]));
            if payload != Ref::NONE {
                let op = match self.new.type_of(payload) {
                    Type::Float => Op::StoreSlotFloat,
                    _ => Op::StoreSlotInt,
                };
                self.store_slot(Instruction::new(op, slot, &[payload]));
            }
        }
    }

    pub(super) fn guard(&mut self, mut i: Instruction) {
        i.snapshot = self.snapshot(i.snapshot);
        self.new.push(i);
        // Where a helper did not decline, what it has done is done.
        let is_answer = |r: Ref| {
            let call = r.as_instruction().and_then(|n| self.new.code[n].helper());
            call.is_some_and(|helper| helper.effect().may_decline())
        };
        if i.op == Op::GuardNe && i.args[1].is_constant() && !is_answer(i.args[0]) {
            let n = self.new.code.len() - 1;
            self.facts.set_weak_guard(i.args[0], Some(n));
        }
    }

    /// That a value equals a constant: is it known to differ from another, by a guard after which
    /// nothing was written, then it is that guard's business. It leaves earlier, with a state as good.
    fn strengthen(&mut self, i: &Instruction) -> bool {
        let [a, b, _] = i.args;
        if i.op != Op::GuardEq || !b.is_constant() {
            return false;
        }
        match self.facts.weak_guard(a) {
            Some(n) if n >= self.unwritten_from => {
                let weak = &mut self.new.code[n];
                if weak.args[1] == b {
                    return false;
                }
                (weak.op, weak.args) = (i.op, i.args);
                self.facts.set_weak_guard(a, None);
                true
            }
            _ => false,
        }
    }

    /// Appends what writes.
    fn push_write(&mut self, i: Instruction) -> Ref {
        let r = self.new.push(i);
        self.unwritten_from = self.new.code.len();
        r
    }

    /// The new trace's snapshot for one of the old trace.
    pub(super) fn snapshot(&mut self, old: u32) -> u32 {
        let known = self.snapshots[old as usize];
        if known != NOT_TAKEN {
            return known;
        }
        let from = self.old.snapshots.get(old);
        let point = self.old.snapshots.point_of(old);
        let names = Names {
            map: &self.map,
            facts: &self.facts,
        };
        let pending = &self.pending;
        let new = self.new.snapshots.push(point, from.unspent, |slots| {
            if pending.is_empty() {
                slots.extend(from.slots.iter().map(|s| names.slot(s)));
            } else {
                names.add_slots_with_pending(from, pending, slots);
            }
        });
        let mut objects = self.described(self.new.snapshots.last_slots());
        if !from.objects.is_empty() {
            let mut of_parent: Vec<VirtualObject> = from.objects.to_vec();
            for (tag, payload) in of_parent.iter_mut().flat_map(|o| &mut o.fields) {
                (*tag, *payload) = (self.mapped(*tag), self.mapped(*payload));
            }
            objects.splice(0..0, of_parent);
        }
        if !objects.is_empty() {
            self.new.snapshots.set_last_objects(objects);
        }
        self.snapshots[old as usize] = new;
        new
    }

    /// Another name for a value, which nothing is known of.
    pub(super) fn fresh(&mut self, r: Ref) -> Ref {
        let op = match self.new.type_of(r) {
            Type::Float => Op::CopyFloat,
            _ => Op::CopyInt,
        };
        self.new.push(Instruction::new(op, 0, &[r]))
    }
}

/// What the values of the old trace are in the new one.
struct Names<'a> {
    map: &'a [Ref],
    facts: &'a Facts,
}

impl Names<'_> {
    fn of(&self, r: Ref) -> Ref {
        let Some(n) = r.as_instruction() else {
            return r;
        };
        let new = self.map[n];
        self.facts.constant_of(new).unwrap_or(new)
    }

    fn slot(&self, s: &SnapshotSlot) -> SnapshotSlot {
        SnapshotSlot {
            slot: s.slot,
            tag: self.of(s.tag),
            payload: self.of(s.payload),
        }
    }

    /// The slots of a snapshot of the old trace, and live ones that are pending.
    fn add_slots_with_pending(
        &self,
        from: Snapshot,
        pending: &Pending,
        slots: &mut Vec<SnapshotSlot>,
    ) {
        let mut pending = pending.iter().peekable();
        let mut add_up_to = |slots: &mut Vec<SnapshotSlot>, end: i32| {
            while let Some((slot, (tag, payload))) = pending.next_if(|next| next.0 <= end) {
                if slot < end && from.is_live(slot) {
                    slots.push(SnapshotSlot { slot, tag, payload });
                }
            }
        };
        for s in from.slots {
            add_up_to(slots, s.slot);
            slots.push(self.slot(s));
        }
        add_up_to(slots, i32::MAX);
    }
}

/// A list of so many elements, in the memory of another one.
fn filled<T: Copy>(list: &mut Vec<T>, element: T, count: usize) -> Vec<T> {
    let mut list = std::mem::take(list);
    list.clear();
    list.resize(count, element);
    list
}

/// The first number for virtual objects that no snapshot of a trace uses.
fn first_object(trace: &Trace) -> usize {
    let objects = trace.snapshots.iter().flat_map(|s| s.objects);
    let next = objects
        .filter_map(|o| Some(o.name.as_virtual()? + 1))
        .max()
        .unwrap_or(0);
    next.next_multiple_of(sink::NUMBERS)
}
