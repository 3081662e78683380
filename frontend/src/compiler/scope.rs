//! Blocks: the scopes of locals and labels, and what leaving them takes.
//!
//! Leaving the scope of a to-be-closed variable, in whatever way, executes a `Close`. Cells need
//! nothing: a new scope entry makes new ones.
//!
//! A label at the end of its block (only labels follow) is outside the scope of the block's
//! locals (manual §3.5), so that a `goto` may jump to it over their declarations. Their scope
//! ends before such a label: a register that was never written must not be in scope anywhere.

use std::rc::Rc;

use super::Result;
use super::function::{FunctionState, reg};
use super::jump::{JumpList, NONE};
use crate::ast::{Attrib, Block, List, LocalDecl, Stat, StatKind, Symbol, predefined};
use crate::bytecode::instruction::{Instruction, JUMP_STEP};
use crate::bytecode::opcode::Opcode;
use crate::bytecode::proto::LocalVariable;

/// An active local: the index of its debug information.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActiveLocal(usize);

/// A label of an open block.
#[derive(Debug)]
struct Label {
    name: Symbol,
    /// Its position, `NONE` until it is reached.
    pc: u32,
    /// The first register without local there.
    level: usize,
    /// Whether only labels follow in its block.
    trailing: bool,
    /// Jumps to it from before.
    pending: JumpList,
    /// Whether one of them leaves the scope of a captured local.
    leaves_cells: bool,
}

/// An open block.
#[derive(Debug)]
pub(super) struct BlockState {
    first_active: usize,
    pub(super) first_register: usize,
    labels: Vec<Label>,
    /// For a loop: the jumps of its `break`s.
    breaks: Option<JumpList>,
    /// For a loop: whether some `break` leaves the scope of a captured local.
    breaks_leave_cells: bool,
    /// Whether some of its locals are captured.
    has_cells: bool,
    /// Where jumps lead that leave it.
    exits: Vec<Exit>,
}

impl FunctionState<'_, '_> {
    /// Opens a block without labels.
    pub(super) fn enter_scope(&mut self) {
        self.blocks.push(BlockState {
            first_active: self.active.len(),
            first_register: self.locals_top,
            labels: Vec::new(),
            breaks: None,
            breaks_leave_cells: false,
            has_cells: false,
            exits: Vec::new(),
        });
    }

    /// Opens a block that `break` leaves.
    pub(super) fn enter_loop(&mut self) {
        self.enter_scope();
        if let Some(block) = self.blocks.last_mut() {
            block.breaks = Some(JumpList::EMPTY);
        }
    }

    /// Opens the block of `stats`; `trailing` says whether labels at its end are outside the
    /// scope of its locals (not so in `repeat`, whose condition sees them).
    pub(super) fn enter_block(&mut self, stats: List<Stat>, trailing: bool) {
        self.enter_scope();
        let stats = &self.tree[stats];
        let name = |stat: &Stat| match stat.kind {
            StatKind::Label(name) => Some(name),
            _ => None,
        };
        let body = stats.iter().rposition(|stat| name(stat).is_none());
        let tail = body.map_or(0, |last| last + 1);
        let labels = stats.iter().enumerate().filter_map(|(index, stat)| {
            Some(Label {
                name: name(stat)?,
                pc: NONE,
                level: 0,
                trailing: trailing && index >= tail,
                pending: JumpList::EMPTY,
                leaves_cells: false,
            })
        });
        if let Some(block) = self.blocks.last_mut() {
            block.labels.extend(labels);
        }
    }

    /// Closes the innermost block.
    pub(super) fn leave_block(&mut self) {
        let Some(block) = self.blocks.pop() else {
            return;
        };
        self.end_locals(block.first_active, block.first_register);
        self.pass_on_exits(block.exits, block.has_cells);
        if let Some(breaks) = block.breaks {
            self.patch_here(breaks);
            self.step_after_cells(block.breaks_leave_cells);
        }
        self.close_block(block.first_register);
        self.free = self.locals_top;
    }

    /// Notes the jumps that leave a block for those blocks that they lead to or leave as well.
    fn pass_on_exits(&mut self, exits: Vec<Exit>, has_cells: bool) {
        for exit in exits {
            let target = match exit {
                Exit::Loop(block) => {
                    self.blocks[block].breaks_leave_cells |= has_cells;
                    block
                }
                Exit::Label(block, position) => {
                    self.blocks[block].labels[position].leaves_cells |= has_cells;
                    block
                }
            };
            if target + 1 < self.blocks.len()
                && let Some(outer) = self.blocks.last_mut()
            {
                outer.exits.push(exit);
            }
        }
    }

