//! Lists of jumps that wait for their target.
//!
//! A jump is an instruction and an entry in `FunctionState::jumps`; entries are chained into
//! lists by index. Only `finish` writes offsets into the code, when all targets are known.
//!
//! A jump of a list may *carry a value*: it is then a `MoveJumpIf` or `MoveJumpIfNot` without
//! destination. When the list is patched it gets one, or becomes a plain `JumpIf`/`JumpIfNot`.

use super::function::{FunctionState, NO_REGISTER, reg};
use crate::ast::Line;
use crate::bytecode::instruction::{Instruction, JUMP_NOTHING};
use crate::bytecode::opcode::Opcode;

/// No position, no entry.
pub(super) const NONE: u32 = u32::MAX;

/// A jump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jump {
    /// Where the instruction is.
    pub(super) pc: u32,
    /// Where it goes, `NONE` while that is unknown.
    pub(super) target: u32,
    /// The next jump of its list.
    next: u32,
}

/// A list of jumps to one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct JumpList {
    head: u32,
    tail: u32,
}

impl JumpList {
    /// The empty list.
    pub(super) const EMPTY: JumpList = JumpList {
        head: NONE,
        tail: NONE,
    };

    /// A list of one jump.
    pub(super) fn one(jump: u32) -> Self {
        Self {
            head: jump,
            tail: jump,
        }
    }

    /// Whether it has no jumps.
    pub(super) fn is_empty(self) -> bool {
        self.head == NONE
    }
}

/// The opcode that jumps exactly when `op` does not; `None` for what is no conditional jump.
pub(super) fn negated(op: Opcode) -> Option<Opcode> {
    use Opcode::*;
    Some(match op {
        JumpIf => JumpIfNot,
        JumpIfNot => JumpIf,
        MoveJumpIf => MoveJumpIfNot,
        MoveJumpIfNot => MoveJumpIf,
        JumpEq => JumpNotEq,
        JumpNotEq => JumpEq,
        JumpLt => JumpNotLt,
        JumpNotLt => JumpLt,
        JumpLe => JumpNotLe,
        JumpNotLe => JumpLe,
        JumpEqConst => JumpNotEqConst,
        JumpNotEqConst => JumpEqConst,
        JumpEqInt => JumpNotEqInt,
        JumpNotEqInt => JumpEqInt,
        JumpLtInt => JumpNotLtInt,
        JumpNotLtInt => JumpLtInt,
        JumpLeInt => JumpNotLeInt,
        JumpNotLeInt => JumpLeInt,
        JumpGtInt => JumpNotGtInt,
        JumpNotGtInt => JumpGtInt,
        JumpGeInt => JumpNotGeInt,
        JumpNotGeInt => JumpGeInt,
        _ => return None,
    })
}

impl FunctionState<'_, '_> {
    /// Enters the instruction at `pc`, which jumps, without target.
    pub(super) fn new_jump(&mut self, pc: usize) -> u32 {
        self.jumps.push(Jump {
            pc: pc as u32,
            target: NONE,
            next: NONE,
        });
        (self.jumps.len() - 1) as u32
    }

    /// Emits an unconditional forward jump.
    pub(super) fn jump(&mut self) -> JumpList {
        let pc = self.emit_wide(Opcode::Jump, 0, 0);
        JumpList::one(self.new_jump(pc))
    }

    /// Emits an unconditional jump with `flags`.
    pub(super) fn flagged_jump(&mut self, flags: u8, line: Line) -> JumpList {
        let instruction = Instruction::wide(Opcode::Jump, 0, 0).with_flags(flags);
        let pc = self.emit_at(instruction, line);
        JumpList::one(self.new_jump(pc))
    }

    /// Emits the back-edge of a loop to `target`.
    pub(super) fn loop_to(&mut self, target: usize) {
        let pc = self.emit_wide(Opcode::Loop, 0, 0);
        let jump = self.new_jump(pc);
        self.set_target(jump, target);
    }

    /// Lets `jump` go to `target`.
    pub(super) fn set_target(&mut self, jump: u32, target: usize) {
        self.jumps[jump as usize].target = target as u32;
    }

    /// The jumps of both lists.
    pub(super) fn join(&mut self, first: JumpList, second: JumpList) -> JumpList {
        if first.is_empty() {
            return second;
        }
        if second.is_empty() {
            return first;
        }
        self.jumps[first.tail as usize].next = second.head;
        JumpList {
            head: first.head,
            tail: second.tail,
        }
    }

    /// Inverts the condition of a conditional jump.
    pub(super) fn negate_jump(&mut self, jump: u32) {
        let pc = self.jumps[jump as usize].pc as usize;
        if let Some(op) = self.instruction(pc).opcode().and_then(negated) {
            self.set_op(pc, op);
        }
    }

