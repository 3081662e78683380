//! Table constructors.

use super::Result;
use super::function::{FunctionState, reg};
use super::operand::{Kind, Object, Operand};
use crate::ast::{ConstantValue, ExprId, Line, List, TableItem};
use crate::bytecode::instruction::Instruction;
use crate::bytecode::opcode::Opcode;

/// How many positional values are collected in registers before they are stored.
const VALUES_PER_STORE: usize = 50;

/// The state of a constructor.
struct Constructor {
    /// The register of the table.
    table: usize,
    /// How many positional values are stored.
    stored: usize,
    /// How many positional values wait in registers.
    pending: usize,
    /// Whether all results of a call wait above them.
    to_top: bool,
}

impl FunctionState<'_, '_> {
    /// `{ items }`
    pub(super) fn table(&mut self, items: List<TableItem>, line: Line) -> Result<Operand> {
        let tree = self.tree;
        let items = &tree[items];
        let table = self.reserve(1)?;
        let pc = self.emit_at(Instruction::new(Opcode::NewTable, reg(table), 0, 0), line);
        let mut state = Constructor {
            table,
            stored: 0,
            pending: 0,
            to_top: false,
        };
        let mut fields = 0;
        let runs = items.iter().map(|item| match *item {
            TableItem::Integers(run) => tree[run].len() + tree[run].len() / VALUES_PER_STORE * 2,
            _ => 1,
        });
        if items.len() > VALUES_PER_STORE {
            self.reserve_code(runs.sum());
        }
        let (entries, close) = match items.split_last() {
            Some((&TableItem::Close(line), entries)) => (entries, Some(line)),
            _ => (items, None),
        };
        for (index, item) in entries.iter().enumerate() {
            self.store_if_full(&mut state);
            match *item {
                TableItem::Positional(value) => {
                    self.positional(&mut state, value, index + 1 == entries.len())?;
                }
                TableItem::Integers(run) => {
                    for &(value, line) in &tree[run] {
                        self.store_if_full(&mut state);
                        self.line = line;
                        let register = reg(self.reserve(1)?);
                        let load = Instruction::wide(Opcode::LoadInt, register, value as u32);
                        self.emit_at(load, line);
                        state.pending += 1;
                    }
                }
                // The last entry, which has been split off.
                TableItem::Close(_) => {}
                TableItem::Named(name, value, line) => {
                    fields += 1;
                    let key = self.constant_operand(ConstantValue::String(name));
                    self.item(table, key, value, line)?;
                }
                TableItem::Keyed(key, value, line) => {
                    fields += 1;
                    let saved = self.free;
                    let key = self.expression(key)?;
                    self.item(table, key, value, line)?;
                    self.free = saved;
                }
            }
        }
        self.line = close.unwrap_or(self.line);
        self.store_pending(&mut state);
        let room = |count: usize| count.min(u16::MAX as usize) as u16;
        self.set_b(pc, room(state.stored));
        self.set_c(pc, room(fields));
        self.free = table + 1;
        Ok(self.operand(Kind::Register(table)))
    }

    /// A positional item.
    fn positional(&mut self, state: &mut Constructor, value: ExprId, last: bool) -> Result<()> {
        let mut operand = self.expression(value)?;
        if last && operand.is_multiple() {
            self.set_results(&operand, None)?;
            state.to_top = true;
        } else {
            self.put_in_next(&mut operand)?;
            state.pending += 1;
        }
        Ok(())
    }

    /// Before another item: stores the positional values that wait, if they are many.
    fn store_if_full(&mut self, state: &mut Constructor) {
        if state.pending == VALUES_PER_STORE {
            self.store_pending(state);
        }
    }

    /// Stores the positional values that wait.
    fn store_pending(&mut self, state: &mut Constructor) {
        if state.pending == 0 && !state.to_top {
            return;
        }
        let count = if state.to_top {
            0
        } else {
            state.pending as u16
        };
        let pc = self.emit(Opcode::SetList, reg(state.table), count, 0);
        self.code[pc + 1] = state.stored as u64;
        state.stored += state.pending;
        state.pending = 0;
        self.free = state.table + 1;
    }

    /// An item with a key.
    fn item(&mut self, table: usize, key: Operand, value: ExprId, line: Line) -> Result<()> {
        let saved = self.free;
        let target = self.indexed(Object::Register(table as u8), key)?.kind();
        let value = self.expression(value)?;
        self.line = line;
        self.store(target, value, line)?;
        self.free = saved;
        Ok(())
    }
}
