//! Calls, returns and generic `for`.

use super::{SiteKind, current, current_opcode, register, site};
use crate::call::Next;
use crate::close;
use crate::error::Result;
use crate::frame::{CallSite, Continuation};
use crate::interrupt;
use crate::machine::Register;
use crate::value::{NATIVE_CLOSURE, Value};
use crate::vm::{Vm, pending};
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

/// The call site in the extra word of the current instruction, made on first use.
unsafe fn cached_site(
    vm: *mut Vm,
    a: Register,
    wanted: i32,
    continuation: Continuation,
) -> *const CallSite {
    // SAFETY: call instructions have an extra word that holds their site or zero.
    unsafe {
        let word = (*vm).pc as *mut u64;
        if *word != 0 {
            return *word as *const CallSite;
        }
        let made = site(
            vm,
            SiteKind {
                continuation,
                wanted,
                destination: 0,
                condition: false,
                state: 0,
                delta: a.0 + size_of::<Value>(),
            },
        );
        *word = made as u64;
        made
    }
}

pub(super) unsafe fn call(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        if let Some(next) = interrupt::check_before(vm, i.bn() == 0)? {
            return Ok(next);
        }
        let function = register(vm, i.a());
        let args = match i.bn() {
            0 => (*vm).top.offset_from(function) as usize - 1,
            n => n - 1,
        };
        if current_opcode(vm) == Opcode::TailCall {
            return Ok(Next::TailCall { function, args });
        }
        let site = cached_site(vm, i.a(), i.cn() as i32 - 1, Continuation::Call);
        if (*function).tag == NATIVE_CLOSURE {
            return crate::call::call_native(vm, function, args, site);
        }
        Ok(Next::Call {
            function,
            args,
            site,
            flags: 0,
        })
    }
}

pub(super) unsafe fn return_(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        let first = register(vm, i.a());
        let counted = || match i.bn() {
            0 => (*vm).top.offset_from(first) as usize,
            n => n - 1,
        };
        match current_opcode(vm) {
            Opcode::Return0 => Ok(Next::Return {
                first: (*vm).base,
                count: 0,
            }),
            Opcode::Return1 => Ok(Next::Return { first, count: 1 }),
            Opcode::Return => Ok(Next::Return {
                first,
                count: counted(),
            }),
            _ => close::before_return(vm, first, counted()),
        }
    }
}

pub(super) unsafe fn generic_for(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        let a = register(vm, i.a());
        if current_opcode(vm) == Opcode::GenericForPrep {
            close::mark(vm, a.add(3))?;
            (*vm).pc = (*vm).pc.offset(i.bci());
            return Ok(Next::Continue);
        }
        let is_hooked = (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0;
        if (*a).tag == NATIVE_CLOSURE && crate::call::is_next(*a) && i.bn() <= 2 && !is_hooked {
            return fast_next(vm, a, i.bn());
        }
        if let Some(next) = interrupt::check_before(vm, false)? {
            return Ok(next);
        }
        // The interrupt function may have moved the stack.
        let a = register(vm, i.a());
        let function = a.add(4);
        *function = *a;
        *function.add(1) = *a.add(1);
        *function.add(2) = *a.add(2);
        let site = cached_site(vm, i.a().plus(4), i.bn() as i32, Continuation::GenericFor);
        if (*function).tag == NATIVE_CLOSURE {
            return crate::call::call_native(vm, function, 2, site);
        }
        Ok(Next::Call {
            function,
            args: 2,
            site,
            flags: 0,
        })
    }
}

/// A step of `pairs` over a table without a call.
unsafe fn fast_next(vm: *mut Vm, a: *mut Value, wanted: usize) -> Result<Next> {
    // SAFETY: `a` is the loop's first register.
    unsafe {
        let Some(table) = (*a.add(1)).to_table() else {
            let i = current(vm);
            let function = a.add(4);
            *function = *a;
            *function.add(1) = *a.add(1);
            *function.add(2) = *a.add(2);
            let site = cached_site(vm, i.a().plus(4), wanted as i32, Continuation::GenericFor);
            return Ok(Next::Call {
                function,
                args: 2,
                site,
                flags: 0,
            });
        };
        match crate::table::Table::next(&(*vm).heap, table, *a.add(2)) {
            Ok(Some((key, v))) => {
                *a.add(4) = key;
                if wanted > 1 {
                    *a.add(5) = v;
                }
            }
            Ok(None) => {
                *a.add(4) = Value::NIL;
                if wanted > 1 {
                    *a.add(5) = Value::NIL;
                }
            }
            Err(_) => return Err((*vm).runtime_error("invalid key to 'next'")),
        }
        Ok(Next::Done)
    }
}
