//! The heap: every byte that Lua programs cause to be allocated, and the collector's state.
//!
//! Invariants:
//! - `used` is the sum of all charged bytes: objects, their parts, the string table, the
//!   collector's own lists, shapes, and what others charge ([`Heap::charge`]).
//! - `used <= limit`; `ceiling` is `limit`, or 0 while failing the N-th allocation is armed, so
//!   that one compare on the fast path serves both.
//! - `threshold <= granted`: what lies between is what traces did not make since the threshold was
//!   set. They may lower it down to `used`, never below.
//! - A safepoint calls [`crate::gc::step`] when `used > threshold`.

use super::charge;
use super::generational::Generations;
use super::intern::StringTable;
use super::pacing::Pacing;
use super::weak::WeakLists;
use super::{FINALIZABLE, GcHeader, Kind, WHITE_0, WHITES};
use crate::coroutine::Thread;
use crate::error::{LuaError, Result};
use crate::function::Proto;
use crate::metatable::Event;
use crate::string::LuaString;
use crate::table::shape::Shapes;
use crate::userdata::Boxed;
use crate::value::{self, Value};
use std::alloc::Layout;
use std::collections::VecDeque;
use std::ptr::NonNull;

/// What the collector is doing between two steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Phase {
    /// Waiting for the next cycle; everything is white (incremental mode).
    Pause,
    /// Marking. In generational mode also between collections.
    Mark,
    /// Sweeping the object list.
    SweepObjects,
    /// Sweeping the string table.
    SweepStrings,
}

/// The heap; see the module's text.
pub struct Heap {
    /// Bytes in use.
    pub(crate) used: usize,
    /// Above this many bytes, a safepoint runs the collector. Traces lower it by the bytes of the
    /// objects that they do not make.
    pub(crate) threshold: usize,
    /// The threshold as it was last set.
    pub(crate) granted: usize,
    /// Bytes charged for call sites and caches of protos.
    pub(crate) learned: usize,
    /// Bytes charged for compiled code.
    pub(crate) compiled: usize,
    /// Bytes of objects that traces did not make, since the last cycle and before the threshold was
    /// last set.
    pub(crate) unmade: usize,
    /// The most bytes that were seen in use since the allocator last gave back memory.
    peak: usize,
    /// Above this many bytes, charging takes its slow path.
    ceiling: usize,
    /// The white of new objects.
    pub(crate) current_white: u8,
    /// What the collector is doing.
    pub(crate) phase: Phase,

    /// Interned strings.
    pub strings: StringTable,
    /// Shapes of tables.
    pub shapes: Shapes,
    /// Names of metamethod events, by event number; never collected.
    pub names: [*mut LuaString; Event::ALL.len()],
    /// Names of types as `type` gives them, by value tag; never collected.
    pub type_names: [*mut LuaString; value::CELL as usize + 1],
    /// "not enough memory", the error value of [`LuaError::Memory`]; never collected.
    pub memory_error: *mut LuaString,

    /// Objects born since the last collection (generational) or not being swept (incremental).
    pub(crate) objects: *mut GcHeader,
    /// Objects that the running sweep has not reached yet.
    pub(crate) unswept: *mut GcHeader,
    /// The next bucket of the string table to sweep.
    pub(crate) sweep_bucket: usize,
    /// Generational mode's own lists.
    pub(crate) generations: Generations,
    /// Reached objects whose references have not been visited.
    pub(crate) gray: Vec<*mut GcHeader>,
    /// Black objects that a barrier turned gray; visited in the atomic part.
    pub(crate) gray_again: Vec<*mut GcHeader>,
    /// Reached threads; visited again in the atomic part.
    pub(crate) marked_threads: Vec<*mut Thread>,
    /// An object is gray but in no list, for want of memory.
    pub(crate) gray_overflow: bool,
    /// A thread is in no list, for want of memory.
    pub(crate) threads_lost: bool,
    /// Weak tables met while marking.
    pub(crate) weak: WeakLists,
    /// All protos that are not swept.
    pub(crate) protos: Vec<*mut Proto>,
    /// Objects with a finaliser, in the order in which they were armed.
    pub(crate) finalizable: Vec<*mut GcHeader>,
    /// Objects to be finalised, first to call first.
    pub(crate) pending: VecDeque<*mut GcHeader>,
    /// Values of freed userdata, to be dropped at a safepoint.
    pub(crate) dropped: Vec<Boxed>,

