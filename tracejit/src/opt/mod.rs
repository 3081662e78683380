//! The optimiser: passes over traces, each of which can be switched off by its name.

mod dce;
mod fold;
mod guards;
mod memory;
mod peel;
mod rewrite;

use rewrite::Rewriter;

use crate::ir::{End, Instruction, Op, Ref, SnapshotSlot, Trace, Type};

macro_rules! passes {
    ($($name:ident: $doc:literal,)*) => {
        /// Which passes run.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct Passes { $(#[doc = $doc] pub $name: bool),* }

        impl Passes {
            /// None of them.
            pub fn none() -> Passes {
                Passes { $($name: false),* }
            }
            /// Switches a pass; false when there is none of that name.
            pub fn set(&mut self, name: &str, on: bool) -> bool {
                match name {
                    $(stringify!($name) => self.$name = on,)*
                    _ => return false,
                }
                true
            }
        }

        impl Default for Passes {
            fn default() -> Passes {
                Passes { $($name: true),* }
            }
        }
    };
}
passes! {
    fold: "Computes what is known, and simplifies.",
    cse: "Computes the same thing once.",
    guards: "Drops guards that others imply, and uses what guards establish.",
    memory: "Loads what was loaded or stored before from there.",
    peel: "Runs what a loop does in every round once, before it.",
    bounds: "Has no code yet: checks of indices that change with the loop stay in it.",
    sink: "Has no code yet: slots that only exits need are kept out of memory by the recorder.",
    dce: "Drops what nobody uses.",
}

/// Looks at a trace after a pass: the pass's name, and the trace.
pub type Observer<'a> = &'a mut dyn FnMut(&str, &Trace);

/// Optimises a trace as it was recorded: it has no loop's head yet.
pub fn optimise(old: Trace, passes: &Passes) -> Trace {
    optimise_observed(old, passes, None)
}

/// Optimises a trace; the observer sees it after every pass.
pub fn optimise_observed(mut old: Trace, passes: &Passes, mut observer: Option<Observer>) -> Trace {
    let mut new = {
        let mut w = Rewriter::new(&old, *passes);
        w.sweep();
        if let Some(observer) = &mut observer {
            observer("sweep", &w.as_it_is());
        }
        match old.end {
            End::Round(snapshot) => {
                let first = w.mapped_slots(snapshot);
                let is_loop = passes.peel && peel::peel(&mut w, snapshot, &first);
                if !is_loop {
                    close_through_memory(&mut w.new, &first);
                }
            }
            End::Exit(snapshot) => w.new.end = End::Exit(w.snapshot(snapshot)),
            end => w.new.end = end,
        }
        w.new
    };
    new.steps = std::mem::take(&mut old.steps);
    if let Some(observer) = &mut observer {
        observer("peel", &new);
    }
    if passes.dce {
        dce::eliminate(&mut new);
        if let Some(observer) = &mut observer {
            observer("dce", &new);
        }
    }
    new
}

/// Ends an iteration by bringing everything into memory, and going on at the trace's start.
fn close_through_memory(trace: &mut Trace, slots: &[SnapshotSlot]) {
    for s in slots {
        trace.push(Instruction::new(Op::StoreSlotTag, s.slot, &[s.tag]));
        if s.payload != Ref::NONE {
            let op = match trace.type_of(s.payload) {
                Type::Float => Op::StoreSlotFloat,
                _ => Op::StoreSlotInt,
            };
            trace.push(Instruction::new(op, s.slot, &[s.payload]));
        }
    }
    trace.end = End::Link {
        trace: trace.number,
        base: 0,
    };
}

#[cfg(test)]
mod tests {
    use super::{Passes, optimise};
    use crate::ir::verify::verify;
    use crate::ir::{End, Instruction, Op, Snapshot, SnapshotSlot, Trace};
    use std::ptr;

    /// A round that swaps the tags of two slots, of which it knows one: they differ between the
    /// first round and the second.
    fn unstable_loop() -> Trace {
        let mut trace = Trace::new(0);
        let snapshot = |slots| Snapshot {
            pc: ptr::null(),
            constants: ptr::null(),
            base: 0,
            popped: 0,
            frames: Vec::new(),
            slots,
            live: vec![u64::MAX],
            live_start: 0,
        };
        trace.snapshots.push(snapshot(Vec::new()));
        let guard = Instruction {
            snapshot: 0,
            ..Instruction::new(Op::GuardQuiet, 0, &[])
        };
        let tag = trace.push(Instruction::new(Op::SlotTag, 0, &[]));
        let payload = trace.push(Instruction::new(Op::SlotInt, 0, &[]));
        trace.push(guard);
        let (known, other) = (trace.int(1), trace.int(0));
        let equal = Instruction {
            snapshot: 0,
            ..Instruction::new(Op::GuardEq, 0, &[tag, known])
        };
        trace.push(equal);
        let sum = trace.push(Instruction::new(Op::Add, 0, &[payload, payload]));
        let slot = |slot, tag| SnapshotSlot {
            slot,
            tag,
            payload: sum,
        };
        // A guard whose snapshot names what the round computed.
        trace.snapshots.push(snapshot(vec![slot(2, other)]));
        trace.push(Instruction {
            snapshot: 1,
            ..guard
        });
        let last = snapshot(vec![slot(0, other), slot(1, tag)]);
        trace.snapshots.push(last);
        trace.end = End::Round(2);
        trace
    }

    #[test]
    fn loops_of_unstable_types_go_through_memory() {
        for pass in ["none", "fold", "cse", "guards", "memory", "peel", "dce"] {
            let trace = unstable_loop();
            let mut passes = Passes::default();
            passes.set(pass, false);
            let trace = optimise(trace, &passes);
            verify(&trace).unwrap_or_else(|problem| panic!("-{pass}: {problem}\n{trace}"));
            // Knowing tags takes facts; without them the tag is carried around the loop.
            if pass == "none" {
                assert_eq!(trace.end, End::Link { trace: 0, base: 0 }, "{trace}");
            }
        }
    }
}
