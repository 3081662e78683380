//! The start of a side trace: what the exit of its parent has, and memory has not.
//!
//! Virtual objects of the exit are made first thing, by helpers as everywhere. The optimiser sinks
//! them anew where the side trace lets them be; where a helper declines, the trace is left with the
//! very state of the parent's exit, in which they are virtual still.

use super::Recording;
use super::shadow::Shadow;
use crate::ir::{
    Class, Finished, Helper, Instruction, NewSnapshot, Op, Ref, Snapshot, SnapshotSlot, Type,
    VirtualKind, VirtualObject,
};
use perilune_runtime::layout;
use perilune_runtime::value;
use rustc_hash::FxHashMap;

impl Recording {
    /// Starts from an exit of another trace: what its snapshot says is not in memory, but inherited.
    pub fn inherit(&mut self, parent: &Finished, snapshot: Snapshot) {
        let inherited = self.inherited_values(parent, snapshot);
        let mut exit = self.renamed(parent, snapshot, &inherited);
        let made = self.make_objects(&exit);
        self.trace.head = self.trace.code.len();
        for slot in &mut exit.slots {
            slot.payload = match slot.payload {
                Ref::NONE => self.trace.int(0),
                r => made.get(&r).copied().unwrap_or(r),
            };
            let shadow = Shadow::of(&self.trace, slot.tag, slot.payload);
            self.shadow.set(slot.slot, shadow);
        }
        self.fuel.inherit(snapshot.unspent);
        self.base = snapshot.base;
        self.frames = snapshot.frames.clone();
        self.popped = snapshot.popped;
        self.next_top = snapshot.top;
    }

    /// What the parent's values are here.
    fn inherited_values(&mut self, parent: &Finished, exit: Snapshot) -> FxHashMap<Ref, Ref> {
        let mut inherited = FxHashMap::default();
        for (n, r) in exit.values().enumerate() {
            inherited.entry(r).or_insert_with(|| {
                let op = match parent.type_of(r) {
                    Type::Float => Op::InheritFloat,
                    _ => Op::InheritInt,
                };
                self.push(Instruction::new(op, n as i32, &[]))
            });
        }
        inherited
    }

    /// The parent's exit in terms of this trace.
    fn renamed(
        &mut self,
        parent: &Finished,
        exit: Snapshot,
        inherited: &FxHashMap<Ref, Ref>,
    ) -> NewSnapshot {
        let mut name = |r: Ref| match parent.constant_of(r) {
            Some(constant) => self.trace.constant(constant),
            None => inherited.get(&r).copied().unwrap_or(r),
        };
        let slot = |s: &SnapshotSlot, name: &mut dyn FnMut(Ref) -> Ref| SnapshotSlot {
            slot: s.slot,
            tag: name(s.tag),
            payload: name(s.payload),
        };
        let slots = exit.slots.iter().map(|s| slot(s, &mut name)).collect();
        let mut objects = Vec::with_capacity(exit.objects.len());
        for object in exit.objects {
            let kind = match object.kind {
                VirtualKind::Closure(proto) => VirtualKind::Closure(name(proto)),
                kind => kind,
            };
            let fields = object.fields.iter();
            objects.push(VirtualObject {
                name: object.name,
                kind,
                fields: fields.map(|&(t, p)| (name(t), name(p))).collect(),
            });
        }
        NewSnapshot {
            point: self.trace.snapshots.add_point(exit.at.clone()),
            slots,
            objects,
            is_speculative: false,
            unspent: exit.unspent,
        }
    }

    /// Makes the virtual objects of an exit; what each became.
    fn make_objects(&mut self, exit: &NewSnapshot) -> FxHashMap<Ref, Ref> {
        let mut made = FxHashMap::default();
        if exit.objects.is_empty() {
            return made;
        }
        let snapshot = self.trace.snapshots.add(exit.clone());
        let (nil, zero) = (self.int(value::NIL.into()), self.int(0));
        for object in &exit.objects {
            let (helper, args) = match object.kind {
                VirtualKind::Table { shape, items } => {
                    self.depend_on_shape(shape);
                    let shape = self.int(shape.into());
                    let slots = object.fields.len() as i64 - i64::from(items);
                    let counts = self.int(i64::from(items) << 32 | slots);
                    (Helper::NewRecord, vec![shape, counts])
                }
                VirtualKind::Cell => (Helper::NewCell, vec![nil, zero]),
                VirtualKind::Closure(proto) => {
                    let address = self.trace.int_of(proto).unwrap_or(0);
                    let proto = self.object(address as *const u8);
                    (Helper::NewClosure, vec![proto])
                }
            };
            let r = self.emit(Op::CallInt, helper as i32, &args);
            self.push(Instruction {
                snapshot,
                ..Instruction::new(Op::GuardNe, 0, &[r, zero])
            });
            made.insert(object.name, r);
        }
        for object in &exit.objects {
            self.fill_object(object, &made);
        }
        made
    }

    /// Stores the fields of an object that was just made: no barrier is due.
    fn fill_object(&mut self, object: &VirtualObject, made: &FxHashMap<Ref, Ref>) {
        let r = made[&object.name];
        let mut fields = Vec::with_capacity(object.fields.len());
        for &(tag, payload) in &object.fields {
            let payload = match made.get(&payload) {
                Some(&r) => r,
                None if payload == Ref::NONE => self.int(0),
                None => payload,
            };
            fields.push((tag, payload));
        }
        match object.kind {
            VirtualKind::Table { items, .. } => {
                let (slots, items) = fields.split_at(fields.len() - items as usize);
                self.fill_table(r, slots, items);
            }
            VirtualKind::Cell => {
                for (tag, payload) in fields {
                    self.store_value(Class::Cell, r, layout::CELL_VALUE, Some(tag), payload);
                }
            }
            VirtualKind::Closure(_) => {
                for (n, (_, cell)) in fields.into_iter().enumerate() {
                    let at = layout::CLOSURE_UPVALUES + (n * size_of::<usize>()) as i32;
                    self.memory(Op::Store64, Class::Upvalue, at, &[r, cell]);
                }
            }
        }
    }

    fn fill_table(&mut self, t: Ref, slots: &[(Ref, Ref)], items: &[(Ref, Ref)]) {
        if !slots.is_empty() {
            let at = layout::TABLE_SLOTS;
            let address = self.memory(Op::Load64, Class::TableHeader, at, &[t]);
            for (n, &(tag, payload)) in slots.iter().enumerate() {
                let at = n as i32 * layout::VALUE_SIZE;
                self.store_value(Class::Record, address, at, Some(tag), payload);
            }
        }
        if !items.is_empty() {
            self.store_items(t, 0, items);
        }
    }
}
