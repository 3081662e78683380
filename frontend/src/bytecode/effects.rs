//! What an instruction does to registers, and where control goes: the common ground of liveness
//! and verification, derived from the opcode table and completed for `range` opcodes.

use super::instruction::Instruction;
use super::opcode::{Opcode, Operand};
use super::proto::Upvalue;

/// A set of registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RegisterSet(pub [u64; 4]);

impl RegisterSet {
    /// No register.
    pub const EMPTY: RegisterSet = RegisterSet([0; 4]);

    /// One register.
    #[inline]
    pub fn one(register: usize) -> Self {
        let mut set = Self::EMPTY;
        set.insert(register);
        set
    }

    /// The registers from `first` up to but not including `end`.
    #[inline]
    pub fn range(first: usize, end: usize) -> Self {
        let mut set = Self::EMPTY;
        for (word, bits) in set.0.iter_mut().enumerate() {
            let below = |register: usize| match register.saturating_sub(word * 64) {
                0 => 0,
                count if count >= 64 => u64::MAX,
                count => (1 << count) - 1,
            };
            *bits = below(end) & !below(first);
        }
        set
    }

    /// Adds a register; those that do not exist are ignored.
    #[inline]
    pub fn insert(&mut self, register: usize) {
        if let Some(word) = self.0.get_mut(register / 64) {
            *word |= 1 << (register % 64);
        }
    }

    /// Whether it holds `register`.
    #[inline]
    pub fn contains(&self, register: usize) -> bool {
        self.0
            .get(register / 64)
            .is_some_and(|word| word >> (register % 64) & 1 != 0)
    }

    /// The registers of either set.
    #[inline]
    pub fn union(self, other: Self) -> Self {
        self.combine(other, |a, b| a | b)
    }

    /// The registers of both sets.
    #[inline]
    pub fn intersection(self, other: Self) -> Self {
        self.combine(other, |a, b| a & b)
    }

    /// The registers of this set that are not in `other`.
    #[inline]
    pub fn minus(self, other: Self) -> Self {
        self.combine(other, |a, b| a & !b)
    }

    /// Whether it holds nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// The registers, in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, bits)| {
            let mut rest = bits;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(word * 64 + bit)
            })
        })
    }

    #[inline]
    fn combine(self, other: Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|word| {
            operation(self.0[word], other.0[word])
        }))
    }
}

/// What an instruction does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effects {
    /// Registers read, which must hold a plain value.
    pub reads: RegisterSet,
    /// Registers read, which must hold a cell.
    pub cell_reads: RegisterSet,
    /// Registers read, whatever they hold (`MarkClose` sees through cells).
    pub any_reads: RegisterSet,
    /// The first of the registers that are read up to the top.
    pub reads_to_top: Option<usize>,
    /// Registers that hold a plain value when control goes on to the next instruction.
    pub writes: RegisterSet,
    /// Registers that hold a plain value when the jump is taken.
    pub jump_writes: RegisterSet,
    /// A register that holds a new cell afterwards.
    pub cell_write: Option<usize>,
    /// The first of the registers that are set up to the top.
    pub sets_top: Option<usize>,
    /// Registers that hold nothing defined afterwards, but for `writes`.
    pub clobbers: RegisterSet,
    /// A register that is marked to be closed.
    pub marks: Option<usize>,
    /// The first of the registers whose marks are closed.
    pub closes: Option<usize>,
    /// Whether control may go on to the next instruction.
    pub falls_through: bool,
    /// One more than the highest register that the instruction touches.
    pub extent: usize,
}

impl Effects {
    /// The effects of `instruction`; `captures` are the upvalues of the function that a `Closure`
    /// makes. Operands are not checked.
    #[inline]
    pub fn of(instruction: Instruction, op: Opcode, captures: &[Upvalue]) -> Effects {
        let mut effects = Effects {
            falls_through: true,
            ..Effects::default()
        };
        if op.is_simple() {
            effects.add_operands(instruction, op);
        } else {
            effects.add_range(instruction, op, captures);
        }
        effects.falls_through = falls_through(op);
        effects
    }

    /// Whether the operands of an instruction say all about the registers that it reads and writes: most
    /// do, and to look at these takes far less time than [`Effects::of`].
    #[inline]
    pub const fn are_plain(op: Opcode) -> bool {
        let is_special = matches!(
            op,
            Opcode::NewCell
                | Opcode::GetCell
                | Opcode::SetCell
                | Opcode::MarkClose
                | Opcode::MoveJumpIf
                | Opcode::MoveJumpIfNot
        );
        op.is_simple() && !is_special
    }

    #[inline]
    fn read(&mut self, first: usize, end: usize) {
        self.reads = self.reads.union(RegisterSet::range(first, end));
        self.extent = self.extent.max(end);
    }

    #[inline]
    fn write(&mut self, first: usize, end: usize) {
        self.writes = self.writes.union(RegisterSet::range(first, end));
        self.extent = self.extent.max(end);
    }

    fn jump_write(&mut self, register: usize) {
        self.jump_writes.insert(register);
        self.extent = self.extent.max(register + 1);
    }

    /// Reads `count - 1` registers from `first` on, or up to the top if `count` is 0.
    fn read_counted(&mut self, first: usize, count: u16) {
        match (count as usize).checked_sub(1) {
            Some(count) => self.read(first, first + count),
            None => {
                self.reads_to_top = Some(first);
                self.extent = self.extent.max(first);
            }
        }
    }

