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
//! - A table that is virtual has record slots and list items only, and the metatable that its shape
//!   names. No list item is nil, and each has a constant tag.

use super::rewrite::Rewriter;
use crate::ir::{
    Class, Constant, Helper, Instruction, Op, Phi, Ref, SnapshotSlot, Type, VirtualKind,
    VirtualObject,
};
use perilune_runtime::layout;
use perilune_runtime::table::shape::EMPTY_SHAPE;
use perilune_runtime::value;
use rustc_hash::{FxHashMap, FxHashSet};

/// Bytes that a list item takes.
const ITEM_SIZE: i32 = 9;

/// Fields of a virtual object at most, and list items.
const MOST_FIELDS: usize = 16;
/// Numbers that a virtual object has.
pub(super) const NUMBERS: usize = 4;

/// What of a virtual object has an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// The object itself.
    Itself,
    /// A table's record slots.
    Slots,
    /// The tags of its list items.
    Tags,
    /// Their payloads.
    Payloads,
}

/// A virtual object in its present state.
#[derive(Clone, Debug)]
struct Object {
    /// The calls of the old trace of which it comes: several, when it came round a loop.
    origins: Vec<usize>,
    kind: VirtualKind,
    /// Tags and payloads.
    fields: Vec<(Ref, Ref)>,
    /// How many list items a table has room for.
    room: u32,
}

