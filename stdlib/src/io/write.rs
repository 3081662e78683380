//! `io.write`, `file:write`, and what concerns output buffers.

use super::file::{Buffering, Stream};
use super::standard::lock;
use super::{Default, check_file, default_file, default_handle};
use crate::support::system_result;
use perilune_frontend::number::Number;
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Call, Local, LocalView, NativeResult};
use std::io;

pub(super) fn io_write(call: &mut Call<'_>) -> NativeResult {
    let stream = default_file(call, Default::Output)?;
    let result = write_values(call, &mut lock(&stream), 1)?;
    let file = default_handle(call, Default::Output);
    finish(call, result, file)
}

pub(super) fn file_write(call: &mut Call<'_>) -> NativeResult {
    let stream = check_file(call, 1)?;
    let result = write_values(call, &mut lock(&stream), 2)?;
    let file = call.slot(1);
    finish(call, result, file)
}

/// Returns the file, so that calls can be chained.
fn finish<'c>(call: &mut Call<'c>, result: io::Result<()>, file: Local<'c>) -> NativeResult {
    match result {
        Ok(()) => Ok(call.return_one(file)),
        Err(error) => call.os_fail(error, None),
    }
}

/// Writes the arguments from `first` on. After a failure they are still checked.
fn write_values(
    call: &mut Call<'_>,
    stream: &mut Stream,
    first: u32,
) -> Result<io::Result<()>, LuaError> {
    let mut outcome = Ok(());
    for slot in first..=call.top() {
        let value = call.slot(slot).view();
        if outcome.is_err() {
            call.check_string(slot)?;
            continue;
        }
        outcome = match value {
            LocalView::String(string) => stream.write(string.as_bytes()),
            LocalView::Integer(integer) => stream.write_number(Number::Integer(integer)),
            LocalView::Float(float) => stream.write_number(Number::Float(float)),
            _ => stream.write(call.check_string(slot)?),
        };
    }
    Ok(outcome)
}

pub(super) fn io_flush(call: &mut Call<'_>) -> NativeResult {
    let stream = default_file(call, Default::Output)?;
    let result = lock(&stream).flush();
    system_result(call, result, None)
}

pub(super) fn file_flush(call: &mut Call<'_>) -> NativeResult {
    let stream = check_file(call, 1)?;
    let result = lock(&stream).flush();
    system_result(call, result, None)
}

pub(super) fn file_setvbuf(call: &mut Call<'_>) -> NativeResult {
    const MODES: [Buffering; 3] = [Buffering::No, Buffering::Full, Buffering::Line];
    let stream = check_file(call, 1)?;
    let mode = call.check_option(2, None, &["no", "full", "line"])?;
    let size = call.opt_integer(3, 1024)?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let result = lock(&stream).set_buffering(MODES[mode.min(2)], size);
    system_result(call, result, None)
}