    /// Whether some jump of `list` carries no value.
    pub(super) fn needs_value(&self, list: JumpList) -> bool {
        let mut jump = list.head;
        while jump != NONE {
            let entry = self.jumps[jump as usize];
            let op = self.instruction(entry.pc as usize).opcode();
            if !matches!(op, Some(Opcode::MoveJumpIf | Opcode::MoveJumpIfNot)) {
                return true;
            }
            jump = entry.next;
        }
        false
    }

    /// If the jump at `pc` carries a value, lets it go to `register`, or nowhere; returns whether
    /// it carries one.
    fn patch_value(&mut self, pc: usize, register: Option<usize>) -> bool {
        let instruction = self.instruction(pc);
        let plain = match instruction.opcode() {
            Some(Opcode::MoveJumpIf) => Opcode::JumpIf,
            Some(Opcode::MoveJumpIfNot) => Opcode::JumpIfNot,
            _ => return false,
        };
        match register {
            Some(register) if reg(register) != instruction.b() => self.set_a(pc, reg(register)),
            // Nobody wants the value, or it is in its place already.
            _ => {
                let plain = Instruction::new(plain, instruction.b(), 0, 0);
                self.code[pc] = plain.with_flags(instruction.flags()).0;
            }
        }
        true
    }

    /// Drops the values that jumps of `list` carry.
    pub(super) fn remove_values(&mut self, list: JumpList) {
        let mut jump = list.head;
        while jump != NONE {
            let entry = self.jumps[jump as usize];
            self.patch_value(entry.pc as usize, None);
            jump = entry.next;
        }
    }

    /// Lets the jumps of `list` that carry values put them in `register` and go to
    /// `value_target`, and the others go to `default_target`.
    pub(super) fn patch_values(
        &mut self,
        list: JumpList,
        register: Option<usize>,
        value_target: usize,
        default_target: usize,
    ) {
        let mut jump = list.head;
        while jump != NONE {
            let entry = self.jumps[jump as usize];
            let target = if self.patch_value(entry.pc as usize, register) {
                value_target
            } else {
                default_target
            };
            self.set_target(jump, target);
            jump = entry.next;
        }
    }

    /// Lets all jumps of `list` go to `target`.
    pub(super) fn patch_to(&mut self, list: JumpList, target: usize) {
        self.patch_values(list, None, target, target);
    }

    /// Lets all jumps of `list` come to the next instruction.
    pub(super) fn patch_here(&mut self, list: JumpList) {
        if !list.is_empty() {
            let nothing = self.over_nothing(list);
            let here = self.label();
            let list = self.join(list, nothing);
            self.patch_to(list, here);
        }
    }

    /// Where the jumps of `list` are about to come to the next instruction, and the last instruction
    /// is one of them: a jump over nothing, which tells falling through from jumping.
    pub(super) fn over_nothing(&mut self, list: JumpList) -> JumpList {
        if !self.skips_nothing(list) {
            return JumpList::EMPTY;
        }
        let line = self.lines.runs.last().map_or(self.line, |&(_, line)| line);
        self.flagged_jump(JUMP_NOTHING, line)
    }

    /// Adds flags to the last jump of `list`, if it is conditional and the last instruction.
    pub(super) fn flag_last_jump(&mut self, list: JumpList, flags: u8) {
        let Some(jump) = self.jumps.get(list.tail as usize) else {
            return;
        };
        let pc = jump.pc as usize;
        let instruction = self.instruction(pc);
        if pc == self.last && instruction.opcode().and_then(negated).is_some() {
            self.code[pc] = instruction.with_flags(instruction.flags() | flags).0;
        }
    }

    /// Whether a conditional jump of `list` is the last instruction.
    fn skips_nothing(&self, list: JumpList) -> bool {
        let is_conditional = self
            .code
            .get(self.last)
            .and_then(|&word| Instruction(word).opcode())
            .is_some_and(|op| negated(op).is_some());
        let mut jump = list.head;
        while is_conditional && jump != NONE {
            let entry = self.jumps[jump as usize];
            if entry.pc as usize == self.last && self.last + 1 == self.code.len() {
                return true;
            }
            jump = entry.next;
        }
        false
    }

    /// Emits a jump on the truth of `register` that carries its value.
    pub(super) fn test_jump(&mut self, register: usize, when: bool) -> u32 {
        let op = if when {
            Opcode::MoveJumpIf
        } else {
            Opcode::MoveJumpIfNot
        };
        let pc = self.emit(op, NO_REGISTER, reg(register), 0);
        self.new_jump(pc)
    }
}
