//! Frames and call sites.
//!
//! A frame says where its function returns to, by pointing at an immutable, interned
//! [`CallSite`]; it never holds a stack address. The function of the running frame stands at
//! `base - 1`, its arguments or registers from `base` on.
//!
//! Invariants:
//! - `vm.frame_top` is the running frame; the frame below it is the caller's, and so on.
//! - A frame's base is found from the top by subtracting `site.delta` (caller's base to callee's
//!   base) and, for a variadic function, the shift that `VarArgPrep` made.
//! - A [`CallSite`] lives as long as the proto or the state that interned it.

use crate::function::Proto;
use crate::value::Value;

/// What happens when the callee returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Continuation {
    /// A `Call` instruction: results go to the function's slot and up, `wanted` of them.
    Call,
    /// A metamethod or other value-producing event: the first result goes to register `destination`.
    Store,
    /// `__newindex` and the like: results are dropped.
    Discard,
    /// A comparison: when the truth of the result equals `condition`, jump to `target`.
    Branch,
    /// `__concat`: the result takes the place of the two operands and concatenation goes on.
    Concat,
    /// A native function that was tail-called: its results are returned at once.
    TailReturn,
    /// A generic `for` call: results go to A+4.., `wanted` of them.
    GenericFor,
    /// The caller is a native function: it runs again with the site's `state`.
    Native,
    /// The caller is a native function: the first result goes to slot `destination`, then it runs
    /// again with the site's `state`.
    NativeStore,
    /// The bottom of a `run` invocation: it returns to Rust.
    Entry,
    /// The bottom of a coroutine: its end.
    CoroutineEnd,
    /// A `__close` handler during a normal block exit: re-execute `Close`.
    Close,
    /// A `__close` handler during a return: re-execute the return.
    CloseReturn,
    /// A `__close` handler during error unwinding: continue unwinding.
    CloseError,
}

/// Where and how a call returns; immutable and interned.
#[derive(Debug)]
#[repr(C)]
pub struct CallSite {
    /// The calling instruction (its first word); null when the caller is native or Rust.
    pub instruction: *const u64,
    /// The pc (next word) at which the caller goes on.
    pub return_pc: *const u64,
    /// The caller's constants.
    pub constants: *const Value,
    /// The caller's proto; null when the caller is native or Rust.
    pub proto: *mut Proto,
    /// Bytes from the caller's base to the callee's base.
    pub delta: u32,
    /// How many results the caller wants; -1 for all.
    pub wanted: i32,
    /// [`CallSite::key_of`] the continuation and `wanted`.
    pub key: u32,
    /// What happens on return.
    pub continuation: Continuation,
    /// For [`Continuation::Branch`]: which truth value jumps.
    pub condition: bool,
    /// For [`Continuation::Store`] and [`Continuation::Concat`]: byte offset of the register.
    pub destination: u32,
    /// For [`Continuation::Branch`]: where to jump. For others unused (null).
    pub target: *const u64,
    /// For [`Continuation::Native`]: the state in which the caller goes on.
    pub state: u32,
}

impl CallSite {
    /// What the fast return paths test: one more than the number of results that a call wants, when
    /// they go to the function's slot and up and nothing else is to be done, else 0.
    pub const fn key_of(continuation: Continuation, wanted: i32) -> u32 {
        match (continuation, wanted) {
            (Continuation::Call | Continuation::GenericFor, 0..) => wanted as u32 + 1,
            _ => 0,
        }
    }
}

/// The function is native.
pub const FRAME_NATIVE: u32 = 1 << 0;
/// The function is a message handler being called, where the error was raised.
pub const FRAME_HANDLER: u32 = 1 << 1;
/// The function was tail-called.
///
/// The top bit, so that the fast return path drops it by a shift: it changes nothing there.
pub const FRAME_TAIL_CALL: u32 = 1 << 31;
/// A native frame that catches errors of its callees (pcall, xpcall, coroutine bodies).
pub const FRAME_PROTECTED: u32 = 1 << 2;
/// A protected native frame whose message handler is in its slot 2 (xpcall).
pub const FRAME_HAS_HANDLER: u32 = 1 << 3;
/// The frame counts in the thread's non-yieldable calls.
pub const FRAME_NON_YIELDABLE: u32 = 1 << 4;
/// The function was called by a finaliser run.
pub const FRAME_FINALIZER: u32 = 1 << 5;
/// The function is a hook being called.
pub const FRAME_HOOK: u32 = 1 << 6;
/// The frame counts in the thread's C calls (what recurses in PUC).
pub const FRAME_C_CALL: u32 = 1 << 7;
/// A protected native frame without a handler of its own, whose caller's handler hears of the errors
/// that it catches (load).
pub const FRAME_HEARD_OUTSIDE: u32 = 1 << 8;
/// What makes a frame catch errors.
pub const FRAME_PROTECTION: u32 = FRAME_PROTECTED | FRAME_HAS_HANDLER | FRAME_HEARD_OUTSIDE;
/// Bits from here up: for a native frame, its number of arguments is in `varargs`.
pub const FRAME_USER_SHIFT: u32 = 9;

/// One activation of a function.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame {
    /// Where it returns to.
    pub site: *const CallSite,
    /// Lua function: slots by which `VarArgPrep` shifted the base (0 when not variadic or not yet
    /// shifted... at least 1 after). Native function: its number of slots in use (arguments at
    /// first).
    pub varargs: u32,
    /// `FRAME_*` bits.
    pub flags: u32,
}
