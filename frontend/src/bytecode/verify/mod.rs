//! The verifier: whether a function may be given to an interpreter that trusts its operands.
//!
//! It accepts a [`Proto`] only if, whatever values the program meets,
//! - every word is a known instruction with operands that exist and of the kind that the opcode
//!   wants (field keys are short strings, constants of arithmetic are numbers, of bitwise
//!   operations integers), unused fields and extra words are zero;
//! - every jump lands on the start of an instruction, backward ones are made only by `Loop`,
//!   `ForLoop` and `GenericForLoop`, and control never runs off the end;
//! - every register is written before it is read, on every path, and holds a cell exactly where
//!   a cell is wanted (`GetCell`, `SetCell`, captures);
//! - what reads up to the top directly follows what sets the top, and the top is not below it;
//! - variables marked to be closed are marked in increasing order, the same ones on all paths to
//!   an instruction, and closed before the function returns;
//! - locals in the debug information hold a defined value wherever they are in scope, and a cell
//!   only if they say so.
//!
//! This file checks instructions one by one; `flow` follows control.

mod flow;

use super::effects::Effects;
use super::instruction::{
    FLAG_FLOAT, FLAG_HIDDEN, FLAG_INVERSE, FLAG_PASSES_GOTO, FLAG_SWAPPED, Instruction,
    JUMP_NOTHING, JUMP_STEP, JUMP_TEST, MAX_FIELD_KEY, SCALE,
};
use super::opcode::{ExtraWord, Opcode, Operand};
use super::proto::{Constant, Proto, Upvalue};

/// Functions nested deeper than this are rejected.
pub(crate) const MAX_NESTING: usize = 200;
/// The largest number of list elements that a `SetList` may start after.
const MAX_LIST_INDEX: u64 = u32::MAX as u64;

/// Why a function was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyError {
    /// The position of the instruction.
    pub pc: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at instruction {}", self.reason, self.pc)
    }
}

impl std::error::Error for VerifyError {}

type Result<T> = std::result::Result<T, VerifyError>;

/// Checks a function and those inside it.
pub fn verify(proto: &Proto) -> Result<()> {
    verify_nested(proto, 0)
}

fn verify_nested(proto: &Proto, depth: usize) -> Result<()> {
    ensure(depth <= MAX_NESTING, 0, "functions nested too deeply")?;
    let verifier = Verifier::new(proto)?;
    verifier.check_instructions()?;
    verifier.check_debug_information()?;
    verifier.check_flow()?;
    for inner in &proto.protos {
        let exists = |upvalue: &Upvalue| {
            let limit = if upvalue.in_stack {
                proto.max_stack as usize
            } else {
                proto.upvalues.len()
            };
            (upvalue.index as usize) < limit
        };
        ensure(inner.upvalues.iter().all(exists), 0, "capture out of range")?;
        verify_nested(inner, depth + 1)?;
    }
    Ok(())
}

fn ensure(condition: bool, pc: usize, reason: &'static str) -> Result<()> {
    if condition {
        Ok(())
    } else {
        Err(VerifyError { pc, reason })
    }
}

/// Marks positions where no basic block starts.
const NO_BLOCK: u32 = u32::MAX;

struct Verifier<'p> {
    proto: &'p Proto,
    /// Whether an instruction starts at each word.
    is_start: Vec<bool>,
    /// The number of the basic block that starts at each word.
    block_at: Vec<u32>,
    /// How many basic blocks there are.
    blocks: usize,
    /// Where the set of locals in scope changes.
    scopes: Vec<flow::ScopeChange>,
}

