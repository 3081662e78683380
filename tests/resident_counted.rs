//! What a state is charged for against what the allocator was asked for: while the patterns of `resident`
//! fill a state, its charge covers all blocks that live because of it.

#[path = "resident/patterns.rs"]
mod patterns;

use perilune::{Lua, Options};
use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that glibc's malloc would take for all live blocks.
static LIVE: AtomicUsize = AtomicUsize::new(0);

fn taken(size: usize) -> usize {
    if size < 128 << 10 {
        ((size + 23) & !15).max(32)
    } else {
        (size + 16 + 4095) & !4095
    }
}

struct Counting;

// SAFETY: all is the system's; only counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(taken(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        LIVE.fetch_sub(taken(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(p, layout) }
    }

    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(taken(size), Ordering::Relaxed);
        LIVE.fetch_sub(taken(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.realloc(p, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Point {
    _x: i64,
    _y: [u8; 70],
}

impl perilune::UserData for Point {}

/// A state: what it was charged for the program, and what lives because of it.
fn run(text: &str, mode: &str) -> (usize, usize) {
    let before = LIVE.load(Ordering::Relaxed);
    let options = Options::new().with_mode(mode).expect("a mode");
    let lua = Lua::with_options(&options).expect("a state");
    let new = lua.create_function(|_, n: i64| Ok(Point { _x: n, _y: [0; 70] }));
    lua.globals()
        .set("new", new.expect("a function"))
        .expect("set");
    lua.set_memory_limit(8 << 20).expect("a limit");
    let _ = lua.load(text).exec();
    (lua.used_memory(), LIVE.load(Ordering::Relaxed) - before)
}

fn main() -> ExitCode {
    let mut failures = 0;
    for mode in ["off", "hot=2"] {
        for (name, text) in patterns::PATTERNS {
            let (charged, live) = run(text, mode);
            // What a state has besides its heap: the machine, the libraries' and the compiler's own.
            let is_right = live <= charged + charged / 50 + (256 << 10);
            failures += usize::from(!is_right);
            println!(
                "{mode:5} {name:18} charged {charged:8}, taken {live:8}: {:.3}{}",
                live as f64 / charged as f64,
                if is_right { "" } else { ": NOT COVERED" }
            );
        }
    }
    if failures > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
