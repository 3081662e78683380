//! The end of a function: jumps are encoded, and the pieces become a [`Proto`].
//!
//! Jumps to unconditional jumps go to the final target. A conditional jump whose distance does
//! not fit its 16 bits becomes the negated one over an unconditional 32-bit `Jump`. That moves
//! code, which may put other jumps out of reach, so it is repeated until all fit.

use super::Result;
use super::function::{CODE_LIMIT, FunctionState};
use super::jump::{NONE, negated};
use crate::ast::Function;
use crate::bytecode::instruction::{FLAG_INVERSE, Instruction, JUMP_NOTHING, JUMP_STEP, JUMP_TEST};
use crate::bytecode::opcode::{Opcode, Operand};
use crate::bytecode::proto::Proto;

/// How many unconditional jumps in a row are followed.
const MAX_HOPS: usize = 100;

/// A jump with its target.
#[derive(Clone, Copy)]
struct Edge {
    pc: usize,
    target: usize,
    /// Whether the instruction has only 16 bits for the distance.
    is_short: bool,
    /// Whether it becomes a negated jump over a long one.
    expanded: bool,
}

impl FunctionState<'_, '_> {
    /// Completes the function.
    #[inline(never)]
    pub(super) fn finish(mut self: Box<Self>, function: &Function) -> Result<Proto> {
        if self.code.len() >= CODE_LIMIT / 4 {
            return Err(self.limit_error("control structure too long"));
        }
        let mut edges = self.final_edges();
        if self.code.len() as i64 > self.shared.reach {
            self.expand(&mut edges);
        }
        for edge in &edges {
            let distance = edge.target as i64 - edge.pc as i64 - 1;
            if edge.is_short {
                self.set_c(edge.pc, distance as i16 as u16);
            } else {
                let word = self.code[edge.pc];
                self.code[edge.pc] = word & 0xffff_ffff | (distance as i32 as u32 as u64) << 32;
            }
        }
        let mut proto = self.into_proto(function);
        proto.locals.sort_by_key(|local| local.start_pc);
        Ok(proto)
    }

    /// All jumps, each with its final target, in order of position.
    fn final_edges(&self) -> Vec<Edge> {
        let mut edges = Vec::with_capacity(self.jumps.len());
        for jump in &self.jumps {
            debug_assert_ne!(jump.target, NONE, "every jump is patched");
            let instruction = self.instruction(jump.pc as usize);
            let op = instruction.opcode();
            let is_short = op.is_some_and(|op| op.operands()[2] == Operand::Jump);
            let mut target = jump.target as usize;
            let is_nothing = op == Some(Opcode::Jump) && instruction.flags() == JUMP_NOTHING;
            let stays = is_nothing
                || matches!(op, Some(Opcode::ForPrep | Opcode::GenericForPrep))
                || instruction.flags() & FLAG_INVERSE != 0
                    && op.is_some_and(|op| negated(op).is_some());
            // Back-edges stay what they are, and PUC Lua does it only for its jumps. Long chains are
            // not worth following to their end.
            let mut hops = 0;
            while !stays
                && target > jump.pc as usize
                && hops < MAX_HOPS
                && target < self.code.len()
                && self.instruction(target).opcode() == Some(Opcode::Jump)
                && !matches!(self.instruction(target).flags(), JUMP_TEST | JUMP_STEP)
                && let Ok(index) = self
                    .jumps
                    .binary_search_by_key(&(target as u32), |jump| jump.pc)
            {
                target = self.jumps[index].target as usize;
                hops += 1;
            }
            edges.push(Edge {
                pc: jump.pc as usize,
                target,
                is_short,
                expanded: false,
            });
        }
        edges
    }

    /// Expands short jumps that are too far, and moves everything accordingly.
    fn expand(&mut self, edges: &mut [Edge]) {
        let reach = self.shared.reach;
        let is_far = |edge: &Edge| edge.is_short && (edge.target as i64 - edge.pc as i64 > reach);
        if !edges.iter().any(is_far) {
            return;
        }
        let mut starts = place(self.code.len(), &[]);
        loop {
            let mut changed = false;
            for edge in edges.iter_mut().filter(|e| e.is_short && !e.expanded) {
                let distance = starts[edge.target] as i64 - starts[edge.pc] as i64 - 1;
                // Short jumps all go forward.
                if distance > self.shared.reach {
                    edge.expanded = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
            let grown: Vec<(usize, usize)> = edges
                .iter()
                .filter(|edge| edge.expanded)
                .map(|edge| (edge.pc, self.growth(edge.pc)))
                .collect();
            starts = place(self.code.len(), &grown);
        }
        if edges.iter().any(|edge| edge.expanded) {
            self.rebuild(edges, &starts);
        }
    }

    /// By how many words the jump at `pc` grows when it is expanded.
    fn growth(&self, pc: usize) -> usize {
        match self.instruction(pc).opcode() {
            Some(Opcode::MoveJumpIf | Opcode::MoveJumpIfNot) => 2,
            _ => 1,
        }
    }

    /// Writes the code anew with all words at their new positions.
    fn rebuild(&mut self, edges: &mut [Edge], starts: &[usize]) {
        let old_code = std::mem::take(&mut self.code);
        let mut next_edge = 0;
        for (pc, &word) in old_code.iter().enumerate() {
            while edges.get(next_edge).is_some_and(|edge| edge.pc < pc) {
                next_edge += 1;
            }
            match edges.get_mut(next_edge) {
                Some(edge) if edge.pc == pc && edge.expanded => {
                    edge.is_short = false;
                    push_long_jump(&mut self.code, Instruction(word));
                }
                _ => self.code.push(word),
            }
        }
        for edge in edges.iter_mut() {
            // The long jump is the last word of an expansion.
            let end = starts.get(edge.pc + 1).copied().unwrap_or(self.code.len());
            edge.pc = if edge.expanded {
                end - 1
            } else {
                starts[edge.pc]
            };
            edge.target = starts[edge.target];
        }
        for run in &mut self.lines.runs {
            run.0 = starts[run.0 as usize] as u32;
        }
        for local in &mut self.locals {
            local.start_pc = starts[local.start_pc as usize] as u32;
            local.end_pc = starts[local.end_pc as usize] as u32;
        }
    }
}

/// The new position of every word, and of the end, when the instructions of `grown` (position,
/// additional words) grow.
fn place(length: usize, grown: &[(usize, usize)]) -> Vec<usize> {
    let mut starts = Vec::with_capacity(length + 1);
    let mut shift = 0;
    let mut grown = grown.iter().peekable();
    for pc in 0..=length {
        starts.push(pc + shift);
        while let Some(&(_, words)) = grown.next_if(|entry| entry.0 == pc) {
            shift += words;
        }
    }
    starts
}

/// The negated jump over a `Jump` that has no distance yet.
fn push_long_jump(code: &mut Vec<u64>, short: Instruction) {
    let op = short.opcode().unwrap_or(Opcode::Jump);
    match op {
        Opcode::MoveJumpIf | Opcode::MoveJumpIfNot => {
            let test = if op == Opcode::MoveJumpIf {
                Opcode::JumpIfNot
            } else {
                Opcode::JumpIf
            };
            code.push(Instruction::wide(test, short.b(), 2).0);
            code.push(Instruction::new(Opcode::Move, short.a(), short.b(), 0).0);
        }
        _ => {
            let op = negated(op).unwrap_or(op);
            let test = Instruction::new(op, short.a(), short.b(), 1);
            code.push(test.with_flags(short.flags()).0);
        }
    }
    code.push(Instruction::wide(Opcode::Jump, 0, 0).0);
}
