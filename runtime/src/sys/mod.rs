//! The operating system: everything that differs between platforms, and nothing else.
//!
//! The rest of the project is portable Rust; what the library needs beyond `std` (time zones,
//! signals, processor time, descriptors 0 to 2) is here behind one interface with an
//! implementation per platform:
//!
//! | | unix (Linux, macOS, BSD) | Windows | others (wasm) |
//! |---|---|---|---|
//! | interrupt handler | `SIGINT`, disarmed by its first use | console control handler | not supported |
//! | [`process_time`] | processor time | time since the first call | likewise, or 0 |
//! | time zone | C library (`TZ`) | UTC only | UTC only |
//! | shell commands | `/bin/sh -c` | `cmd /C` | not supported |
//! | action at exit | `atexit` | `atexit` | none |
//! | standard streams | descriptors 0, 1, 2 | `std::io` | `std::io` |
//! | first blocks ([`FirstBlocks`]) | one region (Linux) | as other blocks | as other blocks |
//! | large blocks ([`LargeBlocks`]) | mappings (Linux) | as other blocks | as other blocks |
//! | giving back freed memory | `malloc_trim` (glibc) | nothing | nothing |
//! | file names | any bytes | UTF-8, lossy | UTF-8, lossy |
//!
//! Invariant: this is the only module of the library part that calls the operating system
//! directly; its `unsafe` stays inside it.

mod calendar;
mod first_blocks;
mod large_blocks;
mod return_memory;
mod temporary;

#[cfg(not(any(unix, windows)))]
mod other;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(not(any(unix, windows)))]
use other as platform;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

pub use calendar::{BrokenTime, utc_seconds, utc_time};
pub use first_blocks::FirstBlocks;
pub use large_blocks::LargeBlocks;
pub use platform::{
    IgnoreInterrupts, InterruptGuard, StandardStream, at_exit, bad_descriptor, bytes_from_os,
    cannot_seek, default_broken_pipe, exit_outcome, has_shell, invalid_argument, local_time,
    make_time, on_interrupt, path_from_bytes, process_time, shell_command,
};
pub(crate) use return_memory::return_memory;
pub use return_memory::set_return_memory;
pub use temporary::{temporary_file, temporary_name};

use std::hash::{BuildHasher, Hasher};
use std::io;

/// The directory separator of file names (first line of `package.config`).
pub const DIRECTORY_SEPARATOR: char = std::path::MAIN_SEPARATOR;

/// Which of the process's three standard streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standard {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// How a child process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitOutcome {
    /// It exited with this code.
    Exited(i32),
    /// A signal with this number killed it (unix only).
    Signaled(i32),
}

/// Seconds since the epoch (1970-01-01 00:00:00 UTC); `None` where there is no clock
/// (wasm32-unknown-unknown).
pub fn unix_time() -> Option<i64> {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    return None;
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    {
        use std::time::{SystemTime, UNIX_EPOCH};
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).ok(),
            // A clock before 1970: round down.
            Err(error) => {
                let before = error.duration();
                let whole = i64::try_from(before.as_secs()).ok()?;
                Some(-whole - i64::from(before.subsec_nanos() > 0))
            }
        }
    }
}

/// Bits that differ from run to run, for hash seeds and `math.randomseed()`. They come from the
/// operating system's random source; on targets without one (wasm32-unknown-unknown) they are
/// constant. Not for cryptography.
pub fn random_seed() -> [u64; 2] {
    // The standard library seeds its hasher from the operating system.
    let state = std::hash::RandomState::new();
    let word = |salt: u64| {
        let mut hasher = state.build_hasher();
        hasher.write_u64(salt);
        hasher.finish()
    };
    [word(1), word(2)]
}

/// The operating system's number of an error (`errno`); 0 if it has none.
pub fn error_number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

/// The text of an error as C's `strerror` gives it ("No such file or directory").
pub fn error_text(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(number) = error.raw_os_error() {
        let suffix = format!(" (os error {number})");
        if text.ends_with(&suffix) {
            text.truncate(text.len() - suffix.len());
        }
    }
    text
}

/// The value of an environment variable; `None` if it is not set or the name can't be one.
pub fn environment_variable(name: &[u8]) -> Option<Vec<u8>> {
    let name = path_from_bytes(name);
    std::env::var_os(name.as_os_str()).map(bytes_from_os)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_texts_are_those_of_c() {
        let error = std::fs::File::open("/no/such/file").unwrap_err();
        if cfg!(unix) {
            assert_eq!(error_text(&error), "No such file or directory");
            assert_eq!(error_number(&error), 2);
            assert_eq!(error_text(&bad_descriptor()), "Bad file descriptor");
        }
        assert_eq!(error_text(&io::Error::other("plain")), "plain");
    }

    #[test]
    fn environment() {
        assert_eq!(environment_variable(b"A=B"), None);
        assert_eq!(environment_variable(b""), None);
        assert_eq!(environment_variable(b"PERILUNE_SURELY_NOT_SET"), None);
    }

    #[test]
    fn clock_runs() {
        assert!(process_time() >= 0.0);
        if cfg!(unix) {
            assert!(unix_time().is_some_and(|now| now > 1_500_000_000));
        }
    }
}
