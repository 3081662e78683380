//! Leaving a trace: the snapshot's state is brought into memory.

use super::trace::LEFT;
use super::{Engine, objects};
use crate::backend::{Location, MachineState};
use crate::ir::{Finished, PendingFrame, Ref};
use perilune_runtime::construct;
use perilune_runtime::frame::{FRAME_C_CALL, Frame};
use perilune_runtime::value::Value;
use perilune_runtime::vm::Vm;

/// Restores the state of an exit: called by the code that all exits share.
pub(super) extern "C-unwind" fn restore(
    vm: *mut Vm,
    machine: *const MachineState,
    anchor: *mut Value,
) -> u64 {
    // SAFETY: called from a trace of this state's engine, with the registers just saved.
    let made = unsafe {
        let machine = &*machine;
        let Some(engine) = Engine::of(vm) else {
            return 0;
        };
        let exit = machine.exit as u32;
        let state = engine.state.borrow();
        let record = &state.exits[exit as usize];
        let trace = &state.traces[record.trace as usize].trace;
        let made = restore_snapshot(
            vm,
            anchor,
            trace,
            record.snapshot,
            state.values_of(record),
            machine,
        );
        engine.last_exit.set(Some(exit));
        made
    };
    if made {
        return 0;
    }
    // SAFETY: the saved state is that of the exit, and consistent; the engine's state is not
    // borrowed.
    match unsafe { construct::raise_out_of_memory(vm) } {
        0 => LEFT,
        code => code,
    }
}

/// False when there was no memory for an object: slots that should hold one hold nil then.
unsafe fn restore_snapshot(
    vm: *mut Vm,
    anchor: *mut Value,
    trace: &Finished,
    snapshot: u32,
    values: &[Location],
    machine: &MachineState,
) -> bool {
    // SAFETY: the caller's contract: slots and frames of a snapshot lie within the stacks, as the
    // guards before it have checked.
    unsafe {
        let snapshot = trace.snapshot(snapshot);
        let at = snapshot.at;
        let mut values = values.iter();
        let mut bits = |r: Ref| match trace.constant_of(r) {
            Some(constant) => constant.bits(),
            None if r.as_virtual().is_some() => 0,
            None => values.next().map_or(0, |&place| machine.bits(place)),
        };
        for slot in snapshot.slots {
            let place = anchor.offset(slot.slot as isize);
            (*place).tag = bits(slot.tag) as u8;
            // As `Snapshot::values` counts them.
            if slot.payload != Ref::NONE {
                (*place).payload = bits(slot.payload);
            }
        }
        let made = snapshot.objects.is_empty()
            || (*vm).heap.beyond_limit(|heap| {
                let mut fields = Vec::new();
                for &(tag, payload) in snapshot.objects.iter().flat_map(|o| &o.fields) {
                    let tag = bits(tag) as u8;
                    let has_payload = payload != Ref::NONE;
                    let payload = if has_payload { bits(payload) } else { 0 };
                    fields.push(Value { payload, tag });
                }
                objects::make(heap, trace, snapshot, fields, anchor)
            });
        let mut top = (*vm).frame_top.sub(at.popped as usize);
        // The guards of calls saw to this. Were it not so, memory would be lost silently.
        assert!(
            top.add(at.frames.len()) <= (*vm).frame_limit,
            "an exit has more frames than there is room for"
        );
        for frame in &at.frames {
            top = top.add(1);
            *top = Frame {
                site: frame.site,
                varargs: frame.varargs,
                flags: frame.flags,
            };
        }
        let counts = |frame: &&PendingFrame| frame.flags & FRAME_C_CALL != 0;
        (*(*vm).thread).c_calls += at.frames.iter().filter(counts).count() as u32;
        (*vm).frame_top = top;
        (*vm).base = anchor.offset(at.base as isize);
        (*vm).pc = at.pc;
        if let Some(top) = at.top {
            (*vm).top = anchor.offset(top as isize);
        }
        (*vm).constants = at.constants;
        (*vm).fuel += i64::from(snapshot.unspent);
        made
    }
}
