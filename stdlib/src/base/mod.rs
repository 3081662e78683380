//! The basic library (manual §6.1).
//!
//! Functions that call back run in steps: what they need afterwards lies in slots below the
//! function that is called.

mod collect;
mod convert;
mod load;
mod output;
pub mod program;
mod protect;

pub use load::load_file;
pub use output::{Warnings, standard_warnings};

use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, Local, LocalView, Native, NativeResult, TableRef};

/// The functions of the library.
pub const FUNCTIONS: &[Native] = &[
    native!("assert", assert),
    native!("collectgarbage", collect::collectgarbage),
    native!("dofile", load::dofile, yieldable),
    native!("error", error),
    native!("getmetatable", getmetatable),
    native!("loadfile", load::loadfile),
    native!("load", load::load),
    NEXT,
    native!("pcall", protect::pcall, yieldable, intrinsic ProtectedCall),
    native!("print", output::print),
    native!("warn", output::warn),
    native!("rawequal", rawequal),
    native!("rawlen", rawlen),
    native!("rawget", rawget),
    native!("rawset", rawset),
    native!("select", select, intrinsic Select),
    native!("setmetatable", setmetatable, intrinsic SetMetatable),
    native!("tonumber", convert::tonumber),
    native!("tostring", convert::tostring),
    native!("type", type_of, intrinsic Type),
    native!("xpcall", protect::xpcall, yieldable, intrinsic ProtectedCallWithHandler),
];

const NEXT: Native = native!("next", next, intrinsic Next);
const PAIRS: Native = native!("pairs", pairs, yieldable, private_upvalues);
const IPAIRS: Native = native!("ipairs", ipairs, private_upvalues);
const IPAIRS_STEP: Native = native!("ipairs_step", ipairs_step, intrinsic IpairsStep);

/// Adds what is not a plain function to the table of globals: `pairs` and `ipairs`, which have
/// the iterator that they return as a private upvalue, `_G` and `_VERSION`.
///
/// # Errors
/// When memory runs out.
pub fn open<'c>(call: &mut Call<'c>, globals: TableRef<'c>) -> Result<(), LuaError> {
    let next = call.table_get_str(globals, b"next");
    let next = if next.is_nil() {
        call.new_function(NEXT)?
    } else {
        next
    };
    let pairs = call.new_closure(PAIRS, &[next])?;
    call.table_set_str(globals, b"pairs", pairs)?;
    let step = call.new_function(IPAIRS_STEP)?;
    let ipairs = call.new_closure(IPAIRS, &[step])?;
    call.table_set_str(globals, b"ipairs", ipairs)?;
    call.table_set_str(globals, b"_G", globals.into())?;
    let version = call.new_string(b"Lua 5.4")?;
    call.table_set_str(globals, b"_VERSION", version)
}

fn assert(call: &mut Call<'_>) -> NativeResult {
    if call.arg(1).is_truthy() {
        return Ok(call.return_from(1));
    }
    call.check_any(1)?;
    let message = if call.arg_count() >= 2 {
        call.arg(2)
    } else {
        call.new_string(b"assertion failed!")?
    };
    Err(raise(call, message, 1)?)
}

fn error(call: &mut Call<'_>) -> NativeResult {
    let level = call.opt_integer(2, 1)? as i32;
    let message = call.arg(1);
    Err(raise(call, message, level)?)
}

/// The error with object `message`, with the position at `level` in front if it is a string.
fn raise<'c>(call: &mut Call<'c>, message: Local<'c>, level: i32) -> Result<LuaError, LuaError> {
    let message = match message.as_bytes() {
        Some(text) if level > 0 => {
            let mut with_position = call.position(level.unsigned_abs());
            with_position.extend_from_slice(text);
            call.new_string(&with_position)?
        }
        _ => message,
    };
    Ok(call.error_value(message))
}

fn type_of(call: &mut Call<'_>) -> NativeResult {
    if call.is_none(1) {
        return Err(call.arg_error(1, "value expected"));
    }
    let name = call.new_string(call.type_name_of(1).as_bytes())?;
    Ok(call.return_one(name))
}

fn getmetatable(call: &mut Call<'_>) -> NativeResult {
    let value = call.check_any(1)?;
    let Some(metatable) = call.metatable(value) else {
        return Ok(call.return_one(Local::NIL));
    };
    let protection = call.metamethod(value, Event::Metatable);
    if protection.is_nil() {
        Ok(call.return_one(metatable))
    } else {
        Ok(call.return_one(protection))
    }
}

