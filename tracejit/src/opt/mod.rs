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
    bounds: "Checks indices before a loop in place of in every round.",
    sink: "Keeps stores and allocations out of the trace that only its exits need.",
    dce: "Drops what nobody uses.",
}

/// Optimises a trace. `final_snapshot` describes the end of an iteration of a trace that came back
/// to its own start.
pub fn optimise(mut old: Trace, final_snapshot: Option<u32>, passes: &Passes) -> Trace {
    let mut w = Rewriter::new(&old, *passes);
    w.sweep();
    match final_snapshot {
        Some(snapshot) => {
            let first = w.mapped_slots(snapshot);
            let is_loop = passes.peel && peel::peel(&mut w, snapshot, &first);
            if !is_loop {
                close_through_memory(&mut w.new, &first);
            }
        }
        None => {
            w.new.end = match old.end {
                End::Exit(snapshot) => End::Exit(w.snapshot(snapshot)),
                end => end,
            }
        }
    }
    let mut new = w.new;
    new.steps = std::mem::take(&mut old.steps);
    if passes.dce {
        dce::eliminate(&mut new);
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
