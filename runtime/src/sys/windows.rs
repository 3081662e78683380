//! Windows, through `std` and one function of the console.

use super::{BrokenTime, ExitOutcome, Standard, calendar};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::windows::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Instant;

// --- Interrupts ---

type Handler = unsafe extern "system" fn(kind: u32) -> i32;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn SetConsoleCtrlHandler(handler: Option<Handler>, add: i32) -> i32;
}

unsafe extern "C" {
    /// Of the C runtime, which every program is linked with.
    fn atexit(callback: extern "C" fn()) -> i32;
}

/// What the interrupt handler calls: null, or a `fn()`.
static CALLBACK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

const CONTROL_C: u32 = 0;

unsafe extern "system" fn handle_control(kind: u32) -> i32 {
    if kind != CONTROL_C {
        return 0;
    }
    // Disarmed by its use: the next interrupt has the default effect.
    let callback = CALLBACK.swap(ptr::null_mut(), Ordering::AcqRel);
    if callback.is_null() {
        return 0;
    }
    // SAFETY: a non-null CALLBACK was made from a `fn()` in `on_interrupt`.
    let callback: fn() = unsafe { std::mem::transmute(callback) };
    callback();
    1
}

/// An installed interrupt handler; dropping it removes it.
#[derive(Debug)]
pub struct InterruptGuard(());

impl Drop for InterruptGuard {
    fn drop(&mut self) {
        CALLBACK.store(ptr::null_mut(), Ordering::Release);
        // SAFETY: the handler was added by `on_interrupt`; removing it has no preconditions.
        unsafe { SetConsoleCtrlHandler(Some(handle_control), 0) };
    }
}

/// Has `callback` called at the next Ctrl-C, once: a further one ends the process. The callback
/// runs in a thread of its own. One handler can be installed at a time.
pub fn on_interrupt(callback: fn()) -> io::Result<InterruptGuard> {
    CALLBACK.store(callback as *mut (), Ordering::Release);
    // SAFETY: the handler is a function of the required type that lives for ever.
    if unsafe { SetConsoleCtrlHandler(Some(handle_control), 1) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(InterruptGuard(()))
}

/// Would ignore keyboard interrupts while it lives; the console sends them to the child by
/// itself, so it does nothing here.
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

// --- Exit ---

/// What runs at exit: null, or a `fn()`.
static AT_EXIT: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

extern "C" fn run_at_exit() {
    let callback = AT_EXIT.load(Ordering::Acquire);
    if !callback.is_null() {
        // SAFETY: a non-null AT_EXIT was made from a `fn()` in `at_exit`.
        let callback: fn() = unsafe { std::mem::transmute(callback) };
        callback();
    }
}

/// Has `callback` called when the process ends in an orderly way: by returning from the main
/// function or by `exit`. It must not panic, nor wait for other threads. A later call replaces the
/// callback.
pub fn at_exit(callback: fn()) {
    let previous = AT_EXIT.swap(callback as *mut (), Ordering::AcqRel);
    if previous.is_null() {
        // SAFETY: the handler is a function of the required type that lives for ever.
        unsafe { atexit(run_at_exit) };
    }
}

// --- Time ---

/// Seconds since the first call, as C's `clock` counts real time on Windows.
pub fn process_time() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// The fields of a time; the local time zone is taken to be UTC.
pub fn local_time(seconds: i64) -> Option<BrokenTime> {
    calendar::utc_time(seconds)
}

/// Normalises fields and gives their time; the local time zone is taken to be UTC.
pub fn make_time(time: &mut BrokenTime) -> Option<i64> {
    calendar::make_utc_time(time)
}

// --- Processes ---

/// Whether there is a shell to run commands.
pub fn has_shell() -> bool {
    true
}

/// A process that runs a command of `cmd`.
pub fn shell_command(command: &[u8]) -> Option<Command> {
    let mut process = Command::new("cmd");
    process.raw_arg("/C");
    process.raw_arg(path_from_bytes(command).as_os_str());
    Some(process)
}

/// How a process ended.
pub fn exit_outcome(status: ExitStatus) -> ExitOutcome {
    ExitOutcome::Exited(status.code().unwrap_or(-1))
}

// --- Names and errors ---

/// The path that `name` denotes, taken as UTF-8; what is not UTF-8 is replaced.
pub fn path_from_bytes(name: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(name).into_owned())
}

/// A string of the operating system as UTF-8; what has no such form is replaced.
pub fn bytes_from_os(text: OsString) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}

/// The error of using a stream in a way it was not opened for (`ERROR_ACCESS_DENIED`).
pub fn bad_descriptor() -> io::Error {
    io::Error::from_raw_os_error(5)
}

/// The error of an argument that the system refuses.
pub fn invalid_argument() -> io::Error {
    io::Error::from_raw_os_error(87)
}

/// The error of positioning something that has no position (`ERROR_SEEK_ON_DEVICE`).
pub fn cannot_seek() -> io::Error {
    io::Error::from_raw_os_error(132)
}

// --- Standard streams ---

/// One of the process's standard streams. `std` translates a console's UTF-16.
#[derive(Debug)]
pub struct StandardStream(Standard);

impl StandardStream {
    /// The stream.
    pub fn new(which: Standard) -> Self {
        StandardStream(which)
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        match self.0 {
            Standard::Input => io::stdin().is_terminal(),
            Standard::Output => io::stdout().is_terminal(),
            Standard::Error => io::stderr().is_terminal(),
        }
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
