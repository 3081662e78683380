//! Writes random traces as the recorder would: bytecode instruction by bytecode instruction, guards
//! before writes, what slots hold in snapshots until a step needs it in memory.
//!
//! Invariants (those of real traces on which the optimiser relies):
//! - Objects of one memory class don't overlap, and an offset is always accessed in one width.
//! - Slots are read only while they are live.
//! - Divisors are guarded before.

mod objects;

use objects::{Kind, OBJECT_SLOTS};
use perilune_runtime::machine::Slow;
use perilune_runtime::{layout, value};
use perilune_tracejit::ir::{
    Class, Constant, End, Helper, Instruction, Op, Point, Ref, SnapshotSlot, Step, Trace, Type,
};
use std::collections::BTreeMap;

/// Slots that are always live; those above up to `SLOTS` are live while the program needs them.
const LOCALS: i32 = 5;
const SLOTS: i32 = 8;

/// The slots that are always live.
const ALWAYS_LIVE: u64 = ((1 << LOCALS) - 1) | (0b11 << OBJECT_SLOTS.start);

/// The kinds of bytecode instructions.
const KINDS: [fn(&mut Generator); 14] = [
    Generator::read_slot,
    Generator::set_slot,
    Generator::set_slot_again,
    Generator::integers,
    Generator::floats,
    Generator::compare,
    Generator::field,
    Generator::element,
    Generator::append,
    Generator::step,
    Generator::make,
    Generator::use_object,
    Generator::move_object,
    Generator::compare_or_show,
];
/// How many of them have to do with objects.
const OF_OBJECTS: usize = 4;

/// The generator at work.
pub(crate) struct Generator {
    random: u64,
    trace: Trace,
    /// Slots whose values are not in memory.
    dirty: BTreeMap<i32, (Ref, Ref)>,
    live: u64,
    ints: Vec<Ref>,
    floats: Vec<Ref>,
    /// Integers that fit a byte.
    bytes: Vec<Ref>,
    addresses: Vec<Ref>,
    /// Indices that elements are accessed by.
    indices: Vec<Ref>,
    /// Objects, by their addresses, since the last step.
    objects: Vec<(Ref, Kind)>,
    /// Slots that were read, with what they held.
    seen: Vec<(i32, Ref, Ref)>,
    /// How often each kind of bytecode instruction comes.
    weights: [usize; KINDS.len()],
    /// The first of the kinds of fields that are accessed.
    least_field: usize,
    /// Whether it is a loop that counts: slot 3 down, and slot 1 up or down.
    is_counted: bool,
    pc: usize,
    snapshot: Option<u32>,
}

impl Generator {
    /// Always the same for the same seed.
    pub(crate) fn new(seed: u64) -> Generator {
        let mut trace = Trace::new(0);
        let ints = [0, 1, 2, -1, 8, 64, i64::MIN, i64::MAX];
        let floats = [0.0, -0.0, 1.0, 2.5, f64::INFINITY, 0.1, f64::NAN];
        Generator {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            dirty: BTreeMap::new(),
            live: ALWAYS_LIVE,
            ints: ints.map(|i| trace.int(i)).to_vec(),
            floats: floats.map(|f| trace.float(f)).to_vec(),
            bytes: [0, 1, 2, 3].map(|i| trace.int(i)).to_vec(),
            addresses: [0x1_0000, 0x2_0000]
                .map(|o| trace.constant(Constant::Object(o)))
                .to_vec(),
            indices: Vec::new(),
            objects: Vec::new(),
            seen: Vec::new(),
            weights: [1; KINDS.len()],
            least_field: 0,
            is_counted: false,
            trace,
            pc: 0,
            snapshot: None,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) as usize % n
    }
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    /// One of the list, the latest ones more often.
    fn pick(&mut self, list: impl Fn(&Generator) -> &Vec<Ref>) -> Ref {
        let len = list(self).len();
        let n = if self.one_in(2) {
            len - 1 - self.below(len.min(4))
        } else {
            self.below(len)
        };
        list(self)[n]
    }
    fn int(&mut self) -> Ref {
        self.pick(|g| &g.ints)
    }
    fn float(&mut self) -> Ref {
        self.pick(|g| &g.floats)
    }
    fn byte(&mut self) -> Ref {
        self.pick(|g| &g.bytes)
    }
    fn address(&mut self) -> Ref {
        self.pick(|g| &g.addresses)
    }

