//! The memory of machine code: one file in memory, mapped twice.
//!
//! Invariants:
//! - No page is ever mapped writable and executable; writes go through the writable view.
//! - Code is appended; [`CodeArea::truncate`] drops what was appended since a mark, when none of it
//!   runs.
//! - A processor may have fetched what stood at an address before it was written. Who writes executes what
//!   is written only by way of jumps; other threads of a state call [`see_new_code`] before.

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often code was written, in any area. Who has waited for the writer sees the number that it left.
static VERSION: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The version of which this thread's processor has no older code at hand.
    static SEEN: Cell<usize> = const { Cell::new(0) };
}

/// Has this thread execute no code from here on that other threads have overwritten.
#[inline]
pub(in crate::backend) fn see_new_code() {
    let version = VERSION.load(Ordering::Relaxed);
    SEEN.with(|seen| {
        if seen.replace(version) != version {
            serialise();
        }
    });
}

/// Executes an instruction before whose end nothing behind it is fetched: what processors' manuals ask for
/// before code is executed that another processor has written.
#[cold]
#[allow(unused_unsafe, reason = "newer compilers know that it is safe")]
fn serialise() {
    // SAFETY: every x86-64 processor has this instruction.
    let leaf = unsafe { std::arch::x86_64::__cpuid(0) };
    std::hint::black_box(leaf);
}

/// Two views of the same memory.
#[derive(Debug)]
pub(super) struct CodeArea {
    writable: NonNull<u8>,
    executable: NonNull<u8>,
    size: usize,
    used: usize,
    /// Up to where the system was asked for pages.
    populated: usize,
}

/// Bytes for which the system is asked for pages at a time: to fault in each of both views costs more.
const POPULATED: usize = 32 << 10;

impl CodeArea {
    /// An area of `size` bytes (rounded up to pages). Pages cost memory once they are written.
    pub(super) fn new(size: usize) -> Option<CodeArea> {
        let size = size.next_multiple_of(4096);
        // SAFETY: plain system calls on a file descriptor of our own; the results are checked.
        unsafe {
            let file = libc::memfd_create(c"perilune-traces".as_ptr(), libc::MFD_CLOEXEC);
            if file < 0 {
                return None;
            }
            let map = |access| {
                let p = libc::mmap(
                    std::ptr::null_mut(),
                    size,
                    access,
                    libc::MAP_SHARED | libc::MAP_NORESERVE,
                    file,
                    0,
                );
                (p != libc::MAP_FAILED)
                    .then(|| NonNull::new(p.cast::<u8>()))
                    .flatten()
            };
            let views = if libc::ftruncate(file, size as libc::off_t) == 0 {
                let writable = map(libc::PROT_READ | libc::PROT_WRITE);
                let executable = map(libc::PROT_READ | libc::PROT_EXEC);
                if let (Some(one), None) | (None, Some(one)) = (writable, executable) {
                    libc::munmap(one.as_ptr().cast(), size);
                }
                writable.zip(executable)
            } else {
                None
            };
            libc::close(file);
            let (writable, executable) = views?;
            Some(CodeArea {
                writable,
                executable,
                size,
                used: 0,
                populated: 0,
            })
        }
    }

    /// The address at which the next code will run.
    pub(super) fn next(&self) -> usize {
        self.executable.as_ptr() as usize + self.used
    }

    /// The address of the first byte, and the size.
    pub(super) fn extent(&self) -> (usize, usize) {
        (self.executable.as_ptr() as usize, self.size)
    }

    /// Bytes in use.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Appends code that was made for [`CodeArea::next`]; false when there is no room.
    pub(super) fn append(&mut self, code: &[u8]) -> bool {
        let length = code.len().next_multiple_of(16);
        if length > self.size - self.used {
            return false;
        }
        self.populate(self.used + length);
        // SAFETY: the range lies within the mapping, and nothing refers to it.
        unsafe {
            let to = self.writable.as_ptr().add(self.used);
            std::ptr::copy_nonoverlapping(code.as_ptr(), to, code.len());
            std::ptr::write_bytes(to.add(code.len()), 0xcc, length - code.len());
        }
        self.used += length;
        VERSION.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Has the system back the memory up to `end`. Where it does not know that request, pages come when
    /// they are touched.
    fn populate(&mut self, end: usize) {
        if end <= self.populated {
            return;
        }
        let to = end.next_multiple_of(POPULATED).min(self.size);
        let length = to - self.populated;
        let views = [
            (self.writable, libc::MADV_POPULATE_WRITE),
            (self.executable, libc::MADV_POPULATE_READ),
        ];
        for (view, advice) in views {
            // SAFETY: the range lies within the mapping, and its contents stay as they are.
            unsafe { libc::madvise(view.as_ptr().add(self.populated).cast(), length, advice) };
        }
        self.populated = to;
    }

    /// Overwrites code at an address of the executable view.
    ///
    /// # Safety
    /// The bytes there make up whole instructions, none of which is being executed.
    pub(super) unsafe fn overwrite(&mut self, address: usize, code: &[u8]) {
        let offset = address - self.executable.as_ptr() as usize;
        assert!(offset + code.len() <= self.used);
        // SAFETY: within the mapping; the caller's contract.
        unsafe {
            let to = self.writable.as_ptr().add(offset);
            std::ptr::copy_nonoverlapping(code.as_ptr(), to, code.len());
        }
        VERSION.fetch_add(1, Ordering::Relaxed);
    }

    /// The code from an address on.
    pub(super) fn code(&self, address: usize, bytes: usize) -> &[u8] {
        let offset = address - self.executable.as_ptr() as usize;
        assert!(offset + bytes <= self.size);
        // SAFETY: within the mapping; written only through `&mut self`.
        unsafe { std::slice::from_raw_parts(self.writable.as_ptr().add(offset), bytes) }
    }

    /// Drops all code but the first `used` bytes, and the memory of the rest.
    pub(super) fn truncate(&mut self, used: usize) {
        self.used = used.min(self.used);
        let kept = self.used.next_multiple_of(POPULATED).min(self.populated);
        // SAFETY: nothing refers to code from here on, and it reads as zeroes. Where the system does not
        // give the memory back, it is written over.
        let outcome = unsafe {
            let from = self.writable.as_ptr().add(kept);
            libc::madvise(from.cast(), self.populated - kept, libc::MADV_REMOVE)
        };
        if outcome == 0 {
            self.populated = kept;
        }
    }
}

impl Drop for CodeArea {
    fn drop(&mut self) {
        // SAFETY: both mappings are ours, and no code of theirs runs any more.
        unsafe {
            libc::munmap(self.writable.as_ptr().cast(), self.size);
            libc::munmap(self.executable.as_ptr().cast(), self.size);
        }
    }
}
