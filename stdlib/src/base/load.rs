//! `load`, `loadfile`, `dofile`.

use crate::buffer::{Buffer, append};
use crate::io::standard::stdin_read_all;
use crate::support::{Checkpoint, c_string, chunk_of_file, error_text, may_go_on, read_chunk};
use perilune_frontend::bytecode::undump::undump;
use perilune_frontend::is_wrong_already;
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{
    Action, CALLERS_HANDLER, Call, CallResult, ChunkMode, Local, LocalView, NativeResult,
};

/// The first byte of a binary chunk.
const BINARY_MARK: u8 = 0x1b;
/// The slot of `load`'s buffer for the pieces of a reader function.
const BUFFER: u32 = 5;
/// Up to this size `load` looks after each piece whether what it has read can still become a chunk,
/// so that it calls the reader as often as PUC Lua; then each time that the size is four times that of
/// the last look.
const ALWAYS_LOOK: usize = 2048;

/// What a reader function has given so far.
#[derive(Default)]
struct Pieces {
    text: Buffer,
    /// The size at which to look next.
    next_look: usize,
}

impl Pieces {
    /// Whether it is time to look.
    fn is_due(&mut self) -> bool {
        let length = self.text.len();
        let due = length <= ALWAYS_LOOK || length >= self.next_look;
        if due {
            self.next_look = length.saturating_mul(4);
        }
        due
    }
}

/// Loads a chunk: the function, or the message.
fn load_text<'c>(
    call: &mut Call<'c>,
    text: &[u8],
    name: &[u8],
    mode: Option<&[u8]>,
    environment: Option<Local<'c>>,
) -> Result<Result<Local<'c>, Local<'c>>, LuaError> {
    let (kind, letter): (&str, u8) = if text.first() == Some(&BINARY_MARK) {
        ("binary", b'b')
    } else {
        ("text", b't')
    };
    if letter == b'b' && call.refuses_binary_chunks() {
        let message = b"attempt to load a binary chunk (they are refused here)";
        return Ok(Err(call.new_string(message)?));
    }
    if let Some(mode) = mode
        && !mode.contains(&letter)
    {
        let mut message = format!("attempt to load a {kind} chunk (mode is '").into_bytes();
        message.extend_from_slice(mode);
        message.extend_from_slice(b"')");
        return Ok(Err(call.new_string(&message)?));
    }
    call.load(text, name, ChunkMode::Both, environment)
}

/// Returns a loaded function, or nil and the message.
fn finish<'c>(call: &mut Call<'c>, loaded: Result<Local<'c>, Local<'c>>) -> NativeResult {
    match loaded {
        Ok(function) => Ok(call.return_one(function)),
        Err(message) => call.return_values(&[Local::NIL, message]),
    }
}

/// `load(chunk [, chunkname [, mode [, env]]])`
pub(super) fn load(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return take_piece(call);
    }
    let is_text = matches!(
        call.arg(1).view(),
        LocalView::String(_) | LocalView::Integer(_) | LocalView::Float(_)
    );
    let mode = call.opt_string(3)?.unwrap_or(b"bt");
    if is_text {
        let text = call.check_string(1)?;
        let name = call.opt_string(2)?.unwrap_or(text);
        let environment = environment(call, 4);
        let loaded = load_text(
            call,
            text,
            c_string(name),
            Some(c_string(mode)),
            environment,
        )?;
        return finish(call, loaded);
    }
    call.opt_string(2)?;
    call.check_function(1)?;
    let has_environment = !call.is_none(4);
    call.set_top(4)?;
    let buffer = call.new_userdata(Pieces::default(), None, 0)?;
    call.push(buffer)?;
    call.push(Local::boolean(has_environment))?;
    call_reader(call)
}

/// The environment argument, if it was given.
fn environment<'c>(call: &Call<'c>, index: u32) -> Option<Local<'c>> {
    (!call.is_none(index)).then(|| call.arg(index))
}

/// Calls the reader function for its next piece.
fn call_reader(call: &mut Call<'_>) -> NativeResult {
    call.set_top(BUFFER + 1)?;
    let reader = call.slot(1);
    call.push(reader)?;
    Ok(Action::ProtectedCall {
        function: BUFFER + 2,
        args: 0,
        // As in PUC Lua, where the reader runs within the protected parser.
        handler: CALLERS_HANDLER,
        state: 1,
    })
}

