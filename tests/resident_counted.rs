//! What a state is charged for against what the allocator was asked for: while the patterns of `resident`
//! fill a state, its charge, which is never above the limit, covers all blocks that live because of it, at
//! their most and at the end.

#[path = "resident/patterns.rs"]
mod patterns;

use perilune::{Lua, Options};
use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that glibc's malloc would take for all live blocks.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// The most of them there were.
static MOST: AtomicUsize = AtomicUsize::new(0);
/// The limit of a state.
const LIMIT: usize = 8 << 20;

fn grow(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(live, Ordering::Relaxed);
}

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
        grow(taken(layout.size()));
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        LIVE.fetch_sub(taken(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(p, layout) }
    }

    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(taken(size));
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

/// A state: what it is charged for after the program, what lives because of it then, and at most.
fn run(text: &str, mode: &str) -> (usize, usize, usize) {
    let before = LIVE.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let options = Options::new().with_mode(mode).expect("a mode");
    let lua = Lua::with_options(&options).expect("a state");
    let new = lua.create_function(|_, n: i64| Ok(Point { _x: n, _y: [0; 70] }));
    lua.globals()
        .set("new", new.expect("a function"))
        .expect("set");
    lua.set_memory_limit(LIMIT).expect("a limit");
    let _ = lua.load(text).exec();
    let [live, most] = [&LIVE, &MOST].map(|bytes| bytes.load(Ordering::Relaxed) - before);
    (lua.used_memory(), live, most)
}

fn main() -> ExitCode {
    let mut failures = 0;
    for mode in ["off", "hot=2"] {
        for (name, text) in patterns::PATTERNS {
            let (charged, live, most) = run(text, mode);
            // What a state has besides its heap: the machine, the libraries' and the compiler's own.
            let covers = |charged: usize, live: usize| live <= charged + charged / 50 + (256 << 10);
            let is_right = covers(charged, live) && covers(LIMIT, most);
            failures += usize::from(!is_right);
            println!(
                "{mode:5} {name:18} charged {charged:8}, taken {live:8}; at most {:.3} of the limit{}",
                most as f64 / LIMIT as f64,
                if is_right { "" } else { ": NOT COVERED" }
            );
        }
    }
    if failures > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
