//! What several libraries need: C strings, results of system calls, source files.

use perilune_frontend::is_wrong_already;
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Call, Local, NativeResult};
use perilune_runtime::sys::{self, ExitOutcome};
use std::io::{self, Read};

/// The bytes of a Lua string as C sees them: up to the first NUL.
pub(crate) fn c_string(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}

/// Like `check_string`, for what C takes as a string ending with NUL.
pub(crate) fn check_c_string<'c>(call: &mut Call<'c>, arg: u32) -> Result<&'c [u8], LuaError> {
    call.check_string(arg).map(c_string)
}

/// Returns `true`, or nil, a message and an error number.
pub(crate) fn system_result(
    call: &mut Call<'_>,
    result: io::Result<()>,
    name: Option<&[u8]>,
) -> NativeResult {
    match result {
        Ok(()) => Ok(call.return_one(Local::boolean(true))),
        Err(error) => call.os_fail(error, name),
    }
}

/// Returns how a process ended: `true` or nil, "exit" or "signal", and the code.
pub(crate) fn exit_result(call: &mut Call<'_>, result: io::Result<ExitOutcome>) -> NativeResult {
    let (kind, code) = match result {
        Ok(ExitOutcome::Exited(code)) => ("exit", code),
        Ok(ExitOutcome::Signaled(signal)) => ("signal", signal),
        Err(error) => return call.os_fail(error, None),
    };
    let success = if kind == "exit" && code == 0 {
        Local::boolean(true)
    } else {
        Local::NIL
    };
    let kind = call.new_string(kind.as_bytes())?;
    call.return_values(&[success, kind, Local::integer(i64::from(code))])
}

/// The error number and text of a failed system call as a message has it.
pub(crate) fn error_text(error: &io::Error) -> Vec<u8> {
    sys::error_text(error).into_bytes()
}

/// A file's text as a chunk: without byte-order mark and without a first line that begins with
/// `#` (its newline stays, so that lines keep their numbers, except before a precompiled chunk).
pub(crate) fn chunk_of_file(mut text: Vec<u8>) -> Vec<u8> {
    const PRECOMPILED: u8 = 0x1b;
    if text.starts_with(b"\xEF\xBB\xBF") {
        text.drain(..3);
    }
    if text.first() == Some(&b'#') {
        let newline = text.iter().position(|&byte| byte == b'\n');
        let start = newline.unwrap_or(text.len());
        let is_precompiled = text.get(start + 1) == Some(&PRECOMPILED);
        text.drain(..start + usize::from(is_precompiled));
    }
    text
}

/// What is asked now and then whether to go on, and whether memory allows so many bytes.
pub(crate) type Checkpoint<'f> = dyn FnMut(usize) -> Result<(), LuaError> + 'f;

/// The usual answer to a [`Checkpoint`].
pub(crate) fn may_go_on(call: &mut Call<'_>, bytes: usize) -> Result<(), LuaError> {
    call.check_memory(bytes)?;
    call.poll()
}

/// Reads a source file for loading, or gives the message why it cannot be loaded.
///
/// # Errors
/// What `checkpoint` says.
pub(crate) fn read_chunk(
    name: &[u8],
    checkpoint: &mut Checkpoint<'_>,
) -> Result<Result<Vec<u8>, Vec<u8>>, LuaError> {
    let message = |what: &str, error: &io::Error| {
        let mut message = format!("cannot {what} ").into_bytes();
        message.extend_from_slice(name);
        message.extend_from_slice(b": ");
        message.extend_from_slice(&error_text(error));
        message
    };
    let mut file = match std::fs::File::open(sys::path_from_bytes(name)) {
        Ok(file) => file,
        Err(error) => return Ok(Err(message("open", &error))),
    };
    Ok(match read_text(&mut file, checkpoint)? {
        Ok(text) => Ok(chunk_of_file(text)),
        Err(error) => Err(message("read", &error)),
    })
}

/// Reads a file to its end; but if it is not a regular file, which may have no end, only until it
/// can't become a chunk any more.
fn read_text(
    file: &mut std::fs::File,
    checkpoint: &mut Checkpoint<'_>,
) -> Result<io::Result<Vec<u8>>, LuaError> {
    const PIECE: usize = 1 << 16;
    let size = match file.metadata() {
        Ok(metadata) if metadata.is_file() => usize::try_from(metadata.len()).ok(),
        _ => None,
    };
    let mut text = Vec::new();
    let mut next_look = PIECE;
    // One more, so that the end is noticed without growing.
    let mut piece = size.map_or(PIECE, |size| size.saturating_add(1));
    loop {
        let length = text.len();
        checkpoint(length.saturating_add(piece))?;
        text.try_reserve(piece).map_err(|_| LuaError::Memory)?;
        let read = file.by_ref().take(piece as u64).read_to_end(&mut text);
        match read {
            Ok(read) if read < piece => return Ok(Ok(text)),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
        if size.is_none() && text.len() >= next_look {
            if is_wrong_already(&text) {
                return Ok(Ok(text));
            }
            next_look = text.len() * 4;
        }
        piece = text.len().max(PIECE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_strings() {
        assert_eq!(c_string(b"abc"), b"abc");
        assert_eq!(c_string(b"a\0c"), b"a");
        assert_eq!(c_string(b"\0"), b"");
    }

    #[test]
    fn chunks() {
        assert_eq!(chunk_of_file(b"return 1".to_vec()), b"return 1");
        assert_eq!(chunk_of_file(b"# comment".to_vec()), b"");
        assert_eq!(chunk_of_file(b"#!lua\nreturn 1".to_vec()), b"\nreturn 1");
        assert_eq!(
            chunk_of_file(b"\xEF\xBB\xBF# x\nreturn 1".to_vec()),
            b"\nreturn 1"
        );
        assert_eq!(chunk_of_file(b"\xEF\xBB\xBFreturn".to_vec()), b"return");
        assert_eq!(chunk_of_file(b"#x\n\x1bLua".to_vec()), b"\x1bLua");
        assert_eq!(chunk_of_file(b"#x\n\nreturn".to_vec()), b"\n\nreturn");
    }

    #[test]
    fn messages_of_files() {
        let message = read_chunk(b"/no/such/file.lua", &mut |_| Ok(()))
            .unwrap()
            .unwrap_err();
        let expected = b"cannot open /no/such/file.lua: No such file or directory";
        if cfg!(unix) {
            assert_eq!(message, expected);
        }
    }
}
