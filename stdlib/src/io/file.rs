//! Buffered streams with the meaning of C's `FILE`.
//!
//! Invariants of [`Stream`]:
//! - `input[position..end]` was read from the device and not yet consumed; the stream's logical
//!   position is the device's minus its length, plus the length of `output`.
//! - At most one of the two buffers is non-empty: reading flushes `output`, writing gives unread
//!   input back by seeking.
//! - `line` holds a result under construction and is free between operations.

use super::device::Device;
use perilune_frontend::number::{Number, push_number};
use perilune_runtime::sys::{self, ExitOutcome};
use std::fs::OpenOptions;
use std::io::{self, BufRead, SeekFrom};

/// Size of a buffer (as C's `BUFSIZ`).
const BUFFER_SIZE: usize = 8192;
/// Largest buffer that `setvbuf` gives.
const MAX_BUFFER_SIZE: usize = 1 << 20;
/// How much a long read asks for at once, between checkpoints.
const CHUNK_SIZE: usize = 1 << 16;
/// How much it asks for at once when it has read much.
const MAX_CHUNK_SIZE: usize = 1 << 20;
/// A result buffer larger than this is given back after use.
const KEPT_SIZE: usize = 1 << 16;

/// When written bytes go to the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Buffering {
    /// At once.
    No,
    /// When the buffer is full.
    Full,
    /// After each line.
    Line,
}

/// What a file is opened for: `[rwa]%+?b*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    kind: u8,
    update: bool,
}

impl Mode {
    /// For reading, as `"r"`.
    pub const READ: Mode = Mode {
        kind: b'r',
        update: false,
    };
    /// For writing, as `"w"`.
    pub const WRITE: Mode = Mode {
        kind: b'w',
        update: false,
    };

    /// The mode that `text` denotes; `None` if none.
    pub fn parse(text: &[u8]) -> Option<Mode> {
        let (&kind, mut rest) = text.split_first()?;
        if !matches!(kind, b'r' | b'w' | b'a') {
            return None;
        }
        let update = rest.first() == Some(&b'+');
        if update {
            rest = &rest[1..];
        }
        rest.iter()
            .all(|&byte| byte == b'b')
            .then_some(Mode { kind, update })
    }
}

/// A buffered stream.
pub struct Stream {
    device: Box<dyn Device>,
    readable: bool,
    writable: bool,
    buffering: Buffering,
    input: Vec<u8>,
    position: usize,
    end: usize,
    /// Whether the device reported its end since the last [`Stream::start_reading`].
    at_end: bool,
    /// Called before reading blocks; a terminal's input shows pending output first.
    before_fill: Option<fn()>,
    output: Vec<u8>,
    output_size: usize,
    line: Vec<u8>,
}

impl Stream {
    /// A stream on `device`.
    pub fn new(device: Box<dyn Device>, readable: bool, writable: bool) -> Self {
        Stream {
            device,
            readable,
            writable,
            buffering: Buffering::Full,
            input: Vec::new(),
            position: 0,
            end: 0,
            at_end: false,
            before_fill: None,
            output: Vec::new(),
            output_size: BUFFER_SIZE,
            line: Vec::new(),
        }
    }

    /// Opens a file.
    pub fn open(name: &[u8], mode: Mode) -> io::Result<Stream> {
        let mut options = OpenOptions::new();
        let readable = mode.kind == b'r' || mode.update;
        let writable = mode.kind != b'r' || mode.update;
        options.read(readable);
        match mode.kind {
            b'r' => options.write(mode.update),
            b'w' => options.write(true).create(true).truncate(true),
            _ => options.append(true).create(true),
        };
        let mut file = options.open(sys::path_from_bytes(name))?;
        if !readable && mode.kind == b'a' {
            // The position is the file's end from the start; a pipe or terminal has none.
            let _ = Device::seek(&mut file, SeekFrom::End(0));
        }
        Ok(Stream::new(Box::new(file), readable, writable))
    }

    /// Whether it was opened for writing.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// When written bytes go to the device.
    pub fn buffering(&self) -> Buffering {
        self.buffering
    }

    /// Has `action` called before reading from the device.
    pub fn set_before_fill(&mut self, action: fn()) {
        self.before_fill = Some(action);
    }

