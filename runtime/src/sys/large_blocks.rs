//! An allocator for programs: large blocks come from the operating system, one mapping each.
//!
//! Tables grow by doubling. General-purpose allocators copy a growing block and keep the old one
//! for later use, so a table of many megabytes leaves as much again behind. A mapping of its own
//! is given back at once, and on Linux grows by moving pages instead of bytes.
//!
//! Invariant: whether a block is a mapping follows from its size alone ([`is_large`]), so freeing
//! and resizing need no record. On platforms other than Linux every block is the inner
//! allocator's.

use std::alloc::{GlobalAlloc, Layout};

/// Blocks of at least this many bytes are mappings: large enough that the cost of a mapping (a
/// system call, and a page fault for every 4 KiB used) does not show.
const LARGE: usize = 2 << 20;

/// The allocator `A`, but for large blocks.
#[derive(Debug)]
pub struct LargeBlocks<A>(pub A);

fn is_large(size: usize, align: usize) -> bool {
    // Mappings are aligned to pages, which are of at least this size.
    cfg!(target_os = "linux") && size >= LARGE && align <= 4096
}

// SAFETY: small blocks are the inner allocator's; large ones are mappings of their own, which
// fulfil every layout that `is_large` lets through. Both kinds never mix (module invariant).
unsafe impl<A: GlobalAlloc> GlobalAlloc for LargeBlocks<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout.align()) {
            return mapping::new(layout.size());
        }
        // SAFETY: the caller's contract.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout.align()) {
            // Fresh pages are zero.
            return mapping::new(layout.size());
        }
        // SAFETY: the caller's contract.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract; the block is a mapping if and only if it is large.
        unsafe {
            if is_large(layout.size(), layout.align()) {
                mapping::free(p, layout.size());
            } else {
                self.0.dealloc(p, layout);
            }
        }
    }

    unsafe fn realloc(&self, p: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let was_large = is_large(layout.size(), layout.align());
        let is_large = is_large(new_size, layout.align());
        // SAFETY: the caller's contract; as `dealloc`. Where the kind changes, the common part is
        // copied before the old block is freed.
        unsafe {
            match (was_large, is_large) {
                (false, false) => self.0.realloc(p, layout, new_size),
                (true, true) => mapping::resize(p, layout.size(), new_size),
                _ => {
                    let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
                    let new = self.alloc(new_layout);
                    if !new.is_null() {
                        std::ptr::copy_nonoverlapping(p, new, layout.size().min(new_size));
                        self.dealloc(p, layout);
                    }
                    new
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod mapping {
    //! Anonymous private mappings.

    use std::ptr;

    /// `size` zero bytes; null when the system has none.
    pub(super) fn new(size: usize) -> *mut u8 {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping touches no existing memory.
        checked(unsafe { libc::mmap(ptr::null_mut(), size, access, kind, -1, 0) })
    }

    /// # Safety
    /// `p` is a mapping of `size` bytes made here, and not used any more.
    pub(super) unsafe fn free(p: *mut u8, size: usize) {
        // SAFETY: the caller's contract. A failure (too many mappings) leaves the memory mapped.
        unsafe { libc::munmap(p.cast(), size) };
    }

    /// # Safety
    /// As [`free`]; null means that nothing has changed.
    pub(super) unsafe fn resize(p: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: the caller's contract.
        checked(unsafe { libc::mremap(p.cast(), old, new, libc::MREMAP_MAYMOVE) })
    }

    fn checked(p: *mut libc::c_void) -> *mut u8 {
        if p == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        p.cast()
    }
}

#[cfg(not(target_os = "linux"))]
mod mapping {
    //! Stand-ins: without mappings no block is large.

    pub(super) fn new(_size: usize) -> *mut u8 {
        std::ptr::null_mut()
    }
    pub(super) unsafe fn free(_p: *mut u8, _size: usize) {}
    pub(super) unsafe fn resize(_p: *mut u8, _old: usize, _new: usize) -> *mut u8 {
        std::ptr::null_mut()
    }
}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use super::{LARGE, LargeBlocks};
    use std::alloc::{GlobalAlloc, Layout, System};

    #[test]
    fn blocks_keep_their_content_across_the_border() {
        let allocator = LargeBlocks(System);
        let sizes = [
            100,
            LARGE - 1,
            LARGE,
            3 * LARGE,
            LARGE + 1,
            5 * LARGE,
            LARGE - 1,
            10,
        ];
        // SAFETY: the layouts are those of the blocks, whose first bytes are written before read.
        unsafe {
            let mut layout = Layout::from_size_align(64, 8).expect("a layout");
            let mut p = allocator.alloc(layout);
            for n in 0..10 {
                *p.add(n) = n as u8;
            }
            for size in sizes {
                p = allocator.realloc(p, layout, size);
                assert!(!p.is_null());
                layout = Layout::from_size_align(size, 8).expect("a layout");
                *p.add(size - 1) = *p.add(size - 1);
                for n in 0..10 {
                    assert_eq!(*p.add(n), n as u8, "at {size}");
                }
            }
            allocator.dealloc(p, layout);
            let layout = Layout::from_size_align(LARGE, 8).expect("a layout");
            let p = allocator.alloc_zeroed(layout);
            assert_eq!((*p, *p.add(LARGE - 1)), (0, 0));
            allocator.dealloc(p, layout);
        }
    }
}
