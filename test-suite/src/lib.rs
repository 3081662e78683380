//! What the test runners share: where the program under test is, how a text case is read and
//! run, and the table of engine modes.
//!
//! A runner never compares Perilune with itself. Expected output is recorded from the reference
//! implementation by the scripts in `tools/`.

#![forbid(unsafe_code)]

pub mod case;
pub mod mode;
pub mod parallel;
pub mod program;