    /// A trace.
    pub(crate) fn trace(mut self) -> Trace {
        let ends_in_round = !self.one_in(4);
        if !ends_in_round && self.one_in(2) {
            for n in 0..3 {
                let op = [Op::InheritInt, Op::InheritFloat][self.below(2)];
                self.push(op, Class::None, n, &[]);
            }
        }
        self.next_instruction();
        self.choose_subject();
        self.guard(Op::GuardQuiet, 0, &[]);
        if ends_in_round && self.one_in(3) {
            self.next_instruction();
            self.count();
        }
        for _ in 0..4 + self.below(20) {
            self.next_instruction();
            self.instruction();
        }
        self.next_instruction();
        self.show_latest();
        // What dies at the round's end.
        self.live &= ALWAYS_LIVE;
        let live = self.live;
        self.dirty.retain(|&slot, _| live >> slot & 1 != 0);
        if ends_in_round {
            // Where the round began.
            self.pc = 8;
            self.trace.end = End::Round(self.snapshot());
        } else if self.one_in(2) {
            self.trace.end = End::Exit(self.snapshot());
        } else {
            self.flush();
            self.trace.end = End::Link { trace: 9, base: 1 };
        }
        self.trace
    }

    /// What a loop with a counter does in each round.
    fn count(&mut self) {
        self.is_counted = true;
        let (zero, tag) = (self.trace.int(0), self.trace.int(0));
        let count = self.push(Op::SlotInt, Class::None, 3, &[]);
        self.guard(Op::GuardNe, 0, &[count, zero]);
        let one = self.trace.int(1);
        let left = self.pure(Op::Sub, &[count, one]);
        let (x, step) = (self.push(Op::SlotInt, Class::None, 1, &[]), self.below(5));
        let step = match step {
            0 => self.push(Op::SlotInt, Class::None, 2, &[]),
            n => self.trace.int([1, -1, 1, 2][n - 1]),
        };
        let x = self.pure(Op::Add, &[x, step]);
        self.dirty.insert(3, (tag, left));
        self.dirty.insert(1, (tag, x));
        self.indices.push(x);
        self.indices.push(x);
    }

    /// Puts what was computed last where it is seen.
    fn show_latest(&mut self) {
        for slot in 0..LOCALS {
            if self.one_in(2) || self.is_counted && slot != 0 {
                continue;
            }
            let (list, tag) = match slot % 2 {
                0 => (&self.floats, value::FLOAT),
                _ => (&self.ints, value::INTEGER),
            };
            let latest = list[list.len() - 1 - (slot as usize / 2) % list.len()];
            let tag = self.trace.int(i64::from(tag));
            self.dirty.insert(slot, (tag, latest));
        }
    }

    fn next_instruction(&mut self) {
        self.pc += 8;
        self.snapshot = None;
        for slot in LOCALS..SLOTS {
            if self.one_in(8) {
                self.live &= !(1 << slot);
                self.dirty.remove(&slot);
            }
        }
    }

    fn push(&mut self, op: Op, class: Class, imm: i32, args: &[Ref]) -> Ref {
        let r = self.trace.push(Instruction {
            class,
            ..Instruction::new(op, imm, args)
        });
        match op.result() {
            // Tags are compared with tags only.
            Type::Int if op == Op::SlotTag => {}
            Type::Int => self.ints.push(r),
            Type::Float => self.floats.push(r),
            Type::None => {}
        }
        if matches!(op, Op::Load8 | Op::Load8At) {
            self.bytes.push(r);
        }
        r
    }