/// The virtual objects of a sweep. Each has a number for each of its parts.
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
        self.name_of_part(index, Part::Itself)
    }

    fn name_of_part(&self, index: usize, part: Part) -> Ref {
        Ref::virtual_object(self.first + NUMBERS * index + part as usize)
    }

    /// The index of the object that a ref names, or names a part of.
    fn part(&self, r: Ref) -> Option<(usize, Part)> {
        let n = r.as_virtual()?.checked_sub(self.first)?;
        let parts = [Part::Itself, Part::Slots, Part::Tags, Part::Payloads];
        let index = n / NUMBERS;
        (index < self.list.len()).then_some((index, parts[n % NUMBERS]))
    }

    /// The index of the object that a ref names.
    fn index(&self, r: Ref) -> Option<usize> {
        let (index, part) = self.part(r)?;
        (part == Part::Itself).then_some(index)
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
        if !names_virtual(i) {
            return None;
        }
        match i.op {
            Op::GuardEq | Op::GuardNe => self.guard_identity(i),
            Op::BarrierBack | Op::BarrierForward => {
                self.objects.index(i.args[0]).map(|_| Ref::NONE)
            }
            Op::CallInt => self.change_table(i),
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
            let part = self.objects.part(r);
            if let Some((index, _)) = part.filter(|&(index, _)| seen.insert(index)) {
                let object = &self.objects.list[index];
                self.escaped.add(&object.origins);
                left.extend(object.fields.iter().map(|field| field.1));
            }
        }
    }

    /// A virtual object in place of a call that makes one.
    fn make_virtual(&mut self, i: &Instruction) -> Option<Ref> {
        let helper = i.helper()?;
        let nil = (self.new.int(i64::from(value::NIL)), Ref::NONE);
        if self.escaped.contains(self.at) {
            return None;
        }
        let [a, b, _] = i.args;
        // Sizes: of the list in the upper half, of the fields in the lower.
        let sizes = |r: Ref| {
            let sizes = self.new.int_of(r)?;
            let (items, slots) = ((sizes >> 32) as u32, sizes as u32);
            let is_small = items.max(slots) as usize <= MOST_FIELDS;
            is_small.then_some((items, slots as usize))
        };
        let table = |shape, items| VirtualKind::Table { shape, items };
        let (kind, fields, room) = match helper {
            Helper::NewTable => (table(EMPTY_SHAPE, 0), Vec::new(), sizes(a)?.0),
            Helper::NewRecord => {
                let (items, slots) = sizes(b)?;
                let shape = u32::try_from(self.new.int_of(a)?).ok()?;
                let fields = vec![nil; slots + items as usize];
                (table(shape, items), fields, items)
            }
            Helper::NewCell => (VirtualKind::Cell, vec![(a, b)], 0),
            Helper::NewClosure => match self.new.constant_of(a)? {
                Constant::Object(_) => (VirtualKind::Closure(a), Vec::new(), 0),
                _ => return None,
            },
            _ => return None,
        };
        // The parent of a side trace has paid for what the side trace finds.
        if self.at >= self.old.head {
            self.objects.bytes += match kind {
                VirtualKind::Table { items, .. } => {
                    let slots = fields.len() as i32 - items as i32;
                    layout::TABLE_CHARGE + slots * layout::VALUE_SIZE + room as i32 * ITEM_SIZE
                }
                VirtualKind::Cell => layout::CELL_CHARGE,
                VirtualKind::Closure(_) => layout::CLOSURE_CHARGE,
            };
        }
        Some(self.objects.push(Object {
            origins: vec![self.at],
            kind,
            fields,
            room,
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

    /// A table gets a field, a metatable, or list items.
    fn change_table(&mut self, i: &Instruction) -> Option<Ref> {
        let index = self.objects.index(i.args[0])?;
        let [_, b, c] = i.args.map(|r| self.new.int_of(r));
        let nil = self.new.int(i64::from(value::NIL));
        let object = &mut self.objects.list[index];
        let VirtualKind::Table { shape, items } = &mut object.kind else {
            return None;
        };
        let slots = object.fields.len() - *items as usize;
        match i.helper()? {
            Helper::AddSlot if slots < MOST_FIELDS => {
                *shape = u32::try_from(b?).ok()?;
                object.fields.insert(slots, (nil, Ref::NONE));
                self.objects.bytes += layout::VALUE_SIZE;
            }
            Helper::GiveShape => *shape = u32::try_from(b?).ok()?,
            Helper::ExtendList => {
                let (first, count) = (u32::try_from(b?).ok()?, u32::try_from(c?).ok()?);
                let last = first.checked_add(count)?;
                if first != *items || last as usize > MOST_FIELDS {
                    return None;
                }
                self.objects.bytes += last.saturating_sub(object.room) as i32 * ITEM_SIZE;
                object.room = object.room.max(last);
                *items = last;
                let more = object.fields.len() + count as usize;
                object.fields.resize(more, (nil, Ref::NONE));
            }
            _ => return None,
        }
        Some(self.new.int(1))
    }

    /// A load or store of a part of a virtual object.
    fn access(&mut self, i: &Instruction) -> Option<Ref> {
        let a = i.args[0];
        let (index, part) = self.objects.part(a)?;
        match part {
            Part::Itself => {}
            Part::Slots if i.class == Class::Record => return self.access_field(i, index, i.imm),
            Part::Tags if i.class == Class::ElementTag => return self.access_item(i, index),
            Part::Payloads if i.class == Class::Element => return self.access_item(i, index),
            _ => return None,
        }
        let is_load = i.op.result() != Type::None;
        match (self.objects.list[index].kind, i.class, i.imm) {
            (VirtualKind::Table { shape, .. }, Class::Shape, layout::OBJECT_EXTRA) => {
                is_load.then(|| self.new.int(i64::from(shape)))
            }
            (VirtualKind::Table { items, .. }, Class::TableHeader, at) if is_load => match at {
                layout::TABLE_SLOTS => Some(self.objects.name_of_part(index, Part::Slots)),
                layout::TABLE_TAGS => Some(self.objects.name_of_part(index, Part::Tags)),
                layout::TABLE_ARRAY => Some(self.objects.name_of_part(index, Part::Payloads)),
                layout::TABLE_BORDER => Some(self.new.int(items.into())),
                layout::TABLE_CAPACITY => {
                    let room = self.objects.list[index].room;
                    Some(self.new.int(room.into()))
                }
                layout::TABLE_HASH => Some(self.new.int(0)),
                _ => None,
            },
            (VirtualKind::Table { .. }, Class::Mark, layout::OBJECT_FLAGS) => {
                let is_clear = i.op == Op::Store8 && self.new.int_of(i.args[1]) == Some(0);
                is_clear.then_some(Ref::NONE)
            }
            (VirtualKind::Cell, Class::Cell, at) => {
                self.access_field(i, index, at - layout::CELL_VALUE)
            }
            (VirtualKind::Closure(proto), Class::Constant, layout::CLOSURE_PROTO) => {
                is_load.then_some(proto)
            }
            (VirtualKind::Closure(_), Class::Upvalue, at) => self.access_upvalue(i, index, at),
            _ => None,
        }
    }

    /// A load or store of a list item by a constant index.
    fn access_item(&mut self, i: &Instruction, index: usize) -> Option<Ref> {
        let n = usize::try_from(self.new.int_of(i.args[1])?).ok()?;
        let is_tag = i.class == Class::ElementTag;
        let stored = i.args[2];
        let nil = self.new.int(i64::from(value::NIL));
        let object = &self.objects.list[index];
        let VirtualKind::Table { items, .. } = object.kind else {
            return None;
        };
        if n >= items as usize {
            let is_empty = is_tag && stored == Ref::NONE && n < object.room as usize;
            return is_empty.then_some(nil);
        }
        if is_tag && stored != Ref::NONE && (!stored.is_constant() || stored == nil) {
            return None;
        }
        let place = object.fields.len() - items as usize + n;
        self.access_value(i, index, place, is_tag, stored)
    }

    /// A load or store at an offset among values.
    fn access_field(&mut self, i: &Instruction, index: usize, at: i32) -> Option<Ref> {
        let n = usize::try_from(at / layout::VALUE_SIZE).ok()?;
        let is_tag = match at % layout::VALUE_SIZE {
            layout::VALUE_TAG => true,
            layout::VALUE_PAYLOAD => false,
            _ => return None,
        };
        self.access_value(i, index, n, is_tag, i.args[1])
    }

    /// A load or store of the tag or payload of a field; a load if nothing is `stored`.
    fn access_value(
        &mut self,
        i: &Instruction,
        index: usize,
        field: usize,
        is_tag: bool,
        stored: Ref,
    ) -> Option<Ref> {
        let field = self.objects.list[index].fields.get_mut(field)?;
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
                self.objects.bytes += size_of::<usize>() as i32;
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
        let names_object = |s: &SnapshotSlot| s.payload.as_virtual().is_some();
        if self.objects.list.is_empty() || !slots.iter().any(names_object) {
            return Vec::new();
        }
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

/// Whether an instruction names a virtual object.
fn names_virtual(i: &Instruction) -> bool {
    i.args.iter().any(|r| r.as_virtual().is_some())
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