/// Takes what the reader function gave.
fn take_piece(call: &mut Call<'_>) -> NativeResult {
    let result = BUFFER + 2;
    let piece = match call.result() {
        CallResult::Failed => {
            let message = call.slot(result);
            return call.return_values(&[Local::NIL, message]);
        }
        CallResult::Returned(0) => Local::NIL,
        CallResult::Returned(_) => call.slot(result),
    };
    let LocalView::Userdata(buffer) = call.slot(BUFFER).view() else {
        return Err(call.error("invalid state of 'load'"));
    };
    let Some(mut pieces) = call.userdata_mut::<Pieces>(buffer) else {
        return Err(call.error("invalid state of 'load'"));
    };
    let piece: &[u8] = match piece.view() {
        LocalView::Nil => b"",
        LocalView::String(string) => string.as_bytes(),
        LocalView::Integer(_) | LocalView::Float(_) => call.check_string(result)?,
        _ => {
            let mut message = call.position(1);
            message.extend_from_slice(b"reader function must return a string");
            let message = call.new_string(&message)?;
            return call.return_values(&[Local::NIL, message]);
        }
    };
    let (_, mode) = name_and_mode(call)?;
    let is_last = piece.is_empty();
    let added = append(call, &mut pieces.text, piece);
    pieces.text.keep_in(call, buffer);
    added?;
    if is_last || pieces.is_due() && is_decided(&pieces.text, mode) {
        let results = load_pieces(call, &pieces.text);
        pieces.text.release(call, Some(buffer));
        return results;
    }
    call.poll()?;
    call_reader(call)
}

/// Chunk name and mode as `load` has them for a reader function.
fn name_and_mode<'c>(call: &mut Call<'c>) -> Result<(&'c [u8], &'c [u8]), LuaError> {
    let name = call.opt_string(2)?.unwrap_or(b"=(load)");
    let mode = call.opt_string(3)?.unwrap_or(b"bt");
    Ok((c_string(name), c_string(mode)))
}

/// Whether there is no need to read on: what was read is wrong whatever follows, of a kind that
/// `mode` refuses, or a whole binary chunk. (A reader that never ends must not go on for ever
/// behind an error.)
fn is_decided(text: &[u8], mode: &[u8]) -> bool {
    let is_binary = text.first() == Some(&BINARY_MARK);
    let letter = if is_binary { b'b' } else { b't' };
    if !mode.contains(&letter) {
        return true;
    }
    if is_binary {
        return !matches!(undump(text, b"=?"), Err(error) if error.is_truncated);
    }
    is_wrong_already(text)
}

/// Loads what the reader function gave in all.
fn load_pieces(call: &mut Call<'_>, text: &[u8]) -> NativeResult {
    let (name, mode) = name_and_mode(call)?;
    let environment = call.slot(BUFFER + 1).is_truthy().then(|| call.slot(4));
    let loaded = load_text(call, text, name, Some(mode), environment)?;
    finish(call, loaded)
}

/// A chunk's text and name.
pub(super) type Source = (Vec<u8>, Vec<u8>);

/// Reads a file, or the standard input, as a chunk: its text and name, or a message.
///
/// # Errors
/// What `checkpoint` says.
pub(super) fn read_file(
    path: Option<&[u8]>,
    checkpoint: &mut Checkpoint<'_>,
) -> Result<Result<Source, Vec<u8>>, LuaError> {
    Ok(match path {
        Some(path) => read_chunk(path, checkpoint)?.map(|text| (text, [b"@", path].concat())),
        None => match stdin_read_all() {
            Ok(text) => Ok((chunk_of_file(text), b"=stdin".to_vec())),
            Err(error) => Err([b"cannot read stdin: ", &error_text(&error)[..]].concat()),
        },
    })
}

/// `loadfile([filename [, mode [, env]]])`
pub(super) fn loadfile(call: &mut Call<'_>) -> NativeResult {
    let path = call.opt_string(1)?.map(c_string);
    let mode = call.opt_string(2)?.map(c_string);
    let environment = environment(call, 3);
    let loaded = load_file(call, path, mode, environment)?;
    finish(call, loaded)
}

/// Loads a file, or the standard input: the function, or the message. `mode` and `environment`
/// are as in `load`.
///
/// # Errors
/// When memory runs out.
pub fn load_file<'c>(
    call: &mut Call<'c>,
    path: Option<&[u8]>,
    mode: Option<&[u8]>,
    environment: Option<Local<'c>>,
) -> Result<Result<Local<'c>, Local<'c>>, LuaError> {
    match read_file(path, &mut |bytes| may_go_on(call, bytes))? {
        Ok((text, name)) => load_text(call, &text, &name, mode, environment),
        Err(message) => Ok(Err(call.new_string(&message)?)),
    }
}

/// `dofile([filename])`
pub(super) fn dofile(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return Ok(call.return_from(2));
    }
    let path = call.opt_string(1)?.map(c_string);
    call.set_top(1)?;
    match load_file(call, path, None, None)? {
        Ok(function) => {
            call.push(function)?;
            Ok(Action::Call {
                function: 2,
                args: 0,
                results: -1,
                state: 1,
            })
        }
        Err(message) => Err(call.error_value(message)),
    }
}
