//! Which registers hold values that may still be read, at every instruction of a function.
//!
//! A backward dataflow over the code. The garbage collector computes it lazily, for functions
//! whose frames it has to mark exactly; machine code uses it for what an exit must restore.
//!
//! What the sets contain:
//! - *live in* at `pc`: registers that the instruction at `pc` or a later one may read before
//!   they are written, and registers that are marked to be closed. A capture by `Closure` and the
//!   reads of a `range` opcode count as reads. If the instruction reads up to the top, all
//!   registers from its first to the end of the frame are live: the caller, who knows the top,
//!   cuts there (and goes beyond the frame where the top lies there).
//! - *live during* `pc`: what must survive while a call made by the instruction at `pc` is in
//!   progress. The arguments belong to the callee by then; results are not there yet.
//!
//! Every live register has been written on all paths (`verify` proves it for untrusted code), so
//! that marking exactly these is safe. Locals in scope that are not live are not contained.

use super::effects::{Effects, RegisterSet, falls_through};
use super::instruction::Instruction;
use super::opcode::{Opcode, Operand};
use super::proto::{LocalVariable, Upvalue};

/// The live registers of a function.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    /// How many words a set takes: only as many as the frame has registers for.
    words: usize,
    /// The registers of the frame.
    max_stack: usize,
    /// The set live in at each code word (meaningful at the start of instructions).
    sets: Vec<u64>,
    /// Registers that may be marked at each position, only if the function marks any.
    marked: Vec<RegisterSet>,
    /// The registers of locals in scope at each code word, laid out as `sets`.
    in_scope: Vec<u64>,
}

impl Liveness {
    /// The bytes of its lists.
    pub fn lists(&self) -> [usize; 3] {
        [
            size_of::<u64>() * self.sets.capacity(),
            size_of::<RegisterSet>() * self.marked.capacity(),
            size_of::<u64>() * self.in_scope.capacity(),
        ]
    }

