//! Linux, macOS, the BSDs and other unix systems, through `std` and the C library.

use super::{BrokenTime, ExitOutcome, Standard, utc_seconds};
use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::fd::FromRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

// --- Signals ---

/// What the interrupt handler calls: null, or a `fn()`.
static CALLBACK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

extern "C" fn handle_interrupt(signal: libc::c_int) {
    // A second interrupt ends the process, should the program not react to the first.
    // SAFETY: `signal` is async-signal-safe.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    let callback = CALLBACK.load(Ordering::Acquire);
    if !callback.is_null() {
        // SAFETY: a non-null CALLBACK was made from a `fn()` in `on_interrupt`.
        let callback: fn() = unsafe { std::mem::transmute(callback) };
        callback();
    }
}

/// Sets the action of `signal` and returns the previous one.
fn set_action(signal: libc::c_int, handler: libc::sighandler_t) -> io::Result<libc::sigaction> {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeroes are a valid `sigaction`; all fields that matter are set before it is used.
    let mut new: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    new.sa_sigaction = handler;
    // No SA_RESTART: a blocked read must end so that the interrupt is noticed.
    new.sa_flags = 0;
    // SAFETY: both pointers are valid for the calls; `sigaction` initialises `old` on success.
    unsafe {
        libc::sigemptyset(&mut new.sa_mask);
        if libc::sigaction(signal, &new, old.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(old.assume_init())
    }
}

fn restore_action(signal: libc::c_int, action: &libc::sigaction) {
    // SAFETY: `action` came from `sigaction` for the same signal.
    unsafe { libc::sigaction(signal, action, ptr::null_mut()) };
}

/// An installed interrupt handler; dropping it restores what was there before.
pub struct InterruptGuard {
    previous: libc::sigaction,
}

impl Drop for InterruptGuard {
    fn drop(&mut self) {
        restore_action(libc::SIGINT, &self.previous);
    }
}

/// Has `callback` called at the next interrupt (Ctrl-C), once: a further interrupt then has the
/// default effect, ending the process. The callback runs inside a signal handler and may do
/// nothing but store to atomics. One handler can be installed at a time.
pub fn on_interrupt(callback: fn()) -> io::Result<InterruptGuard> {
    CALLBACK.store(callback as *mut (), Ordering::Release);
    let handler: extern "C" fn(libc::c_int) = handle_interrupt;
    let previous = set_action(libc::SIGINT, handler as *const () as libc::sighandler_t)?;
    Ok(InterruptGuard { previous })
}

/// Ignores keyboard interrupts while it lives, as C's `system` does while it waits: they are
/// meant for the child.
pub struct IgnoreInterrupts {
    previous: [(libc::c_int, Option<libc::sigaction>); 2],
}

impl IgnoreInterrupts {
    /// Starts ignoring.
    #[allow(clippy::new_without_default, reason = "it acts on the process")]
    pub fn new() -> Self {
        let previous = [libc::SIGINT, libc::SIGQUIT]
            .map(|signal| (signal, set_action(signal, libc::SIG_IGN).ok()));
        IgnoreInterrupts { previous }
    }
}

impl Drop for IgnoreInterrupts {
    fn drop(&mut self) {
        for (signal, previous) in &self.previous {
            if let Some(previous) = previous {
                restore_action(*signal, previous);
            }
        }
    }
}

/// Gives writing to a closed pipe its default effect (ending the process), which Rust's start-up
/// code turns off. For programs, not for libraries.
pub fn default_broken_pipe() {
    // SAFETY: setting a default disposition has no preconditions.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

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
    // Miri has no `atexit`.
    if previous.is_null() && !cfg!(miri) {
        // SAFETY: the handler is a function of the required type that lives for ever.
        unsafe { libc::atexit(run_at_exit) };
    }
}

// --- Time ---

/// Processor time that the process has used, in seconds, to the microsecond: that is the unit of
/// C's `clock`, and it shows where programs print the time.
pub fn process_time() -> f64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the pointer is valid; zeroes are a valid `timespec` should the call fail.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, time.as_mut_ptr());
        time.assume_init()
    };
    (time.tv_sec as i64 * 1_000_000 + time.tv_nsec as i64 / 1_000) as f64 / 1e6
}

