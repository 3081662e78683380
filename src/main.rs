//! The `perilune` program: everything it does lives in [`cli`]; this file only chooses the
//! allocator, which is the program's choice and never the library's, and how the process starts.
//!
//! On Linux the C library calls [`main`] directly: what Rust's own start-up does first (looking
//! for the stack's guard page in `/proc/self/maps`, an alternate signal stack, ignoring `SIGPIPE`,
//! which a filter would have to undo) costs as much as making a Lua state, and this program needs
//! none of it.

#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]

mod cli;

use perilune::program::{FirstBlocks, LargeBlocks};

#[global_allocator]
static ALLOCATOR: FirstBlocks<LargeBlocks<mimalloc::MiMalloc>> =
    FirstBlocks(LargeBlocks(mimalloc::MiMalloc));

// SAFETY: mimalloc's function of this name has this type.
unsafe extern "C" {
    fn mi_collect(force: bool);
}

/// Has the allocator give back what it keeps of freed memory.
fn return_memory() {
    // SAFETY: it may be called at any time.
    unsafe { mi_collect(true) };
}

fn start() -> u8 {
    perilune::program::set_return_memory(return_memory);
    cli::main()
}

/// Called by the C library; the arguments are taken from `std::env::args_os`, as everywhere.
///
/// A panic has printed its message and ends the process with Rust's exit status for panics.
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
// SAFETY: no other function of the program has this name, and this is C's type of it.
#[unsafe(no_mangle)]
extern "C" fn main(
    _count: std::ffi::c_int,
    _arguments: *const *const std::ffi::c_char,
) -> std::ffi::c_int {
    const PANICKED: u8 = 101;
    std::panic::catch_unwind(start).unwrap_or(PANICKED).into()
}

// The unwinder is linked into the program, which otherwise would load and relocate a library for
// it: a tenth of the time that a short script takes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
// SAFETY: nothing is declared.
unsafe extern "C" {}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() -> std::process::ExitCode {
    start().into()
}
