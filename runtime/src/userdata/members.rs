//! Members of a userdata type: fields with getters and setters, methods, and what is asked for others.
//!
//! Where a type has such fields, `__index` and `__newindex` of its metatable are the native functions
//! [`INDEX`] and [`NEW_INDEX`]. The machine knows them: where it meets one it looks the member up by
//! itself, and calls the getter or setter as if that were the metamethod. They run only where the
//! program calls them, and where there is no such member.
//!
//! Invariants: upvalue 1 of both is a table of functions that nobody but the closure refers to, or
//! nil: of getters, called with the userdata and the key, or of setters, called with the userdata, the
//! key, and the value. The last upvalue is what to ask for other keys: a table, a function, or nil.
//! Upvalue 2 of [`INDEX`] is a table of methods like that of getters, or nil.

use crate::function::{Intrinsic, NativeClosure};
use crate::gc::Heap;
use crate::native;
use crate::native::{Action, Call, Local, Native, NativeResult};
use crate::table::Table;
use crate::value::{NATIVE_CLOSURE, STRING, Value};

/// `__index` of types with fields; upvalues: getters, methods, what to ask for other keys.
pub const INDEX: Native = native!("?", index, yieldable, private_upvalues, intrinsic MemberIndex);
/// `__newindex` of types with fields; upvalues: setters, what to ask for other keys.
pub const NEW_INDEX: Native =
    native!("?", new_index, yieldable, private_upvalues, intrinsic MemberNewIndex);

/// What a type has for a key.
#[derive(Clone, Copy, Debug)]
pub enum Member {
    /// A method, or another value.
    Value(Value),
    /// A getter or setter: a function.
    Accessor(Value),
    /// Nothing; this is to be asked: a table or a function.
    Elsewhere(Value),
    /// Nothing at all.
    None,
}

/// The closure that `function` is, if it is an [`INDEX`] (or [`NEW_INDEX`]).
#[inline]
unsafe fn closure_of(function: Value, intrinsic: Intrinsic) -> Option<*mut NativeClosure> {
    if function.tag != NATIVE_CLOSURE {
        return None;
    }
    let closure: *mut NativeClosure = function.as_pointer();
    // SAFETY: the caller passes a live value.
    let is_it = unsafe { (*closure).description.intrinsic == Some(intrinsic) };
    is_it.then_some(closure)
}

/// What upvalue `n` (a table or nil) has for `key`.
unsafe fn entry(heap: &Heap, closure: *mut NativeClosure, n: usize, key: Value) -> Value {
    // SAFETY: the caller passes a live closure with that upvalue, and a live key.
    unsafe {
        match (*NativeClosure::upvalue(closure, n)).to_table() {
            Some(table) => Table::get(heap, table, key),
            None => Value::NIL,
        }
    }
}

/// What is to be asked for keys that are no members.
unsafe fn elsewhere(closure: *mut NativeClosure, n: usize) -> Member {
    // SAFETY: the caller passes a live closure with that upvalue.
    let fallback = unsafe { *NativeClosure::upvalue(closure, n) };
    if fallback.is_nil() {
        Member::None
    } else {
        Member::Elsewhere(fallback)
    }
}

/// What reading `key` finds, where `function` (an `__index`) is an [`INDEX`].
///
/// # Safety
/// Both values are live.
pub unsafe fn find(heap: &Heap, function: Value, key: Value) -> Option<Member> {
    // SAFETY: the caller's contract; the closure has three upvalues.
    unsafe {
        let closure = closure_of(function, Intrinsic::MemberIndex)?;
        if key.tag == STRING {
            let getter = entry(heap, closure, 0, key);
            if !getter.is_nil() {
                return Some(Member::Accessor(getter));
            }
            let method = entry(heap, closure, 1, key);
            if !method.is_nil() {
                return Some(Member::Value(method));
            }
        }
        Some(elsewhere(closure, 2))
    }
}

/// What storing to `key` finds, where `function` (a `__newindex`) is a [`NEW_INDEX`].
///
/// # Safety
/// Both values are live.
pub unsafe fn find_setter(heap: &Heap, function: Value, key: Value) -> Option<Member> {
    // SAFETY: the caller's contract; the closure has two upvalues.
    unsafe {
        let closure = closure_of(function, Intrinsic::MemberNewIndex)?;
        if key.tag == STRING {
            let setter = entry(heap, closure, 0, key);
            if !setter.is_nil() {
                return Some(Member::Accessor(setter));
            }
        }
        Some(elsewhere(closure, 1))
    }
}

/// The state in which a step returns what an index operation has found, in slot 1.
const FOUND: u32 = 1;
/// The state after a store.
const STORED: u32 = 2;

fn index(call: &mut Call<'_>) -> NativeResult {
    if call.state() == FOUND {
        let v = call.slot(1);
        return Ok(call.return_one(v));
    }
    call.set_top(2)?;
    let (function, key) = (call.running_function().0.raw(), call.slot(2).raw());
    // SAFETY: the running function and its slots are live, and nothing collects in a step.
    let member = unsafe { find(&call.vm_ref().heap, function, key) };
    match member {
        Some(Member::Value(v)) => Ok(call.return_one(Local::new(v))),
        Some(Member::Accessor(f)) => tail_call(call, f, 2),
        Some(Member::Elsewhere(f)) if f.is_function() => tail_call(call, f, 2),
        Some(Member::Elsewhere(table)) => {
            let object = call.push(Local::new(table))?;
            Ok(Action::Index {
                object,
                key: 2,
                target: 1,
                state: FOUND,
            })
        }
        Some(Member::None) | None => Err(unknown(call, "get")),
    }
}

fn new_index(call: &mut Call<'_>) -> NativeResult {
    if call.state() == STORED {
        return Ok(call.return_none());
    }
    call.set_top(3)?;
    let (function, key) = (call.running_function().0.raw(), call.slot(2).raw());
    // SAFETY: as in `index`.
    let member = unsafe { find_setter(&call.vm_ref().heap, function, key) };
    match member {
        Some(Member::Accessor(f)) => tail_call(call, f, 3),
        Some(Member::Elsewhere(f)) if f.is_function() => tail_call(call, f, 3),
        Some(Member::Elsewhere(table)) => {
            let object = call.push(Local::new(table))?;
            Ok(Action::SetIndex {
                object,
                key: 2,
                value: 3,
                state: STORED,
            })
        }
        Some(Member::Value(_) | Member::None) | None => Err(unknown(call, "set")),
    }
}

/// Returns what `f` returns for the first `args` slots.
fn tail_call(call: &mut Call<'_>, f: Value, args: u32) -> NativeResult {
    let function = call.push(Local::new(f))?;
    for n in 1..=args {
        let v = call.slot(n);
        call.push(v)?;
    }
    Ok(Action::TailCall { function, args })
}

fn unknown(call: &mut Call<'_>, what: &str) -> crate::error::LuaError {
    let key = call.slot(2);
    match call.to_display(key) {
        Ok(key) => {
            let key = String::from_utf8_lossy(&key).into_owned();
            call.error(format!("attempt to {what} an unknown field '{key}'"))
        }
        Err(error) => error,
    }
}