    fn pure(&mut self, op: Op, args: &[Ref]) -> Ref {
        self.push(op, Class::None, 0, args)
    }

    fn snapshot(&mut self) -> u32 {
        if let Some(snapshot) = self.snapshot {
            return snapshot;
        }
        let slots = self
            .dirty
            .iter()
            .map(|(&slot, &(tag, payload))| SnapshotSlot { slot, tag, payload });
        let mut at = Point::new(self.pc as *const u64);
        at.live.insert_words(0, &[self.live]);
        let point = self.trace.snapshots.add_point(at);
        let all = &mut self.trace.snapshots;
        let snapshot = all.push(point, 0, |list| list.extend(slots));
        self.snapshot = Some(snapshot);
        snapshot
    }

    fn guard(&mut self, op: Op, imm: i32, args: &[Ref]) {
        let snapshot = self.snapshot();
        self.trace.push(Instruction {
            snapshot,
            ..Instruction::new(op, imm, args)
        });
    }

    /// Brings the slots into memory.
    fn flush(&mut self) {
        for (slot, (tag, payload)) in std::mem::take(&mut self.dirty) {
            let op = match self.trace.type_of(payload) {
                Type::Float => Op::StoreSlotFloat,
                _ => Op::StoreSlotInt,
            };
            self.push(Op::StoreSlotTag, Class::None, slot, &[tag]);
            self.push(op, Class::None, slot, &[payload]);
        }
        self.snapshot = None;
    }

    /// What one bytecode instruction might do.
    fn instruction(&mut self) {
        let mut n = self.below(self.weights.iter().sum::<usize>().max(1));
        for (kind, weight) in KINDS.iter().zip(self.weights) {
            if n < weight {
                return kind(self);
            }
            n -= weight;
        }
    }

    /// What the trace is about: some things often, some never, few objects and indices.
    fn choose_subject(&mut self) {
        self.weights = std::array::from_fn(|_| [0, 1, 1, 3, 8][self.below(5)]);
        match self.below(3) {
            0 => self.weights[KINDS.len() - OF_OBJECTS..].fill(0),
            1 => self.weights[..KINDS.len() - OF_OBJECTS]
                .iter_mut()
                .for_each(|w| *w /= 3),
            _ => {}
        }
        self.least_field = [0, 0, 3, 5][self.below(4)];
        for n in 0..2 {
            let object = self.addresses[n];
            let r = self.push(Op::Load64, Class::Constant, 16, &[object]);
            if self.one_in(2) {
                self.addresses.push(r);
            }
            let r = match self.below(3) {
                0 => self.push(Op::SlotInt, Class::None, n as i32, &[]),
                1 => self.trace.int(n as i64),
                _ => self.int(),
            };
            self.indices.push(r);
        }
    }

    fn read_slot(&mut self) {
        let slot = self.below(SLOTS as usize) as i32;
        if self.live >> slot & 1 == 0 {
            return;
        }
        let (tag, payload) = match self.dirty.get(&slot) {
            Some(&known) => known,
            None => {
                let tag = self.push(Op::SlotTag, Class::None, slot, &[]);
                let op = [Op::SlotInt, Op::SlotFloat][self.below(2)];
                (tag, self.push(op, Class::None, slot, &[]))
            }
        };
        self.seen.push((slot, tag, payload));
        if !self.one_in(3) {
            let expected = [0, 1, 8][self.below(3)];
            let expected = self.trace.int(expected);
            self.guard(Op::GuardEq, 0, &[tag, expected]);
        }
        match self.trace.type_of(payload) {
            Type::Float => self.floats.push(payload),
            _ => self.ints.push(payload),
        }
    }

