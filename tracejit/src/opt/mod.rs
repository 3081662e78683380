//! The optimiser.

use crate::ir::{End, Instruction, Op, Ref, Trace, Type};

/// Which passes run.
#[derive(Clone, Debug, Default)]
pub struct Passes {}

impl Passes {
    /// Switches a pass; false when there is none of that name.
    pub fn set(&mut self, _name: &str, _on: bool) -> bool {
        true
    }
    /// No passes.
    pub fn none() -> Passes {
        Passes {}
    }
}

/// Optimises a trace.
pub fn optimise(mut trace: Trace, final_snapshot: Option<u32>, _passes: &Passes) -> Trace {
    if let Some(snapshot) = final_snapshot {
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
        trace.end = End::Link { trace: trace.number, base: 0 };
    }
    trace
}
