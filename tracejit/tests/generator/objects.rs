//! Objects that random traces make: tables with record slots, cells and closures, which lie in slots
//! of their own, in each other, and now and then where everybody sees them.
//!
//! Invariants:
//! - An object's address is no integer that the trace computes with: where it lies is nobody's
//!   business.
//! - Only slots lead to objects after a step: the collector knows nothing of registers.

use super::Generator;
use perilune_runtime::table::shape::EMPTY_SHAPE;
use perilune_runtime::{layout, value};
use perilune_tracejit::ir::{Class, Constant, Helper, Op, Ref, Type};

/// Slots that hold objects, and that are always live.
pub(super) const OBJECT_SLOTS: std::ops::Range<i32> = 8..10;
/// Record slots of a table at most.
const MOST_FIELDS: usize = 2;
/// The address of the proto of all closures.
const PROTO: u64 = 0x3_0000;

/// The shape of tables with so many record slots: not the empty one.
fn shape(n: usize) -> i64 {
    n as i64 + 1
}

/// The shape of those with a metatable.
fn with_metatable(n: usize) -> i64 {
    n as i64 + 5
}

/// What is known of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A table with so many record slots.
    Record(usize),
    /// A table with so many list items, and no record slots.
    List(usize),
    Cell,
    /// A closure with one upvalue.
    Closure,
}

impl Kind {
    fn tag(self) -> i64 {
        i64::from(match self {
            Kind::Record(_) | Kind::List(_) => value::TABLE,
            Kind::Cell => value::CELL,
            Kind::Closure => value::LUA_CLOSURE,
        })
    }
}

impl Generator {
    fn object(&mut self, wanted: impl Fn(Kind) -> bool) -> Option<(Ref, Kind)> {
        let wanted = |o: &&(Ref, Kind)| wanted(o.1);
        let found: Vec<_> = self.objects.iter().filter(wanted).copied().collect();
        let n = found.len().checked_sub(1)?;
        Some(found[if self.one_in(2) { n } else { self.below(n + 1) }])
    }

    fn tag(&mut self, tag: u8) -> Ref {
        self.trace.int(tag.into())
    }

    /// An instruction whose result is no integer to compute with.
    fn push_address(&mut self, op: Op, class: Class, imm: i32, args: &[Ref]) -> Ref {
        let r = self.push(op, class, imm, args);
        self.ints.retain(|&other| other != r);
        r
    }

    fn make_by(&mut self, helper: Helper, args: &[Ref]) -> Ref {
        self.snapshot();
        let r = self.push_address(Op::CallInt, Class::None, helper as i32, args);
        let zero = self.trace.int(0);
        self.guard(Op::GuardNe, 0, &[r, zero]);
        r
    }

    /// Makes an object.
    pub(super) fn make(&mut self) {
        let n = 1 + self.below(MOST_FIELDS);
        let (tag, payload) = (self.tag(value::INTEGER), self.int());
        let (id, count) = (self.trace.int(shape(n)), self.trace.int(n as i64));
        match self.below(5) {
            4 => self.make_list(1 + n),
            0 => {
                let r = self.make_by(Helper::NewRecord, &[id, count]);
                self.objects.push((r, Kind::Record(n)));
                for n in 0..n {
                    self.store_field(r, n);
                }
                if self.one_in(3) {
                    self.next_instruction();
                    let id = self.trace.int(with_metatable(n));
                    self.make_by(Helper::GiveShape, &[r, id]);
                }
            }
            1 => {
                let r = self.make_by(Helper::NewTable, &[count]);
                for n in 0..n {
                    self.next_instruction();
                    let id = self.trace.int(shape(n + 1));
                    self.make_by(Helper::AddSlot, &[r, id]);
                    self.store_field(r, n);
                }
                self.objects.push((r, Kind::Record(n)));
            }
            2 => {
                let r = self.make_by(Helper::NewCell, &[tag, payload]);
                self.objects.push((r, Kind::Cell));
            }
            _ => {
                let Some((cell, _)) = self.object(|kind| kind == Kind::Cell) else {
                    return;
                };
                let proto = self.trace.constant(Constant::Object(PROTO));
                let r = self.make_by(Helper::NewClosure, &[proto]);
                let at = layout::CLOSURE_UPVALUES;
                self.push(Op::Store64, Class::Upvalue, at, &[r, cell]);
                self.objects.push((r, Kind::Closure));
            }
        }
    }

