//! The optimiser: passes over traces, each of which can be switched off by its name.

use crate::ir::{End, Instruction, Op, Ref, Trace, Type};

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
pub fn optimise(mut trace: Trace, final_snapshot: Option<u32>, _passes: &Passes) -> Trace {
    if let Some(snapshot) = final_snapshot {
        close_through_memory(&mut trace, snapshot);
    }
    trace
}

/// Ends an iteration by bringing everything into memory, and going on at the trace's start.
fn close_through_memory(trace: &mut Trace, snapshot: u32) {
    let slots = trace.snapshots[snapshot as usize].slots.clone();
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
