//! The string table: all interned strings, in chains by hash.
//!
//! Invariants:
//! - An interned string is in exactly one chain, linked by its header's `next`, the chain of its
//!   hash; it is in no list of objects. So sweeping a chain frees strings and nothing has to be
//!   looked up for it.
//! - There are a power of two of chains.
//! - A string found dead (garbage that the running sweep has not reached) is made alive again
//!   before it is handed out.

use super::heap::Heap;
use super::{Kind, charge};
use crate::error::{LuaError, Result};
use crate::string::{HASHED, INTERNED, LuaString, MAX_SHORT, hash_bytes};
use std::alloc::Layout;

/// Fewest chains.
const MIN_BUCKETS: usize = 256;

/// The string table; see the module's text.
#[derive(Debug)]
pub struct StringTable {
    /// First string of each chain.
    pub(crate) buckets: Vec<*mut LuaString>,
    /// How many strings.
    pub(crate) count: usize,
    /// Makes hashes differ between states.
    seed: u64,
}

impl StringTable {
    pub(crate) fn new(seed: u64) -> StringTable {
        StringTable {
            buckets: Vec::new(),
            count: 0,
            seed,
        }
    }

    /// How many strings are interned.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether no string is interned.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The hash of `bytes` in this state.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u32 {
        hash_bytes(self.seed, bytes)
    }

    #[inline(always)]
    pub(crate) fn bucket_of(&self, hash: u32) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    /// The string with these bytes and this hash; null when there is none.
    #[inline]
    fn find(&self, bytes: &[u8], hash: u32) -> *mut LuaString {
        let mut string = self.buckets[self.bucket_of(hash)];
        // SAFETY: chains consist of strings that are not freed.
        unsafe {
            while !string.is_null() {
                if (*string).header.extra == hash && same(LuaString::as_bytes(string), bytes) {
                    break;
                }
                string = (*string).header.next.cast();
            }
        }
        string
    }

    /// Puts every string into its chain of a table of `size` chains. False when there is no memory
    /// for it: the table is then as before.
    fn resize(&mut self, size: usize) -> bool {
        let mut buckets = Vec::new();
        if buckets.try_reserve_exact(size).is_err() {
            return false;
        }
        buckets.resize(size, std::ptr::null_mut::<LuaString>());
        let old = std::mem::replace(&mut self.buckets, buckets);
        for mut string in old {
            while !string.is_null() {
                // SAFETY: chains consist of strings that are not freed.
                unsafe {
                    let next = (*string).header.next;
                    let bucket = self.bucket_of((*string).header.extra);
                    (*string).header.next = self.buckets[bucket].cast();
                    self.buckets[bucket] = string;
                    string = next.cast();
                }
            }
        }
        true
    }
}

/// Whether `a` and `b` are the same bytes: short ones word by word, for which a call of the C library's
/// function takes longer than the comparison.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    let len = a.len();
    if len != b.len() {
        return false;
    }
    let word = |bytes: &[u8], at: usize| bytes[at..at + 8].first_chunk::<8>().copied();
    match len {
        8..=16 => word(a, 0) == word(b, 0) && word(a, len - 8) == word(b, len - 8),
        1..=3 => a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1],
        _ => a == b,
    }
}

impl Heap {
    /// The string with these bytes; the same object for equal short strings.
    #[inline]
    pub fn new_string(&mut self, bytes: &[u8]) -> Result<*mut LuaString> {
        if bytes.len() <= MAX_SHORT {
            self.intern(bytes)
        } else {
            self.new_long_string(&[bytes], bytes.len())
        }
    }

