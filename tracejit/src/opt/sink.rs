//! Allocation sinking: an object that nobody but the trace and its exits sees is not made. Its fields
//! are values of the trace: loads from them find what was stored, guards on its shape and identity
//! are decided here, and snapshots that name it describe it, so that an exit makes it.
//!
//! The sweep is optimistic: every table, cell and closure that the trace makes is *virtual* until one
//! escapes, that is, until its address is needed where this file knows no better: stored into what
//! exists, in a slot that must be in memory, passed to a helper. Escaping comes too late to make the
//! object (a guard may not follow a write within a bytecode instruction), so the sweep only notes
//! where the object comes from, and is done anew, with that one made where it was.
//!
//! Around a loop the object does not go: its fields do, each in a phi of its own. An object at the
//! loop's end must be like the one at its head for that: of the same kind, with fields whose known
//! tags are the same.
//!
//! What is not made counts as allocated all the same ([`Op::GuardPaid`]), once in each copy of a
//! round: a program that waits for the collector must not wait for ever.
//!
//! Invariants:
//! - Virtual objects are named by operands of no instruction, and by no place in memory: what is not
//!   virtual differs from them.
//! - A table that is virtual has record slots only, and no metatable.

use super::rewrite::Rewriter;
use crate::ir::{
    Class, Constant, Helper, Instruction, Op, Phi, Ref, SnapshotSlot, Type, VirtualKind,
    VirtualObject,
};
use perilune_runtime::layout;
use perilune_runtime::table::shape::EMPTY_SHAPE;
use perilune_runtime::value;
use rustc_hash::{FxHashMap, FxHashSet};

/// Fields of a virtual object at most.
const MOST_FIELDS: usize = 16;

/// A virtual object in its present state.
#[derive(Clone, Debug)]
struct Object {
    /// The calls of the old trace of which it comes: several, when it came round a loop.
    origins: Vec<usize>,
    kind: VirtualKind,
    /// Tags and payloads.
    fields: Vec<(Ref, Ref)>,
}

/// The virtual objects of a sweep. Each has two numbers: its own, and its record slots' address'.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    list: Vec<Object>,
    /// The first number: those below are the old trace's.
    first: usize,
    /// Bytes that the objects of this sweep would take.
    bytes: i32,
    /// Where the new trace pays for them.
    payment: Option<usize>,
}

impl Objects {
    pub(super) fn new(first: usize) -> Objects {
        Objects {
            list: Vec::new(),
            first,
            bytes: 0,
            payment: None,
        }
    }

    fn name(&self, index: usize) -> Ref {
        Ref::virtual_object(self.first + 2 * index)
    }

    /// The index of the object that a ref names.
    fn index(&self, r: Ref) -> Option<usize> {
        let n = r.as_virtual()?.checked_sub(self.first)?;
        (n.is_multiple_of(2) && n / 2 < self.list.len()).then_some(n / 2)
    }

    /// The index of the object whose record slots' address a ref is.
    fn index_of_slots(&self, r: Ref) -> Option<usize> {
        let n = r.as_virtual()?.checked_sub(self.first)?;
        (!n.is_multiple_of(2) && n / 2 < self.list.len()).then_some(n / 2)
    }

    fn push(&mut self, object: Object) -> Ref {
        self.list.push(object);
        self.name(self.list.len() - 1)
    }
}