    fn make_list(&mut self, count: usize) {
        let (room, first) = (count + self.below(2), self.trace.int(0));
        let sizes = self.trace.int((room as i64) << 32);
        let r = self.make_by(Helper::NewTable, &[sizes]);
        self.next_instruction();
        let items = self.trace.int(count as i64);
        self.make_by(Helper::ExtendList, &[r, first, items]);
        for n in 0..count {
            let (tag, payload) = match self.below(3) {
                0 => (value::FLOAT, self.float()),
                _ => (value::INTEGER, self.int()),
            };
            self.store_item(r, n, tag, payload);
        }
        self.objects.push((r, Kind::List(count)));
    }

    fn store_item(&mut self, t: Ref, n: usize, tag: u8, payload: Ref) {
        let (index, tag) = (self.trace.int(n as i64), self.tag(tag));
        let at = layout::TABLE_TAGS;
        let tags = self.push_address(Op::Load64, Class::TableHeader, at, &[t]);
        let at = layout::TABLE_ARRAY;
        let array = self.push_address(Op::Load64, Class::TableHeader, at, &[t]);
        self.push(Op::Store8At, Class::ElementTag, 0, &[tags, index, tag]);
        let op = match self.trace.type_of(payload) {
            Type::Float => Op::StoreFloatAt,
            _ => Op::Store64At,
        };
        self.push(op, Class::Element, 0, &[array, index, payload]);
    }

    /// Loads or stores a list item.
    fn use_item(&mut self, t: Ref, count: usize) {
        let n = self.below(count + 1);
        let (index, is_store) = (self.trace.int(n as i64), self.one_in(2));
        let size = [layout::TABLE_CAPACITY, layout::TABLE_BORDER][usize::from(is_store)];
        let size = self.push_address(Op::Load32, Class::TableHeader, size, &[t]);
        self.guard(Op::GuardBelow, 0, &[index, size]);
        if is_store {
            let (tag, payload) = match self.below(3) {
                0 => (value::FLOAT, self.float()),
                _ => (value::INTEGER, self.int()),
            };
            return self.store_item(t, n, tag, payload);
        }
        let at = layout::TABLE_TAGS;
        let tags = self.push_address(Op::Load64, Class::TableHeader, at, &[t]);
        let tag = self.push_address(Op::Load8At, Class::ElementTag, 0, &[tags, index]);
        self.bytes.pop();
        let expected = [value::INTEGER, value::FLOAT, value::NIL][self.below(3)];
        let wanted = self.tag(expected);
        self.guard(Op::GuardEq, 0, &[tag, wanted]);
        let at = layout::TABLE_ARRAY;
        let array = self.push_address(Op::Load64, Class::TableHeader, at, &[t]);
        let op = match expected {
            value::INTEGER => Op::Load64At,
            value::FLOAT => Op::LoadFloatAt,
            _ => return,
        };
        self.push(op, Class::Element, 0, &[array, index]);
    }

    fn store_field(&mut self, t: Ref, n: usize) {
        let at = layout::TABLE_SLOTS;
        let slots = self.push_address(Op::Load64, Class::TableHeader, at, &[t]);
        self.store_in(t, slots, Class::Record, n as i32 * layout::VALUE_SIZE);
    }

    /// Stores a value: an integer, a float, nil, or a table.
    fn store_in(&mut self, owner: Ref, address: Ref, class: Class, at: i32) {
        let table = self.object(|kind| matches!(kind, Kind::Record(_)));
        let (tag, payload) = match (self.below(5), table) {
            (0, _) => (value::NIL, None),
            (1, _) => (value::FLOAT, Some(self.float())),
            (2, Some((table, _))) => {
                let (op, args) = match class {
                    Class::Cell => (Op::BarrierForward, vec![owner, table]),
                    _ => (Op::BarrierBack, vec![owner]),
                };
                self.push(op, Class::None, 0, &args);
                (value::TABLE, Some(table))
            }
            _ => (value::INTEGER, Some(self.int())),
        };
        let tag = self.tag(tag);
        self.push(Op::Store8, class, at + layout::VALUE_TAG, &[address, tag]);
        if let Some(payload) = payload {
            let op = match self.trace.type_of(payload) {
                Type::Float => Op::StoreFloat,
                _ => Op::Store64,
            };
            self.push(op, class, at + layout::VALUE_PAYLOAD, &[address, payload]);
        }
    }

    /// Loads a value of a type that is guarded for.
    fn load_from(&mut self, address: Ref, class: Class, at: i32) {
        let tags = [value::INTEGER, value::INTEGER, value::FLOAT, value::TABLE];
        let expected = tags[self.below(tags.len())];
        let place = at + layout::VALUE_TAG;
        let tag = self.push_address(Op::Load8, class, place, &[address]);
        self.bytes.pop();
        let wanted = self.tag(expected);
        self.guard(Op::GuardEq, 0, &[tag, wanted]);
        let at = at + layout::VALUE_PAYLOAD;
        match expected {
            value::INTEGER => {
                self.push(Op::Load64, class, at, &[address]);
            }
            value::FLOAT => {
                self.push(Op::LoadFloat, class, at, &[address]);
            }
            _ => {
                let t = self.push_address(Op::Load64, class, at, &[address]);
                self.guard_record(t);
            }
        }
    }