    fn set_slot(&mut self) {
        let slot = self.below(SLOTS as usize) as i32;
        if self.is_counted && [1, 2, 3].contains(&slot) {
            return;
        }
        self.live |= 1 << slot;
        let (tag, payload) = match self.below(6) {
            0 => (value::NIL, self.trace.int(0)),
            1 => (value::TABLE, self.address()),
            2 | 3 if slot % 2 == 0 => (value::FLOAT, self.float()),
            _ => (value::INTEGER, self.int()),
        };
        let tag = self.trace.int(i64::from(tag));
        self.dirty.insert(slot, (tag, payload));
    }

    /// Gives a slot a value that it had before.
    fn set_slot_again(&mut self) {
        if self.seen.is_empty() {
            return self.read_slot();
        }
        let n = self.below(self.seen.len());
        let (slot, tag, payload) = self.seen[n];
        if self.is_counted && [1, 3].contains(&slot) {
            return;
        }
        self.live |= 1 << slot;
        self.dirty.insert(slot, (tag, payload));
    }

    fn integers(&mut self) {
        use Op::{Add, And, DivUnsigned, FloorDiv, FloorMod, Mul, Or, Shl, Shr, Sub, Xor};
        let (a, b) = (self.int(), self.int());
        let op = [Add, Sub, Mul, And, Or, Xor, Shl, Shr, Add, Sub][self.below(10)];
        self.pure(op, &[a, b]);
        if self.one_in(3) {
            let zero = self.trace.int(0);
            self.guard(Op::GuardNe, 0, &[b, zero]);
            let op = [FloorDiv, FloorMod, DivUnsigned][self.below(3)];
            self.pure(op, &[a, b]);
        }
    }

    fn floats(&mut self) {
        let (a, b, i) = (self.float(), self.float(), self.int());
        match self.below(11) {
            10 => self.pure(Op::SingleBits, &[a]),
            9 => self.pure(Op::FloatFromSingle, &[i]),
            8 => self.pure(Op::FloatToInt, &[a]),
            0 => self.pure(Op::FNeg, &[a]),
            1 => self.pure(Op::FAbs, &[a]),
            2 => self.pure(Op::IntToFloat, &[i]),
            3 => self.pure(Op::FloatBits, &[a]),
            4 => self.pure(Op::FloatFromBits, &[i]),
            5 => self.push(Op::CallFloat, Class::None, Helper::FloatMod as i32, &[a, b]),
            n => {
                let op = [Op::FAdd, Op::FSub, Op::FMul, Op::FDiv][(self.below(2)) + 2 * (n - 6)];
                self.pure(op, &[a, b])
            }
        };
    }

    fn compare(&mut self) {
        use Op::{GuardBelow, GuardEq, GuardLe, GuardLt, GuardNe, GuardNotBelow};
        if self.one_in(4) {
            let imm = 16 * self.below(9) as i32;
            return self.guard(Op::GuardStack, imm, &[]);
        }
        if self.one_in(4) {
            use Op::{GuardFEq, GuardFLe, GuardFLt, GuardNotFEq, GuardNotFLe, GuardNotFLt};
            let (a, b) = (self.float(), self.float());
            let ops = [
                GuardFLt,
                GuardFLe,
                GuardFEq,
                GuardNotFLt,
                GuardNotFLe,
                GuardNotFEq,
            ];
            let op = ops[self.below(6)];
            return self.guard(op, 0, &[a, b]);
        }
        let (a, b) = (self.int(), self.int());
        let ops = [
            GuardEq,
            GuardNe,
            GuardLt,
            GuardLe,
            GuardBelow,
            GuardNotBelow,
            Op::GuardBits,
            Op::GuardNoBits,
        ];
        let op = ops[self.below(ops.len())];
        self.guard(op, 0, &[a, b]);
    }

