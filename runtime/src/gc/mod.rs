//! The garbage collector: non-moving, incremental mark and sweep, generational by sticky marks.
//!
//! **Colours.** An object is *white* (not reached; there are two whites, so that objects born
//! after marking has ended differ from garbage that is not swept yet), *gray* (reached, its
//! references not visited) or *black* (visited). Machine code tests for black with one byte test of
//! [`BLACK`] in [`GcHeader::mark`].
//!
//! **Invariants.**
//! - While marking (phase `Mark`), and at all times in generational mode, no black object refers
//!   to a white one. Whoever stores a reference into an object calls a barrier
//!   ([`heap::Heap::barrier_back`], [`heap::Heap::barrier_forward`]). Inserting a new key into a
//!   table, changing its shape or its metatable counts as storing a reference, whatever the value.
//! - Threads never turn black: they are written without barriers, and visited again in the atomic
//!   part of every cycle.
//! - Collection happens only in [`step`] and [`full_collection`], which only VM safepoints call.
//!   Allocation never collects.
//! - Interned strings are owned by the string table's chains; every other object is in exactly one
//!   of the heap's object lists.
//!
//! **Generational mode** keeps the marks of survivors ("sticky"): what is black is old. A minor
//! collection marks from the roots, from old objects that a barrier turned gray and from old
//! threads, then sweeps only the objects born since the last collection.

pub mod barrier;
pub mod caches;
pub mod charge;
pub mod check;
pub mod construct;
pub mod finalize;
pub mod generational;
pub mod heap;
pub mod intern;
pub mod mark;
pub mod object;
pub mod pacing;
pub mod sweep;
pub mod weak;

#[cfg(test)]
mod tests;

use crate::coroutine::Thread;
use crate::value::Value;

pub use heap::Heap;
pub use pacing::{
    Mode, Stress, explicit_step, full_collection, set_generational, set_incremental, step,
};

/// What kind of heap object a header belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// [`crate::string::LuaString`]
    String,
    /// [`crate::table::Table`]
    Table,
    /// [`crate::function::LuaClosure`]
    LuaClosure,
    /// [`crate::function::NativeClosure`]
    NativeClosure,
    /// [`crate::userdata::Userdata`]
    Userdata,
    /// [`crate::coroutine::Thread`]
    Thread,
    /// [`crate::function::Cell`]
    Cell,
    /// [`crate::function::Proto`]
    Proto,
}

/// The first 16 bytes of every heap object.
#[derive(Debug)]
#[repr(C)]
pub struct GcHeader {
    /// The next object in the list that owns this one.
    pub next: *mut GcHeader,
    /// What it is.
    pub kind: Kind,
    /// Colour and finalisation bits: [`WHITES`], [`BLACK`], [`FINALIZABLE`].
    pub mark: u8,
    /// Bits for the object's own use.
    pub flags: u8,
    /// Padding.
    pub reserved: u8,
    /// A word for the object's own use (a string's hash, a table's shape id).
    pub extra: u32,
}

/// `mark` bit: the first white.
pub const WHITE_0: u8 = 1 << 0;
/// `mark` bit: the second white.
pub const WHITE_1: u8 = 1 << 1;
/// `mark` bits: both whites. An object has at most one of them.
pub const WHITES: u8 = WHITE_0 | WHITE_1;
/// `mark` bit: the object is black; barriers test it.
pub const BLACK: u8 = 1 << 2;
/// `mark` bits: all of the colour. None set: gray.
pub const COLOUR: u8 = WHITES | BLACK;
/// `mark` bit: the object has a finaliser that has not been called yet.
pub const FINALIZABLE: u8 = 1 << 3;

impl GcHeader {
    /// Whether it is white (of either kind).
    #[inline(always)]
    pub fn is_white(&self) -> bool {
        self.mark & WHITES != 0
    }
    /// Whether it is black.
    #[inline(always)]
    pub fn is_black(&self) -> bool {
        self.mark & BLACK != 0
    }
    /// Whether it is gray.
    #[inline(always)]
    pub fn is_gray(&self) -> bool {
        self.mark & COLOUR == 0
    }
    /// Gives it the colour `colour` (a white, [`BLACK`], or 0 for gray).
    #[inline(always)]
    pub(crate) fn set_colour(&mut self, colour: u8) {
        self.mark = self.mark & !COLOUR | colour;
    }
}

/// Where the collector finds what the program can reach. Implemented by the VM; tests have their
/// own.
///
/// # Safety
/// The visits must report every reference that the program can still use and that is not in a
/// reachable heap object, and may neither allocate from the heap nor touch it in other ways.
pub unsafe trait Roots {
    /// Visits all roots but the stacks of threads: registry, type metatables, handles, main and
    /// running thread, values held by native code. Called at the start and at the end of marking.
    ///
    /// # Safety
    /// `this` is a live root set.
    unsafe fn visit_roots(this: *mut Self, visit: &mut dyn FnMut(Value));

    /// Visits the live slots of each frame of `thread` and its other references (hook, resumer).
    /// When `atomic`, also clears the dead slots to nil.
    ///
    /// # Safety
    /// `this` is a live root set and `thread` a live thread of its heap.
    unsafe fn visit_thread(
        this: *mut Self,
        thread: *mut Thread,
        atomic: bool,
        visit: &mut dyn FnMut(Value),
    );

    /// Visits the shapes that compiled traces name: they live on if all that they refer to does, so
    /// that a program which makes objects of a shape again and again keeps its traces.
    ///
    /// # Safety
    /// `this` is a live root set.
    unsafe fn visit_traced_shapes(this: *mut Self, visit: &mut dyn FnMut(u32)) {
        let _ = (this, visit);
    }

    /// Called at the end of marking when shapes are about to be freed or objects have died: weak
    /// references outside the heap (compiled traces) to what is not live must be dropped.
    ///
    /// # Safety
    /// `this` is a live root set.
    unsafe fn forget_dead(
        this: *mut Self,
        is_live_shape: &dyn Fn(u32) -> bool,
        is_live_object: &dyn Fn(*const GcHeader) -> bool,
    ) {
        let _ = (this, is_live_shape, is_live_object);
    }
}
