//! What the test runners share: where the program under test and the reference implementation
//! are, how a text case is read and run, and the table of engine modes.
//!
//! A runner never compares Perilune with itself. Expected output is recorded from the reference
//! implementation by the scripts in `tools/`.

#![forbid(unsafe_code)]

pub mod case;
pub mod mode;
pub mod parallel;
pub mod program;
pub mod reference;

use std::io::Write;

/// Says on the real standard error, which test runners do not capture, that a test did nothing.
pub fn skipped(test: &str, reason: &str) {
    writeln!(std::io::stderr(), "{test}: skipped: {reason}").ok();
}