    /// Computes the liveness of verified code; `captures` gives the upvalues of inner functions.
    pub fn compute<'p>(
        code: &[u64],
        max_stack: u8,
        captures: &dyn Fn(usize) -> &'p [Upvalue],
    ) -> Liveness {
        let max_stack = max_stack as usize;
        let words = max_stack.div_ceil(64).max(1);
        let starts = instruction_starts(code);
        let mut liveness = Liveness {
            words,
            max_stack,
            sets: vec![0; code.len() * words],
            marked: marked_registers(code, &starts),
            in_scope: Vec::new(),
        };
        let mut flow = Flow::with_capacity(starts.len(), words);
        for &pc in &starts {
            let pc = pc as usize;
            if let Some((instruction, op)) = decode(code, pc) {
                liveness.add(&mut flow, pc, instruction, op, captures);
            }
        }
        flow.solve(&mut liveness.sets);
        liveness
    }

    /// Notes what an instruction does, for [`Flow::solve`].
    fn add<'p>(
        &self,
        flow: &mut Flow,
        pc: usize,
        instruction: Instruction,
        op: Opcode,
        captures: &dyn Fn(usize) -> &'p [Upvalue],
    ) {
        let operands = op.operands();
        if Effects::are_plain(op) && self.marked.is_empty() {
            let fields = [
                instruction.register_a(),
                instruction.register_b(),
                instruction.register_c(),
            ];
            for word in 0..self.words {
                let (mut reads, mut writes) = (0, 0);
                for (kind, register) in operands.into_iter().zip(fields) {
                    let bit = u64::from(register / 64 == word) << (register % 64);
                    match kind {
                        Operand::Read => reads |= bit,
                        Operand::Write => writes |= bit,
                        Operand::ReadWrite => (reads, writes) = (reads | bit, writes | bit),
                        _ => {}
                    }
                }
                flow.masks.push([reads, !writes, u64::MAX]);
            }
        } else {
            let inner: &[Upvalue] = match op {
                Opcode::Closure => captures(instruction.bc() as usize),
                _ => &[],
            };
            let effects = Effects::of(instruction, op, inner);
            let mut reads = effects.all_reads(self.max_stack);
            if let Some(&marked) = self.marked.get(pc) {
                reads = reads.union(marked);
            }
            let writes = effects.all_writes();
            for word in 0..self.words {
                let (all, jump) = (writes.0[word], effects.jump_writes.0[word]);
                flow.masks.push([reads.0[word], !all, !jump]);
            }
        }
        let end = self.sets.len() / self.words;
        let within = |target: usize| (target < end).then_some(target);
        let next = falls_through(op).then(|| pc + 1 + op.extra_words());
        let jump = match operands {
            [_, Operand::WideJump, _] | [_, _, Operand::Jump] => instruction.jump_distance(),
            _ => None,
        };
        flow.steps.push(FlowStep {
            at: pc,
            next: next.and_then(within),
            jump: jump.and_then(|distance| within((pc as i64 + 1 + distance) as usize)),
        });
    }

    /// Notes which locals are in scope where, for [`Liveness::live_or_in_scope`].
    pub fn with_locals(mut self, locals: &[LocalVariable]) -> Liveness {
        let mut in_scope = vec![0; self.sets.len()];
        for local in locals {
            let (word, bit) = (local.register as usize / 64, local.register % 64);
            let end = (local.end_pc as usize)
                .saturating_mul(self.words)
                .min(in_scope.len());
            let start = local.start_pc as usize * self.words + word;
            if word >= self.words || start >= end {
                continue;
            }
            match self.words {
                1 => in_scope[start..end]
                    .iter_mut()
                    .for_each(|set| *set |= 1 << bit),
                words => {
                    let sets = in_scope[start..end].iter_mut().step_by(words);
                    sets.for_each(|set| *set |= 1 << bit);
                }
            }
        }
        self.in_scope = in_scope;
        self
    }

    /// The registers live in at the instruction that starts at `pc`, and those of locals in scope
    /// there, which the debug interface may read.
    pub fn live_or_in_scope(&self, pc: usize) -> RegisterSet {
        let mut set = self.live_in(pc);
        if let Some(words) = self.in_scope.get(pc * self.words..(pc + 1) * self.words) {
            for (live, in_scope) in set.0.iter_mut().zip(words) {
                *live |= in_scope;
            }
        }
        set
    }

    /// The registers live in at the instruction that starts at `pc`.
    pub fn live_in(&self, pc: usize) -> RegisterSet {
        let mut set = RegisterSet::EMPTY;
        if let Some(words) = self.sets.get(pc * self.words..(pc + 1) * self.words) {
            set.0[..self.words].copy_from_slice(words);
        }
        set
    }

    /// The registers live after the instruction at `pc`, on whichever way control takes.
    pub fn live_out(&self, code: &[u64], pc: usize) -> RegisterSet {
        let Some((instruction, op)) = decode(code, pc) else {
            return RegisterSet::EMPTY;
        };
        let effects = Effects::of(instruction, op, &[]);
        self.next(pc, instruction, &effects)
            .union(self.jump(pc, instruction))
    }

    /// The registers that must survive while a call that the instruction at `pc` makes is in
    /// progress (a call proper, a metamethod, an iterator, `__close`).
    pub fn live_during(&self, code: &[u64], pc: usize) -> RegisterSet {
        let Some((instruction, op)) = decode(code, pc) else {
            return RegisterSet::EMPTY;
        };
        let live_out = self.live_out(code, pc);
        match op {
            // A concatenation works its way through its operands; closing goes on.
            Opcode::Concat | Opcode::Close | Opcode::ReturnClose => self.live_in(pc),
            // `self` is in its place before the method is looked up.
            Opcode::Method => live_out.minus(RegisterSet::one(instruction.register_a())),
            _ => {
                let effects = Effects::of(instruction, op, &[]);
                live_out.minus(effects.all_writes())
            }
        }
    }

    /// Bytes of memory that the sets take.
    pub fn size(&self) -> usize {
        self.sets.len() * 8 + self.marked.len() * size_of::<RegisterSet>()
    }

    /// What is live in at the next instruction, if control may go there.
    fn next(&self, pc: usize, instruction: Instruction, effects: &Effects) -> RegisterSet {
        if effects.falls_through {
            self.live_in(pc + instruction.length())
        } else {
            RegisterSet::EMPTY
        }
    }

    /// What is live in at the target of the jump, if there is one.
    fn jump(&self, pc: usize, instruction: Instruction) -> RegisterSet {
        match instruction.jump_distance() {
            Some(distance) => self.live_in((pc as i64 + 1 + distance) as usize),
            None => RegisterSet::EMPTY,
        }
    }
}

