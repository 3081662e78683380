//! What traces may take: room for machine code, memory for that and for what is known of traces, and
//! the state's own limit on memory. When it is too much, all traces are dropped, and what is still
//! hot is recorded anew; the room is used again.
//!
//! Invariants:
//! - The heap is charged for what traces take, as of the last trace that was made, or the last step of
//!   the collector.
//! - A trace that does not fit though there is no other counts as given up, like one that can't be
//!   recorded: it is not tried for ever.

use super::{CompiledTrace, Engine, ExitRecord, LocationRecord, State};
use crate::backend::Backend;
use crate::opt::Workspace;
use perilune_runtime::gc::{GcHeader, charge};
use perilune_runtime::hot;
use perilune_runtime::vm::Vm;

/// Bytes that may be known of traces for each byte of machine code that there may be.
const KNOWN_PER_BYTE: usize = 8;

/// Why traces are dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    /// Something died that they rely on, or memory is short. Whatever keeps being dropped is recorded
    /// again less and less often.
    Pressure,
    /// There was no room for another one.
    Full,
}

impl Engine {
    /// Charges the state for its traces. When they take too much, all are dropped, and the answer is
    /// false.
    ///
    /// # Safety
    /// `vm` is live, at a safepoint, and the engine's state is not borrowed.
    pub(super) unsafe fn settle(&self, vm: *mut Vm) -> bool {
        let bytes = self.state.borrow().bytes();
        let most = self.options.code_limit.saturating_mul(KNOWN_PER_BYTE);
        // SAFETY: the caller's contract.
        unsafe {
            if bytes <= most && (*vm).heap.charge_compiled(bytes).is_ok() {
                return true;
            }
            self.make_room(vm);
        }
        false
    }

    /// Drops all traces, for others to have room.
    ///
    /// # Safety
    /// As for [`Engine::settle`].
    pub(super) unsafe fn make_room(&self, vm: *mut Vm) {
        self.drop_traces(&|_| true, Reason::Full);
        let bytes = self.state.borrow().bytes();
        // SAFETY: the caller's contract. Less than before is never refused.
        let _ = unsafe { (*vm).heap.charge_compiled(bytes) };
    }

    /// Drops all traces. Running ones are left after their step.
    pub(super) fn drop_traces(
        &self,
        is_live_object: &dyn Fn(*const GcHeader) -> bool,
        reason: Reason,
    ) {
        let mut state = self.state.borrow_mut();
        // What failed stays failed.
        let cold = match reason {
            Reason::Full => self.later(0),
            Reason::Pressure => self.later(state.statistics.flushes as u32 + 1),
        };
        state.locations.retain(|&location, record| {
            if !is_live_object(record.proto.cast()) {
                return false;
            }
            if record.trace.take().is_some() {
                // SAFETY: the location is in the code of a live proto.
                unsafe {
                    hot::set_trace_at(location as *const u64, 0);
                    hot::set_counter(location as *const u64, cold);
                }
            }
            true
        });
        state.stale = true;
        if self.depth.get() > 0 {
            self.invalidated.set(true);
        } else {
            state.free_stale();
        }
    }
}

impl State {
    /// Bytes that traces and what is known of the program's loops take.
    pub(super) fn bytes(&self) -> usize {
        self.footprint
            + self.workspace.bytes()
            + self.backend.as_ref().map_or(0, Backend::bytes)
            + charge::list::<CompiledTrace>(self.traces.capacity())
            + charge::list::<ExitRecord>(self.exits.capacity())
            + charge::map::<(usize, LocationRecord)>(self.locations.capacity())
    }

    /// Whether there is no trace that could make room for another one.
    pub(super) fn is_empty(&self) -> bool {
        self.traces.is_empty() || self.stale
    }

    /// Frees traces that were dropped, when none runs.
    pub(super) fn free_stale(&mut self) {
        if self.stale {
            self.stale = false;
            self.traces = Vec::new();
            self.exits = Vec::new();
            self.workspace = Workspace::default();
            self.footprint = 0;
            if let Some(backend) = &mut self.backend {
                backend.flush();
            }
            self.statistics.flushes += 1;
        }
    }
}