    /// Takes a table for one of the record shapes.
    fn guard_record(&mut self, t: Ref) {
        let n = 1 + self.below(MOST_FIELDS);
        let at = layout::OBJECT_EXTRA;
        let actual = self.push_address(Op::Load32, Class::Shape, at, &[t]);
        let expected = if self.one_in(3) {
            with_metatable(n)
        } else {
            shape(n)
        };
        let expected = self.trace.int(expected);
        self.guard(Op::GuardEq, 0, &[actual, expected]);
        self.objects.push((t, Kind::Record(n)));
    }

    /// Loads or stores a part of an object.
    pub(super) fn use_object(&mut self) {
        let Some((r, kind)) = self.object(|_| true) else {
            return self.make();
        };
        match kind {
            Kind::Record(fields) => {
                let n = self.below(fields);
                if self.one_in(2) {
                    return self.store_field(r, n);
                }
                let at = layout::TABLE_SLOTS;
                let slots = self.push_address(Op::Load64, Class::TableHeader, at, &[r]);
                self.load_from(slots, Class::Record, n as i32 * layout::VALUE_SIZE);
            }
            Kind::List(count) => self.use_item(r, count),
            Kind::Cell if self.one_in(2) => self.store_in(r, r, Class::Cell, layout::CELL_VALUE),
            Kind::Cell => self.load_from(r, Class::Cell, layout::CELL_VALUE),
            Kind::Closure => {
                let at = layout::CLOSURE_UPVALUES;
                let cell = self.push_address(Op::Load64, Class::Upvalue, at, &[r]);
                self.objects.push((cell, Kind::Cell));
            }
        }
    }

    /// Puts an object in a slot, or takes one from there.
    pub(super) fn move_object(&mut self) {
        let slot = OBJECT_SLOTS.start + self.below(OBJECT_SLOTS.len()) as i32;
        if self.one_in(2)
            && let Some((r, kind)) = self.object(|_| true)
        {
            let tag = self.trace.int(kind.tag());
            self.dirty.insert(slot, (tag, r));
            return;
        }
        if let Some(&(_, r)) = self.dirty.get(&slot) {
            let known = self.objects.iter().find(|o| o.0 == r).copied();
            self.objects.extend(known);
            return;
        }
        let kinds = [
            Kind::Record(1),
            Kind::Record(2),
            Kind::List(2),
            Kind::Cell,
            Kind::Closure,
        ];
        let kind = kinds[self.below(kinds.len())];
        let tag = self.push_address(Op::SlotTag, Class::None, slot, &[]);
        let expected = self.trace.int(kind.tag());
        self.guard(Op::GuardEq, 0, &[tag, expected]);
        let r = self.push_address(Op::SlotInt, Class::None, slot, &[]);
        match kind {
            Kind::Record(_) => self.guard_record(r),
            Kind::List(_) => {
                let at = layout::OBJECT_EXTRA;
                let actual = self.push_address(Op::Load32, Class::Shape, at, &[r]);
                let expected = self.trace.int(EMPTY_SHAPE.into());
                self.guard(Op::GuardEq, 0, &[actual, expected]);
                self.objects.push((r, kind));
            }
            Kind::Cell => self.objects.push((r, kind)),
            Kind::Closure => {
                let at = layout::CLOSURE_PROTO;
                let proto = self.push_address(Op::Load64, Class::Constant, at, &[r]);
                let expected = self.trace.constant(Constant::Object(PROTO));
                self.guard(Op::GuardEq, 0, &[proto, expected]);
                self.objects.push((r, kind));
            }
        }
    }

    /// Compares two objects, or shows one to everybody.
    pub(super) fn compare_or_show(&mut self) {
        let (Some((a, _)), Some((b, kind))) = (self.object(|_| true), self.object(|_| true)) else {
            return self.make();
        };
        if !self.one_in(8) {
            let op = [Op::GuardEq, Op::GuardNe, Op::GuardNe][self.below(3)];
            return self.guard(op, 0, &[a, b]);
        }
        let place = self.trace.constant(Constant::Object(0x1_0000));
        let tag = self.trace.int(kind.tag());
        // Where nothing else is loaded from.
        let at = 3 * layout::VALUE_SIZE;
        self.push(Op::BarrierBack, Class::None, 0, &[place]);
        self.push(
            Op::Store8,
            Class::Record,
            at + layout::VALUE_TAG,
            &[place, tag],
        );
        self.push(Op::Store64, Class::Record, at, &[place, b]);
    }
}