    fn field(&mut self) {
        let address = self.address();
        let offset = [0, 0, 0, 16][self.below(4)];
        match self.below(7).max(self.least_field) {
            0 => {
                let r = self.push(Op::Load64, Class::TableHeader, offset, &[address]);
                if self.one_in(4) {
                    self.addresses.push(r);
                }
            }
            1 => {
                let shape = self.push(Op::Load32, Class::Shape, 12, &[address]);
                let known = self.trace.int(1);
                self.guard(Op::GuardEq, 0, &[shape, known]);
            }
            2 => {
                self.push(
                    Op::Load32,
                    Class::TableHeader,
                    layout::TABLE_BORDER,
                    &[address],
                );
            }
            n => {
                use Class::{Cell, Mark, Record, RustField};
                let class = [Mark, Cell, Record, RustField][n - 3];
                self.value(class, offset, &[address]);
            }
        }
    }

    fn element(&mut self) {
        let address = self.address();
        let (i, distance) = (self.pick(|g| &g.indices), self.below(3) as i64);
        let distance = self.trace.int(distance);
        let index = self.pure(Op::Sub, &[i, distance]);
        if self.one_in(2) {
            let size = [layout::TABLE_BORDER, layout::TABLE_CAPACITY][self.below(2)];
            let size = self.push(Op::Load32, Class::TableHeader, size, &[address]);
            self.guard(Op::GuardBelow, 0, &[index, size]);
        }
        if self.one_in(3) {
            let tag = self.byte();
            if self.one_in(2) {
                self.push(Op::Store8At, Class::ElementTag, 0, &[address, index, tag]);
            } else {
                self.push(Op::Load8At, Class::ElementTag, 0, &[address, index]);
            }
        }
        let (int, float) = (self.int(), self.float());
        let at = [address, index];
        match self.below(4) {
            0 => self.push(Op::Load64At, Class::Element, 0, &at),
            1 => self.push(Op::LoadFloatAt, Class::Element, 0, &at),
            2 => self.push(Op::Store64At, Class::Element, 0, &[address, index, int]),
            _ => self.push(
                Op::StoreFloatAt,
                Class::Element,
                0,
                &[address, index, float],
            ),
        };
    }

    /// A tag and a payload loaded or stored.
    fn value(&mut self, class: Class, offset: i32, at: &[Ref; 1]) {
        let (tag, int, float) = (self.byte(), self.int(), self.float());
        match self.below(4) {
            0 => self.push(Op::Load8, class, offset + 8, at),
            1 => self.push(Op::Store8, class, offset + 8, &[at[0], tag]),
            _ if class == Class::Mark => return,
            2 => match self.below(2) {
                0 => self.push(Op::Load64, class, offset, at),
                _ => self.push(Op::LoadFloat, class, offset, at),
            },
            _ => match self.below(2) {
                0 => self.push(Op::Store64, class, offset, &[at[0], int]),
                _ => self.push(Op::StoreFloat, class, offset, &[at[0], float]),
            },
        };
    }

    fn append(&mut self) {
        let (t, tag, payload) = (self.address(), self.byte(), self.int());
        let helper = Helper::Append as i32;
        self.snapshot();
        let done = self.push(Op::CallInt, Class::None, helper, &[t, tag, payload]);
        let zero = self.trace.int(0);
        self.guard(Op::GuardNe, 0, &[done, zero]);
    }

    fn step(&mut self) {
        // Arguments of a step are live until it is done.
        self.flush();
        self.objects.clear();
        let from = self.below(SLOTS as usize) as i32;
        let to = [from, from + 1, i32::MAX][self.below(3)];
        let snapshot = self.snapshot();
        let index = self.trace.steps.len() as i32;
        self.trace.steps.push(Box::new(Step {
            pc: self.pc as *const u64,
            constants: std::ptr::null(),
            base: 0,
            top: None,
            family: Slow::Other,
            accessor: std::ptr::null_mut(),
            next_pc: (self.pc + 8) as *const u64,
            next_base: 0,
            frames: 0,
            clobbers: (from, to),
            is_early: false,
            leaves_thread: false,
        }));
        self.trace.push(Instruction {
            snapshot,
            ..Instruction::new(Op::Step, index, &[])
        });
    }
}
