//! Concatenation (manual §3.4.6): right to left, runs of strings and numbers in one piece.

use super::{call_metamethod, concat_kind, current, register};
use crate::call::Next;
use crate::collect;
use crate::construct::NumberText;
use crate::debug;
use crate::error::{LuaError, Result};
use crate::metatable::{Event, metamethod};
use crate::string::LuaString;
use crate::value::{self, Value};
use crate::vm::Vm;

pub(super) unsafe fn concat(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let count = current(vm).bn();
        continue_concat(vm, count)
    }
}

/// Concatenates the first `count` operands of the current instruction, the rest being done.
///
/// # Safety
/// The saved state is that of a `Concat` instruction being executed.
pub(crate) unsafe fn continue_concat(vm: *mut Vm, mut count: usize) -> Result<Next> {
    // SAFETY: the caller's contract; operands are in range.
    unsafe {
        let i = current(vm);
        let first = register(vm, i.a());
        while count > 1 {
            let run = strings_at_end(first, count);
            if run >= 2 {
                let start = count - run;
                let joined = match join(vm, first.add(start), run) {
                    Err(LuaError::Memory) if collect::make_room_within(vm) => {
                        join(vm, first.add(start), run)?
                    }
                    joined => joined?,
                };
                *first.add(start) = joined;
                count = start + 1;
                continue;
            }
            let (left, right) = (*first.add(count - 2), *first.add(count - 1));
            let mut function = metamethod(&*vm, left, Event::Concat);
            if function.is_nil() {
                function = metamethod(&*vm, right, Event::Concat);
            }
            if function.is_nil() {
                return Err(debug::concat_error(&mut *vm, left, right));
            }
            let kind = concat_kind(i.a().plus(count - 2).0, count - 1);
            return Ok(call_metamethod(vm, function, &[left, right], kind));
        }
        Ok(Next::Done)
    }
}

/// How many operands at the end of the first `count` are strings or numbers.
unsafe fn strings_at_end(first: *mut Value, count: usize) -> usize {
    // SAFETY: the operands are in range.
    unsafe {
        let mut run = 0;
        while run < count {
            let v = *first.add(count - 1 - run);
            if v.tag != value::STRING && !v.is_number() {
                break;
            }
            run += 1;
        }
        run
    }
}

unsafe fn join(vm: *mut Vm, first: *mut Value, count: usize) -> Result<Value> {
    // SAFETY: all operands are live strings or numbers; nothing collects before the end.
    unsafe {
        let mut total = 0usize;
        let mut numbers = [const { NumberText::None }; 8];
        let mut overflow: Vec<NumberText> = Vec::new();
        let mut used = 0;
        for n in 0..count {
            let v = *first.add(n);
            let len = if v.tag == value::STRING {
                (*v.as_pointer::<LuaString>()).len
            } else {
                used += 1;
                if used <= numbers.len() {
                    numbers[used - 1].set(v).len()
                } else {
                    overflow.push(NumberText::None);
                    overflow.last_mut().map_or(0, |text| text.set(v).len())
                }
            };
            total = match total.checked_add(len) {
                Some(total) if total < isize::MAX as usize / 2 => total,
                _ => return Err((*vm).runtime_error("string length overflow")),
            };
        }
        crate::limit::charge_bytes(vm, total);
        let mut next_number = 0;
        let string = (*vm).heap.new_string_with(total, |out| {
            let mut at = 0;
            for n in 0..count {
                let v = *first.add(n);
                let bytes: &[u8] = if v.tag == value::STRING {
                    LuaString::as_bytes(v.as_pointer())
                } else {
                    next_number += 1;
                    match next_number - 1 {
                        k if k < 8 => numbers[k].as_bytes(),
                        k => overflow[k - 8].as_bytes(),
                    }
                };
                out[at..at + bytes.len()].copy_from_slice(bytes);
                at += bytes.len();
            }
        });
        string.map(Value::string)
    }
}
