//! What is kept of a trace when it is machine code: what its exits need, and what side traces want to
//! know of it.
//!
//! Most of a trace is its instructions, which nobody looks at any more then. What stays is packed: there
//! is a snapshot for nearly every other instruction.

use super::{Constant, End, Point, Ref, Snapshot, SnapshotSlot, Step, Trace, Type, VirtualObject};
use perilune_runtime::gc::charge;
use std::ops::Range;
use std::rc::Rc;

/// A trace without its instructions.
#[derive(Debug)]
pub struct Finished {
    /// Its number.
    pub number: u32,
    /// How it ends.
    pub end: End,
    constants: Box<[Constant]>,
    exits: Box<[Exit]>,
    /// The slots of all snapshots, in their order.
    slots: Box<[SnapshotSlot]>,
    /// Machine code refers to them by address.
    #[allow(clippy::vec_box, reason = "machine code refers to them by address")]
    steps: Vec<Box<Step>>,
    /// One bit for each instruction: whether its result is a float.
    floats: Box<[u64]>,
}

/// A snapshot.
#[derive(Debug)]
struct Exit {
    at: Rc<Point>,
    slots: Range<u32>,
    objects: Box<[VirtualObject]>,
    is_speculative: bool,
    unspent: i32,
}

/// What an exit has to restore: see [`Snapshot`].
#[derive(Clone, Copy, Debug)]
pub struct ExitState<'a> {
    /// Where it is.
    pub at: &'a Point,
    /// Slots that are not in memory yet.
    pub slots: &'a [SnapshotSlot],
    /// Objects that do not exist yet.
    pub objects: &'a [VirtualObject],
    /// Fuel to be given back.
    pub unspent: i32,
}

impl Finished {
    /// Keeps what is needed of a trace.
    pub fn of(trace: Trace) -> Finished {
        let mut floats = vec![0; trace.code.len().div_ceil(64)];
        for (n, i) in trace.code.iter().enumerate() {
            floats[n / 64] |= u64::from(i.op.result() == Type::Float) << (n % 64);
        }
        let count = trace.snapshots.iter().map(|s| s.slots.len()).sum();
        let mut slots = Vec::with_capacity(count);
        let mut exits = Vec::with_capacity(trace.snapshots.len());
        for snapshot in trace.snapshots {
            let first = slots.len() as u32;
            slots.extend_from_slice(&snapshot.slots);
            exits.push(Exit {
                at: snapshot.at,
                slots: first..slots.len() as u32,
                objects: snapshot.objects.into(),
                is_speculative: snapshot.is_speculative,
                unspent: snapshot.unspent,
            });
        }
        Finished {
            number: trace.number,
            end: trace.end,
            constants: trace.constants.into(),
            exits: exits.into(),
            slots: slots.into(),
            steps: trace.steps,
            floats: floats.into(),
        }
    }

    /// What the exit through the snapshot with this index restores.
    pub fn exit(&self, snapshot: u32) -> ExitState<'_> {
        let exit = &self.exits[snapshot as usize];
        ExitState {
            at: &exit.at,
            slots: &self.slots[exit.slots.start as usize..exit.slots.end as usize],
            objects: &exit.objects,
            unspent: exit.unspent,
        }
    }

    /// Whether the optimiser has bet that nobody leaves through the snapshot with this index.
    pub fn is_speculative(&self, snapshot: u32) -> bool {
        self.exits[snapshot as usize].is_speculative
    }

    /// The snapshot with this index.
    pub fn snapshot(&self, snapshot: u32) -> Snapshot {
        let state = self.exit(snapshot);
        let exit = &self.exits[snapshot as usize];
        Snapshot {
            at: exit.at.clone(),
            slots: state.slots.to_vec(),
            objects: state.objects.to_vec(),
            is_speculative: exit.is_speculative,
            unspent: exit.unspent,
        }
    }

    /// The constant that `r` names, if it does.
    pub fn constant_of(&self, r: Ref) -> Option<Constant> {
        r.as_constant().map(|n| self.constants[n])
    }

    /// The register class of a value or constant that one of its snapshots names.
    pub fn type_of(&self, r: Ref) -> Type {
        match (r.as_instruction(), self.constant_of(r)) {
            (Some(n), _) if self.floats[n / 64] >> (n % 64) & 1 != 0 => Type::Float,
            (_, Some(constant)) => constant.kind(),
            _ => Type::Int,
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let of_object = |o: &VirtualObject| charge::list::<(Ref, Ref)>(o.fields.capacity());
        let of_exit = |exit: &Exit| {
            let objects = exit.objects.iter().map(of_object).sum::<usize>();
            charge::block(size_of_val(&*exit.objects)) + objects
        };
        // Exits at one place share it; they follow each other.
        let mut points = 0;
        let mut last = std::ptr::null();
        for exit in &self.exits {
            if Rc::as_ptr(&exit.at) != last {
                last = Rc::as_ptr(&exit.at);
                points += exit.at.bytes();
            }
        }
        charge::block(size_of_val(&*self.constants))
            + charge::block(size_of_val(&*self.exits))
            + self.exits.iter().map(of_exit).sum::<usize>()
            + points
            + charge::block(size_of_val(&*self.slots))
            + charge::list::<Box<Step>>(self.steps.capacity())
            + charge::block(size_of::<Step>()) * self.steps.len()
            + charge::block(size_of_val(&*self.floats))
    }
}