    /// Writes `count - 1` registers from `first` on, or up to the top if `count` is 0.
    fn write_counted(&mut self, first: usize, count: u16) {
        match (count as usize).checked_sub(1) {
            Some(count) => self.write(first, first + count),
            None => self.sets_top = Some(first),
        }
    }

    #[inline]
    fn add_operands(&mut self, instruction: Instruction, op: Opcode) {
        let fields = [
            instruction.register_a(),
            instruction.register_b(),
            instruction.register_c(),
        ];
        for (kind, register) in op.operands().into_iter().zip(fields) {
            match kind {
                Operand::Read => self.reads.insert(register),
                Operand::Write => self.writes.insert(register),
                Operand::ReadWrite => {
                    self.reads.insert(register);
                    self.writes.insert(register);
                }
                _ => continue,
            }
            self.extent = self.extent.max(register + 1);
        }
        let (a, b) = (fields[0], fields[1]);
        match op {
            Opcode::NewCell => {
                self.writes = RegisterSet::EMPTY;
                self.cell_write = Some(a);
            }
            Opcode::GetCell => {
                self.reads = RegisterSet::EMPTY;
                self.cell_reads = RegisterSet::one(b);
            }
            Opcode::SetCell => {
                self.reads = RegisterSet::one(b);
                self.cell_reads = RegisterSet::one(a);
            }
            Opcode::MarkClose => {
                self.reads = RegisterSet::EMPTY;
                self.any_reads = RegisterSet::one(a);
                self.marks = Some(a);
            }
            Opcode::MoveJumpIf | Opcode::MoveJumpIfNot => {
                self.writes = RegisterSet::EMPTY;
                self.jump_write(a);
            }
            _ => {}
        }
    }

    fn add_range(&mut self, instruction: Instruction, op: Opcode, captures: &[Upvalue]) {
        let a = instruction.register_a();
        let (b, c) = (instruction.b(), instruction.c());
        match op {
            Opcode::LoadNil => self.write(a, a + b as usize + 1),
            Opcode::Method => {
                self.read(instruction.register_b(), instruction.register_b() + 1);
                self.write(a, a + 2);
            }
            Opcode::SetList => {
                self.read(a, a + 1);
                self.read_counted(a + 1, if b == 0 { 0 } else { b.saturating_add(1) });
            }
            Opcode::Concat => {
                self.read(a, a + b as usize);
                self.write(a, a + 1);
                self.clobbers = RegisterSet::range(a + 1, a + b as usize);
            }
            Opcode::Call => {
                self.read(a, a + 1);
                self.read_counted(a + if b == 0 { 1 } else { 0 }, call_count(b));
                self.write_counted(a, c);
                self.clobbers = RegisterSet::range(a, 256);
            }
            Opcode::TailCall => {
                self.read(a, a + 1);
                self.read_counted(a + if b == 0 { 1 } else { 0 }, call_count(b));
            }
            Opcode::Return => self.read_counted(a, b),
            Opcode::ReturnClose => {
                self.read_counted(a, b);
                self.closes = Some(0);
            }
            Opcode::Close => self.closes = Some(a),
            Opcode::VarArg => {
                self.write_counted(a, b);
                if b == 0 {
                    self.clobbers = RegisterSet::range(a, 256);
                }
            }
            Opcode::Closure => {
                for upvalue in captures.iter().filter(|upvalue| upvalue.in_stack) {
                    self.cell_reads.insert(upvalue.index as usize);
                    self.extent = self.extent.max(upvalue.index as usize + 1);
                }
                self.write(a, a + 1);
            }
            Opcode::ForPrep => {
                self.read(a, a + 3);
                self.write(a, a + 4);
            }
            Opcode::ForLoop => {
                self.read(a, a + 3);
                for register in [a, a + 1, a + 3] {
                    self.jump_write(register);
                }
            }
            Opcode::GenericForPrep => {
                self.read(a, a + 4);
                self.marks = Some(a + 3);
            }
            Opcode::GenericForCall => {
                self.read(a, a + 3);
                self.write(a + 4, a + 4 + b as usize);
                self.clobbers = RegisterSet::range(a + 4, 256);
                self.extent = self.extent.max(a + 7);
            }
            Opcode::GenericForLoop => {
                self.read(a + 4, a + 5);
                self.jump_write(a + 2);
            }
            _ => self.add_operands(instruction, op),
        }
    }

    /// All registers read, those up to the top included as far as `max_stack`.
    pub fn all_reads(&self, max_stack: usize) -> RegisterSet {
        let mut all = self.reads.union(self.cell_reads).union(self.any_reads);
        if let Some(first) = self.reads_to_top {
            all = all.union(RegisterSet::range(first, max_stack));
        }
        all
    }

    /// All registers written when control goes on to the next instruction.
    pub fn all_writes(&self) -> RegisterSet {
        let mut all = self.writes.union(self.clobbers);
        if let Some(register) = self.cell_write {
            all.insert(register);
        }
        all
    }
}

/// Whether control may go on to the next instruction.
pub(super) const fn falls_through(op: Opcode) -> bool {
    !matches!(
        op,
        Opcode::Jump
            | Opcode::Loop
            | Opcode::GenericForPrep
            | Opcode::Return
            | Opcode::Return0
            | Opcode::Return1
            | Opcode::ReturnClose
            | Opcode::TailCall
    )
}

/// The count field for the function and its arguments: field B of a call, which counts the
/// function too, in the form that counts one more than there are registers.
fn call_count(b: u16) -> u16 {
    if b == 0 { 0 } else { b.saturating_add(1) }
}
