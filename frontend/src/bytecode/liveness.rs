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
        let layout = Layout::of(code);
        let mut liveness = Liveness {
            words,
            max_stack,
            sets: vec![0; code.len() * words],
            marked: match layout.marks {
                true => marked_registers(code, &instruction_starts(code)),
                false => Vec::new(),
            },
            in_scope: Vec::new(),
        };
        // Most functions have few registers: nothing is multiplied for them.
        match words {
            1 => liveness.go_back(1, code, &layout, captures),
            words => liveness.go_back(words, code, &layout, captures),
        }
        liveness
    }

    /// Computes the live sets: backwards, and a loop again for as long as a jump to its head has seen
    /// less than what is live there.
    #[inline(always)]
    fn go_back<'p>(
        &mut self,
        words: usize,
        code: &[u64],
        layout: &Layout,
        captures: &dyn Fn(usize) -> &'p [Upvalue],
    ) {
        let mut next = layout.start_before(code.len());
        while let Some(at) = next {
            let has_grown = self.take(words, code, at, captures);
            next = match has_grown {
                true => layout.last_jump_to(at),
                false => None,
            };
            next = next.or_else(|| layout.start_before(at));
        }
    }

    /// Computes what is live at an instruction from what is live where it may go; whether that is more
    /// than before.
    #[inline(always)]
    fn take<'p>(
        &mut self,
        words: usize,
        code: &[u64],
        at: usize,
        captures: &dyn Fn(usize) -> &'p [Upvalue],
    ) -> bool {
        let instruction = Instruction(code[at]);
        let Some(summary) = SUMMARIES.get(instruction.op_byte() as usize) else {
            return false;
        };
        let (after, target) = (
            summary.next(at, code.len()),
            summary.target(instruction, at, code.len()),
        );
        let live_at = |sets: &[u64], place: Option<usize>, word: usize| {
            place.map_or(0, |place| sets[place * words + word])
        };
        let mut has_grown = false;
        let mut add = |sets: &mut [u64], word: usize, live: u64| {
            let known = &mut sets[at * words + word];
            has_grown |= *known != live;
            *known = live;
        };
        if summary.is_plain && self.marked.is_empty() {
            for word in 0..words {
                let (reads, writes) = summary.masks(instruction, words, word);
                let next = live_at(&self.sets, after, word) & !writes;
                let jump = live_at(&self.sets, target, word);
                add(&mut self.sets, word, reads | next | jump);
            }
            return has_grown;
        }
        let (reads, writes, jump_writes) = self.masks_at(at, instruction, captures);
        for word in 0..words {
            let next = live_at(&self.sets, after, word) & !writes.0[word];
            let jump = live_at(&self.sets, target, word) & !jump_writes.0[word];
            add(&mut self.sets, word, reads.0[word] | next | jump);
        }
        has_grown
    }

    /// What an instruction reads, and writes before the next one and before the jump's target: for those
    /// of which the operands do not say all, and for functions that mark registers.
    fn masks_at<'p>(
        &self,
        at: usize,
        instruction: Instruction,
        captures: &dyn Fn(usize) -> &'p [Upvalue],
    ) -> (RegisterSet, RegisterSet, RegisterSet) {
        let Some(op) = instruction.opcode() else {
            return Default::default();
        };
        let inner: &[Upvalue] = match op {
            Opcode::Closure => captures(instruction.bc() as usize),
            _ => &[],
        };
        let effects = Effects::of(instruction, op, inner);
        let mut reads = effects.all_reads(self.max_stack);
        if let Some(&marked) = self.marked.get(at) {
            reads = reads.union(marked);
        }
        (reads, effects.all_writes(), effects.jump_writes)
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
    /// Whether it marks a register to be closed.
    marks: bool,
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
            marks: marks(op),
        }
    }

    /// Where control goes on, if it may, in code that ends at `end`.
    #[inline]
    fn next(&self, at: usize, end: usize) -> Option<usize> {
        let next = at + self.length as usize;
        (self.falls_through && next < end).then_some(next)
    }

    /// Where an instruction may jump to, likewise.
    #[inline]
    fn target(&self, instruction: Instruction, at: usize, end: usize) -> Option<usize> {
        let distance = match self.jump {
            Jump::None => return None,
            Jump::Short => i64::from(instruction.c() as i16),
            Jump::Wide => i64::from(instruction.bc() as i32),
        };
        let target = at as i64 + 1 + distance;
        (0..end as i64).contains(&target).then_some(target as usize)
    }

    /// The registers that an instruction reads and writes by its operands, as far as they stand in a
    /// word of a set that has so many.
    #[inline]
    fn masks(&self, instruction: Instruction, words: usize, word: usize) -> (u64, u64) {
        let fields = [
            instruction.register_a(),
            instruction.register_b(),
            instruction.register_c(),
        ];
        let (mut reads, mut writes) = (0, 0);
        for (field, register) in fields.into_iter().enumerate() {
            let is_here = u64::from(words == 1 || register / 64 == word);
            let bit = |named: u8| (is_here & u64::from(named >> field)) << (register % 64);
            reads |= bit(self.reads);
            writes |= bit(self.writes);
        }
        (reads, writes)
    }
}

const fn marks(op: Opcode) -> bool {
    matches!(op, Opcode::MarkClose | Opcode::GenericForPrep)
}

/// Where the instructions of a function start, and where its loops are.
struct Layout {
    /// One bit for each position at which an instruction starts.
    starts: Vec<u64>,
    /// One bit for each position to which an instruction jumps back.
    heads: Vec<u64>,
    /// Those positions, each with that of such an instruction, ascending.
    loops: Vec<(u32, u32)>,
    /// Whether any register is marked to be closed.
    marks: bool,
}

impl Layout {
    fn of(code: &[u64]) -> Layout {
        let words = code.len().div_ceil(64);
        let mut layout = Layout {
            starts: vec![0; words],
            heads: vec![0; words],
            loops: Vec::new(),
            marks: false,
        };
        let mut at = 0;
        while let Some(&word) = code.get(at) {
            layout.starts[at / 64] |= 1 << (at % 64);
            let instruction = Instruction(word);
            let Some(summary) = SUMMARIES.get(instruction.op_byte() as usize) else {
                at += 1;
                continue;
            };
            layout.marks |= summary.marks;
            if let Some(target) = summary.target(instruction, at, code.len())
                && target <= at
            {
                layout.heads[target / 64] |= 1 << (target % 64);
                layout.loops.push((target as u32, at as u32));
            }
            at += summary.length as usize;
        }
        layout.loops.sort_unstable();
        layout
    }

    /// The last instruction that starts before a position.
    #[inline]
    fn start_before(&self, at: usize) -> Option<usize> {
        let last = at.checked_sub(1)?;
        let mut word = last / 64;
        let mut bits = self.starts[word] & (u64::MAX >> (63 - last % 64));
        while bits == 0 {
            word = word.checked_sub(1)?;
            bits = self.starts[word];
        }
        Some(word * 64 + 63 - bits.leading_zeros() as usize)
    }

    /// The last instruction that jumps back to a position.
    #[inline]
    fn last_jump_to(&self, at: usize) -> Option<usize> {
        if self.heads[at / 64] >> (at % 64) & 1 == 0 {
            return None;
        }
        let behind = self.loops.partition_point(|known| known.0 as usize <= at);
        self.loops[..behind].last().map(|known| known.1 as usize)
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

/// For each position the registers that may be marked there.
///
/// A forward dataflow. It is needed because an error anywhere in the scope of a to-be-closed
/// variable reads it.
fn marked_registers(code: &[u64], starts: &[u32]) -> Vec<RegisterSet> {
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