    /// Where jumps arrive that leave the scope of captured locals PUC Lua has an instruction.
    fn step_after_cells(&mut self, leave_cells: bool) {
        if leave_cells {
            let nowhere = self.flagged_jump(JUMP_STEP, self.line);
            self.patch_here(nowhere);
        }
    }

    /// Whether locals of the innermost block are captured.
    pub(super) fn has_cells(&self) -> bool {
        self.blocks.last().is_some_and(|block| block.has_cells)
    }

    /// Ends the scope of the locals from `first_active` on.
    fn end_locals(&mut self, first_active: usize, first_register: usize) {
        let pc = self.pc() as u32;
        for local in self.active.drain(first_active..) {
            self.locals[local.0].end_pc = pc;
        }
        self.locals_top = first_register;
    }

    /// Closes the to-be-closed variables from `level` on at the end of their block.
    fn close_block(&mut self, level: usize) {
        if self.must_close(level) {
            if self.reachable() {
                self.emit(Opcode::Close, reg(level), 0, 0);
            }
            self.to_be_closed.retain(|&register| register < level);
        }
    }

    /// Whether some register from `level` on holds a to-be-closed variable.
    pub(super) fn must_close(&self, level: usize) -> bool {
        self.to_be_closed
            .last()
            .is_some_and(|&register| register >= level)
    }

    /// The first register of the block inside block `index`: what a jump out of it leaves.
    fn level_inside(&self, index: usize) -> usize {
        match self.blocks.get(index + 1) {
            Some(block) => block.first_register,
            None => self.locals_top,
        }
    }

    /// `::name::`
    pub(super) fn label_statement(&mut self, name: Symbol) {
        let Some(block) = self.blocks.last() else {
            return;
        };
        let (first_active, first_register) = (block.first_active, block.first_register);
        let Some(index) = block.labels.iter().position(|label| label.name == name) else {
            return;
        };
        if block.labels[index].trailing {
            self.end_locals(first_active, first_register);
            self.close_block(first_register);
            self.free = self.locals_top;
        }
        let pc = self.label();
        let level = self.locals_top;
        let Some(block) = self.blocks.last_mut() else {
            return;
        };
        let label = &mut block.labels[index];
        label.pc = pc as u32;
        label.level = level;
        let (pending, leaves_cells) = (label.pending, label.leaves_cells);
        self.patch_to(pending, pc);
        self.step_after_cells(leaves_cells);
    }

    /// Where `goto name` leads: block, label, and the level from which variables are closed.
    fn find_label(&self, name: Symbol) -> Option<(usize, usize, usize)> {
        for (index, block) in self.blocks.iter().enumerate().rev() {
            if let Some(position) = block.labels.iter().position(|label| label.name == name) {
                let label = &block.labels[position];
                let level = if label.pc != NONE {
                    label.level
                } else if label.trailing {
                    block.first_register
                } else {
                    self.level_inside(index)
                };
                return Some((index, position, level));
            }
        }
        None
    }

    /// `goto name`
    pub(super) fn goto_statement(&mut self, name: Symbol) {
        // The resolver has made sure that the label exists.
        let Some((block, position, level)) = self.find_label(name) else {
            return;
        };
        if self.must_close(level) {
            self.emit(Opcode::Close, reg(level), 0, 0);
        }
        let pc = self.blocks[block].labels[position].pc;
        if pc != NONE {
            self.loop_to(pc as usize);
        } else {
            let jump = self.jump();
            self.leave_through(Exit::Label(block, position), jump);
        }
    }

    fn add_to_label(&mut self, block: usize, position: usize, jumps: JumpList) {
        let pending = self.blocks[block].labels[position].pending;
        self.blocks[block].labels[position].pending = self.join(pending, jumps);
    }

    /// The innermost loop, and the level from which `break` closes variables.
    fn find_loop(&self) -> Option<(usize, usize)> {
        let index = self.blocks.iter().rposition(|b| b.breaks.is_some())?;
        Some((index, self.level_inside(index)))
    }

    fn add_to_loop(&mut self, block: usize, jumps: JumpList) {
        if let Some(breaks) = self.blocks[block].breaks {
            self.blocks[block].breaks = Some(self.join(breaks, jumps));
        }
    }

    /// `break`
    pub(super) fn break_statement(&mut self) {
        let Some((block, level)) = self.find_loop() else {
            return;
        };
        if self.must_close(level) {
            self.emit(Opcode::Close, reg(level), 0, 0);
        }
        let jump = self.jump();
        self.leave_through(Exit::Loop(block), jump);
    }

