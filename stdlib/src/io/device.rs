//! What a stream reads from and writes to: files, the standard streams, child processes.
//!
//! Invariant: devices are unbuffered; all buffering is in [`super::file::Stream`].

use perilune_runtime::sys::{self, ExitOutcome, StandardStream};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// An unbuffered source and sink of bytes. The defaults refuse, as C does for a stream that was
/// not opened for the operation.
pub trait Device: Send {
    /// Reads some bytes; 0 at the end.
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(sys::bad_descriptor())
    }
    /// Writes some bytes.
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(sys::bad_descriptor())
    }
    /// About how many bytes are left to read, where that is known: a hint.
    fn bytes_left(&mut self) -> Option<u64> {
        None
    }
    /// Moves the position and returns the new one.
    fn seek(&mut self, _position: SeekFrom) -> io::Result<u64> {
        Err(sys::cannot_seek())
    }
    /// Closes it; for a child process, waits for it and tells how it ended.
    fn close(self: Box<Self>) -> io::Result<Option<ExitOutcome>> {
        Ok(None)
    }
}

impl Device for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buffer)
    }
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }
    fn bytes_left(&mut self) -> Option<u64> {
        let position = self.stream_position().ok()?;
        self.metadata().ok()?.len().checked_sub(position)
    }
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        Seek::seek(self, position)
    }
}

impl Device for StandardStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buffer)
    }
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        Seek::seek(self, position)
    }
}

/// The output of a child process.
struct ProcessReader {
    child: Child,
    pipe: ChildStdout,
}

impl Device for ProcessReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pipe.read(buffer)
    }
    fn close(self: Box<Self>) -> io::Result<Option<ExitOutcome>> {
        let ProcessReader { mut child, pipe } = *self;
        // Closed first: a child that still writes must not block for ever.
        drop(pipe);
        Ok(Some(sys::exit_outcome(child.wait()?)))
    }
}

/// The input of a child process.
struct ProcessWriter {
    child: Child,
    pipe: ChildStdin,
}

impl Device for ProcessWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write(bytes)
    }
    fn close(self: Box<Self>) -> io::Result<Option<ExitOutcome>> {
        let ProcessWriter { mut child, pipe } = *self;
        // Closed first: the child must see the end of its input.
        drop(pipe);
        Ok(Some(sys::exit_outcome(child.wait()?)))
    }
}

/// Starts a shell command whose output (or, if `write`, input) the device is. `None`: this
/// platform has no shell.
pub(super) fn open_process(command: &[u8], write: bool) -> Option<io::Result<Box<dyn Device>>> {
    let process = sys::shell_command(command)?;
    Some(if write {
        start_writer(process)
    } else {
        start_reader(process)
    })
}

fn start_writer(mut process: Command) -> io::Result<Box<dyn Device>> {
    let mut child = process.stdin(Stdio::piped()).spawn()?;
    let pipe = child.stdin.take().ok_or_else(sys::bad_descriptor)?;
    Ok(Box::new(ProcessWriter { child, pipe }))
}

fn start_reader(mut process: Command) -> io::Result<Box<dyn Device>> {
    let mut child = process.stdout(Stdio::piped()).spawn()?;
    let pipe = child.stdout.take().ok_or_else(sys::bad_descriptor)?;
    Ok(Box::new(ProcessReader { child, pipe }))
}
