//! Recorded values: what was observed, and which refs stand for it.

use super::Recording;
use super::shadow::Shadow;
use crate::ir::{Class, Constant, Op, Ref, Type};
use perilune_runtime::function::LuaClosure;
use perilune_runtime::layout;
use perilune_runtime::table::Table;
use perilune_runtime::value::{self, Value};

/// Where a recorded value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// A stack slot, not looked at yet.
    Slot(i32),
    /// Refs of its tag and payload.
    Refs { tag: Ref, payload: Ref },
}

/// A Lua value.
#[derive(Clone, Copy, Debug)]
pub struct RecordedValue {
    pub(super) concrete: Value,
    pub(super) source: Source,
}

/// An integer.
#[derive(Clone, Copy, Debug)]
pub struct RecordedInteger {
    pub(super) concrete: i64,
    pub(super) r: Ref,
}

/// A float.
#[derive(Clone, Copy, Debug)]
pub struct RecordedFloat {
    pub(super) concrete: f64,
    pub(super) r: Ref,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct RecordedTable {
    pub(super) concrete: *mut Table,
    pub(super) r: Ref,
}

/// A Lua closure.
#[derive(Clone, Copy, Debug)]
pub struct RecordedClosure {
    pub(super) concrete: *mut LuaClosure,
    pub(super) r: Ref,
}

impl Recording {
    /// A value known in full.
    pub(super) fn constant_value(&mut self, v: Value) -> RecordedValue {
        let tag = self.int(v.tag as i64);
        let payload = if v.tag == value::FLOAT {
            self.trace.constant(Constant::Float(v.payload))
        } else {
            self.int(v.payload as i64)
        };
        RecordedValue {
            concrete: v,
            source: Source::Refs { tag, payload },
        }
    }

    /// The ref of a value's tag.
    pub(super) fn tag_of(&mut self, v: RecordedValue) -> Ref {
        match v.source {
            Source::Refs { tag, .. } => tag,
            Source::Slot(slot) => {
                let known = self.shadow.get(slot).tag;
                if known != Ref::NONE {
                    return known;
                }
                let tag = self.emit(Op::SlotTag, slot, &[]);
                self.shadow.note(slot, |known| known.tag = tag);
                tag
            }
        }
    }

    /// The ref of a value's payload, in the register class that its observed tag wants.
    pub(super) fn payload_of(&mut self, v: RecordedValue) -> Ref {
        let is_float = v.concrete.tag == value::FLOAT;
        match v.source {
            Source::Refs { payload, .. } => {
                match (is_float, self.trace.type_of(payload) == Type::Float) {
                    (true, false) => self.emit(Op::FloatFromBits, 0, &[payload]),
                    (false, true) => self.emit(Op::FloatBits, 0, &[payload]),
                    _ => payload,
                }
            }
            Source::Slot(slot) => {
                let shadow = self.shadow.get(slot);
                let r = match (is_float, shadow.int, shadow.float) {
                    (true, Ref::NONE, Ref::NONE) => self.emit(Op::SlotFloat, slot, &[]),
                    (true, int, Ref::NONE) => self.emit(Op::FloatFromBits, 0, &[int]),
                    (true, _, float) => return float,
                    (false, Ref::NONE, Ref::NONE) => self.emit(Op::SlotInt, slot, &[]),
                    (false, Ref::NONE, float) => self.emit(Op::FloatBits, 0, &[float]),
                    (false, int, _) => return int,
                };
                self.shadow.note(slot, |known| match is_float {
                    true => known.float = r,
                    false => known.int = r,
                });
                r
            }
        }
    }

    /// Guards that a value has the tag that was observed; answers that tag.
    pub(super) fn guard_tag(&mut self, v: RecordedValue) -> value::Tag {
        self.guard_tag_by(v, |this, args| {
            this.guard_expected(Op::GuardEq, 0, args);
        })
    }

    /// The same where the program asks for it.
    pub(super) fn guard_tested_tag(&mut self, v: RecordedValue) -> value::Tag {
        self.guard_tag_by(v, |this, args| this.guard(Op::GuardEq, args))
    }

    fn guard_tag_by(
        &mut self,
        v: RecordedValue,
        guard: impl Fn(&mut Recording, &[Ref]),
    ) -> value::Tag {
        let observed = v.concrete.tag;
        let tag = self.tag_of(v);
        let Some(n) = tag.as_instruction() else {
            return observed;
        };
        let expected = self.int(observed as i64);
        if self.known_tags.len() <= n {
            self.known_tags.resize(n + 1, None);
        }
        if self.known_tags[n].replace(observed).is_none() {
            guard(self, &[tag, expected]);
        }
        if let Source::Slot(slot) = v.source {
            self.shadow.note(slot, |known| known.tag = expected);
        }
        observed
    }

    /// Guards that a value is not nil, which it was not.
    pub(super) fn guard_not_nil(&mut self, v: RecordedValue) {
        let tag = self.tag_of(v);
        if !tag.is_constant() && self.known_tag(tag).is_none() {
            let nil = self.int(value::NIL as i64);
            self.guard_expected(Op::GuardNe, 0, &[tag, nil]);
        }
    }

    /// A tag as the trace should store it: a constant where a guard has established it.
    pub(super) fn best_tag(&mut self, v: RecordedValue) -> Ref {
        let tag = self.tag_of(v);
        match self.known_tag(tag) {
            Some(known) => self.int(known as i64),
            None => tag,
        }
    }

    /// The tag that guards have found a tag that was loaded to be.
    fn known_tag(&self, tag: Ref) -> Option<value::Tag> {
        self.known_tags.get(tag.as_instruction()?).copied()?
    }

    /// Records that a slot has a new value, which is not in memory.
    pub(super) fn set_slot(&mut self, slot: i32, tag: Ref, payload: Ref) {
        self.shadow.set(slot, Shadow::of(&self.trace, tag, payload));
        self.replace_live(slot);
    }

    /// The value at `address + offset`, in memory of class `class`.
    pub(super) fn load_value(
        &mut self,
        concrete: Value,
        class: Class,
        address: Ref,
        offset: i32,
    ) -> RecordedValue {
        let tag = self.memory(Op::Load8, class, offset + layout::VALUE_TAG, &[address]);
        let op = if concrete.tag == value::FLOAT {
            Op::LoadFloat
        } else {
            Op::Load64
        };
        let payload = self.memory(op, class, offset + layout::VALUE_PAYLOAD, &[address]);
        RecordedValue {
            concrete,
            source: Source::Refs { tag, payload },
        }
    }

    /// Stores a value at `address + offset`.
    pub(super) fn store_value(
        &mut self,
        class: Class,
        address: Ref,
        offset: i32,
        tag: Option<Ref>,
        payload: Ref,
    ) {
        if let Some(tag) = tag {
            self.memory(
                Op::Store8,
                class,
                offset + layout::VALUE_TAG,
                &[address, tag],
            );
        }
        let op = match self.trace.type_of(payload) {
            Type::Float => Op::StoreFloat,
            _ => Op::Store64,
        };
        self.memory(
            op,
            class,
            offset + layout::VALUE_PAYLOAD,
            &[address, payload],
        );
    }
}
