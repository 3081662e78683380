//! Tables, lists, closures and cells; stores into cells that need a barrier.

use super::{current, current_opcode, register};
use crate::call::Next;
use crate::error::Result;
use crate::function::{Cell, LuaClosure};
use crate::table::Table;
use crate::value::{CELL, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;

pub(super) unsafe fn construct(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        match current_opcode(vm) {
            Opcode::NewTable => {
                let table = (*vm).heap.new_table()?;
                if i.bn() | i.cn() != 0 {
                    Table::reserve(&mut (*vm).heap, table, i.bn(), i.cn())
                        .map_err(|error| super::table_error(&mut *vm, error))?;
                }
                *register(vm, i.a()) = Value::table(table);
            }
            Opcode::SetList => set_list(vm)?,
            Opcode::Closure => {
                let closure = new_closure(vm, i.bci() as usize)?;
                *register(vm, i.a()) = Value::lua_closure(closure);
            }
            Opcode::NewCell => {
                let cell = (*vm).heap.new_cell(*register(vm, i.b()))?;
                *register(vm, i.a()) = Value::cell(cell);
            }
            Opcode::SetUpvalue => {
                let closure: *mut LuaClosure = (*(*vm).base.sub(1)).as_pointer();
                store(
                    vm,
                    LuaClosure::upvalue(closure, i.bn()),
                    *register(vm, i.a()),
                );
            }
            _ => {
                let cell: *mut Cell = (*register(vm, i.a())).as_pointer();
                store(vm, cell, *register(vm, i.b()));
            }
        }
        Ok(Next::Done)
    }
}

unsafe fn store(vm: *mut Vm, cell: *mut Cell, v: Value) {
    // SAFETY: the cell is live.
    unsafe {
        (*cell).value = v;
        (*vm).heap.barrier_forward(&raw mut (*cell).header, v);
    }
}

unsafe fn set_list(vm: *mut Vm) -> Result<()> {
    // SAFETY: operands are in range; with B = 0 the values end at `top`.
    unsafe {
        let i = current(vm);
        let place = register(vm, i.a());
        // The compiler puts a new table there, but `debug.setlocal` reaches temporaries, and a
        // binary chunk may have put anything there.
        let Some(table) = (*place).to_table() else {
            return Err((*vm).runtime_error("attempt to initialise a value that is no table"));
        };
        let first = *(*vm).pc as usize;
        let count = match i.bn() {
            0 => (*vm).top.offset_from(place) as usize - 1,
            n => n,
        };
        Table::set_list(&mut (*vm).heap, table, first + 1, place.add(1), count)
            .map_err(|error| super::table_error(&mut *vm, error))?;
        Ok(())
    }
}

unsafe fn new_closure(vm: *mut Vm, index: usize) -> Result<*mut LuaClosure> {
    // SAFETY: the inner function exists; the registers that its upvalues name hold cells
    // (verified code).
    unsafe {
        let outer: *mut LuaClosure = (*(*vm).base.sub(1)).as_pointer();
        let proto = (&(*(*outer).proto).protos)[index];
        let upvalues = &(*proto).debug.upvalues;
        let closure = (*vm).heap.new_lua_closure(proto, upvalues.len())?;
        for (n, upvalue) in upvalues.iter().enumerate() {
            let cell = if upvalue.in_stack {
                let held = *(*vm).base.add(upvalue.index as usize);
                debug_assert_eq!(held.tag, CELL);
                held.as_pointer()
            } else {
                LuaClosure::upvalue(outer, upvalue.index as usize)
            };
            LuaClosure::set_upvalue(closure, n, cell);
        }
        Ok(closure)
    }
}
