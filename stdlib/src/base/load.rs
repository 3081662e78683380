//! `load`, `loadfile`, `dofile`.

use crate::io::standard::stdin_read_all;
use crate::support::{c_string, chunk_of_file, error_text, read_chunk};
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{
    Action, CALLERS_HANDLER, Call, CallResult, ChunkMode, Local, LocalView, NativeResult,
    UserdataRef,
};

/// The first byte of a binary chunk.
const BINARY_MARK: u8 = 0x1b;
/// The slot of `load`'s buffer for the pieces of a reader function.
const BUFFER: u32 = 5;
/// The size at which `load` first looks whether what it has read can still become a chunk.
const FIRST_LOOK: usize = 1 << 18;

/// What a reader function has given so far.
#[derive(Default)]
struct Pieces {
    text: Vec<u8>,
    /// The size at which to look next.
    next_look: usize,
    /// The error message at the last look.
    last_error: Option<Vec<u8>>,
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
    let pieces = Pieces {
        next_look: FIRST_LOOK,
        ..Pieces::default()
    };
    let buffer = call.new_userdata(pieces, None, 0)?;
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
        return load_pieces(call, Vec::new());
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
    if piece.is_empty() {
        let text = call
            .userdata_mut::<Pieces>(buffer)
            .map(|mut pieces| std::mem::take(&mut pieces.text))
            .unwrap_or_default();
        return load_pieces(call, text);
    }
    let look = match call.userdata_mut::<Pieces>(buffer) {
        Some(mut pieces) => {
            pieces.text.extend_from_slice(piece);
            pieces.text.len() >= pieces.next_look
        }
        None => false,
    };
    if look && let Some(message) = look_ahead(call, buffer)? {
        let message = call.new_string(&message)?;
        return call.return_values(&[Local::NIL, message]);
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

/// Whether what was read so far is wrong whatever follows: a reader that never ends must not go
/// on for ever behind an error. Where a token is cut off the error changes with more text, so an
/// error counts when it was the same at the last look.
fn look_ahead<'c>(
    call: &mut Call<'c>,
    buffer: UserdataRef<'c>,
) -> Result<Option<Vec<u8>>, LuaError> {
    let (name, mode) = name_and_mode(call)?;
    let (text, last_error) = match call.userdata_mut::<Pieces>(buffer) {
        Some(mut pieces) => {
            pieces.next_look = pieces.text.len().saturating_mul(2);
            (pieces.text.clone(), pieces.last_error.take())
        }
        None => return Ok(None),
    };
    let message = match load_text(call, &text, name, Some(mode), None)? {
        Ok(_) => None,
        Err(message) => message.as_bytes().map(<[u8]>::to_vec),
    };
    if message.is_some() && message == last_error {
        return Ok(message);
    }
    if let Some(mut pieces) = call.userdata_mut::<Pieces>(buffer) {
        pieces.last_error = message;
    }
    Ok(None)
}

/// Loads what the reader function gave in all.
fn load_pieces(call: &mut Call<'_>, text: Vec<u8>) -> NativeResult {
    let (name, mode) = name_and_mode(call)?;
    let environment = call.slot(BUFFER + 1).is_truthy().then(|| call.slot(4));
    let loaded = load_text(call, &text, name, Some(mode), environment)?;
    finish(call, loaded)
}

/// Reads a file, or the standard input, as a chunk: its text and name, or a message.
fn read_file(path: Option<&[u8]>) -> Result<(Vec<u8>, Vec<u8>), Vec<u8>> {
    match path {
        Some(path) => Ok((read_chunk(path)?, [b"@", path].concat())),
        None => match stdin_read_all() {
            Ok(text) => Ok((chunk_of_file(text), b"=stdin".to_vec())),
            Err(error) => Err([b"cannot read stdin: ", &error_text(&error)[..]].concat()),
        },
    }
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
    match read_file(path) {
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
