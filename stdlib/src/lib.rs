//! The Lua 5.4 standard library.
#![allow(dead_code)]
#![forbid(unsafe_code)]

mod string;

/// The `io` library.
pub mod io {
    pub mod device;
    pub mod file;
    mod numeral;
    pub mod standard;
}
mod package {
    mod path;
}