impl Rewriter<'_> {
    /// What an instruction is that makes a virtual object, or accesses one; `None` for others.
    pub(super) fn on_objects(&mut self, i: &Instruction) -> Option<Ref> {
        if !self.passes.sink {
            return None;
        }
        if let Some(r) = self.make_virtual(i) {
            return Some(r);
        }
        if !i.args.iter().any(|r| r.as_virtual().is_some()) {
            return None;
        }
        match i.op {
            Op::GuardEq | Op::GuardNe => self.guard_identity(i),
            Op::BarrierBack | Op::BarrierForward => {
                self.objects.index(i.args[0]).map(|_| Ref::NONE)
            }
            Op::CallInt => self.add_slot(i),
            _ => self.access(i),
        }
    }

    /// Marks what names virtual objects in an instruction as escaping, and puts something in their
    /// places: the sweep is in vain.
    pub(super) fn escape_operands(&mut self, i: &mut Instruction) {
        for r in &mut i.args {
            if r.as_virtual().is_some() {
                self.escape(*r);
                *r = self.new.int(0);
            }
        }
    }

    /// A sweep begins.
    pub(super) fn begin_payment(&mut self) {
        (self.objects.bytes, self.objects.payment) = (0, None);
    }

    /// A sweep is done: what its objects would take is known.
    pub(super) fn settle_payment(&mut self) {
        if let Some(place) = self.objects.payment.take() {
            self.new.code[place].imm = self.objects.bytes;
        }
    }

    /// The object, if it is virtual, and those that its fields name are to be made where they were.
    pub(super) fn escape(&mut self, r: Ref) {
        let mut left = vec![r];
        let mut seen = FxHashSet::default();
        while let Some(r) = left.pop() {
            let objects = &self.objects;
            let index = objects.index(r).or_else(|| objects.index_of_slots(r));
            if let Some(index) = index.filter(|&index| seen.insert(index)) {
                let object = &objects.list[index];
                self.escaped.extend(&object.origins);
                left.extend(object.fields.iter().map(|field| field.1));
            }
        }
    }

    /// A virtual object in place of a call that makes one.
    fn make_virtual(&mut self, i: &Instruction) -> Option<Ref> {
        let helper = i.helper()?;
        let nil = (self.new.int(i64::from(value::NIL)), Ref::NONE);
        if self.escaped.contains(&self.at) {
            return None;
        }
        let [a, b, _] = i.args;
        let (kind, fields) = match helper {
            Helper::NewTable if (0..=MOST_FIELDS as i64).contains(&self.new.int_of(a)?) => {
                (VirtualKind::Table(EMPTY_SHAPE), Vec::new())
            }
            Helper::NewRecord => {
                let (shape, count) = (self.new.int_of(a)?, self.new.int_of(b)?);
                let fields = vec![nil; usize::try_from(count).ok()?.min(MOST_FIELDS)];
                (VirtualKind::Table(u32::try_from(shape).ok()?), fields)
            }
            Helper::NewCell => (VirtualKind::Cell, vec![(a, b)]),
            Helper::NewClosure => match self.new.constant_of(a)? {
                Constant::Object(_) => (VirtualKind::Closure(a), Vec::new()),
                _ => return None,
            },
            _ => return None,
        };
        // The parent of a side trace has paid for what the side trace finds.
        if self.at >= self.old.head {
            self.objects.bytes += match kind {
                VirtualKind::Table(_) => {
                    layout::TABLE_SIZE + fields.len() as i32 * layout::VALUE_SIZE
                }
                VirtualKind::Cell => layout::CELL_SIZE,
                VirtualKind::Closure(_) => layout::CLOSURE_UPVALUES,
            };
        }
        Some(self.objects.push(Object {
            origins: vec![self.at],
            kind,
            fields,
        }))
    }

    /// A comparison of a virtual object's address: with that of something else, or with null.
    fn guard_identity(&mut self, i: &Instruction) -> Option<Ref> {
        let [a, b, _] = i.args;
        let are_objects = [a, b]
            .iter()
            .all(|&r| r.as_virtual().is_none() || self.objects.index(r).is_some());
        let holds = (a == b) == (i.op == Op::GuardEq);
        if !are_objects || !holds {
            return None;
        }
        // Where the object would have been made, the collector would have been seen to be due.
        let is_answer = b.is_constant() && self.new.int_of(b) == Some(0);
        if is_answer && self.objects.payment.is_none() && self.at >= self.old.head {
            self.guard(Instruction {
                op: Op::GuardPaid,
                args: [Ref::NONE; 3],
                ..*i
            });
            self.objects.payment = Some(self.new.code.len() - 1);
        }
        Some(Ref::NONE)
    }

    /// A table gets a field.
    fn add_slot(&mut self, i: &Instruction) -> Option<Ref> {
        let index = self.objects.index(i.args[0])?;
        let shape = u32::try_from(self.new.int_of(i.args[1])?).ok()?;
        let nil = self.new.int(i64::from(value::NIL));
        let object = &mut self.objects.list[index];
        let is_table = matches!(object.kind, VirtualKind::Table(_));
        if i.helper() != Some(Helper::AddSlot) || !is_table || object.fields.len() == MOST_FIELDS {
            return None;
        }
        object.kind = VirtualKind::Table(shape);
        object.fields.push((nil, Ref::NONE));
        self.objects.bytes += layout::VALUE_SIZE;
        Some(self.new.int(1))
    }

    /// A load or store of a part of a virtual object.
    fn access(&mut self, i: &Instruction) -> Option<Ref> {
        let a = i.args[0];
        if i.class == Class::Record {
            let index = self.objects.index_of_slots(a)?;
            return self.access_field(i, index, i.imm);
        }
        let index = self.objects.index(a)?;
        match (self.objects.list[index].kind, i.class, i.imm) {
            (VirtualKind::Table(shape), Class::Shape, layout::OBJECT_EXTRA) => {
                (i.op == Op::Load32).then(|| self.new.int(i64::from(shape)))
            }
            (VirtualKind::Table(_), Class::TableHeader, layout::TABLE_SLOTS) => {
                let number = a.as_virtual()? + 1;
                (i.op == Op::Load64).then_some(Ref::virtual_object(number))
            }
            (
                VirtualKind::Table(_),
                Class::TableHeader,
                layout::TABLE_BORDER | layout::TABLE_CAPACITY | layout::TABLE_HASH,
            ) => (i.op.result() == Type::Int).then(|| self.new.int(0)),
            (VirtualKind::Table(_), Class::Mark, layout::OBJECT_FLAGS) => {
                let is_clear = i.op == Op::Store8 && self.new.int_of(i.args[1]) == Some(0);
                is_clear.then_some(Ref::NONE)
            }
            (VirtualKind::Cell, Class::Cell, at) => {
                self.access_field(i, index, at - layout::CELL_VALUE)
            }
            (VirtualKind::Closure(proto), Class::Constant, layout::CLOSURE_PROTO) => {
                (i.op == Op::Load64).then_some(proto)
            }
            (VirtualKind::Closure(_), Class::Upvalue, at) => self.access_upvalue(i, index, at),
            _ => None,
        }
    }

    /// A load or store at an offset among values.
    fn access_field(&mut self, i: &Instruction, index: usize, at: i32) -> Option<Ref> {
        let n = usize::try_from(at / layout::VALUE_SIZE).ok()?;
        let is_tag = match at % layout::VALUE_SIZE {
            layout::VALUE_TAG => true,
            layout::VALUE_PAYLOAD => false,
            _ => return None,
        };
        let stored = i.args[1];
        let field = self.objects.list[index].fields.get_mut(n)?;
        if stored != Ref::NONE {
            match is_tag {
                true => field.0 = stored,
                false => field.1 = stored,
            }
            return Some(Ref::NONE);
        }
        match (is_tag, *field) {
            (true, (tag, _)) => Some(self.known(tag)),
            (false, (_, Ref::NONE)) => {
                let zero = self.new.int(0);
                Some(self.converted(zero, i.op.result()))
            }
            (false, (_, r)) if r.as_virtual().is_some() && i.op.result() == Type::Float => None,
            (false, (_, r)) => {
                let r = self.known(r);
                Some(self.converted(r, i.op.result()))
            }
        }
    }

    fn access_upvalue(&mut self, i: &Instruction, index: usize, at: i32) -> Option<Ref> {
        let n = (at - layout::CLOSURE_UPVALUES) as usize / size_of::<usize>();
        let cell = self.new.int(i64::from(value::CELL));
        let fields = &mut self.objects.list[index].fields;
        match i.args[1] {
            Ref::NONE => fields.get(n).map(|field| field.1),
            stored if n == fields.len() => {
                fields.push((cell, stored));
                Some(Ref::NONE)
            }
            stored => {
                fields.get_mut(n)?.1 = stored;
                Some(Ref::NONE)
            }
        }
    }

    /// Descriptions of the virtual objects that slots name, and of those that these name.
    pub(super) fn described(&self, slots: &[SnapshotSlot]) -> Vec<VirtualObject> {
        let mut left: Vec<Ref> = slots.iter().map(|s| s.payload).collect();
        let mut found = Vec::new();
        while let Some(r) = left.pop() {
            if let Some(index) = self.objects.index(r)
                && !found.contains(&index)
            {
                found.push(index);
                let fields = &self.objects.list[index].fields;
                left.extend(fields.iter().map(|field| field.1));
            }
        }
        found.sort_unstable();
        let describe = |index: usize| {
            let object = &self.objects.list[index];
            let known = |&(tag, payload): &(Ref, Ref)| (self.known(tag), self.known(payload));
            VirtualObject {
                name: self.objects.name(index),
                kind: object.kind,
                fields: object.fields.iter().map(known).collect(),
            }
        };
        found.into_iter().map(describe).collect()
    }

    /// Another object like this one at a loop's head, whose fields are other names for its fields;
    /// and so for the objects that they name. `copies` holds those that there are already.
    pub(super) fn fresh_object(&mut self, r: Ref, copies: &mut FxHashMap<Ref, Ref>) -> Ref {
        if let Some(&copy) = copies.get(&r) {
            return copy;
        }
        let Some(index) = self.objects.index(r) else {
            return r;
        };
        let object = self.objects.list[index].clone();
        let copy = self.objects.push(object);
        copies.insert(r, copy);
        let place = self.objects.list.len() - 1;
        for n in 0..self.objects.list[place].fields.len() {
            let (tag, payload) = self.objects.list[place].fields[n];
            let (tag, payload) = (self.known(tag), self.known(payload));
            let tag = if tag.is_constant() {
                tag
            } else {
                self.fresh(tag)
            };
            let payload = match payload {
                Ref::NONE => Ref::NONE,
                r if r.as_virtual().is_some() => self.fresh_object(r, copies),
                r => self.fresh(r),
            };
            self.objects.list[place].fields[n] = (tag, payload);
        }
        copy
    }

    /// Describes every object at a loop's head, before the loop changes them.
    pub(super) fn fields_of(&self, r: Ref) -> Option<(VirtualKind, Vec<(Ref, Ref)>)> {
        let object = &self.objects.list[self.objects.index(r)?];
        Some((object.kind, object.fields.clone()))
    }

    /// Carries the fields of objects around a loop. False when an object at its end is not like that
    /// at its head: both escape then.
    pub(super) fn carry_objects(
        &mut self,
        heads: &[Head],
        pairs: Vec<(Ref, Ref)>,
        phis: &mut Vec<Phi>,
    ) -> bool {
        let mut partner: FxHashMap<Ref, Ref> = FxHashMap::default();
        let mut left = pairs;
        let mut are_alike = true;
        while let Some((head, now)) = left.pop() {
            let is_new = match partner.get(&head) {
                Some(&known) if known == now => continue,
                Some(_) => false,
                None => !partner.values().any(|&other| other == now),
            };
            partner.insert(head, now);
            let known = heads.iter().find(|h| h.copy == head);
            let end = self.fields_of(now);
            let is_alike = match (known, end) {
                (Some(h), Some((kind, fields))) if is_new && h.kind == kind => {
                    self.carry_fields(h, &fields, &mut left, phis)
                }
                _ => false,
            };
            if !is_alike {
                self.escape(head);
                self.escape(now);
                are_alike = false;
            }
        }
        are_alike
    }

    fn carry_fields(
        &self,
        head: &Head,
        now: &[(Ref, Ref)],
        left: &mut Vec<(Ref, Ref)>,
        phis: &mut Vec<Phi>,
    ) -> bool {
        if head.fields.len() != now.len() {
            return false;
        }
        let fields = head.fields.iter().zip(&head.before).zip(now);
        for ((&(tag, payload), &(tag_before, before)), &(tag_now, now)) in fields {
            let (tag_now, now) = (self.known(tag_now), self.known(now));
            if tag.is_constant() && tag != tag_now {
                return false;
            }
            if payload.as_virtual().is_some() || now.as_virtual().is_some() {
                left.push((payload, now));
                continue;
            }
            if (payload == Ref::NONE) != (now == Ref::NONE)
                || self.new.type_of(payload) != self.new.type_of(now)
            {
                return false;
            }
            let values = [(tag, tag_before, tag_now), (payload, before, now)];
            for (entry, before, back) in values {
                if entry != Ref::NONE && !entry.is_constant() && back != entry && back != before {
                    phis.push(Phi { entry, back });
                }
            }
        }
        true
    }
}

/// An object that is carried around a loop, as it is at the head.
pub(super) struct Head {
    copy: Ref,
    kind: VirtualKind,
    fields: Vec<(Ref, Ref)>,
    /// The fields before the loop.
    before: Vec<(Ref, Ref)>,
}

/// The objects at a loop's head, by what they were before it.
pub(super) fn heads(w: &Rewriter, copies: &FxHashMap<Ref, Ref>) -> Vec<Head> {
    let head = |(&original, &copy): (&Ref, &Ref)| {
        let (kind, fields) = w.fields_of(copy)?;
        let before = w.fields_of(original)?.1;
        let known = |&(tag, payload): &(Ref, Ref)| (w.known(tag), w.known(payload));
        Some(Head {
            copy,
            kind,
            fields,
            before: before.iter().map(known).collect(),
        })
    };
    copies.iter().filter_map(head).collect()
}
