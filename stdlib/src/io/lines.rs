//! `io.lines` and `file:lines`.
//!
//! The iterator is a closure with the upvalues file, number of formats, whether to close the file
//! at the end, and the formats, which the debug interface shows as it shows PUC's.

use super::file::Mode;
use super::read::{Failure, read_formats};
use super::standard::lock;
use super::{Default, LuaFile, check_file, close, default_handle, open_or_error, open_stream};
use crate::support::check_c_string;
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, Local, LocalView, NativeResult};
use perilune_runtime::sys;

/// Most formats for an iterator.
const MAX_FORMATS: u32 = 250;
/// The upvalues before the formats: file, number of formats, whether to close.
const FIXED_UPVALUES: u32 = 3;

pub(super) fn file_lines(call: &mut Call<'_>) -> NativeResult {
    check_file(call, 1)?;
    let iterator = new_iterator(call, false)?;
    Ok(call.return_one(iterator))
}

/// With a file name the file is closed at the end, and is also the fourth result, for the loop to
/// close it when it is left early.
pub(super) fn io_lines(call: &mut Call<'_>) -> NativeResult {
    if call.top() == 0 {
        call.set_top(1)?;
    }
    if call.slot(1).is_nil() {
        let file = default_handle(call, Default::Input);
        call.set_slot(1, file);
        check_file(call, 1)?;
        let iterator = new_iterator(call, false)?;
        return Ok(call.return_one(iterator));
    }
    let name = check_c_string(call, 1)?;
    let file = open_or_error(call, name, Mode::READ)?;
    call.set_slot(1, file);
    let iterator = new_iterator(call, true)?;
    call.return_values(&[iterator, Local::NIL, Local::NIL, file])
}

/// The iterator on the file in slot 1 with the formats after it.
fn new_iterator<'c>(call: &mut Call<'c>, to_close: bool) -> Result<Local<'c>, LuaError> {
    let formats = call.top() - 1;
    if formats > MAX_FORMATS {
        return Err(call.arg_error(MAX_FORMATS + 2, "too many arguments"));
    }
    let mut upvalues = vec![
        call.slot(1),
        Local::integer(i64::from(formats)),
        Local::boolean(to_close),
    ];
    upvalues.extend((2..=formats + 1).map(|slot| call.slot(slot)));
    call.new_closure(native!("for iterator", next_line), &upvalues)
}

/// The iterator.
fn next_line(call: &mut Call<'_>) -> NativeResult {
    let file = call.upvalue(1);
    let stream = match file.view() {
        LocalView::Userdata(userdata) => {
            call.userdata_mut::<LuaFile>(userdata).and_then(open_stream)
        }
        _ => None,
    };
    let Some(stream) = stream else {
        return Err(call.error("file is already closed"));
    };
    let formats = call.upvalue(2).as_integer().unwrap_or(0) as u32;
    // As for a method, the formats are the arguments from the second on.
    call.set_top(1)?;
    call.ensure_slots(formats, "too many arguments")?;
    for index in 1..=formats {
        let format = call.upvalue(FIXED_UPVALUES + index);
        call.push(format)?;
    }
    let result = read_formats(call, &mut lock(&stream), 2);
    let (first, count) = match result {
        Ok(results) => results,
        Err(Failure::System(error)) => return Err(call.error(sys::error_text(&error))),
        Err(Failure::Lua(error)) => return Err(error),
    };
    if call.slot(first).is_truthy() {
        return Ok(Action::Return { first, count });
    }
    if call.upvalue(3).is_truthy() {
        drop(stream);
        call.set_top(1)?;
        call.set_slot(1, file);
        close(call, 1)?;
    }
    Ok(call.return_none())
}
