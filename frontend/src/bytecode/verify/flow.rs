//! Following control: what registers hold at every instruction.
//!
//! A forward dataflow over basic blocks: the state of a register is the set of what it may hold
//! (nothing, a value, a cell), states are joined where paths meet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::effects::{Effects, RegisterSet};
use super::super::opcode::Opcode;
use super::super::proto::{LocalVariable, Proto};
use super::{NO_BLOCK, Result, Verifier, ensure};

/// What registers may hold at some point.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    /// Possibly nothing defined.
    unset: RegisterSet,
    /// Possibly a plain value.
    value: RegisterSet,
    /// Possibly a cell.
    cell: RegisterSet,
    /// Marked to be closed.
    marked: RegisterSet,
}

impl State {
    fn at_entry(proto: &Proto) -> Self {
        let params = proto.num_params as usize;
        Self {
            unset: RegisterSet::range(params, 256),
            value: RegisterSet::range(0, params),
            cell: RegisterSet::EMPTY,
            marked: RegisterSet::EMPTY,
        }
    }

    fn set_unset(&mut self, registers: RegisterSet) {
        self.unset = self.unset.union(registers);
        self.value = self.value.minus(registers);
        self.cell = self.cell.minus(registers);
    }

    fn set_value(&mut self, registers: RegisterSet) {
        self.unset = self.unset.minus(registers);
        self.value = self.value.union(registers);
        self.cell = self.cell.minus(registers);
    }

    fn set_cell(&mut self, register: usize) {
        let registers = RegisterSet::one(register);
        self.unset = self.unset.minus(registers);
        self.value = self.value.minus(registers);
        self.cell = self.cell.union(registers);
    }

    fn join(&self, other: &State) -> State {
        State {
            unset: self.unset.union(other.unset),
            value: self.value.union(other.value),
            cell: self.cell.union(other.cell),
            marked: self.marked,
        }
    }
}

/// From this position on these registers hold locals in scope.
pub(super) struct ScopeChange {
    pc: u32,
    /// All locals.
    all: RegisterSet,
    /// Those that say that they are no cells.
    plain: RegisterSet,
}

impl Verifier<'_> {
    /// Follows control through the function.
    pub(super) fn check_flow(&self) -> Result<()> {
        let mut states: Vec<Option<State>> = vec![None; self.blocks];
        let mut queue = BinaryHeap::new();
        states[0] = Some(State::at_entry(self.proto));
        queue.push(Reverse(0));
        while let Some(Reverse(start)) = queue.pop() {
            // The same block may be queued several times; once is enough.
            while queue.peek() == Some(&Reverse(start)) {
                queue.pop();
            }
            let Some(state) = states[self.block_at[start] as usize] else {
                continue;
            };
            self.check_block(start, state, &mut states, &mut queue)?;
        }
        Ok(())
    }

    /// Goes through a basic block and hands its states on.
    fn check_block(
        &self,
        start: usize,
        mut state: State,
        states: &mut [Option<State>],
        queue: &mut BinaryHeap<Reverse<usize>>,
    ) -> Result<()> {
        let mut pc = start;
        let mut scope = self
            .scopes
            .partition_point(|change| change.pc as usize <= pc);
        let mut top: Option<usize> = None;
        loop {
            while self
                .scopes
                .get(scope)
                .is_some_and(|change| change.pc as usize <= pc)
            {
                scope += 1;
            }
            self.check_scope(pc, scope, &state)?;
            let (instruction, op) = self.instruction(pc);
            let effects = Effects::of(instruction, op, self.captures(instruction, op));
            check_reads(pc, &effects, &state, top)?;
            apply_marks(pc, op, &effects, &mut state)?;
            if let Some(distance) = instruction.jump_distance() {
                let mut taken = state;
                taken.set_value(effects.jump_writes);
                let target = (pc as i64 + 1 + distance) as usize;
                self.hand_on(target, taken, states, queue)?;
            }
            if !effects.falls_through {
                return Ok(());
            }
            apply_writes(&effects, &mut state);
            top = effects.sets_top;
            pc += instruction.length();
            ensure(pc < self.proto.code.len(), pc, "control runs off the end")?;
            if self.block_at[pc] != NO_BLOCK {
                ensure(top.is_none(), pc, "jump into an open call")?;
                return self.hand_on(pc, state, states, queue);
            }
        }
    }

    /// Joins `state` to what is known at the start of the block at `target`.
    fn hand_on(
        &self,
        target: usize,
        state: State,
        states: &mut [Option<State>],
        queue: &mut BinaryHeap<Reverse<usize>>,
    ) -> Result<()> {
        let known = &mut states[self.block_at[target] as usize];
        let joined = match known {
            Some(old) => {
                let same = old.marked == state.marked;
                ensure(same, target, "inconsistent to-be-closed variables")?;
                old.join(&state)
            }
            None => state,
        };
        if *known != Some(joined) {
            *known = Some(joined);
            queue.push(Reverse(target));
        }
        Ok(())
    }

    /// Checks locals and marked variables against the state before the instruction at `pc`;
    /// `scope` counts the scope changes up to there.
    fn check_scope(&self, pc: usize, scope: usize, state: &State) -> Result<()> {
        let marked = state.marked.intersection(state.unset);
        ensure(marked.is_empty(), pc, "to-be-closed variable lost")?;
        if let Some(change) = scope.checked_sub(1).and_then(|last| self.scopes.get(last)) {
            let unset = change.all.intersection(state.unset);
            ensure(unset.is_empty(), pc, "local without value")?;
            let cells = change.plain.intersection(state.cell);
            ensure(cells.is_empty(), pc, "local holds a cell")?;
        }
        Ok(())
    }
}