    /// When to collect and how fast.
    pub(crate) pacing: Pacing,
    /// The most bytes that may be in use.
    pub(crate) limit: usize,
    /// The bytes between that and the limit that was asked for.
    gaps: usize,
    /// The bytes that were last refused because of the limit.
    refused: usize,
    /// How many more allocations succeed before one fails.
    failing: Option<u64>,
}

/// No limit: more than any machine has, yet safe to add to.
pub(super) const UNLIMITED: usize = isize::MAX as usize;

impl Heap {
    /// An empty heap whose string hashes depend on `seed`.
    pub fn new(seed: u64) -> Result<Box<Heap>> {
        let mut heap = Box::new(Heap {
            used: 0,
            threshold: 0,
            granted: 0,
            learned: 0,
            compiled: 0,
            unmade: 0,
            peak: 0,
            ceiling: UNLIMITED,
            current_white: WHITE_0,
            phase: Phase::Pause,
            strings: StringTable::new(seed),
            shapes: Shapes::default(),
            names: [std::ptr::null_mut(); Event::ALL.len()],
            type_names: [std::ptr::null_mut(); value::CELL as usize + 1],
            memory_error: std::ptr::null_mut(),
            objects: std::ptr::null_mut(),
            unswept: std::ptr::null_mut(),
            sweep_bucket: 0,
            generations: Generations::default(),
            gray: Vec::new(),
            gray_again: Vec::new(),
            marked_threads: Vec::new(),
            gray_overflow: false,
            threads_lost: false,
            weak: WeakLists::default(),
            protos: Vec::new(),
            finalizable: Vec::new(),
            pending: VecDeque::new(),
            dropped: Vec::new(),
            pacing: Pacing::default(),
            limit: UNLIMITED,
            gaps: 0,
            refused: 0,
            failing: None,
        });
        heap.charge(charge::block(size_of::<Heap>()))?;
        heap.grow_string_table()?;
        for (index, event) in Event::ALL.iter().enumerate() {
            heap.names[index] = heap.new_string(event.name().as_bytes())?;
        }
        for tag in 0..heap.type_names.len() {
            let name = Value {
                payload: 0,
                tag: tag as u8,
            }
            .type_name();
            heap.type_names[tag] = heap.new_string(name.as_bytes())?;
        }
        heap.memory_error = heap.new_string(b"not enough memory")?;
        // Too long to be interned, so that no string of a program is identical to it.
        heap.shapes.metatable_key =
            heap.new_string(b"(slot of a metatable that the shape does not name)")?;
        heap.pacing.estimate = heap.used;
        heap.pause_until_next_cycle();
        Ok(heap)
    }

    /// Bytes in use as the program counts them: with those of the garbage that traces did not make,
    /// as long as no cycle has ended that would have freed it; without what the state takes for its
    /// own purposes, and keeps for as long as it likes (shapes, caches, compiled code).
    pub fn apparent_bytes(&self) -> usize {
        let unmade = self.unmade.saturating_add(self.granted - self.threshold);
        let own = self.shapes.charged + self.learned + self.compiled;
        self.used.saturating_sub(own).saturating_add(unmade)
    }

    /// Counts `bytes` of objects that a trace does not make, as if they had been allocated. False,
    /// and nothing is counted, when the collector would then be due.
    pub fn charge_unmade(&mut self, bytes: usize) -> bool {
        match self.threshold.checked_sub(bytes) {
            Some(left) if left >= self.used => {
                self.threshold = left;
                true
            }
            _ => false,
        }
    }

    /// Charges what compiled code takes in all, in place of what it took before. The collector, which can
    /// do nothing about it, works neither more nor less for that: its debt stays. But where memory is
    /// limited it starts earlier with more code.
    ///
    /// # Errors
    /// It is more than before, and beyond the limit; then nothing has changed.
    pub fn charge_compiled(&mut self, bytes: usize) -> Result<()> {
        match bytes.checked_sub(self.compiled) {
            Some(more) => self.charge(more)?,
            None => self.discharge(self.compiled - bytes),
        }
        self.move_threshold(bytes as isize - self.compiled as isize);
        self.compiled = bytes;
        Ok(())
    }

