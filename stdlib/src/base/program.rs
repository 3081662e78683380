//! What a stand-alone interpreter puts around every chunk it runs: a protected call whose message
//! handler turns any error object into a message with a traceback.
//!
//! Both run as native frames, so that stacks look as they do under the reference interpreter:
//! a main chunk is called from `[C]`, and the handler runs on top of the frames that failed.

use super::load::read_file;
use super::protect;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, Local, Native, NativeResult};

/// A protected call: `f, handler, ...` gives `true` and results, or `false` and what the handler
/// made of the error.
pub const PROTECTED_CALL: Native = native!("?", protect::xpcall);

/// The message handler of the stand-alone interpreter.
pub const MESSAGE_HANDLER: Native = native!("?", message_handler);

/// The text of a file (of standard input where there is no name) as `loadfile` loads it, and its
/// chunk name.
///
/// # Errors
/// The message of a file that can't be read.
pub fn read_source(path: Option<&[u8]>) -> Result<(Vec<u8>, Vec<u8>), Vec<u8>> {
    read_file(path, &mut |_| Ok(())).unwrap_or_else(|_| Err(b"not enough memory".to_vec()))
}

/// A message handler that leaves the error object as it is.
pub const PLAIN_HANDLER: Native = native!("?", plain_handler);

/// `t[k]` with metamethods.
pub const INDEX: Native = native!("?", index);

/// `t[k] = v` with metamethods.
pub const SET_INDEX: Native = native!("?", set_index);

/// `#t` with metamethods, which must be an integer.
pub const LENGTH: Native = native!("?", length);

fn index(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return Ok(call.return_from(3));
    }
    call.set_top(3)?;
    Ok(Action::Index {
        object: 1,
        key: 2,
        target: 3,
        state: 1,
    })
}

fn set_index(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return call.return_values(&[]);
    }
    call.set_top(3)?;
    Ok(Action::SetIndex {
        object: 1,
        key: 2,
        value: 3,
        state: 1,
    })
}

fn length(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        let length = call.slot(2);
        return match call.to_integer(length) {
            Some(_) => Ok(call.return_one(length)),
            None => Err(call.error("object length is not an integer")),
        };
    }
    call.set_top(2)?;
    Ok(Action::Length {
        object: 1,
        target: 2,
        state: 1,
    })
}

fn plain_handler(call: &mut Call<'_>) -> NativeResult {
    Ok(call.return_from(1))
}

/// Slots: the error object; after a call of its `__tostring`, the result above it.
fn message_handler(call: &mut Call<'_>) -> NativeResult {
    let value = call.slot(1);
    if call.state() == 1 {
        let text = call.slot(2);
        if text.as_string().is_some() {
            return Ok(call.return_one(text));
        }
        return describe(call, value);
    }
    if value.as_string().is_some() || Call::is_number(value) {
        let text = call.check_string(1)?;
        return with_traceback(call, text);
    }
    let metamethod = call.metafield(value, "__tostring");
    if metamethod.is_nil() {
        return describe(call, value);
    }
    call.set_top(3)?;
    call.set_slot(2, metamethod);
    call.set_slot(3, value);
    Ok(Action::Call {
        function: 2,
        args: 1,
        results: 1,
        state: 1,
    })
}

/// For an error object that has no text.
fn describe<'c>(call: &mut Call<'c>, value: Local<'c>) -> NativeResult {
    let text = format!("(error object is a {} value)", value.type_name());
    with_traceback(call, text.as_bytes())
}

fn with_traceback(call: &mut Call<'_>, text: &[u8]) -> NativeResult {
    let thread = call.running().0;
    let trace = call.traceback(thread, Some(text), 1);
    let trace = call.new_string(&trace)?;
    Ok(call.return_one(trace))
}
