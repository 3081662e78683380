//! `print` and `warn`.

use super::convert::{Conversion, check_converted, convert};
use crate::io::standard::{stderr_write, stdout_flush, stdout_write};
use perilune_runtime::native::{Action, Call, NativeResult};

/// `print(...)`. State `i` goes on with argument `i`'s converted value, which lies above the
/// arguments.
pub(super) fn print(call: &mut Call<'_>) -> NativeResult {
    let state = call.state();
    let mut line = Vec::new();
    let (count, mut index) = if state == 0 {
        (call.arg_count(), 1)
    } else {
        let count = call.top() - 1;
        add_item(&mut line, state, check_converted(call, count + 1)?);
        call.set_top(count)?;
        (count, state + 1)
    };
    while index <= count {
        let value = call.slot(index);
        let converted = convert(call, value);
        match converted {
            Ok(Conversion::Done(text)) => add_item(&mut line, index, &text),
            Ok(Conversion::Call(metamethod)) => {
                write_output(&line);
                call.push(metamethod)?;
                call.push(value)?;
                return Ok(Action::Call {
                    function: count + 1,
                    args: 1,
                    results: 1,
                    state: index,
                });
            }
            Err(error) => {
                write_output(&line);
                return Err(error);
            }
        }
        index += 1;
    }
    line.push(b'\n');
    write_output(&line);
    // As with writing, there is nobody to tell.
    let _ = stdout_flush();
    Ok(call.return_none())
}

fn add_item(line: &mut Vec<u8>, index: u32, text: &[u8]) {
    if index > 1 {
        line.push(b'\t');
    }
    line.extend_from_slice(text);
}

/// Writes to the standard output; as `print` has no way to report it, a failure is ignored.
fn write_output(text: &[u8]) {
    let _ = stdout_write(text);
}

/// `warn(...)`
pub(super) fn warn(call: &mut Call<'_>) -> NativeResult {
    let count = call.arg_count();
    call.check_string(1)?;
    for index in 2..=count {
        call.check_string(index)?;
    }
    for index in 1..=count {
        let piece = call.check_string(index)?;
        call.warn(piece, index < count)?;
    }
    Ok(call.return_none())
}

/// The state of the standard warning system: off until the message `@on` comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Warnings {
    /// Warnings are dropped.
    Off,
    /// The next piece begins a warning.
    On,
    /// The next piece goes on with a warning.
    Continued,
}

impl Warnings {
    /// Takes a piece of a warning; gives what is to be written.
    pub fn piece(&mut self, piece: &[u8], to_continue: bool) -> Vec<u8> {
        if *self != Warnings::Continued
            && !to_continue
            && let Some(control) = piece.strip_prefix(b"@")
        {
            match control {
                b"off" => *self = Warnings::Off,
                b"on" => *self = Warnings::On,
                _ => {}
            }
            return Vec::new();
        }
        let mut text = Vec::new();
        match *self {
            Warnings::Off => return text,
            Warnings::On => text.extend_from_slice(b"Lua warning: "),
            Warnings::Continued => {}
        }
        text.extend_from_slice(piece);
        if to_continue {
            *self = Warnings::Continued;
        } else {
            text.push(b'\n');
            *self = Warnings::On;
        }
        text
    }
}

/// A warning function that writes to the standard error stream, starting in `state`.
pub fn standard_warnings(mut state: Warnings) -> impl FnMut(&[u8], bool) {
    move |piece, to_continue| {
        let text = state.piece(piece, to_continue);
        // There is nowhere to report that warnings cannot be written.
        let _ = stderr_write(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::Warnings;

    #[test]
    fn control_messages_and_continuation() {
        let mut state = Warnings::Off;
        assert_eq!(state.piece(b"x", false), b"");
        assert_eq!(state.piece(b"@on", false), b"");
        assert_eq!(state.piece(b"@unknown", false), b"");
        assert_eq!(state.piece(b"a", true), b"Lua warning: a");
        assert_eq!(state.piece(b"@on", false), b"@on\n");
        assert_eq!(state.piece(b"@x", true), b"Lua warning: @x");
        assert_eq!(state.piece(b"", false), b"\n");
        assert_eq!(state.piece(b"@off", false), b"");
        assert_eq!(state.piece(b"a", false), b"");
    }
}