    /// To be called where much memory may be in use.
    #[inline]
    pub(crate) fn note_peak(&mut self) {
        self.peak = self.peak.max(self.used);
    }

    /// To be called where much memory may have been freed. If there is a limit, and more than half of it
    /// was in use, the allocator has to give back what is not: it would keep that for blocks of like
    /// sizes, and take more for others. The nearer the limit was, the less it may keep.
    #[inline]
    pub(crate) fn return_memory(&mut self) {
        if self.limit != UNLIMITED && self.peak > self.limit / 2 {
            let free = self.peak.saturating_sub(self.used);
            let spare = self.limit.saturating_sub(self.peak) + self.limit / 32;
            if free > spare.min(self.limit / 8) {
                self.return_memory_now();
            }
        }
    }

    /// To be called before a block of so many bytes is allocated. What the allocator keeps of what was freed is
    /// of no use for a large one: the allocator gives it back first, if both would not fit below the limit.
    #[inline]
    pub(crate) fn expect_block(&mut self, bytes: usize) {
        const LARGE: usize = 64 << 10;
        if bytes >= LARGE {
            self.expect_large_block(bytes);
        }
    }

    #[cold]
    #[inline(never)]
    fn expect_large_block(&mut self, bytes: usize) {
        if self.limit != UNLIMITED
            && self.peak > self.used + self.limit / 64
            && self.peak.saturating_add(bytes) > self.limit
        {
            self.return_memory_now();
        }
    }

    #[cold]
    #[inline(never)]
    fn return_memory_now(&mut self) {
        crate::sys::return_memory();
        self.peak = self.used;
    }