impl<'p> Verifier<'p> {
    /// Finds the instructions and the basic blocks.
    fn new(proto: &'p Proto) -> Result<Self> {
        let code = &proto.code;
        ensure(!code.is_empty(), 0, "no code")?;
        ensure(code.len() < i32::MAX as usize, 0, "too much code")?;
        ensure(proto.max_stack >= 2, 0, "frame too small")?;
        ensure(proto.num_params <= proto.max_stack, 0, "frame too small")?;
        ensure(proto.upvalues.len() <= 255, 0, "too many upvalues")?;
        let mut is_start = vec![false; code.len()];
        let mut pc = 0;
        while pc < code.len() {
            let instruction = Instruction(code[pc]);
            ensure(instruction.opcode().is_some(), pc, "unknown opcode")?;
            is_start[pc] = true;
            pc += instruction.length();
            ensure(pc <= code.len(), pc, "incomplete instruction")?;
        }
        let mut verifier = Verifier {
            proto,
            is_start,
            block_at: vec![NO_BLOCK; code.len()],
            blocks: 0,
            scopes: Vec::new(),
        };
        verifier.start_block(0);
        for (pc, &word) in code.iter().enumerate() {
            if !verifier.is_start[pc] {
                continue;
            }
            let instruction = Instruction(word);
            if let Some(distance) = instruction.jump_distance() {
                let target = pc as i64 + 1 + distance;
                let lands = usize::try_from(target)
                    .ok()
                    .filter(|&target| verifier.is_start.get(target) == Some(&true));
                let Some(target) = lands else {
                    return Err(VerifyError {
                        pc,
                        reason: "jump out of place",
                    });
                };
                let backward = matches!(
                    instruction.opcode(),
                    Some(Opcode::Loop | Opcode::ForLoop | Opcode::GenericForLoop)
                );
                ensure((target <= pc) == backward, pc, "jump in wrong direction")?;
                let entry_only = target == 0 && proto.is_vararg;
                ensure(!entry_only, pc, "jump to function entry")?;
                verifier.start_block(target);
            }
        }
        verifier.scopes = flow::scope_changes(&proto.locals);
        Ok(verifier)
    }

    fn start_block(&mut self, pc: usize) {
        if self.block_at[pc] == NO_BLOCK {
            self.block_at[pc] = self.blocks as u32;
            self.blocks += 1;
        }
    }

    fn instruction(&self, pc: usize) -> (Instruction, Opcode) {
        let instruction = Instruction(self.proto.code[pc]);
        // All words that start instructions were found to have known opcodes.
        (instruction, instruction.opcode().unwrap_or(Opcode::Return0))
    }