/// What the instructions of a function do to its live sets, prepared for the dataflow: an instruction
/// is looked at more than once where it lies in loops.
struct Flow {
    words: usize,
    steps: Vec<FlowStep>,
    /// For each word of each step's set: registers that are read, and those that are not written
    /// before the next instruction, and before the jump's target.
    masks: Vec<[u64; 3]>,
}

/// An instruction, and where control goes from there.
struct FlowStep {
    at: usize,
    next: Option<usize>,
    jump: Option<usize>,
}

impl Flow {
    fn with_capacity(steps: usize, words: usize) -> Flow {
        Flow {
            words,
            steps: Vec::with_capacity(steps),
            masks: Vec::with_capacity(steps * words),
        }
    }

    /// Computes the live sets: backwards, and a loop again for as long as a jump to its head has seen
    /// less than what is live there.
    fn solve(&self, sets: &mut [u64]) {
        // By position: the last jump backwards to it, plus one.
        let mut loops = vec![0u32; sets.len() / self.words];
        for (n, step) in self.steps.iter().enumerate() {
            if let Some(target) = step.jump.filter(|&target| target <= step.at) {
                loops[target] = n as u32 + 1;
            }
        }
        let mut n = self.steps.len();
        while n > 0 {
            n -= 1;
            let has_grown = self.take(n, sets);
            let end = loops[self.steps[n].at] as usize;
            if has_grown && end != 0 {
                n = end;
            }
        }
    }

    /// Computes what is live at an instruction from what is live where it may go; whether that is more
    /// than before.
    fn take(&self, n: usize, sets: &mut [u64]) -> bool {
        let step = &self.steps[n];
        let mut has_grown = false;
        for word in 0..self.words {
            let [reads, next, jump] = self.masks[n * self.words + word];
            let mut live = reads;
            if let Some(target) = step.next {
                live |= sets[target * self.words + word] & next;
            }
            if let Some(target) = step.jump {
                live |= sets[target * self.words + word] & jump;
            }
            let known = &mut sets[step.at * self.words + word];
            has_grown |= *known != live;
            *known = live;
        }
        has_grown
    }
}

/// The instruction at `pc`.
fn decode(code: &[u64], pc: usize) -> Option<(Instruction, Opcode)> {
    let instruction = Instruction(*code.get(pc)?);
    Some((instruction, instruction.opcode()?))
}

/// The positions at which instructions start.
pub fn instruction_starts(code: &[u64]) -> Vec<u32> {
    let mut starts = Vec::with_capacity(code.len());
    let mut pc = 0;
    while let Some(&word) = code.get(pc) {
        starts.push(pc as u32);
        pc += Instruction(word).length();
    }
    starts
}

/// For each position the registers that may be marked there; empty if nothing is ever marked.
///
/// A forward dataflow. It is needed because an error anywhere in the scope of a to-be-closed
/// variable reads it.
fn marked_registers(code: &[u64], starts: &[u32]) -> Vec<RegisterSet> {
    let marks = |pc: u32| {
        decode(code, pc as usize)
            .is_some_and(|(_, op)| matches!(op, Opcode::MarkClose | Opcode::GenericForPrep))
    };
    if !starts.iter().any(|&pc| marks(pc)) {
        return Vec::new();
    }
    let mut marked = vec![RegisterSet::EMPTY; code.len() + 1];
    let mut changed = true;
    while changed {
        changed = false;
        for &pc in starts {
            let pc = pc as usize;
            let Some((instruction, op)) = decode(code, pc) else {
                continue;
            };
            let effects = Effects::of(instruction, op, &[]);
            let mut after = marked[pc];
            if let Some(level) = effects.closes {
                after = after.minus(RegisterSet::range(level, 256));
            }
            if let Some(register) = effects.marks {
                after.insert(register);
            }
            let next = effects
                .falls_through
                .then_some(pc as i64 + instruction.length() as i64);
            let jump = instruction.jump_distance().map(|d| pc as i64 + 1 + d);
            for target in [next, jump].into_iter().flatten() {
                if let Some(set) = marked.get_mut(target as usize) {
                    let union = set.union(after);
                    changed |= union != *set;
                    *set = union;
                }
            }
        }
    }
    marked
}
