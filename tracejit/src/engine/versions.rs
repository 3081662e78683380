//! Versions of a loop's trace, for loops whose values have other types at other times.
//!
//! A loop that is left in its first round, since something has another type than when it was
//! recorded, gets a side trace for that round. To go on with the loop's trace would be to leave it
//! again in the next round: the side trace goes to another version of the loop, which is recorded
//! from there, with the types that there are now. Versions of one loop form a chain; each is entered
//! from the side traces of the one before.

use super::Engine;
use crate::abort::Abort;
use crate::ir::End;
use crate::record::{Outcome, Recording, Start};
use perilune_runtime::vm::Vm;

/// Versions of one loop at most.
const MAX_VERSIONS: usize = 4;

/// Where a side trace goes that has come to a loop's start.
enum Target {
    /// To this trace.
    Known(u32),
    /// To a version that follows this one.
    After(u32),
}

impl Engine {
    /// Has a side trace that ends at a loop's trace go to the version of it that fits. Answers what
    /// became of the recording, and the interpreter's exit code after what else was recorded.
    ///
    /// # Safety
    /// The saved state is that of the side trace's end.
    pub(super) unsafe fn choose_version(
        &self,
        vm: *mut Vm,
        exit: u32,
        recording: &mut Recording,
        outcome: Outcome,
    ) -> (Outcome, u64) {
        let (Outcome::Complete, End::Link { trace: first, base }) = (outcome, recording.trace.end)
        else {
            return (outcome, 0);
        };
        let flushes = self.state.borrow().statistics.flushes;
        let (trace, code) = match self.target(exit, first, recording.stays_in_loop()) {
            Target::Known(trace) => (trace, 0),
            // SAFETY: the saved state is that of the back-edge.
            Target::After(before) => unsafe { self.record_version(vm, exit, first, before) },
        };
        if self.state.borrow().statistics.flushes != flushes {
            return (Outcome::Aborted(Abort::Collection), code);
        }
        recording.trace.end = End::Link { trace, base };
        (outcome, code)
    }

    /// Which trace that is. What leaves the loop and comes back begins with the first version.
    fn target(&self, exit: u32, first: u32, stays_in_loop: bool) -> Target {
        let state = self.state.borrow();
        let record = &state.exits[exit as usize];
        let parent = &state.traces[record.trace as usize];
        let is_version = |n: u32| {
            let trace = state.traces.get(n as usize);
            n == first || trace.is_some_and(|t| t.first_version == Some(first))
        };
        if state.traces[first as usize].is_function {
            return Target::Known(first);
        }
        if !is_version(record.trace) {
            // Another round of what its parent ended.
            return match parent.trace.end {
                End::Link { trace, .. } if is_version(trace) => Target::Known(trace),
                _ => Target::Known(first),
            };
        }
        if !stays_in_loop {
            return Target::Known(first);
        }
        if !record.is_early {
            return Target::Known(record.trace);
        }
        let versions = state.traces.iter();
        let count = versions.filter(|t| t.first_version == Some(first)).count() + 1;
        match parent.next_version {
            Some(next) => Target::Known(next),
            None if count < MAX_VERSIONS => Target::After(record.trace),
            None => Target::Known(first),
        }
    }

    /// Records a loop again, from its back-edge. Answers the trace to go to, and the interpreter's
    /// exit code.
    unsafe fn record_version(&self, vm: *mut Vm, exit: u32, first: u32, before: u32) -> (u32, u64) {
        // SAFETY: the caller's contract.
        unsafe {
            let passes = {
                let state = self.state.borrow();
                let record = &state.exits[exit as usize];
                let trace = &state.traces[record.trace as usize].trace;
                let passes = self.options.passes;
                let has_lost = trace.snapshot(record.snapshot).is_speculative;
                if has_lost {
                    passes.without_bets()
                } else {
                    passes
                }
            };
            let mut recording = self.new_recording(vm);
            let number = recording.trace.number;
            let (outcome, code) = self.record(&mut recording, Start::Loop);
            let result = self.finish(&passes, recording, outcome, number, None);
            let mut state = self.state.borrow_mut();
            match result {
                Ok(number) => {
                    let location = state.traces[before as usize].location;
                    let version = &mut state.traces[number as usize];
                    (version.first_version, version.location) = (Some(first), location);
                    state.traces[before as usize].next_version = Some(number);
                    (number, code)
                }
                Err(abort) => {
                    state.statistics.abort(abort);
                    (first, code)
                }
            }
        }
    }
}
