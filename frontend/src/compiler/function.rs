//! The state of the function being compiled: its code, constants and registers.
//!
//! Invariants:
//! - `free` is the first free register; `locals_top <= free`; registers below `locals_top` belong
//!   to active locals and are never freed by expressions.
//! - `lines` covers all code words; `last` is the start of the last instruction.
//! - The targets of jumps are kept in `jumps` and written into the code by `finish`.

use super::buffers::{Buffers, take_contents};
use super::constants::Constants;
use super::jump::Jump;
use super::operand::Exits;
use super::scope::{ActiveLocal, BlockState};
use super::{Exceeded, LimitError, Result, Shared};
use crate::ast::{
    ConstantValue, Expr, Function, FunctionInfo, Line, LocalId, LocalInfo, Symbol, Tree,
};
use crate::bytecode::instruction::{Instruction, MAX_FIELD_KEY, MAX_SHORT_CONSTANTS, SCALE};
use crate::bytecode::opcode::Opcode;
use crate::bytecode::proto::{LineTable, LocalVariable, Proto, Upvalue};

/// Functions use fewer registers than this.
const REGISTER_LIMIT: usize = 255;
/// Constants beyond this could not be addressed by a 32-bit byte offset.
const CONSTANT_LIMIT: usize = (u32::MAX / SCALE as u32) as usize;
/// Code may not grow beyond what 32-bit jumps span.
pub(super) const CODE_LIMIT: usize = i32::MAX as usize;
/// Field A of an instruction whose destination is not known yet.
pub(super) const NO_REGISTER: u16 = u16::MAX;

/// The function being compiled.
pub(super) struct FunctionState<'s, 'a> {
    /// What it shares with the other functions of the chunk.
    pub(super) shared: &'s mut Shared<'a>,
    /// Its nodes.
    pub(super) tree: &'s Tree,
    /// What the resolver found out about it.
    pub(super) info: &'s FunctionInfo,
    /// The code words, without jump targets.
    pub(super) code: Vec<u64>,
    /// The lines of the words.
    pub(super) lines: LineTable,
    /// The line of the last token that was dealt with.
    pub(super) line: Line,
    /// The start of the last instruction.
    pub(super) last: usize,
    /// The last position that something may jump to.
    pub(super) last_target: usize,
    /// The last run of registers that were set to nil, as far as it can be continued.
    pub(super) nils: NilRun,
    /// All jumps, in order of position.
    pub(super) jumps: Vec<Jump>,
    constants: Constants,
    #[allow(clippy::vec_box, reason = "a proto stays where it is")]
    protos: Vec<Box<Proto>>,
    upvalues: Vec<Upvalue>,
    /// The first free register.
    pub(super) free: usize,
    /// The first register that no active local owns.
    pub(super) locals_top: usize,
    max_stack: usize,
    /// The active locals, outermost first.
    pub(super) active: Vec<ActiveLocal>,
    /// The register of each local that is or was active.
    pub(super) registers: Vec<u8>,
    /// The registers of the active to-be-closed variables, in increasing order.
    pub(super) to_be_closed: Vec<usize>,
    /// The debug information of locals.
    pub(super) locals: Vec<LocalVariable>,
    /// The open blocks, outermost first.
    pub(super) blocks: Vec<BlockState>,
    /// The jumps that left operands of the current statement early.
    pub(super) exits: Vec<Exits>,
    /// Nodes of left-leaning expressions that wait for their leftmost operand.
    pub(super) spine: Vec<&'s Expr>,
}

/// Declarations of locals without values in a row: PUC Lua sets all of them to nil by one
/// instruction, which has the line of the first. Here cells are made in between; the lines of the
/// others then must not show.
#[derive(Default)]
pub(super) struct NilRun {
    /// The position behind it.
    pub(super) end: usize,
    /// The register that would continue it.
    next: usize,
    line: Line,
}

/// Register `register` as an instruction field.
pub(super) const fn reg(register: usize) -> u16 {
    register as u16 * SCALE
}

impl<'s, 'a> FunctionState<'s, 'a> {
    /// The state at the start of `function`; boxed, because functions nest.
    #[inline(never)]
    pub(super) fn new(
        shared: &'s mut Shared<'a>,
        function: &'s Function,
        tree: &'s Tree,
        upvalues: Vec<Upvalue>,
    ) -> Box<Self> {
        let mut buffers = shared.buffers.take();
        buffers.registers.resize(function.info.locals.len(), 0);
        Box::new(Self {
            shared,
            tree,
            info: &function.info,
            code: buffers.code,
            lines: LineTable { runs: buffers.runs },
            line: function.line.max(1),
            last: 0,
            last_target: 0,
            nils: NilRun::default(),
            jumps: buffers.jumps,
            constants: buffers.constants,
            protos: Vec::new(),
            upvalues,
            free: 0,
            locals_top: 0,
            max_stack: 2,
            active: buffers.active,
            registers: buffers.registers,
            to_be_closed: Vec::new(),
            locals: buffers.locals,
            blocks: buffers.blocks,
            exits: Vec::new(),
            spine: Vec::new(),
        })
    }