    /// The upvalues of the function that a `Closure` makes.
    fn captures(&self, instruction: Instruction, op: Opcode) -> &'p [Upvalue] {
        match op {
            Opcode::Closure => self
                .proto
                .protos
                .get(instruction.bc() as usize)
                .map_or(&[], |inner| inner.upvalues.as_slice()),
            _ => &[],
        }
    }

    /// Checks each instruction by itself.
    fn check_instructions(&self) -> Result<()> {
        for pc in (0..self.proto.code.len()).filter(|&pc| self.is_start[pc]) {
            let (instruction, op) = self.instruction(pc);
            self.check_operands(pc, instruction, op)?;
            self.check_constants(pc, instruction, op)?;
            let captures = self.captures(instruction, op);
            let effects = Effects::of(instruction, op, captures);
            let in_frame = effects.extent <= self.proto.max_stack as usize;
            ensure(in_frame, pc, "register out of frame")?;
            let allowed = allowed_flags(op);
            ensure(instruction.flags() & !allowed == 0, pc, "unknown flags")?;
            let extra = match op.extra_word() {
                ExtraWord::None => 0,
                ExtraWord::Argument => self.proto.code[pc + 1].saturating_sub(MAX_LIST_INDEX),
                _ => self.proto.code[pc + 1],
            };
            ensure(extra == 0, pc, "unexpected extra word")?;
            match op {
                Opcode::VarArgPrep => {
                    let allowed = pc == 0 && self.proto.is_vararg;
                    ensure(allowed, pc, "misplaced entry instruction")?;
                }
                Opcode::VarArg => ensure(self.proto.is_vararg, pc, "no variable arguments")?,
                Opcode::Concat => ensure(instruction.b() >= 2, pc, "too few operands")?,
                Opcode::GenericForCall => ensure(instruction.b() >= 1, pc, "too few results")?,
                _ => {}
            }
        }
        let entry = self.instruction(0).1;
        let prepared = (entry == Opcode::VarArgPrep) == self.proto.is_vararg;
        ensure(prepared, 0, "missing entry instruction")
    }

    fn check_operands(&self, pc: usize, instruction: Instruction, op: Opcode) -> Result<()> {
        let proto = self.proto;
        let register = |field: u16| {
            field.is_multiple_of(SCALE) && ((field / SCALE) as usize) < proto.max_stack as usize
        };
        let constant = |offset: u32| {
            offset.is_multiple_of(SCALE as u32)
                && ((offset / SCALE as u32) as usize) < proto.constants.len()
        };
        let [a, b, c] = op.operands();
        let fields = [
            (a, instruction.a()),
            (b, instruction.b()),
            (c, instruction.c()),
        ];
        let mut wide = false;
        for (kind, field) in fields {
            let good = match kind {
                Operand::None => field == 0 || wide,
                // The level of a `Close` and the start of an empty range may be the frame's end.
                _ if !op.is_simple() && kind == Operand::Read => {
                    field.is_multiple_of(SCALE) && field / SCALE <= proto.max_stack as u16
                }
                Operand::Write | Operand::Read | Operand::ReadWrite => register(field),
                Operand::Constant => constant(field as u32),
                Operand::Upvalue => (field as usize) < proto.upvalues.len(),
                Operand::Count | Operand::Immediate | Operand::Jump => true,
                Operand::WideConstant => constant(instruction.bc()),
                Operand::WideImmediate | Operand::WideJump => true,
                Operand::InnerFunction => (instruction.bc() as usize) < proto.protos.len(),
            };
            ensure(good, pc, "operand out of range")?;
            wide |= matches!(
                kind,
                Operand::WideConstant
                    | Operand::WideImmediate
                    | Operand::WideJump
                    | Operand::InnerFunction
            );
        }
        Ok(())
    }

    /// Checks that constants are of the kind that the opcode wants.
    fn check_constants(&self, pc: usize, instruction: Instruction, op: Opcode) -> Result<()> {
        use Opcode::*;
        let constant = |field: u16| self.proto.constants.get((field / SCALE) as usize);
        let good = match op {
            GetField | GetUpvalueField | Method => is_field_key(constant(instruction.c())),
            SetField | SetFieldConst | SetUpvalueField => is_field_key(constant(instruction.b())),
            AddConst | SubConst | MulConst | DivConst | ModConst | PowConst | IDivConst => {
                matches!(
                    constant(instruction.c()),
                    Some(Constant::Integer(_) | Constant::Float(_))
                )
            }
            BAndConst | BOrConst | BXorConst | ShlConst | ShrConst => {
                matches!(constant(instruction.c()), Some(Constant::Integer(_)))
            }
            _ => true,
        };
        ensure(good, pc, "constant of wrong kind")
    }

    fn check_debug_information(&self) -> Result<()> {
        let proto = self.proto;
        let end = proto.code.len();
        let mut previous = None;
        for &(pc, _) in &proto.lines.runs {
            let ordered = previous.is_none_or(|previous| previous < pc);
            ensure(
                ordered && (pc as usize) < end,
                pc as usize,
                "bad line table",
            )?;
            previous = Some(pc);
        }
        let mut previous = 0;
        for local in &proto.locals {
            let (start, stop) = (local.start_pc as usize, local.end_pc as usize);
            let good = previous <= start && start <= stop && stop <= end;
            ensure(good, start, "bad scope of local")?;
            let in_frame = local.register < proto.max_stack;
            ensure(in_frame, start, "local out of frame")?;
            previous = start;
        }
        Ok(())
    }
}

/// The flags that an opcode may have.
fn allowed_flags(op: Opcode) -> u8 {
    use Opcode::*;
    const JUMP_FLAGS: u8 = FLAG_PASSES_GOTO | FLAG_INVERSE;
    match op {
        AddConst | MulConst | BAndConst | BOrConst | BXorConst | AddInt => FLAG_SWAPPED,
        JumpLtInt | JumpNotLtInt | JumpLeInt | JumpNotLeInt => FLAG_FLOAT | JUMP_FLAGS,
        JumpGtInt | JumpNotGtInt | JumpGeInt | JumpNotGeInt => FLAG_FLOAT | JUMP_FLAGS,
        JumpIf | JumpIfNot | JumpEq | JumpNotEq | JumpLt | JumpNotLt => JUMP_FLAGS,
        JumpLe | JumpNotLe | JumpEqConst | JumpNotEqConst => JUMP_FLAGS,
        JumpEqInt | JumpNotEqInt => JUMP_FLAGS,
        GetCell | SetCell => FLAG_HIDDEN,
        Jump => JUMP_TEST | JUMP_STEP | JUMP_NOTHING,
        _ => 0,
    }
}

fn is_field_key(constant: Option<&Constant>) -> bool {
    matches!(constant, Some(Constant::String(key)) if key.len() <= MAX_FIELD_KEY)
}