    /// Whether memory in use comes near the limit.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.used > self.limit_guard()
    }

    /// Bytes in use.
    #[inline(always)]
    pub fn used_bytes(&self) -> usize {
        self.used
    }

    /// Whether a safepoint must call [`crate::gc::step`].
    #[inline(always)]
    pub fn needs_step(&self) -> bool {
        self.used > self.threshold
    }

    /// Charges `bytes` that a `Vec`, a `Box` or the like owns on behalf of the program.
    #[inline(always)]
    pub fn charge(&mut self, bytes: usize) -> Result<()> {
        match self.used.checked_add(bytes) {
            Some(used) if used <= self.ceiling => {
                self.used = used;
                Ok(())
            }
            _ => self.charge_slow(bytes),
        }
    }

    /// Takes back what [`Heap::charge`] charged.
    #[inline(always)]
    pub fn discharge(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.used, "discharging more than was charged");
        self.used = self.used.saturating_sub(bytes);
    }

    #[cold]
    #[inline(never)]
    fn charge_slow(&mut self, bytes: usize) -> Result<()> {
        if let Some(left) = self.failing {
            self.failing = left.checked_sub(1);
            self.ceiling = if self.failing.is_some() {
                0
            } else {
                self.limit
            };
            if left == 0 {
                self.refused = 0;
                return Err(LuaError::Memory);
            }
        }
        match self.used.checked_add(bytes) {
            Some(used) if used <= self.limit => {
                self.used = used;
                Ok(())
            }
            _ => {
                self.refused = bytes;
                Err(LuaError::Memory)
            }
        }
    }

    /// Whether an allocation has failed since this was last asked that is worth a collection before it is
    /// tried again: one that the limit refused, and not a small one, since a program that lives at its
    /// limit would do nothing but collect.
    pub(crate) fn take_refusal(&mut self) -> bool {
        const SMALLEST: usize = 64;
        let refused = std::mem::take(&mut self.refused);
        refused <= self.limit && refused > self.limit / SMALLEST
    }

    /// Limits the bytes in use; `None` lifts the limit. What is in use already stays. Of what is still free a
    /// sixty-fourth is left to the allocator, which can't use all gaps between blocks that live: it is
    /// resident, but no block has it.
    pub fn set_memory_limit(&mut self, limit: Option<usize>) {
        const GAPS: usize = 64;
        self.limit = limit.unwrap_or(UNLIMITED).min(UNLIMITED);
        self.gaps = match self.limit {
            UNLIMITED => 0,
            limit => limit.saturating_sub(self.used) / GAPS,
        };
        self.limit -= self.gaps;
        if self.failing.is_none() {
            self.ceiling = self.limit;
        }
        self.set_threshold(self.threshold);
    }

    /// Does what may not fail for the limit's sake: what it charges counts, but is not refused.
    pub fn beyond_limit<T>(&mut self, act: impl FnOnce(&mut Heap) -> T) -> T {
        let (limit, ceiling) = (self.limit, self.ceiling);
        self.limit = UNLIMITED;
        if self.failing.is_none() {
            self.ceiling = UNLIMITED;
        }
        let result = act(self);
        self.limit = limit;
        self.ceiling = if self.failing.is_none() {
            limit
        } else {
            ceiling
        };
        result
    }

    /// The limit on bytes in use, if there is one.
    pub fn memory_limit(&self) -> Option<usize> {
        (self.limit != UNLIMITED).then_some(self.limit + self.gaps)
    }

    /// Makes the `n`-th charge from now on (1 is the next) fail with [`LuaError::Memory`], once;
    /// answers whether an earlier order was still waiting for its turn.
    pub fn fail_nth_allocation(&mut self, n: Option<u64>) -> bool {
        let was_waiting = self.failing.is_some();
        self.failing = n.map(|n| n.saturating_sub(1));
        self.ceiling = if self.failing.is_some() {
            0
        } else {
            self.limit
        };
        was_waiting
    }

    /// Memory of `layout`, charged as [`charge::block`] says. Its content is undefined.
    #[inline]
    pub fn allocate_buffer(&mut self, layout: Layout) -> Result<NonNull<u8>> {
        if layout.size() == 0 {
            return Ok(dangling(layout));
        }
        self.expect_block(layout.size());
        self.charge(charge::block(layout.size()))?;
        // SAFETY: the layout's size is not zero.
        match NonNull::new(unsafe { std::alloc::alloc(layout) }) {
            Some(p) => Ok(p),
            None => {
                self.discharge(charge::block(layout.size()));
                Err(LuaError::Memory)
            }
        }
    }

    /// Changes the size of a buffer; the common prefix keeps its content. On failure the buffer
    /// is as before.
    ///
    /// # Safety
    /// `p` came from this heap with layout `old`; afterwards only the result is used.
    pub unsafe fn reallocate_buffer(
        &mut self,
        p: NonNull<u8>,
        old: Layout,
        new_size: usize,
    ) -> Result<NonNull<u8>> {
        let new = Layout::from_size_align(new_size, old.align()).map_err(|_| LuaError::Memory)?;
        if old.size() == 0 {
            return self.allocate_buffer(new);
        }
        if new_size == 0 {
            // SAFETY: the caller's contract.
            unsafe { self.free_buffer(p, old) };
            return Ok(dangling(new));
        }
        // Growth is charged first, so that a refusal leaves everything as it was; and in full, since an
        // allocator that copies has both blocks for a while.
        let (before, after) = (charge::block(old.size()), charge::block(new_size));
        let grows = after > before;
        if grows {
            self.expect_block(new_size);
            self.charge(after)?;
            self.note_peak();
        }
        // SAFETY: the caller's contract; the new size is not zero and fits a layout.
        match NonNull::new(unsafe { std::alloc::realloc(p.as_ptr(), old, new_size) }) {
            Some(p) => {
                self.discharge(if grows { before } else { before - after });
                Ok(p)
            }
            None => {
                self.discharge(if grows { after } else { 0 });
                Err(LuaError::Memory)
            }
        }
    }

    /// Frees a buffer.
    ///
    /// # Safety
    /// `p` came from this heap with `layout` and is not used any more.
    #[inline]
    pub unsafe fn free_buffer(&mut self, p: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            self.discharge(charge::block(layout.size()));
            // SAFETY: the caller's contract.
            unsafe { std::alloc::dealloc(p.as_ptr(), layout) };
        }
    }

    /// A new object of type `T` with `trailing_bytes` behind it: header initialised, white, in the
    /// list of all objects; the rest zeroed.
    ///
    /// # Safety
    /// `T` is the `repr(C)` type that `kind` names and starts with a [`GcHeader`]. If zeroes are
    /// not a valid `T`, the caller writes the rest before the next allocation or safepoint.
    #[inline]
    pub unsafe fn allocate<T>(&mut self, kind: Kind, trailing_bytes: usize) -> Result<*mut T> {
        // SAFETY: the caller's contract.
        unsafe {
            let object = self.allocate_unlinked::<T>(kind, trailing_bytes)?;
            let header = object.cast::<GcHeader>();
            (*header).next = self.objects;
            self.objects = header;
            Ok(object)
        }
    }

    /// As [`Heap::allocate`], but in no list.
    ///
    /// # Safety
    /// As [`Heap::allocate`]; the caller links the object.
    #[inline]
    pub(crate) unsafe fn allocate_unlinked<T>(
        &mut self,
        kind: Kind,
        trailing_bytes: usize,
    ) -> Result<*mut T> {
        let size = size_of::<T>()
            .checked_add(trailing_bytes)
            .ok_or(LuaError::Memory)?;
        let layout =
            Layout::from_size_align(size, align_of::<T>()).map_err(|_| LuaError::Memory)?;
        let object = self.allocate_buffer(layout)?.as_ptr();
        // The rest is zeroed apart from the header: were all of it, the compiler would ask for zeroed
        // memory in one go, which glibc's allocator does not take from its fast lists.
        // SAFETY: the memory is fresh, of `size` bytes, and at least a header long.
        unsafe {
            object.cast::<GcHeader>().write(GcHeader {
                next: std::ptr::null_mut(),
                kind,
                mark: self.current_white,
                flags: 0,
                reserved: 0,
                extra: 0,
            });
            let header = size_of::<GcHeader>();
            object.add(header).write_bytes(0, size - header);
        }
        Ok(object.cast())
    }

    /// The white of garbage that is not swept yet.
    #[inline(always)]
    pub(crate) fn other_white(&self) -> u8 {
        self.current_white ^ WHITES
    }

    /// Whether an object is garbage that the running sweep has not freed yet.
    ///
    /// # Safety
    /// `object` is in this heap.
    #[inline(always)]
    pub unsafe fn is_dead(&self, object: *const GcHeader) -> bool {
        // SAFETY: the caller's contract.
        unsafe { (*object).mark & self.other_white() != 0 }
    }

    /// Gives one of the heap's lists room for `more` items than it has.
    ///
    /// # Errors
    /// Memory; then nothing has changed.
    pub(crate) fn grow_list<T>(
        &mut self,
        more: usize,
        of: impl Fn(&mut Heap) -> &mut Vec<T>,
    ) -> Result<()> {
        let before = of(self).capacity();
        let bytes = charge::list::<T>(of(self).len() + more);
        self.charge(bytes)?;
        let is_larger = of(self).try_reserve_exact(more).is_ok();
        self.discharge(bytes);
        self.used = self.used - charge::list::<T>(before) + charge::list::<T>(of(self).capacity());
        if is_larger {
            Ok(())
        } else {
            Err(LuaError::Memory)
        }
    }

    /// Room to list one more proto.
    pub(crate) fn reserve_proto(&mut self) -> Result<()> {
        if self.protos.len() == self.protos.capacity() {
            let more = self.protos.capacity().max(32);
            self.grow_list(more, |heap| &mut heap.protos)?;
        }
        Ok(())
    }

    /// Registers an object to be finalised once it is garbage; called by `setmetatable` when the
    /// metatable has a `__gc` field at that time. Does nothing for an object that is registered
    /// already, and while the state is being closed.
    ///
    /// # Safety
    /// `object` is a live table or userdata of this heap.
    pub unsafe fn arm_finalizer(&mut self, object: *mut GcHeader) -> Result<()> {
        // SAFETY: the caller's contract.
        unsafe {
            if (*object).mark & FINALIZABLE != 0 || self.pacing.is_closing() {
                return Ok(());
            }
            self.reserve_finalizable()?;
            self.finalizable.push(object);
            (*object).mark |= FINALIZABLE;
        }
        Ok(())
    }
}

/// The address that stands for a buffer without bytes.
fn dangling(layout: Layout) -> NonNull<u8> {
    NonNull::new(std::ptr::without_provenance_mut(layout.align())).unwrap_or(NonNull::dangling())
}