    /// An error at the current line.
    #[cold]
    pub(super) fn limit_error(&mut self, message: &'static str) -> Exceeded {
        self.shared.limit_error = Some(LimitError {
            message,
            line: self.line,
        });
        Exceeded
    }

    /// What the resolver found out about a local.
    pub(super) fn local_info(&self, id: LocalId) -> &'s LocalInfo {
        &self.info.locals[id.0 as usize]
    }

    /// The register of an active local.
    pub(super) fn register_of(&self, id: LocalId) -> usize {
        self.registers[id.0 as usize] as usize
    }

    // Emission.

    /// The position of the next instruction.
    pub(super) fn pc(&self) -> usize {
        self.code.len()
    }

    /// Emits an instruction with `line`, and its extra word; returns its position.
    pub(super) fn emit_at(&mut self, instruction: Instruction, line: Line) -> usize {
        let pc = self.code.len();
        self.last = pc;
        self.code.push(instruction.0);
        let extra_words = instruction.opcode().map_or(0, Opcode::extra_words);
        for _ in 0..extra_words {
            self.code.push(0);
        }
        self.lines.push(pc as u32, line);
        pc
    }

    /// Makes room for `words` code words at once.
    pub(super) fn reserve_code(&mut self, words: usize) {
        self.code.reserve(words);
    }

    /// Emits an instruction at the current line.
    pub(super) fn emit(&mut self, op: Opcode, a: u16, b: u16, c: u16) -> usize {
        self.emit_at(Instruction::new(op, a, b, c), self.line)
    }

    /// Emits an instruction with a 32-bit field at the current line.
    pub(super) fn emit_wide(&mut self, op: Opcode, a: u16, bc: u32) -> usize {
        self.emit_at(Instruction::wide(op, a, bc), self.line)
    }

    /// The instruction at `pc`.
    pub(super) fn instruction(&self, pc: usize) -> Instruction {
        Instruction(self.code[pc])
    }

    /// Replaces field A of the instruction at `pc`.
    pub(super) fn set_a(&mut self, pc: usize, a: u16) {
        self.code[pc] = self.code[pc] & !0xffff_0000 | (a as u64) << 16;
    }

    /// Replaces field B of the instruction at `pc`.
    pub(super) fn set_b(&mut self, pc: usize, b: u16) {
        self.code[pc] = self.code[pc] & !(0xffff << 32) | (b as u64) << 32;
    }

    /// Replaces field C of the instruction at `pc`.
    pub(super) fn set_c(&mut self, pc: usize, c: u16) {
        self.code[pc] = self.code[pc] & !(0xffff << 48) | (c as u64) << 48;
    }

    /// Replaces the opcode of the instruction at `pc` by one of the same length.
    pub(super) fn set_op(&mut self, pc: usize, op: Opcode) {
        self.code[pc] = self.code[pc] & !0xff | op as u64;
    }

    /// Attaches `line` to the last instruction.
    pub(super) fn fix_line(&mut self, line: Line) {
        self.lines.truncate(self.last as u32);
        self.lines.push(self.last as u32, line);
    }

    /// The last instruction, unless something may jump to the position behind it.
    pub(super) fn previous(&self) -> Option<Instruction> {
        if self.code.len() > self.last_target {
            self.code.get(self.last).map(|&word| Instruction(word))
        } else {
            None
        }
    }

    /// Removes the last instruction.
    pub(super) fn remove_last(&mut self) {
        self.code.truncate(self.last);
        self.lines.truncate(self.last as u32);
        // The instruction before is not known any more: nothing may be merged with it.
        self.last_target = self.code.len();
    }

    /// Whether control can reach the current position.
    pub(super) fn reachable(&self) -> bool {
        use Opcode::*;
        !matches!(
            self.previous().and_then(Instruction::opcode),
            Some(Jump | Loop | Return | Return0 | Return1 | ReturnClose | TailCall)
        )
    }

    /// Emits `R[from], ..., R[from+count-1] := nil`, joined to such an instruction right before.
    pub(super) fn emit_nil(&mut self, from: usize, count: usize, mut line: Line) {
        let mut first = from;
        let mut last = from + count - 1;
        if let Some(previous) = self.previous()
            && previous.opcode() == Some(Opcode::LoadNil)
        {
            let previous_first = (previous.a() / SCALE) as usize;
            let previous_last = previous_first + previous.b() as usize;
            if previous_first <= last + 1 && first <= previous_last + 1 {
                first = first.min(previous_first);
                last = last.max(previous_last);
                let pc = self.last;
                self.set_a(pc, reg(first));
                self.set_b(pc, (last - first) as u16);
                self.nils.next = last + 1;
                return;
            }
        }
        let pc = self.pc();
        if self.nils.end == pc && self.nils.next == from && pc > self.last_target {
            line = self.nils.line;
        }
        let count = (last - first) as u16;
        self.emit_at(
            Instruction::new(Opcode::LoadNil, reg(first), count, 0),
            line,
        );
        self.nils = NilRun {
            end: pc + 1,
            next: last + 1,
            line,
        };
    }

    // Registers.

    /// Makes sure that `count` registers above the used ones exist.
    pub(super) fn check_stack(&mut self, count: usize) -> Result<()> {
        let needed = self.free + count;
        if needed > self.max_stack {
            if needed >= REGISTER_LIMIT {
                return Err(self.limit_error("function or expression needs too many registers"));
            }
            self.max_stack = needed;
        }
        Ok(())
    }

    /// Takes the next `count` registers; returns the first.
    pub(super) fn reserve(&mut self, count: usize) -> Result<usize> {
        self.check_stack(count)?;
        let first = self.free;
        self.free += count;
        Ok(first)
    }

    /// Gives a temporary register back; locals keep theirs.
    pub(super) fn free_register(&mut self, register: usize) {
        if register >= self.locals_top {
            debug_assert_eq!(register + 1, self.free, "temporaries are freed in order");
            self.free = self.free.min(register);
        }
    }

    // Constants.

    /// The index of a constant, added if it is new.
    pub(super) fn constant(&mut self, value: ConstantValue) -> Result<usize> {
        let index = self.constants.index(value, self.shared.interner);
        if index >= CONSTANT_LIMIT {
            return Err(self.limit_error("too many constants"));
        }
        Ok(index)
    }

    /// A constant as a 16-bit operand, added if it is new; `None` when its index is or would be too
    /// large.
    pub(super) fn short_constant(&mut self, value: ConstantValue) -> Option<u16> {
        let interner = self.shared.interner;
        let index = if self.constants.list.len() < MAX_SHORT_CONSTANTS {
            self.constants.index(value, interner)
        } else {
            self.constants.find(value, interner)?
        };
        (index < MAX_SHORT_CONSTANTS).then(|| index as u16 * SCALE)
    }

    /// A string as the key of a field instruction; `None` when it needs a register.
    pub(super) fn field_key(&mut self, name: Symbol) -> Option<u16> {
        if self.shared.interner.resolve(name).len() > MAX_FIELD_KEY {
            return None;
        }
        self.short_constant(ConstantValue::String(name))
    }

    /// Emits the load of a constant into `register`.
    pub(super) fn load_constant(
        &mut self,
        register: usize,
        value: ConstantValue,
        line: Line,
    ) -> Result<()> {
        let a = reg(register);
        let instruction = match value {
            ConstantValue::Nil => {
                self.emit_nil(register, 1, line);
                return Ok(());
            }
            ConstantValue::Boolean(true) => Instruction::new(Opcode::LoadTrue, a, 0, 0),
            ConstantValue::Boolean(false) => Instruction::new(Opcode::LoadFalse, a, 0, 0),
            ConstantValue::Integer(i) if i32::try_from(i).is_ok() => {
                Instruction::wide(Opcode::LoadInt, a, i as i32 as u32)
            }
            ConstantValue::Float(f) if (f as i32 as f64).to_bits() == f.to_bits() => {
                Instruction::wide(Opcode::LoadFloat, a, f as i32 as u32)
            }
            _ => {
                let offset = self.constant(value)? as u32 * SCALE as u32;
                Instruction::wide(Opcode::LoadConst, a, offset)
            }
        };
        self.emit_at(instruction, line);
        Ok(())
    }

    /// Adds an inner function; returns its index.
    pub(super) fn add_proto(&mut self, proto: Box<Proto>) -> u32 {
        self.protos.push(proto);
        (self.protos.len() - 1) as u32
    }

    /// The parts that only `finish` assembles. The buffers go back to the pool.
    pub(super) fn into_proto(mut self, function: &Function) -> Proto {
        let proto = Proto {
            source: Some(self.shared.source.clone()),
            line_defined: function.line,
            last_line_defined: function.end_line,
            num_params: function.params.len() as u8,
            is_vararg: function.is_vararg,
            max_stack: self.max_stack as u8,
            code: take_contents(&mut self.code),
            constants: take_contents(&mut self.constants.list),
            protos: self.protos,
            upvalues: self.upvalues,
            lines: LineTable {
                runs: take_contents(&mut self.lines.runs),
            },
            locals: take_contents(&mut self.locals),
        };
        self.shared.buffers.give_back(Buffers {
            code: self.code,
            runs: self.lines.runs,
            jumps: self.jumps,
            constants: self.constants,
            registers: self.registers,
            active: self.active,
            locals: self.locals,
            blocks: self.blocks,
        });
        proto
    }

    /// Marks the current position as the target of a jump; returns it.
    pub(super) fn label(&mut self) -> usize {
        self.last_target = self.code.len();
        self.last_target
    }
}