fn setmetatable(call: &mut Call<'_>) -> NativeResult {
    let table = call.check_table(1)?;
    let metatable = call.arg(2).as_table();
    if metatable.is_none() && (call.is_none(2) || !call.arg(2).is_nil()) {
        return Err(call.type_error(2, "nil or table"));
    }
    let value = Local::from(table);
    if !call.metamethod(value, Event::Metatable).is_nil() {
        return Err(call.error("cannot change a protected metatable"));
    }
    call.set_metatable(value, metatable)?;
    Ok(call.return_one(value))
}

fn rawequal(call: &mut Call<'_>) -> NativeResult {
    let left = call.check_any(1)?;
    let right = call.check_any(2)?;
    let equal = call.raw_equal(left, right);
    Ok(call.return_one(Local::boolean(equal)))
}

fn rawlen(call: &mut Call<'_>) -> NativeResult {
    let length = match call.arg(1).view() {
        LocalView::Table(table) => call.table_len(table),
        LocalView::String(string) => string.as_bytes().len() as i64,
        _ => return Err(call.type_error(1, "table or string")),
    };
    Ok(call.return_one(Local::integer(length)))
}

fn rawget(call: &mut Call<'_>) -> NativeResult {
    let table = call.check_table(1)?;
    let key = call.check_any(2)?;
    let value = call.table_get(table, key);
    Ok(call.return_one(value))
}

fn rawset(call: &mut Call<'_>) -> NativeResult {
    let table = call.check_table(1)?;
    let key = call.check_any(2)?;
    let value = call.check_any(3)?;
    call.retry_with_room(|call| {
        call.table_set(table, key, value)?;
        Ok(call.return_one(table))
    })
}

fn select(call: &mut Call<'_>) -> NativeResult {
    let count = call.arg_count();
    if let Some(text) = call.arg(1).as_bytes()
        && text.first() == Some(&b'#')
    {
        return Ok(call.return_one(Local::integer(i64::from(count) - 1)));
    }
    let wanted = call.check_integer(1)?;
    let index = if wanted < 0 {
        wanted.saturating_add(i64::from(count))
    } else {
        wanted.min(i64::from(count))
    };
    if index < 1 {
        return Err(call.arg_error(1, "index out of range"));
    }
    Ok(call.return_from(index as u32 + 1))
}

fn next(call: &mut Call<'_>) -> NativeResult {
    let table = call.check_table(1)?;
    let key = call.arg(2);
    match call.table_next(table, key)? {
        Some((key, value)) => call.return_values(&[key, value]),
        None => Ok(call.return_one(Local::NIL)),
    }
}

fn pairs(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return Ok(Action::Return { first: 2, count: 3 });
    }
    let value = call.check_any(1)?;
    let metamethod = call.metamethod(value, Event::Pairs);
    if metamethod.is_nil() {
        let next = call.upvalue(1);
        return call.return_values(&[next, value, Local::NIL]);
    }
    call.set_top(3)?;
    call.set_slot(2, metamethod);
    call.set_slot(3, value);
    Ok(Action::Call {
        function: 2,
        args: 1,
        results: 3,
        state: 1,
    })
}

fn ipairs(call: &mut Call<'_>) -> NativeResult {
    let value = call.check_any(1)?;
    let step = call.upvalue(1);
    call.return_values(&[step, value, Local::integer(0)])
}

/// The iterator of `ipairs`.
fn ipairs_step(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 0 {
        let index = call.check_integer(2)?.wrapping_add(1);
        let value = match call.arg(1).as_table() {
            Some(table) => call.table_get_int(table, index),
            None => Local::NIL,
        };
        call.set_top(3)?;
        call.set_slot(2, Local::integer(index));
        call.set_slot(3, value);
        let object = call.arg(1);
        if value.is_nil() && (object.as_table().is_none() || call.metatable(object).is_some()) {
            return Ok(Action::Index {
                object: 1,
                key: 2,
                target: 3,
                state: 1,
            });
        }
    }
    if call.slot(3).is_nil() {
        return Ok(Action::Return { first: 3, count: 1 });
    }
    Ok(Action::Return { first: 2, count: 2 })
}
