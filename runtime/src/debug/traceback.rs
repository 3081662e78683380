//! Tracebacks, and the names of functions in loaded modules.

use super::info::{activation_info, function_info};
use crate::coroutine::Thread;
use crate::gc::Heap;
use crate::stack::{self, Activation};
use crate::string::LuaString;
use crate::table::Table;
use crate::value::Value;
use crate::vm::Vm;

/// Levels shown at the top of a long traceback.
const FIRST_LEVELS: i64 = 10;
/// Levels shown at the bottom of a long traceback.
const LAST_LEVELS: i64 = 11;

/// The traceback of `thread` from `level` on, after `message`.
///
/// # Safety
/// The saved state of `vm` is up to date; `thread` is live.
pub unsafe fn traceback(
    vm: *mut Vm,
    thread: *mut Thread,
    message: Option<&[u8]>,
    level: i64,
) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(message) = message {
        text.extend_from_slice(message);
        text.push(b'\n');
    }
    text.extend_from_slice(b"stack traceback:");
    if level < 0 {
        return text;
    }
    // SAFETY: the caller's contract.
    unsafe {
        let mut count: i64 = 0;
        stack::walk(vm, thread, |_| {
            count += 1;
            true
        });
        let last = count - 1;
        // Levels `skip_from..skip_to` are not shown.
        let (skip_from, skip_to) = if last - level > FIRST_LEVELS + LAST_LEVELS {
            (level + FIRST_LEVELS, last - LAST_LEVELS + 1)
        } else {
            (i64::MAX, i64::MAX)
        };
        let mut current = -1;
        stack::walk(vm, thread, |activation| {
            current += 1;
            if current == skip_from {
                // The reference implementation counts one less.
                let skipped = skip_to - skip_from - 1;
                text.extend_from_slice(format!("\n\t...\t(skipping {skipped} levels)").as_bytes());
            }
            if current >= level && !(skip_from..skip_to).contains(&current) {
                add_level(vm, thread, activation, &mut text);
            }
            true
        });
    }
    text
}

/// Adds one line, two for a tail call.
unsafe fn add_level(vm: *mut Vm, thread: *mut Thread, activation: &Activation, text: &mut Vec<u8>) {
    // SAFETY: the caller's contract.
    unsafe {
        let function = activation.function(thread);
        let about = function_info(function);
        let here = activation_info(thread, activation);
        text.extend_from_slice(b"\n\t");
        text.extend_from_slice(&about.short_source);
        if here.current_line > 0 {
            text.extend_from_slice(format!(":{}", here.current_line).as_bytes());
        }
        text.extend_from_slice(b": in ");
        if let Some(name) = global_function_name(vm, function) {
            text.extend_from_slice(b"function '");
            text.extend_from_slice(&name);
            text.push(b'\'');
        } else if let Some(name) = here.name {
            text.extend_from_slice(name.kind.as_bytes());
            text.extend_from_slice(b" '");
            text.extend_from_slice(&name.name);
            text.push(b'\'');
        } else if about.what == "main" {
            text.extend_from_slice(b"main chunk");
        } else if about.what != "C" {
            text.extend_from_slice(b"function <");
            text.extend_from_slice(&about.short_source);
            text.extend_from_slice(format!(":{}>", about.line_defined).as_bytes());
        } else {
            text.push(b'?');
        }
        if here.is_tail_call {
            text.extend_from_slice(b"\n\t(...tail calls...)");
        }
    }
}

/// The name under which `function` stands in a loaded module: `module.name`, without the module
/// when that is `_G`.
///
/// # Safety
/// `vm` is live.
pub unsafe fn global_function_name(vm: *mut Vm, function: Value) -> Option<Vec<u8>> {
    // SAFETY: the caller's contract.
    unsafe {
        let registry = (*vm).registry.to_table()?;
        let key = (*vm).heap.find_string(b"_LOADED")?;
        let loaded = Table::get_str(&(*vm).heap, registry, key).to_table()?;
        let name = find_function(&(*vm).heap, loaded, function, 2)?;
        Some(match name.strip_prefix(b"_G.") {
            Some(rest) => rest.to_vec(),
            None => name,
        })
    }
}

/// Searches `table`, and tables in it down to `depth`, for a string key with value `function`.
unsafe fn find_function(
    heap: &Heap,
    table: *mut Table,
    function: Value,
    depth: u32,
) -> Option<Vec<u8>> {
    if depth == 0 {
        return None;
    }
    // SAFETY: the caller's contract; nothing changes the table meanwhile.
    unsafe {
        let mut key = Value::NIL;
        while let Ok(Some((next, value))) = Table::next(heap, table, key) {
            key = next;
            let Some(name) = key.to_string_object() else {
                continue;
            };
            let name = LuaString::as_bytes(name);
            if value.is_identical(function) {
                return Some(name.to_vec());
            }
            if let Some(inner) = value.to_table()
                && let Some(found) = find_function(heap, inner, function, depth - 1)
            {
                return Some([name, b".", &found].concat());
            }
        }
    }
    None
}
