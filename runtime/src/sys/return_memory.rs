//! Has the allocator give back to the operating system what it keeps of freed memory.
//!
//! An allocator keeps freed blocks for later ones, of like sizes above all. A program that fills its memory
//! with small blocks, frees them and fills it with others would take twice its limit.

use std::sync::OnceLock;

/// What to call in place of the C library's function.
static OTHER: OnceLock<fn()> = OnceLock::new();

/// Sets how memory is given back: for programs that have an allocator of their own. Only the first call in
/// a process counts.
pub fn set_return_memory(how: fn()) {
    let _ = OTHER.set(how);
}

/// Gives back what can be given back. Its cost grows with the number of freed blocks.
pub(crate) fn return_memory() {
    match OTHER.get() {
        Some(how) => how(),
        None => trim(),
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
fn trim() {
    // SAFETY: the function may be called at any time, whatever the allocator is.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(miri))))]
fn trim() {}
