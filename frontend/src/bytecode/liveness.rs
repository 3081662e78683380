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
            let instruction = Instruction(code[pc as usize]);
            if let Some(op) = instruction.opcode() {
                flow.add_step(pc, instruction, op, code.len());
                liveness.add_masks(&mut flow, pc as usize, instruction, op, captures);
            }
        }
        flow.solve(&mut liveness.sets);
        liveness
    }

    /// Notes what an instruction reads and writes, for [`Flow::solve`].
    #[inline]
    fn add_masks<'p>(
        &self,
        flow: &mut Flow,
        pc: usize,
        instruction: Instruction,
        op: Opcode,
        captures: &dyn Fn(usize) -> &'p [Upvalue],
    ) {
        let summary = &SUMMARIES[op as usize];
        if !summary.is_plain || !self.marked.is_empty() {
            return self.add_all_masks(flow, pc, instruction, op, captures);
        }
        let fields = [
            instruction.register_a(),
            instruction.register_b(),
            instruction.register_c(),
        ];
        if self.words == 1 {
            let bits = |named: u8| {
                let bit = |field: usize| u64::from(named >> field & 1) << (fields[field] % 64);
                bit(0) | bit(1) | bit(2)
            };
            let (reads, writes) = (bits(summary.reads), bits(summary.writes));
            return flow.masks.push([reads, !writes, u64::MAX]);
        }
        for word in 0..self.words {
            let (mut reads, mut writes) = (0, 0);
            for (field, register) in fields.into_iter().enumerate() {
                let is_here = u64::from(register / 64 == word);
                let bit = |named: u8| (is_here & u64::from(named >> field)) << (register % 64);
                reads |= bit(summary.reads);
                writes |= bit(summary.writes);
            }
            flow.masks.push([reads, !writes, u64::MAX]);
        }
    }

    /// The same for instructions of which the operands do not say all, and for functions that mark
    /// registers.
    fn add_all_masks<'p>(
        &self,
        flow: &mut Flow,
        pc: usize,
        instruction: Instruction,
        op: Opcode,
        captures: &dyn Fn(usize) -> &'p [Upvalue],
    ) {
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

/// What there is to know of an opcode for the dataflow, so that no operand's kind is looked at anew
/// for every instruction.
#[derive(Clone, Copy)]
struct Summary {
    /// Which of its fields name registers that are read, one bit each.
    reads: u8,
    /// Which of them name registers that are written.
    writes: u8,
    /// Code words.
    length: u8,
    jump: Jump,
    falls_through: bool,
    /// See [`Effects::are_plain`].
    is_plain: bool,
}

/// Where an instruction has the distance that it jumps.
#[derive(Clone, Copy)]
enum Jump {
    None,
    /// In field C.
    Short,
    /// In fields B and C.
    Wide,
}

/// By opcode.
static SUMMARIES: [Summary; Opcode::ALL.len()] = {
    let mut all = [Summary::of(Opcode::ALL[0]); Opcode::ALL.len()];
    let mut n = 1;
    while n < all.len() {
        all[n] = Summary::of(Opcode::ALL[n]);
        n += 1;
    }
    all
};

impl Summary {
    const fn of(op: Opcode) -> Summary {
        let operands = op.operands();
        let (mut reads, mut writes) = (0, 0);
        let mut field = 0;
        while field < operands.len() {
            let (reads_it, writes_it) = match operands[field] {
                Operand::Read => (1, 0),
                Operand::Write => (0, 1),
                Operand::ReadWrite => (1, 1),
                _ => (0, 0),
            };
            reads |= reads_it << field;
            writes |= writes_it << field;
            field += 1;
        }
        Summary {
            reads,
            writes,
            length: 1 + op.extra_words() as u8,
            jump: match operands {
                [_, Operand::WideJump, _] => Jump::Wide,
                [_, _, Operand::Jump] => Jump::Short,
                _ => Jump::None,
            },
            falls_through: falls_through(op),
            is_plain: Effects::are_plain(op),
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

/// An instruction, and where control goes from there, or [`NOWHERE`].
struct FlowStep {
    at: u32,
    next: u32,
    jump: u32,
}

const NOWHERE: u32 = u32::MAX;

impl Flow {
    fn with_capacity(steps: usize, words: usize) -> Flow {
        Flow {
            words,
            steps: Vec::with_capacity(steps),
            masks: Vec::with_capacity(steps * words),
        }
    }

    /// Adds an instruction of code that ends at `end`.
    #[inline]
    fn add_step(&mut self, at: u32, instruction: Instruction, op: Opcode, end: usize) {
        let summary = &SUMMARIES[op as usize];
        let target = |distance: i64| {
            let target = i64::from(at) + 1 + distance;
            if (0..end as i64).contains(&target) {
                target as u32
            } else {
                NOWHERE
            }
        };
        self.steps.push(FlowStep {
            at,
            next: match summary.falls_through {
                true => target(i64::from(summary.length) - 1),
                false => NOWHERE,
            },
            jump: match summary.jump {
                Jump::None => NOWHERE,
                Jump::Short => target(i64::from(instruction.c() as i16)),
                Jump::Wide => target(i64::from(instruction.bc() as i32)),
            },
        });
    }

    /// Computes the live sets: backwards, and a loop again for as long as a jump to its head has seen
    /// less than what is live there.
    fn solve(&self, sets: &mut [u64]) {
        // By position: the last jump backwards to it, plus one.
        let mut loops = vec![0u32; sets.len() / self.words];
        for (n, step) in self.steps.iter().enumerate() {
            if step.jump <= step.at {
                loops[step.jump as usize] = n as u32 + 1;
            }
        }
        // Most functions have few registers: nothing is multiplied for them.
        match self.words {
            1 => self.go_back(1, sets, &loops),
            words => self.go_back(words, sets, &loops),
        }
    }

    #[inline(always)]
    fn go_back(&self, words: usize, sets: &mut [u64], loops: &[u32]) {
        let mut n = self.steps.len();
        while n > 0 {
            n -= 1;
            let has_grown = self.take(n, words, sets);
            if has_grown {
                let end = loops[self.steps[n].at as usize] as usize;
                if end != 0 {
                    n = end;
                }
            }
        }
    }

    /// Computes what is live at an instruction from what is live where it may go; whether that is more
    /// than before.
    #[inline(always)]
    fn take(&self, n: usize, words: usize, sets: &mut [u64]) -> bool {
        let step = &self.steps[n];
        let mut has_grown = false;
        for word in 0..words {
            let [reads, next, jump] = self.masks[n * words + word];
            let mut live = reads;
            if step.next != NOWHERE {
                live |= sets[step.next as usize * words + word] & next;
            }
            if step.jump != NOWHERE {
                live |= sets[step.jump as usize * words + word] & jump;
            }
            let known = &mut sets[step.at as usize * words + word];
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
        let summary = SUMMARIES.get(Instruction(word).op_byte() as usize);
        pc += summary.map_or(1, |summary| summary.length as usize);
    }
    starts
}

/// For each position the registers that may be marked there; empty if nothing is ever marked.
///
/// A forward dataflow. It is needed because an error anywhere in the scope of a to-be-closed
/// variable reads it.
fn marked_registers(code: &[u64], starts: &[u32]) -> Vec<RegisterSet> {
    let marks = |pc: u32| {
        let byte = Instruction(code[pc as usize]).op_byte();
        byte == Opcode::MarkClose as u8 || byte == Opcode::GenericForPrep as u8
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