fn zeroed_tm() -> libc::tm {
    // SAFETY: `tm` consists of integers and a pointer that may be null.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// The fields of `tm`, which must be what a C library function has just filled in.
fn from_tm(tm: &libc::tm, seconds: Option<i64>) -> BrokenTime {
    let mut time = BrokenTime {
        second: tm.tm_sec,
        minute: tm.tm_min,
        hour: tm.tm_hour,
        day: tm.tm_mday,
        month: tm.tm_mon,
        year: tm.tm_year,
        week_day: tm.tm_wday,
        year_day: tm.tm_yday,
        daylight: tm.tm_isdst,
        offset: 0,
        zone: zone_name(tm),
    };
    if let Some(seconds) = seconds {
        time.offset = (utc_seconds(&time) - seconds) as i32;
    }
    time
}

#[cfg(not(any(target_os = "solaris", target_os = "illumos", target_os = "aix")))]
fn zone_name(tm: &libc::tm) -> String {
    if tm.tm_zone.is_null() {
        return String::new();
    }
    // SAFETY: a non-null `tm_zone` set by the C library points to a string in its time zone data.
    let zone = unsafe { CStr::from_ptr(tm.tm_zone) };
    zone.to_string_lossy().into_owned()
}

#[cfg(any(target_os = "solaris", target_os = "illumos", target_os = "aix"))]
fn zone_name(_: &libc::tm) -> String {
    String::new()
}

/// The fields of a time in the local time zone; `None` if they cannot represent it.
pub fn local_time(seconds: i64) -> Option<BrokenTime> {
    let time = libc::time_t::try_from(seconds).ok()?;
    let mut tm = zeroed_tm();
    // SAFETY: both pointers are valid for the call.
    if unsafe { libc::localtime_r(&time, &mut tm) }.is_null() {
        return None;
    }
    Some(from_tm(&tm, Some(seconds)))
}

/// Normalises fields in the local time zone and gives their time; `None` if it cannot be
/// represented (the fields are then unspecified), or is -1, which C cannot tell from that.
#[allow(
    clippy::useless_conversion,
    clippy::unnecessary_cast,
    reason = "time_t is not 64 bits wide everywhere"
)]
pub fn make_time(time: &mut BrokenTime) -> Option<i64> {
    let mut tm = zeroed_tm();
    tm.tm_sec = time.second;
    tm.tm_min = time.minute;
    tm.tm_hour = time.hour;
    tm.tm_mday = time.day;
    tm.tm_mon = time.month;
    tm.tm_year = time.year;
    tm.tm_isdst = time.daylight;
    // SAFETY: the pointer is valid for the call.
    let seconds = i64::from(unsafe { libc::mktime(&mut tm) });
    let seconds = (seconds != -1).then_some(seconds);
    *time = from_tm(&tm, seconds);
    seconds
}

// --- Processes ---

/// Whether there is a shell to run commands.
pub fn has_shell() -> bool {
    std::path::Path::new("/bin/sh").exists()
}

/// A process that runs a shell command; `None` where there is no shell.
pub fn shell_command(command: &[u8]) -> Option<Command> {
    let mut process = Command::new("/bin/sh");
    process.arg0("sh").arg("-c").arg(OsStr::from_bytes(command));
    Some(process)
}

/// How a process ended.
pub fn exit_outcome(status: ExitStatus) -> ExitOutcome {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitOutcome::Exited(code),
        (None, Some(signal)) => ExitOutcome::Signaled(signal),
        (None, None) => ExitOutcome::Exited(status.into_raw()),
    }
}

// --- Names and errors ---

/// The path that `name` denotes: its bytes.
pub fn path_from_bytes(name: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(name.to_vec()))
}

/// The bytes of a string of the operating system.
pub fn bytes_from_os(text: OsString) -> Vec<u8> {
    text.into_vec()
}

/// The error of using a stream in a way it was not opened for.
pub fn bad_descriptor() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

/// The error of an argument that the system refuses.
pub fn invalid_argument() -> io::Error {
    io::Error::from_raw_os_error(libc::EINVAL)
}

/// The error of positioning something that has no position.
pub fn cannot_seek() -> io::Error {
    io::Error::from_raw_os_error(libc::ESPIPE)
}

// --- Standard streams ---

/// One of the process's standard streams, unbuffered.
#[derive(Debug)]
pub struct StandardStream {
    /// Never dropped, because the descriptor belongs to the process.
    file: ManuallyDrop<File>,
}

impl StandardStream {
    /// The stream.
    pub fn new(which: Standard) -> Self {
        let descriptor = match which {
            Standard::Input => libc::STDIN_FILENO,
            Standard::Output => libc::STDOUT_FILENO,
            Standard::Error => libc::STDERR_FILENO,
        };
        // SAFETY: descriptors 0 to 2 are open during the whole life of a process (Rust's start-up
        // code sees to it), and `ManuallyDrop` keeps this file from closing them.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
        StandardStream { file }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }
}

impl Read for StandardStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for StandardStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for StandardStream {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn interrupt_reaches_the_callback() {
        static SEEN: AtomicBool = AtomicBool::new(false);
        let guard = on_interrupt(|| SEEN.store(true, Ordering::Relaxed)).unwrap();
        // SAFETY: raising a handled signal in this thread.
        unsafe { libc::raise(libc::SIGINT) };
        assert!(SEEN.load(Ordering::Relaxed));
        drop(guard);
    }

    #[test]
    fn outcomes() {
        let run = |text: &[u8]| {
            let status = shell_command(text).unwrap().status().unwrap();
            exit_outcome(status)
        };
        assert_eq!(run(b"exit 129"), ExitOutcome::Exited(129));
        // The one signal that whoever started the tests can not have had ignored.
        assert_eq!(run(b"kill -s KILL $$"), ExitOutcome::Signaled(9));
        assert_eq!(run(b"true"), ExitOutcome::Exited(0));
        assert!(has_shell());
    }

    #[test]
    fn local_time_round_trip() {
        for seconds in [0, 1, 1000, 951_782_400, 0x7fff_ffff, 0x8000_0000] {
            let mut time = local_time(seconds).unwrap();
            assert_eq!(make_time(&mut time), Some(seconds));
            assert_eq!(local_time(seconds), Some(time));
        }
        assert!(local_time(1 << 60).is_none());
    }
}
