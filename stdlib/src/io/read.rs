//! `io.read` and `file:read`: the formats.

use super::file::Stream;
use super::numeral::read_number;
use super::standard::lock;
use super::{Default, check_file, default_file};
use perilune_frontend::number::Number;
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Action, Call, Local, LocalView, NativeResult};
use std::io;

/// Why reading stopped short.
pub(super) enum Failure {
    /// The system reported an error: the results are nil, message and number.
    System(io::Error),
    /// An error is raised.
    Lua(LuaError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::OutOfMemory {
            return Failure::Lua(LuaError::Memory);
        }
        Failure::System(error)
    }
}
impl From<LuaError> for Failure {
    fn from(error: LuaError) -> Self {
        Failure::Lua(error)
    }
}

/// A local for a number.
fn number_local<'c>(number: Number) -> Local<'c> {
    match number {
        Number::Integer(integer) => Local::integer(integer),
        Number::Float(float) => Local::float(float),
    }
}

pub(super) fn io_read(call: &mut Call<'_>) -> NativeResult {
    let stream = default_file(call, Default::Input)?;
    finish(call, &mut lock(&stream), 1)
}

pub(super) fn file_read(call: &mut Call<'_>) -> NativeResult {
    let stream = check_file(call, 1)?;
    finish(call, &mut lock(&stream), 2)
}

/// Reads and returns what was read or what went wrong.
fn finish(call: &mut Call<'_>, stream: &mut Stream, first: u32) -> NativeResult {
    match read_formats(call, stream, first) {
        Ok((first, count)) => Ok(Action::Return { first, count }),
        Err(Failure::System(error)) => call.os_fail(error, None),
        Err(Failure::Lua(error)) => Err(error),
    }
}

/// Reads by the formats in the slots from `first` on; pushes the results and gives the first
/// one's slot and their number. The last is nil if its format failed.
pub(super) fn read_formats(
    call: &mut Call<'_>,
    stream: &mut Stream,
    first: u32,
) -> Result<(u32, u32), Failure> {
    let top = call.top();
    stream.start_reading();
    if top < first {
        let line = read_line(call, stream, false)?;
        call.push(line.unwrap_or(Local::NIL))?;
        return Ok((top + 1, 1));
    }
    let formats = top + 1 - first;
    call.ensure_slots(formats + 20, "too many arguments")?;
    let mut count = 0;
    for slot in first..=top {
        let result = read_format(call, stream, slot)?;
        call.push(result.unwrap_or(Local::NIL))?;
        count += 1;
        if result.is_none() {
            break;
        }
    }
    Ok((top + 1, count))
}

/// Who wants more bytes than this is refused where there is not as much memory, as by PUC Lua, which
/// takes it before it reads.
const HUGE: usize = 1 << 30;

/// Reads by the format in `slot`; `None` if it failed.
fn read_format<'c>(
    call: &mut Call<'c>,
    stream: &mut Stream,
    slot: u32,
) -> Result<Option<Local<'c>>, Failure> {
    if matches!(
        call.slot(slot).view(),
        LocalView::Integer(_) | LocalView::Float(_)
    ) {
        return match call.check_integer(slot)? {
            0 => {
                let more = stream.peek()?.is_some();
                Ok(if more {
                    Some(call.new_string(b"")?)
                } else {
                    None
                })
            }
            count => match usize::try_from(count) {
                Ok(count) => {
                    if count > HUGE && Vec::<u8>::new().try_reserve_exact(count).is_err() {
                        return Err(Failure::Lua(LuaError::Memory));
                    }
                    let chars = stream.read_chars(count, |read| checkpoint(call, read))?;
                    new_string(call, chars)
                }
                // As if there were no memory for so much.
                Err(_) => Err(Failure::Lua(LuaError::Memory)),
            },
        };
    }
    let format = call.check_string(slot)?;
    let format = format.strip_prefix(b"*").unwrap_or(format);
    match format.first() {
        Some(b'n') => Ok(read_number(stream)?.map(number_local)),
        Some(b'l') => read_line(call, stream, false),
        Some(b'L') => read_line(call, stream, true),
        Some(b'a') => {
            let text = stream.read_all(|read| checkpoint(call, read))?;
            let text = new_string(call, Some(text))?;
            stream.release_result();
            Ok(text)
        }
        _ => Err(Failure::Lua(call.arg_error(slot, "invalid format"))),
    }
}

/// Whether reading may go on: a stream's own memory is not charged, but limited.
fn checkpoint(call: &mut Call<'_>, read: usize) -> Result<(), Failure> {
    call.check_memory(read)?;
    Ok(call.poll()?)
}

fn read_line<'c>(
    call: &mut Call<'c>,
    stream: &mut Stream,
    keep: bool,
) -> Result<Option<Local<'c>>, Failure> {
    let line = stream.read_line(keep, |read| checkpoint(call, read))?;
    new_string(call, line)
}

fn new_string<'c>(call: &mut Call<'c>, text: Option<&[u8]>) -> Result<Option<Local<'c>>, Failure> {
    Ok(match text {
        Some(text) => Some(call.new_string(text)?),
        None => None,
    })
}
