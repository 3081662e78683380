//! Threads (coroutines): a stack, frames, and what must be saved while another thread runs.
//!
//! Invariants:
//! - The running thread's hot fields (`frame_top`, `stack_limit`, pc, base) live in the `Vm`;
//!   `Vm::save_thread` and `Vm::load_thread` move them here and back on a switch.
//! - All slots of `stack` are initialised values at all times (nil where unused).
//! - `to_be_closed` is sorted by increasing stack index.

use crate::frame::Frame;
use crate::gc::GcHeader;
use crate::value::Value;

/// What a coroutine is doing (manual §2.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// Created or yielded.
    Suspended,
    /// Running.
    Running,
    /// Resumed another coroutine.
    Normal,
    /// Finished or failed.
    Dead,
}

/// A debug hook's settings; hooks are per coroutine (manual §6.10, `debug.sethook`).
#[derive(Clone, Copy, Debug)]
pub struct HookState {
    /// The hook function, or nil.
    pub function: Value,
    /// Call, return, line and count bits as `HOOK_*` in `hook.rs`.
    pub mask: u8,
    /// The count interval.
    pub interval: u32,
    /// Instructions left until the next count event.
    pub remaining: u32,
    /// The last pc (word index) at which a line event was considered.
    pub last_pc: u32,
    /// Whether a hook of this thread is running.
    pub active: bool,
    /// Whether the function is the embedder's: it yields by returning true.
    pub may_yield: bool,
    /// Whether threads that this one makes get the function, too.
    pub is_inherited: bool,
    /// Whether the thread was suspended by its hook, whose events for the next instruction are over.
    pub has_paused: bool,
    /// During a call or return event: the index of the first value passed or returned (from 1,
    /// as local variables are counted), and how many there are.
    pub transfer: (u32, u32),
}

/// A coroutine or the main thread.
#[repr(C)]
pub struct Thread {
    /// Collector's header.
    pub header: GcHeader,
    /// Its value stack.
    pub stack: Vec<Value>,
    /// Its frames; index 0 is a sentinel.
    pub frames: Vec<Frame>,
    /// Saved: index of the running frame.
    pub frame_index: usize,
    /// Saved: index in `stack` of the running frame's base.
    pub base: usize,
    /// Saved: pc of the running frame (null when it is native).
    pub pc: *const u64,
    /// Saved: index of the first slot above the values handed over at a yield or resume.
    pub top: usize,
    /// What it is doing.
    pub status: Status,
    /// Stack indices of pending to-be-closed variables.
    pub to_be_closed: Vec<u32>,
    /// Calls on its stack through which it may not yield.
    pub non_yieldable: u32,
    /// Calls on its stack that recurse in PUC Lua (limit 200).
    pub c_calls: u32,
    /// Its hook.
    pub hook: HookState,
    /// The thread that resumed it; null when none.
    pub resumer: *mut Thread,
    /// While it yields or waits for its closing: the slot and state of the native function on top
    /// of its frames in which that function goes on.
    pub own_point: (u32, u32),
    /// Slot and state in which the native function that resumed or closes it goes on.
    pub resumer_point: (u32, u32),
    /// Whether it died of an error that `coroutine.close` has not reported.
    pub failed: bool,
    /// That error's object.
    pub failure: Value,
    /// Whether it is being closed by another thread.
    pub closing: bool,
    /// Whether it was made for a call of the embedder, of which programs are not told.
    pub is_own: bool,
    /// Whether it has been a value since: something may refer to it.
    pub is_shown: bool,
    /// Bytes charged to the heap for stack and frames; see `Heap::update_thread_charge`.
    pub charged: usize,
}
