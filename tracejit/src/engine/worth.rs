//! What is worth a trace: entering and leaving one costs as much as interpreting some instructions.
//!
//! Invariant: with `keep_all` everything is; tests rely on it.

use super::{Engine, MAX_ABORTS};
use crate::abort::Abort;
use crate::ir::End;
use crate::record::{Recording, Start};
use perilune_frontend::bytecode::instruction::Instruction;
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_runtime::function::Proto;
use perilune_runtime::hot;

/// How many bytecode instructions a trace must do by itself for each that the runtime does: a step
/// costs more than the interpreter would.
const STEP_COST: usize = 8;
/// Bytecode instructions that a function's trace must have unless it calls itself or gets into a
/// loop: entering and leaving a trace costs as much as interpreting some.
const WORTHWHILE: usize = 60;

impl Engine {
    /// Whether a trace would be any faster than the interpreter.
    pub(super) fn check_worth(&self, recording: &Recording) -> Result<(), Abort> {
        if self.options.keep_all {
            return Ok(());
        }
        let is_entry = recording.start == Start::Entry;
        let links = matches!(recording.trace.end, End::Link { .. });
        if is_entry && !links && recording.instructions < WORTHWHILE {
            return Err(Abort::ShortFunction);
        }
        // Those that call an accessor know what to call, as the interpreter does not.
        let steps = recording.trace.steps.iter();
        let steps = steps.filter(|step| step.accessor.is_null()).count();
        if steps * STEP_COST > recording.instructions {
            return Err(Abort::MostlySteps);
        }
        Ok(())
    }

    /// Whether a function is seen, without recording it, to make no trace worth having; it is asked
    /// again later. The last time it is recorded nevertheless: operators may call metamethods, of which
    /// the code says nothing.
    ///
    /// # Safety
    /// The proto is live, and the location is that of its entry.
    pub(super) unsafe fn is_too_short(&self, location: *const u64, proto: *mut Proto) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            if self.options.keep_all || !is_short_leaf(&(*proto).code) {
                return false;
            }
            let mut state = self.state.borrow_mut();
            let record = state.location(location, proto);
            if record.aborts + 1 >= MAX_ABORTS {
                return false;
            }
            record.aborts += 1;
            hot::set_counter(location, self.later(2 * record.aborts));
            true
        }
    }
}

/// Whether code has fewer instructions than are worthwhile, and no loop or call that could make more
/// of them.
fn is_short_leaf(code: &[u64]) -> bool {
    if code.len() >= WORTHWHILE {
        return false;
    }
    let mut pc = 0;
    while let Some(&word) = code.get(pc) {
        let instruction = Instruction(word);
        match instruction.opcode() {
            None
            | Some(
                Opcode::Call
                | Opcode::TailCall
                | Opcode::Loop
                | Opcode::ForLoop
                | Opcode::GenericForLoop
                | Opcode::GenericForCall,
            ) => return false,
            Some(_) => pc += instruction.length(),
        }
    }
    true
}
