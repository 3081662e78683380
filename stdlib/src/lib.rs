//! The Lua 5.4 standard library.
#![allow(dead_code)]
#![forbid(unsafe_code)]

mod string;
