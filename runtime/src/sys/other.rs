//! Targets of which nothing is known but `std` (wasm and the like): what has no portable form is
//! not supported and says so.

use super::{BrokenTime, ExitOutcome, Standard, calendar};
use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// An installed interrupt handler; there is none on these targets.
#[derive(Debug)]
pub struct InterruptGuard(());

/// There are no interrupts: always fails.
pub fn on_interrupt(_: fn()) -> io::Result<InterruptGuard> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Would ignore keyboard interrupts while it lives; there are none.
#[derive(Debug)]
pub struct IgnoreInterrupts(());

impl IgnoreInterrupts {
    /// Does nothing.
    #[allow(clippy::new_without_default, reason = "it acts on the process")]
    pub fn new() -> Self {
        IgnoreInterrupts(())
    }
}

/// There is no signal for closed pipes: does nothing.
pub fn default_broken_pipe() {}

/// There is no hook for the end of the process: does nothing.
pub fn at_exit(_: fn()) {}

/// Seconds since the first call; 0 where there is no clock.
pub fn process_time() -> f64 {
    #[cfg(target_os = "unknown")]
    return 0.0;
    #[cfg(not(target_os = "unknown"))]
    {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_secs_f64()
    }
}

/// The fields of a time; the local time zone is taken to be UTC.
pub fn local_time(seconds: i64) -> Option<BrokenTime> {
    calendar::utc_time(seconds)
}

/// Normalises fields and gives their time; the local time zone is taken to be UTC.
pub fn make_time(time: &mut BrokenTime) -> Option<i64> {
    calendar::make_utc_time(time)
}

/// Whether there is a shell to run commands: no.
pub fn has_shell() -> bool {
    false
}

/// A process that runs a shell command: none.
pub fn shell_command(_: &[u8]) -> Option<Command> {
    None
}

/// How a process ended.
pub fn exit_outcome(status: ExitStatus) -> ExitOutcome {
    ExitOutcome::Exited(status.code().unwrap_or(-1))
}

/// The path that `name` denotes, taken as UTF-8; what is not UTF-8 is replaced.
pub fn path_from_bytes(name: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(name).into_owned())
}

/// A string of the operating system as UTF-8; what has no such form is replaced.
pub fn bytes_from_os(text: OsString) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}

/// The error of using a stream in a way it was not opened for.
pub fn bad_descriptor() -> io::Error {
    io::Error::other("Bad file descriptor")
}

/// The error of an argument that the system refuses.
pub fn invalid_argument() -> io::Error {
    io::Error::other("Invalid argument")
}

/// The error of positioning something that has no position.
pub fn cannot_seek() -> io::Error {
    io::Error::other("Illegal seek")
}

/// One of the process's standard streams, as far as `std` has them.
#[derive(Debug)]
pub struct StandardStream(Standard);

impl StandardStream {
    /// The stream.
    pub fn new(which: Standard) -> Self {
        StandardStream(which)
    }

    /// Whether it is a terminal: no.
    pub fn is_terminal(&self) -> bool {
        false
    }
}

impl Read for StandardStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0 {
            Standard::Input => io::stdin().read(buffer),
            Standard::Output | Standard::Error => Err(bad_descriptor()),
        }
    }
}

impl Write for StandardStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0 {
            Standard::Input => Err(bad_descriptor()),
            Standard::Output => {
                let mut output = io::stdout().lock();
                let count = output.write(bytes)?;
                output.flush()?;
                Ok(count)
            }
            Standard::Error => io::stderr().write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for StandardStream {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(cannot_seek())
    }
}