fn check_reads(pc: usize, effects: &Effects, state: &State, top: Option<usize>) -> Result<()> {
    let not_value = state.unset.union(state.cell);
    let good = effects.reads.intersection(not_value).is_empty();
    ensure(good, pc, "register read without value")?;
    let not_cell = state.unset.union(state.value);
    let good = effects.cell_reads.intersection(not_cell).is_empty();
    ensure(good, pc, "register read without cell")?;
    let good = effects.any_reads.intersection(state.unset).is_empty();
    ensure(good, pc, "register read without value")?;
    match (effects.reads_to_top, top) {
        (Some(first), Some(top)) => {
            ensure(first <= top, pc, "top below first register")?;
            let range = RegisterSet::range(first, top);
            let good = range.intersection(not_value).is_empty();
            ensure(good, pc, "register read without value")
        }
        (Some(_), None) => ensure(false, pc, "top is not set"),
        (None, Some(_)) => ensure(false, pc, "open call is not used"),
        (None, None) => Ok(()),
    }
}

fn apply_marks(pc: usize, op: Opcode, effects: &Effects, state: &mut State) -> Result<()> {
    if let Some(level) = effects.closes {
        state.marked = state.marked.minus(RegisterSet::range(level, 256));
    }
    if let Some(register) = effects.marks {
        let above = state.marked.intersection(RegisterSet::range(register, 256));
        ensure(above.is_empty(), pc, "to-be-closed variables out of order")?;
        state.marked.insert(register);
    }
    let leaves = !effects.falls_through && !matches!(op, Opcode::Jump | Opcode::Loop);
    if leaves && op != Opcode::GenericForPrep {
        ensure(
            state.marked.is_empty(),
            pc,
            "variables not closed on return",
        )?;
    }
    Ok(())
}

fn apply_writes(effects: &Effects, state: &mut State) {
    state.set_unset(effects.clobbers);
    state.set_value(effects.writes);
    if let Some(register) = effects.cell_write {
        state.set_cell(register);
    }
}

/// The positions where the set of locals in scope changes, in order.
pub(super) fn scope_changes(locals: &[LocalVariable]) -> Vec<ScopeChange> {
    let mut events: Vec<(u32, bool, &LocalVariable)> = Vec::with_capacity(locals.len() * 2);
    for local in locals.iter().filter(|local| local.start_pc < local.end_pc) {
        events.push((local.start_pc, true, local));
        events.push((local.end_pc, false, local));
    }
    events.sort_by_key(|event| event.0);
    // Corrupt information may have several locals in one register: count them.
    let mut all = [0u32; 256];
    let mut plain = [0u32; 256];
    let mut changes: Vec<ScopeChange> = Vec::new();
    let mut current = (RegisterSet::EMPTY, RegisterSet::EMPTY);
    for (pc, starts, local) in events {
        let register = local.register as usize;
        for (counts, set, counted) in [
            (&mut all, &mut current.0, true),
            (&mut plain, &mut current.1, !local.is_cell),
        ] {
            if !counted {
                continue;
            }
            counts[register] = match starts {
                true => counts[register] + 1,
                false => counts[register].saturating_sub(1),
            };
            if counts[register] > 0 {
                set.insert(register);
            } else {
                *set = set.minus(RegisterSet::one(register));
            }
        }
        match changes.last_mut() {
            Some(last) if last.pc == pc => (last.all, last.plain) = current,
            _ => changes.push(ScopeChange {
                pc,
                all: current.0,
                plain: current.1,
            }),
        }
    }
    changes
}
