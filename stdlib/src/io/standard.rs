//! The process's standard streams and the list of streams with output.
//!
//! Standard input, output and error belong to the process, not to a Lua state: all states, `print`
//! and the command line share one buffer each. The list here knows every stream that was opened
//! for writing, so that all are flushed when the process ends, as C's `exit` does (by itself where
//! the platform has a hook for it; elsewhere [`flush_all`] must be called).
//!
//! Invariant: no lock of a stream is held while another is taken, except that reading standard
//! input may try (not wait for) standard output's.

use super::file::{Buffering, Stream};
use perilune_runtime::sys::{self, Standard, StandardStream};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// A stream that several owners share.
pub type SharedStream = Arc<Mutex<Stream>>;

static INPUT: OnceLock<SharedStream> = OnceLock::new();
static OUTPUT: OnceLock<SharedStream> = OnceLock::new();
static ERROR: OnceLock<SharedStream> = OnceLock::new();
static WRITERS: Mutex<Writers> = Mutex::new(Writers {
    streams: Vec::new(),
    sweep_at: 16,
});

/// The streams that were opened for writing.
struct Writers {
    streams: Vec<Weak<Mutex<Stream>>>,
    /// At how many entries the dead ones are removed.
    sweep_at: usize,
}

/// Locks a stream. A panic while it was locked leaves at worst lost output.
pub(super) fn lock<T>(stream: &Mutex<T>) -> MutexGuard<'_, T> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The standard input.
pub fn standard_input() -> &'static SharedStream {
    INPUT.get_or_init(|| {
        let device = StandardStream::new(Standard::Input);
        let terminal = device.is_terminal();
        let mut stream = Stream::new(Box::new(device), true, false);
        if terminal {
            stream.set_before_fill(show_prompt);
        }
        Arc::new(Mutex::new(stream))
    })
}

/// The standard output: buffered by lines on a terminal, fully otherwise.
pub fn standard_output() -> &'static SharedStream {
    OUTPUT.get_or_init(|| {
        let device = StandardStream::new(Standard::Output);
        let terminal = device.is_terminal();
        sys::at_exit(flush_all);
        let mut stream = Stream::new(Box::new(device), false, true);
        if terminal {
            // Nothing is buffered yet, so this cannot fail.
            let _ = stream.set_buffering(Buffering::Line, 1024);
        }
        Arc::new(Mutex::new(stream))
    })
}

/// The standard error, unbuffered.
pub fn standard_error() -> &'static SharedStream {
    ERROR.get_or_init(|| {
        let device = StandardStream::new(Standard::Error);
        let mut stream = Stream::new(Box::new(device), false, true);
        // Nothing is buffered yet, so this cannot fail.
        let _ = stream.set_buffering(Buffering::No, 0);
        Arc::new(Mutex::new(stream))
    })
}

/// Writes to the standard output, where `io.write` writes too. `print` gathers its line and
/// writes it with one call.
pub fn stdout_write(bytes: &[u8]) -> io::Result<()> {
    lock(standard_output()).write(bytes)
}

/// Flushes the standard output.
pub fn stdout_flush() -> io::Result<()> {
    lock(standard_output()).flush()
}

/// Writes to the standard error, after what was written to the standard output.
pub fn stderr_write(bytes: &[u8]) -> io::Result<()> {
    lock(standard_error()).write(bytes)
}

/// Reads a line from the standard input, with its newline; `None` at the end. For the interactive
/// mode, which shares the buffer with `io.read`.
pub fn stdin_read_line() -> io::Result<Option<Vec<u8>>> {
    let mut stream = lock(standard_input());
    stream.start_reading();
    let line = stream.read_line(true, |_| io::Result::Ok(()))?;
    Ok(line.map(<[u8]>::to_vec))
}

/// Reads the rest of the standard input. For running a program from it.
pub fn stdin_read_all() -> io::Result<Vec<u8>> {
    let mut stream = lock(standard_input());
    stream.start_reading();
    let text = stream.read_all(|_| io::Result::Ok(()))?;
    Ok(text.to_vec())
}

/// Before a terminal's user is waited for, what the program wrote is shown.
fn show_prompt() {
    if let Some(output) = OUTPUT.get()
        && let Ok(mut output) = output.try_lock()
        && output.buffering() != Buffering::Full
    {
        // An error will come up again when the program flushes.
        let _ = output.flush();
    }
}

/// Shares a stream and, if it can hold output, remembers it for [`flush_all`].
pub(super) fn share(stream: Stream) -> SharedStream {
    let writable = stream.is_writable();
    if writable {
        // Sees to the flush at exit.
        standard_output();
    }
    let shared = Arc::new(Mutex::new(stream));
    if writable {
        let mut writers = lock(&WRITERS);
        if writers.streams.len() >= writers.sweep_at {
            writers.streams.retain(|stream| stream.strong_count() > 0);
            writers.sweep_at = 16.max(2 * writers.streams.len());
        }
        writers.streams.push(Arc::downgrade(&shared));
    }
    shared
}

/// Flushes every stream, as C's `exit` and `fflush(NULL)` do. A stream that another thread uses at
/// this moment is left to it.
pub fn flush_all() {
    // Errors have no one to go to, as in C.
    if let Some(output) = OUTPUT.get()
        && let Ok(mut output) = output.try_lock()
    {
        let _ = output.flush();
    }
    // Locked only briefly by others, but at exit nothing may be waited for.
    let Ok(writers) = WRITERS.try_lock() else {
        return;
    };
    let streams: Vec<SharedStream> = writers.streams.iter().filter_map(Weak::upgrade).collect();
    drop(writers);
    for stream in streams {
        if let Ok(mut stream) = stream.try_lock() {
            let _ = stream.flush();
        }
    }
}
