//! An allocator for programs: what is allocated first lies side by side.
//!
//! A general-purpose allocator gives each size its own pages, and a starting program asks for a
//! few blocks of every size: the page faults are a good part of what a short script takes. The
//! first blocks come from one region instead, which is prepared by one system call; most of them
//! live as long as the process.
//!
//! Invariants: the region only grows, block by block, and a block of it is never used again once
//! freed; whether a block is in the region follows from its address. On platforms other than Linux
//! every block is the inner allocator's.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of the region: what a state with the standard library and a small script take.
const REGION: usize = 96 << 10;
/// Larger blocks are left to the inner allocator: they would waste the region when they grow.
const LARGEST: usize = 2048;

/// The memory of the region; zero until used, so it is no part of the program's file.
#[repr(align(4096))]
struct Region(UnsafeCell<[u8; REGION]>);

// SAFETY: each part of the region is handed out once, to one owner (`FirstBlocks::take`).
unsafe impl Sync for Region {}

static MEMORY: Region = Region(UnsafeCell::new([0; REGION]));
/// Bytes of the region handed out; more than there are when it is full.
static USED: AtomicUsize = AtomicUsize::new(0);

/// The allocator `A`, but for the first blocks.
#[derive(Debug)]
pub struct FirstBlocks<A>(pub A);

fn region() -> usize {
    MEMORY.0.get() as usize
}

fn is_in_region(p: *const u8) -> bool {
    cfg!(target_os = "linux") && (p as usize).wrapping_sub(region()) < REGION
}

/// A zeroed block of the region, if it still has one.
#[inline(always)]
fn take(layout: Layout) -> Option<*mut u8> {
    if !cfg!(target_os = "linux") || USED.load(Ordering::Relaxed) >= REGION {
        return None;
    }
    take_slowly(layout)
}

#[cold]
#[inline(never)]
fn take_slowly(layout: Layout) -> Option<*mut u8> {
    const UNIT: usize = 16;
    if layout.size() > LARGEST || layout.align() > UNIT {
        return None;
    }
    let size = layout.size().next_multiple_of(UNIT);
    let start = USED.fetch_add(size, Ordering::Relaxed);
    if start == 0 {
        prepare();
    }
    if start + size > REGION {
        // Full from now on, whatever smaller block would still fit.
        USED.store(REGION, Ordering::Relaxed);
        return None;
    }
    Some((region() + start) as *mut u8)
}

/// Has the system map the region's pages at once; that it may not is no failure.
fn prepare() {
    // SAFETY: the pages are the region's own, and their content does not change.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::madvise(MEMORY.0.get().cast(), REGION, libc::MADV_POPULATE_WRITE);
    }
}

// SAFETY: blocks of the region are disjoint, aligned to what `take_slowly` accepts, and never
// handed out twice; all others are the inner allocator's. The address tells them apart.
unsafe impl<A: GlobalAlloc> GlobalAlloc for FirstBlocks<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match take(layout) {
            Some(p) => p,
            // SAFETY: the caller's contract.
            None => unsafe { self.0.alloc(layout) },
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match take(layout) {
            Some(p) => p,
            // SAFETY: the caller's contract.
            None => unsafe { self.0.alloc_zeroed(layout) },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        if !is_in_region(p) {
            // SAFETY: the caller's contract.
            unsafe { self.0.dealloc(p, layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's contract; a block of the region is copied to a new one.
        unsafe {
            if !is_in_region(p) {
                return self.0.realloc(p, layout, new_size);
            }
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            let new = self.alloc(new_layout);
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(p, new, layout.size().min(new_size));
            }
            new
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{FirstBlocks, LARGEST, REGION, is_in_region};
    use std::alloc::{GlobalAlloc, Layout, System};

    #[test]
    fn the_region_serves_until_it_is_full_and_its_blocks_can_leave_it() {
        let allocator = FirstBlocks(System);
        let layout = Layout::from_size_align(100, 16).expect("a layout");
        let mut blocks: Vec<*mut u8> = Vec::new();
        // SAFETY: the layouts are those of the blocks, which are written before they are read.
        unsafe {
            for n in 0..2 * REGION / 100 {
                let p = allocator.alloc(layout);
                assert!(!p.is_null() && (p as usize).is_multiple_of(16));
                p.write_bytes(n as u8, 100);
                blocks.push(p);
            }
            assert!(is_in_region(blocks[0]));
            assert!(!is_in_region(blocks[blocks.len() - 1]));
            for (n, p) in blocks.iter_mut().enumerate() {
                *p = allocator.realloc(*p, layout, 2 * LARGEST);
                assert!(!is_in_region(*p));
                assert!((0..100).all(|at| *p.add(at) == n as u8), "block {n}");
                let larger = Layout::from_size_align(2 * LARGEST, 16).expect("a layout");
                allocator.dealloc(*p, larger);
            }
        }
    }
}
