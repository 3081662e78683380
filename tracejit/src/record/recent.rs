//! What was recorded not long ago and need not be recorded again: loads from places that nothing has
//! written since, indices computed from the same numbers, guards that hold already.
//!
//! The optimiser would find all that, too, but what is not recorded costs nothing there, and takes no
//! snapshot. So this need not remember everything: it is a small table in which the place of an
//! instruction follows from what it does, and the latest one stays.
//!
//! Invariants:
//! - A load is remembered until something of its class is written, which helpers and steps may do, too.
//! - Guards are remembered as they are: values never change.

use crate::ir::helper::HelperEffect;
use crate::ir::{Class, Effect, Instruction, Op, Ref};

/// Places in the table.
const SIZE: usize = 64;

/// The latest instructions.
#[derive(Debug)]
pub(super) struct Recent {
    entries: [Entry; SIZE],
    /// By class: how often it was written.
    writes: [u32; Class::ALL.len()],
}

/// An instruction that may be repeated: it has two operands at most.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// What it does, and to what.
    key: (u64, u64),
    result: Ref,
    /// How often its class had been written.
    writes: u32,
}

impl Recent {
    pub(super) fn new() -> Recent {
        // No instruction has this key: there are not so many operations.
        let free = Entry {
            key: (u64::MAX, 0),
            result: Ref::NONE,
            writes: 0,
        };
        Recent {
            entries: [free; SIZE],
            writes: [0; Class::ALL.len()],
        }
    }

    /// The result of an instruction that was recorded, if nothing has changed that since.
    #[inline]
    pub(super) fn find(&self, i: &Instruction) -> Option<Ref> {
        let key = key(i);
        let entry = &self.entries[place(key)];
        if entry.key == key && entry.writes == self.writes[i.class as usize] {
            Some(entry.result)
        } else {
            None
        }
    }

    /// Notes an instruction that was recorded.
    #[inline]
    pub(super) fn note(&mut self, i: &Instruction, result: Ref) {
        if is_repeatable(i) {
            let key = key(i);
            self.entries[place(key)] = Entry {
                key,
                result,
                writes: self.writes[i.class as usize],
            };
        } else {
            self.note_effect(i);
        }
    }

    /// Forgets what an instruction may change.
    fn note_effect(&mut self, i: &Instruction) {
        match i.op {
            Op::Step => self.forget_all(),
            Op::CallInt | Op::CallFloat => match i.helper().map(|helper| helper.effect()) {
                Some(HelperEffect::Pure | HelperEffect::ReadsTables | HelperEffect::Allocates) => {}
                Some(HelperEffect::Finds) => self.forget(Class::Found),
                _ => self.forget_all(),
            },
            op if op.effect() == Effect::Write => self.forget(i.class),
            _ => {}
        }
    }

    fn forget(&mut self, class: Class) {
        // The class of slots is that of operations and guards, too, and no slot is remembered.
        if class != Class::None {
            self.writes[class as usize] += 1;
        }
    }

    fn forget_all(&mut self) {
        Class::ALL.iter().for_each(|&class| self.forget(class));
    }
}

/// Whether it is one of those that are worth remembering: doing it once is as good as doing it twice,
/// and programs often do.
fn is_repeatable(i: &Instruction) -> bool {
    use Op::{
        GuardBelow, GuardEq, GuardNe, GuardNotBelow, Load8, Load8At, Load32, Load64, Load64At,
    };
    match i.op {
        Op::Sub | GuardEq | GuardNe | GuardBelow | GuardNotBelow => true,
        Load8 | Load32 | Load64 | Op::LoadFloat | Load8At | Load64At | Op::LoadFloatAt => {
            i.class != Class::None
        }
        _ => false,
    }
}

/// What an instruction does, and to what, if it has two operands at most.
fn key(i: &Instruction) -> (u64, u64) {
    let [a, b, _] = i.args;
    let what = u64::from(i.imm as u32) << 16 | (i.class as u64) << 8 | i.op as u64;
    (what, u64::from(a.0) << 32 | u64::from(b.0))
}

/// Where it would be.
fn place((what, to): (u64, u64)) -> usize {
    let mixed = (what ^ to.rotate_left(24)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 58) as usize % SIZE
}