    /// Where a statement that only jumps forward leads, if a conditional jump can go there
    /// directly: nothing is to be closed on the way.
    pub(super) fn direct_exit(&self, stat: &Stat) -> Option<Exit> {
        let (exit, level) = match stat.kind {
            StatKind::Break => {
                let (block, level) = self.find_loop()?;
                (Exit::Loop(block), level)
            }
            StatKind::Goto(name) => {
                let (block, position, level) = self.find_label(name)?;
                if self.blocks[block].labels[position].pc != NONE {
                    return None;
                }
                (Exit::Label(block, position), level)
            }
            _ => return None,
        };
        (!self.must_close(level)).then_some(exit)
    }

    /// Lets `jumps` leave through `exit`.
    pub(super) fn leave_through(&mut self, exit: Exit, jumps: JumpList) {
        let target = match exit {
            Exit::Loop(block) => {
                self.add_to_loop(block, jumps);
                block
            }
            Exit::Label(block, position) => {
                self.add_to_label(block, position, jumps);
                block
            }
        };
        if target + 1 < self.blocks.len()
            && let Some(inner) = self.blocks.last_mut()
        {
            inner.exits.push(exit);
        }
    }

    // Locals.

    /// Makes a local active whose value is in the next register.
    pub(super) fn activate(&mut self, name: Rc<[u8]>, is_cell: bool) {
        let register = self.locals_top as u8;
        self.locals_top += 1;
        self.active.push(ActiveLocal(self.locals.len()));
        let pc = self.pc() as u32;
        self.locals.push(LocalVariable {
            name,
            start_pc: pc,
            end_pc: pc,
            register,
            is_cell,
        });
    }

    /// Makes declared locals active: their values are in the next registers; captured ones move
    /// to cells.
    pub(super) fn declare(&mut self, names: &[LocalDecl]) {
        let first = self.locals_top;
        for (register, decl) in (first..).zip(names) {
            self.registers[decl.id.get().0 as usize] = register as u8;
            if self.local_info(decl.id.get()).captured {
                if let Some(block) = self.blocks.last_mut() {
                    block.has_cells = true;
                }
                // PUC Lua has no such instruction: its line must not show.
                let line = self.lines.runs.last().map_or(self.line, |&(_, line)| line);
                let make = Instruction::new(Opcode::NewCell, reg(register), reg(register), 0);
                let pc = self.emit_at(make, line);
                if self.nils.end == pc {
                    self.nils.end = self.pc();
                }
            }
        }
        for decl in names {
            let name = self.shared.interner.shared(decl.name);
            let captured = self.local_info(decl.id.get()).captured;
            self.activate(name, captured);
        }
        for (register, decl) in (first..).zip(names) {
            if decl.attrib == Attrib::Close {
                self.emit(Opcode::MarkClose, reg(register), 0, 0);
                self.to_be_closed.push(register);
            }
        }
    }

    /// Makes the debug information of the last local start here.
    pub(super) fn restart_last_local(&mut self) {
        let pc = self.pc() as u32;
        if let Some(local) = self.active.last() {
            self.locals[local.0].start_pc = pc;
        }
    }

    /// Makes `count` hidden variables of a loop active.
    pub(super) fn activate_loop_state(&mut self, count: usize) {
        for _ in 0..count {
            let name = self.shared.interner.shared(predefined::FOR_STATE);
            self.activate(name, false);
        }
    }

    /// Compiles the statements of a block in a scope of its own.
    pub(super) fn block(&mut self, block: Block) -> Result<()> {
        self.enter_block(block.stats, true);
        self.statements(block.stats)?;
        self.line = block.last_line;
        self.leave_inner_block();
        Ok(())
    }

    /// Closes the innermost block, which is not that of a function. Where locals are captured PUC
    /// Lua has an instruction at its end, which hooks see if it is on a line of its own or jumped
    /// to.
    pub(super) fn leave_inner_block(&mut self) {
        let Some(block) = self.blocks.last() else {
            return;
        };
        let has_step = block.has_cells && !self.must_close(block.first_register);
        self.leave_block();
        let last_line = self.lines.runs.last().map_or(0, |&(_, line)| line);
        let is_seen = self.last_target == self.code.len() || self.line != last_line;
        if has_step && is_seen && self.reachable() {
            let nowhere = self.flagged_jump(JUMP_STEP, self.line);
            self.patch_here(nowhere);
        }
    }
}

/// A forward way out of a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Exit {
    /// The end of the loop that is this block.
    Loop(usize),
    /// A label of this block.
    Label(usize, usize),
}
