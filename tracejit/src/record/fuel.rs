//! Fuel in traces (`limit.rs` of the runtime): one guard takes what a stretch of the trace needs, up to
//! the next residual step or the end, before any of it is executed.
//!
//! Invariants:
//! - At a residual step, and where the trace ends, exactly the fuel is burnt that the instructions up
//!   to there took.
//! - A snapshot says how much of the stretch's fuel is for what comes after it (`unspent`). Its guards
//!   stay behind the guard that took the fuel, wherever the optimiser copies both.

use super::Recording;
use crate::ir::{Instruction, Op};

/// The fuel of a recording.
#[derive(Debug)]
pub(super) struct Meter {
    is_counted: bool,
    /// What the exit at which a side trace begins would give back.
    inherited: i32,
    /// The stretch that is being recorded.
    stretch: Option<Stretch>,
}

#[derive(Debug)]
struct Stretch {
    /// Where its guard is.
    guard: usize,
    /// The first of its snapshots.
    first_snapshot: usize,
    /// Instructions that were completed.
    done: i32,
    /// Instructions that were begun.
    begun: i32,
}

impl Meter {
    /// A meter that has counted nothing.
    pub(super) fn new(is_counted: bool) -> Meter {
        Meter {
            is_counted,
            inherited: 0,
            stretch: None,
        }
    }

    /// Whether fuel is counted.
    pub(super) fn is_counted(&self) -> bool {
        self.is_counted
    }

    /// Starts from an exit that would give so much back.
    pub(super) fn inherit(&mut self, unspent: i32) {
        self.inherited = unspent;
    }

    /// What a snapshot says for the time being: in the end it is subtracted from the whole stretch.
    pub(super) fn unspent(&self) -> i32 {
        match &self.stretch {
            Some(stretch) => stretch.done,
            None => self.inherited,
        }
    }

    /// The instruction that was begun, if any, is complete.
    pub(super) fn complete(&mut self) {
        if let Some(stretch) = &mut self.stretch {
            stretch.done = stretch.begun;
        }
    }
}

impl Recording {
    /// Burns the fuel of the current instruction; false when there is none.
    ///
    /// # Safety
    /// The recording's state is the machine's.
    pub(super) unsafe fn burn(&mut self) -> bool {
        if !self.fuel.is_counted {
            return true;
        }
        // SAFETY: the caller's contract.
        unsafe {
            let vm = self.direct.vm;
            if (*vm).fuel <= 0 {
                return false;
            }
            (*vm).fuel -= 1;
        }
        if self.fuel.stretch.is_none() {
            // The guard has a snapshot of its own: who leaves through it has burnt nothing.
            let snapshot = self.take_snapshot(self.instruction);
            let first_snapshot = self.trace.snapshots.len();
            self.fuel.stretch = Some(Stretch {
                guard: self.trace.code.len(),
                first_snapshot,
                done: 0,
                begun: 0,
            });
            self.push(Instruction {
                snapshot,
                ..Instruction::new(Op::GuardFuel, 0, &[])
            });
        }
        if let Some(stretch) = &mut self.fuel.stretch {
            stretch.begun += 1;
        }
        true
    }

    /// The stretch ends with the instruction that was begun last.
    pub(super) fn end_fuel(&mut self) {
        let Some(stretch) = self.fuel.stretch.take() else {
            return;
        };
        // What a side trace's parent has burnt for it is there already.
        let inherited = std::mem::take(&mut self.fuel.inherited);
        self.trace.code[stretch.guard].imm = stretch.begun - inherited;
        let unspent = |done| stretch.begun - done;
        self.trace
            .snapshots
            .change_unspent(stretch.first_snapshot, unspent);
    }
}