    /// Sets the buffering; `size` is the buffer's.
    pub fn set_buffering(&mut self, buffering: Buffering, size: usize) -> io::Result<()> {
        self.flush()?;
        self.buffering = buffering;
        self.output_size = size.clamp(1, MAX_BUFFER_SIZE);
        Ok(())
    }

    // --- Writing ---

    /// Prepares for writing: gives unread input back.
    fn start_writing(&mut self) -> io::Result<()> {
        if !self.writable {
            return Err(sys::bad_descriptor());
        }
        let unread = self.end - self.position;
        if unread > 0 {
            self.device.seek(SeekFrom::Current(-(unread as i64)))?;
        }
        self.position = 0;
        self.end = 0;
        Ok(())
    }

    /// Writes `bytes`.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.end != 0 || !self.writable {
            self.start_writing()?;
        }
        if self.buffering == Buffering::Full && self.output.len() + bytes.len() <= self.output_size
        {
            self.output.extend_from_slice(bytes);
            return Ok(());
        }
        self.write_slow(bytes)
    }

    fn write_slow(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.buffering {
            Buffering::No => write_all(&mut *self.device, bytes),
            Buffering::Full => {
                self.flush()?;
                if bytes.len() >= self.output_size {
                    write_all(&mut *self.device, bytes)
                } else {
                    self.output.extend_from_slice(bytes);
                    Ok(())
                }
            }
            Buffering::Line => {
                let lines = bytes.iter().rposition(|&byte| byte == b'\n');
                let (lines, rest) = bytes.split_at(lines.map_or(0, |newline| newline + 1));
                if !lines.is_empty() {
                    self.output.extend_from_slice(lines);
                    self.flush()?;
                }
                self.output.extend_from_slice(rest);
                if self.output.len() >= self.output_size {
                    self.flush()?;
                }
                Ok(())
            }
        }
    }

    /// Writes a number as `printf` does for Lua: integers with `%d`, floats with `%.14g`.
    pub fn write_number(&mut self, number: Number) -> io::Result<()> {
        if self.end != 0 || !self.writable {
            self.start_writing()?;
        }
        push_number(&mut self.output, number);
        if matches!(number, Number::Float(_)) && self.output.ends_with(b".0") {
            self.output.truncate(self.output.len() - 2);
        }
        if self.buffering == Buffering::No || self.output.len() >= self.output_size {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes out what is buffered. Bytes that cannot be written are lost, as in C.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let result = write_all(&mut *self.device, &self.output);
        self.output.clear();
        result
    }

    // --- Reading ---

    /// Starts a reading operation: the end of a terminal or growing file may have moved.
    pub fn start_reading(&mut self) {
        self.at_end = false;
    }

    /// Prepares for reading from the device.
    fn before_read(&mut self) -> io::Result<()> {
        if !self.readable {
            return Err(sys::bad_descriptor());
        }
        self.flush()?;
        if let Some(action) = self.before_fill {
            action();
        }
        Ok(())
    }

    /// Refills the empty input buffer; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.before_read()?;
        if self.at_end {
            return Ok(false);
        }
        let size = match self.buffering {
            Buffering::No => 1,
            Buffering::Full | Buffering::Line => BUFFER_SIZE,
        };
        if self.input.len() < size {
            self.input.resize(size, 0);
        }
        self.position = 0;
        self.end = 0;
        self.end = self.device.read(&mut self.input[..size])?;
        self.at_end = self.end == 0;
        Ok(!self.at_end)
    }

    /// The next byte, which stays unread; `None` at the end.
    #[inline]
    pub fn peek(&mut self) -> io::Result<Option<u8>> {
        if self.position == self.end && !self.fill()? {
            return Ok(None);
        }
        Ok(Some(self.input[self.position]))
    }

    /// Consumes the byte that [`Stream::peek`] gave.
    #[inline]
    pub fn advance(&mut self) {
        self.position = (self.position + 1).min(self.end);
    }

    /// Begins a result in `line`.
    fn start_result(&mut self) {
        self.release_result();
        self.line.clear();
    }

    /// Gives back the memory of a large result that is no longer needed.
    pub fn release_result(&mut self) {
        if self.line.capacity() > KEPT_SIZE {
            self.line = Vec::new();
        }
    }

    /// Reads a line, with its newline if `keep`; `None` at the end. `checkpoint` is told now
    /// and then how much was read, or will be, and may stop the operation.
    pub fn read_line<E: From<io::Error>>(
        &mut self,
        keep: bool,
        mut checkpoint: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Option<&[u8]>, E> {
        self.start_result();
        loop {
            if self.position == self.end && !self.fill()? {
                let read = !self.line.is_empty();
                return Ok(read.then_some(&self.line));
            }
            let start = self.position;
            let mut unread = &self.input[start..self.end];
            // Fast search for the newline; reading from memory cannot fail.
            self.position += unread.skip_until(b'\n')?;
            let last = self.position - 1;
            let complete = self.input[last] == b'\n';
            let cut = if complete && !keep {
                last
            } else {
                self.position
            };
            if complete && self.line.is_empty() {
                return Ok(Some(&self.input[start..cut]));
            }
            self.line.extend_from_slice(&self.input[start..cut]);
            if complete {
                return Ok(Some(&self.line));
            }
            checkpoint(self.line.len())?;
        }
    }

    /// Reads up to `count` bytes, as many as there are; `None` at the end. `checkpoint` as in
    /// [`Stream::read_line`].
    pub fn read_chars<E: From<io::Error>>(
        &mut self,
        count: usize,
        checkpoint: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Option<&[u8]>, E> {
        if self.position == self.end && !self.fill()? {
            return Ok(None);
        }
        if count <= self.end - self.position {
            let start = self.position;
            self.position += count;
            return Ok(Some(&self.input[start..start + count]));
        }
        self.read_many(count, checkpoint).map(Some)
    }

    /// Reads everything up to the end.
    pub fn read_all<E: From<io::Error>>(
        &mut self,
        checkpoint: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<&[u8], E> {
        self.read_many(usize::MAX, checkpoint)
    }

    /// Reads up to `count` bytes past the input buffer.
    fn read_many<E: From<io::Error>>(
        &mut self,
        count: usize,
        mut checkpoint: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<&[u8], E> {
        self.start_result();
        let buffered = (self.end - self.position).min(count);
        self.line
            .extend_from_slice(&self.input[self.position..self.position + buffered]);
        self.position += buffered;
        self.before_read()?;
        if let Some(left) = self.device.bytes_left() {
            // One more, so that the end is noticed without growing. Without memory for all of it
            // the file may still turn out to be shorter.
            let left = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .saturating_add(1);
            let room = left.min(count - buffered);
            checkpoint(room)?;
            let _ = self.line.try_reserve(room);
        } else if count != usize::MAX {
            // As in C, where a buffer of the whole size is made first.
            let room = self.line.try_reserve(count - buffered);
            room.map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        }
        while self.line.len() < count && !self.at_end {
            let length = self.line.len();
            let wanted = (count - length).min(length.clamp(CHUNK_SIZE, MAX_CHUNK_SIZE));
            checkpoint(length + wanted)?;
            self.line.resize(length + wanted, 0);
            let result = self.device.read(&mut self.line[length..]);
            let read = *result.as_ref().unwrap_or(&0);
            self.line.truncate(length + read);
            result?;
            self.at_end = read == 0;
        }
        Ok(&self.line)
    }

    // --- Position ---

    /// Moves the position and returns the new one.
    pub fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.flush()?;
        let unread = (self.end - self.position) as i64;
        let result = match position {
            SeekFrom::Current(0) => {
                let device = self.device.seek(SeekFrom::Current(0))?;
                self.at_end = false;
                return Ok(device.saturating_sub(unread as u64));
            }
            SeekFrom::Current(offset) => match offset.checked_sub(unread) {
                Some(offset) => self.device.seek(SeekFrom::Current(offset))?,
                None => return Err(sys::invalid_argument()),
            },
            other => self.device.seek(other)?,
        };
        self.position = 0;
        self.end = 0;
        self.at_end = false;
        Ok(result)
    }

    /// Flushes and closes it; an error in writing prevails over the outcome.
    pub fn close(&mut self) -> io::Result<Option<ExitOutcome>> {
        let flushed = self.flush();
        self.readable = false;
        self.writable = false;
        self.position = 0;
        self.end = 0;
        let device = std::mem::replace(&mut self.device, Box::new(Closed));
        let outcome = device.close();
        flushed?;
        outcome
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Nobody is left to be told about an error.
        let _ = self.flush();
    }
}

/// The device of a closed stream.
struct Closed;

impl Device for Closed {}

/// Writes all of `bytes`, going on after interruptions.
fn write_all(device: &mut dyn Device, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match device.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