    /// The concatenation of `parts`.
    pub fn string_from_parts(&mut self, parts: &[&[u8]]) -> Result<*mut LuaString> {
        let mut len = 0usize;
        for part in parts {
            len = len.checked_add(part.len()).ok_or(LuaError::Memory)?;
        }
        if len > MAX_SHORT {
            return self.new_long_string(parts, len);
        }
        let mut buffer = [0; MAX_SHORT];
        let mut at = 0;
        for part in parts {
            buffer[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.intern(&buffer[..len])
    }

    /// A string of `len` bytes that `fill` writes (they are zero at first).
    pub fn new_string_with(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<*mut LuaString> {
        if len <= MAX_SHORT {
            let mut buffer = [0; MAX_SHORT];
            fill(&mut buffer[..len]);
            return self.intern(&buffer[..len]);
        }
        let string = self.new_blank_string(len)?;
        // SAFETY: nobody else knows the string yet.
        fill(unsafe { LuaString::as_bytes_mut(string) });
        Ok(string)
    }

    /// A string of `len` zeroes, more than [`MAX_SHORT`], for who fills it before anybody else sees it.
    pub(crate) fn new_blank_string(&mut self, len: usize) -> Result<*mut LuaString> {
        debug_assert!(len > MAX_SHORT, "short strings are interned");
        // SAFETY: `LuaString` is what the kind names, and zeroes are valid ones: its bytes are allocated
        // behind it.
        unsafe {
            let string = self.allocate::<LuaString>(Kind::String, len)?;
            (*string).len = len;
            Ok(string)
        }
    }

    /// The interned string with these bytes, if there is one.
    pub fn find_string(&self, bytes: &[u8]) -> Option<*mut LuaString> {
        if bytes.len() > MAX_SHORT {
            return None;
        }
        let string = self.strings.find(bytes, self.strings.hash(bytes));
        (!string.is_null()).then(|| self.revive(string))
    }

    /// The string's hash; long strings remember it.
    ///
    /// # Safety
    /// `string` is a live string of this heap.
    #[inline]
    pub unsafe fn hash_string(&self, string: *mut LuaString) -> u32 {
        // SAFETY: the caller's contract.
        unsafe {
            if (*string).header.flags & HASHED == 0 {
                (*string).header.extra = self.strings.hash(LuaString::as_bytes(string));
                (*string).header.flags |= HASHED;
            }
            (*string).header.extra
        }
    }

    fn intern(&mut self, bytes: &[u8]) -> Result<*mut LuaString> {
        let hash = self.strings.hash(bytes);
        let found = self.strings.find(bytes, hash);
        if !found.is_null() {
            return Ok(self.revive(found));
        }
        if self.strings.count >= self.strings.buckets.len() {
            self.grow_string_table()?;
        }
        self.reserve_young_string()?;
        // SAFETY: `LuaString` is what the kind names; its bytes are written behind it. The string
        // goes into the chain of its hash.
        unsafe {
            let string = self.allocate_string(bytes.len())?;
            (*string).header.flags = INTERNED | HASHED;
            (*string).header.extra = hash;
            let to = (&raw mut (*string).bytes).cast::<u8>();
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            let bucket = self.strings.bucket_of(hash);
            (*string).header.next = self.strings.buckets[bucket].cast();
            self.strings.buckets[bucket] = string;
            self.strings.count += 1;
            self.note_young_string(string);
            Ok(string)
        }
    }

    /// A string that was found in the table, not to be swept.
    #[inline(always)]
    fn revive(&self, string: *mut LuaString) -> *mut LuaString {
        // SAFETY: strings in the table are not freed.
        unsafe {
            if self.is_dead(string.cast()) {
                (*string).header.set_colour(self.current_white);
            }
        }
        string
    }

    fn new_long_string(&mut self, parts: &[&[u8]], len: usize) -> Result<*mut LuaString> {
        // SAFETY: `len` bytes are allocated behind the string, as many as the parts have.
        unsafe {
            let string = self.allocate_string(len)?;
            let mut to = (&raw mut (*string).bytes).cast::<u8>();
            for part in parts {
                to.copy_from_nonoverlapping(part.as_ptr(), part.len());
                to = to.add(part.len());
            }
            (*string).header.next = self.objects;
            self.objects = string.cast();
            Ok(string)
        }
    }

    /// A string of `len` undefined bytes, in no list.
    #[inline]
    unsafe fn allocate_string(&mut self, len: usize) -> Result<*mut LuaString> {
        let size = size_of::<LuaString>()
            .checked_add(len)
            .ok_or(LuaError::Memory)?;
        let layout =
            Layout::from_size_align(size, align_of::<LuaString>()).map_err(|_| LuaError::Memory)?;
        let string = self.allocate_buffer(layout)?.as_ptr().cast::<LuaString>();
        // SAFETY: the memory is fresh and large enough.
        unsafe {
            string.write(LuaString {
                header: super::GcHeader {
                    next: std::ptr::null_mut(),
                    kind: Kind::String,
                    mark: self.current_white,
                    flags: 0,
                    reserved: 0,
                    extra: 0,
                },
                len,
                bytes: [],
            });
        }
        Ok(string)
    }

    /// Doubles the string table. Without memory for it the chains just grow longer, unless there
    /// is no table at all.
    #[cold]
    #[inline(never)]
    pub(crate) fn grow_string_table(&mut self) -> Result<()> {
        let old = self.strings.buckets.len();
        let new = (old * 2).max(MIN_BUCKETS);
        // Both tables are there while strings move.
        let bytes = charge::list::<*mut LuaString>(new);
        match self.charge(bytes) {
            Ok(()) if self.strings.resize(new) => {
                self.discharge(charge::list::<*mut LuaString>(old));
            }
            Err(error) if old == 0 => return Err(error),
            Ok(()) => {
                self.discharge(bytes);
                if old == 0 {
                    return Err(LuaError::Memory);
                }
            }
            Err(_) => {}
        }
        // A running sweep goes on where it was: chain `n` is split into itself and one behind it,
        // so what was still to be swept is so now.
        Ok(())
    }

    /// Shrinks the string table when it has become far too large.
    pub(crate) fn shrink_string_table(&mut self) {
        let old = self.strings.buckets.len();
        if old > MIN_BUCKETS && self.strings.count < old / 4 {
            let new = (old / 2).max(MIN_BUCKETS);
            if self.strings.resize(new) {
                let bytes = charge::list::<*mut LuaString>;
                self.discharge(bytes(old) - bytes(new));
            }
        }
    }
}
