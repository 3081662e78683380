//! What is kept of a trace when it is machine code: what its exits need, and what side traces want to
//! know of it.
//!
//! Most of a trace is its instructions, which nobody looks at any more then. What stays is packed: there
//! is a snapshot for nearly every other instruction.

use super::{Constant, End, Lists, Ref, Snapshot, Snapshots, Step, Trace, Type};
use perilune_runtime::gc::charge;

/// A trace without its instructions.
#[derive(Debug)]
pub struct Finished {
    /// Its number.
    pub number: u32,
    /// How it ends.
    pub end: End,
    constants: Box<[Constant]>,
    snapshots: Snapshots,
    /// Machine code refers to them by address.
    #[allow(clippy::vec_box, reason = "machine code refers to them by address")]
    steps: Vec<Box<Step>>,
    /// One bit for each instruction: whether its result is a float.
    floats: Box<[u64]>,
}

impl Finished {
    /// Keeps what is needed of a trace; its lists can be used again.
    pub fn of(mut trace: Trace) -> (Finished, Lists) {
        let mut floats = vec![0; trace.code.len().div_ceil(64)];
        for (n, i) in trace.code.iter().enumerate() {
            floats[n / 64] |= u64::from(i.op.result() == Type::Float) << (n % 64);
        }
        let finished = Finished {
            number: trace.number,
            end: trace.end,
            constants: trace.constants.as_slice().into(),
            snapshots: trace.snapshots.packed(),
            steps: std::mem::take(&mut trace.steps),
            floats: floats.into(),
        };
        (finished, trace.into_lists())
    }

    /// The snapshot with this index: what the exit through it restores.
    ///
    /// # Panics
    /// If there is none.
    pub fn snapshot(&self, snapshot: u32) -> Snapshot<'_> {
        self.snapshots.get(snapshot)
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
        self.snapshots.bytes()
            + charge::block(size_of_val(&*self.constants))
            + charge::list::<Box<Step>>(self.steps.capacity())
            + charge::block(size_of::<Step>()) * self.steps.len()
            + charge::block(size_of_val(&*self.floats))
    }
}
