//! Key lists: the keys of a lineage of shapes, in slot order, shared by all shapes of the lineage.
//!
//! A shape with `n` slots uses the first `n` keys of its list. Its child for a new key appends to
//! the same list when the shape is the list's longest user, and copies the list otherwise. So a
//! straight chain of shapes costs one list, and looking a key up needs no walk to the parents.
//!
//! Invariants:
//! - The keys of a list are distinct interned strings; the first `len` are initialised.
//! - A list never moves and never has more keys than `capacity`: a longer chain starts a new list.
//! - Lists with room for more than [`SCAN_LIMIT`] keys have an index: a table of bytes, open
//!   addressing by the string's hash, whose entries are slot + 1, or 0 for "free". It is at most
//!   half full.

use crate::string::LuaString;
use std::alloc::Layout;
use std::ptr::{self, NonNull};

/// Up to this many keys are compared one by one.
pub(crate) const SCAN_LIMIT: usize = 8;
/// The first list of a lineage has room for this many keys.
const FIRST_CAPACITY: usize = 4;

/// A list of keys; the keys and then the index follow the struct.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct KeyList {
    /// How many shapes use it.
    pub(crate) users: u32,
    /// How many keys it has.
    pub(crate) len: u16,
    /// How many keys it has room for.
    capacity: u16,
    /// While shapes are swept: how many keys the longest live user has.
    pub(crate) live: u16,
    /// Size of the index minus one; 0 when there is none.
    index_mask: u16,
    /// The first key.
    keys: [*mut LuaString; 0],
}

impl KeyList {
    fn index_size(capacity: usize) -> usize {
        if capacity > SCAN_LIMIT {
            capacity.next_power_of_two() * 2
        } else {
            0
        }
    }

    fn layout(capacity: usize) -> Option<Layout> {
        let size = size_of::<KeyList>() + capacity * 8 + Self::index_size(capacity);
        Layout::from_size_align(size, align_of::<KeyList>()).ok()
    }

    /// How many bytes the list takes.
    ///
    /// # Safety
    /// `this` is a live list.
    pub(crate) unsafe fn bytes(this: *const KeyList) -> usize {
        // SAFETY: the caller's contract.
        let capacity = unsafe { (*this).capacity } as usize;
        let size = size_of::<KeyList>() + capacity * 8 + Self::index_size(capacity);
        crate::gc::charge::block(size)
    }

    /// A list with room for at least `len + 1` keys, with the first `len` keys of `source`. None
    /// when there is no memory.
    ///
    /// # Safety
    /// `source` is a live list of at least `len` keys, or `len` is 0.
    pub(crate) unsafe fn copy_of(source: *const KeyList, len: usize) -> Option<*mut KeyList> {
        let list = Self::with_room(len + 1)?;
        // SAFETY: the list is new, and the keys that are copied are within both lists.
        unsafe {
            for slot in 0..len {
                Self::keys(list).add(slot).write(Self::key(source, slot));
            }
            (*list).len = len as u16;
            Self::rebuild_index(list);
        }
        Some(list)
    }

    /// A list without keys that has room for `count`. None when there is no memory.
    pub(crate) fn with_room(count: usize) -> Option<*mut KeyList> {
        let capacity = count.next_power_of_two().max(FIRST_CAPACITY);
        let layout = Self::layout(capacity)?;
        // SAFETY: the layout is not empty, and the list is written before use.
        unsafe {
            let list = NonNull::new(std::alloc::alloc(layout))?
                .as_ptr()
                .cast::<KeyList>();
            list.write(KeyList {
                users: 0,
                len: 0,
                capacity: capacity as u16,
                live: 0,
                index_mask: Self::index_size(capacity).saturating_sub(1) as u16,
                keys: [],
            });
            Self::rebuild_index(list);
            Some(list)
        }
    }

    /// Frees a list.
    ///
    /// # Safety
    /// `this` came from [`KeyList::with_room`] and is not used any more.
    pub(crate) unsafe fn free(this: *mut KeyList) {
        // SAFETY: the caller's contract; the layout is that of the allocation.
        unsafe {
            if let Some(layout) = Self::layout((*this).capacity as usize) {
                std::alloc::dealloc(this.cast(), layout);
            }
        }
    }

    #[inline(always)]
    unsafe fn keys(this: *const KeyList) -> *mut *mut LuaString {
        // SAFETY: the keys follow the struct.
        unsafe {
            this.cast_mut()
                .cast::<u8>()
                .add(size_of::<KeyList>())
                .cast()
        }
    }

    #[inline(always)]
    unsafe fn index(this: *const KeyList) -> *mut u8 {
        // SAFETY: the index follows the keys.
        unsafe { Self::keys(this).add((*this).capacity as usize).cast() }
    }

    /// The key of `slot`.
    ///
    /// # Safety
    /// `this` is a live list and `slot < len`.
    #[inline(always)]
    pub(crate) unsafe fn key(this: *const KeyList, slot: usize) -> *mut LuaString {
        // SAFETY: the caller's contract.
        unsafe { *Self::keys(this).add(slot) }
    }

    /// Appends `key`; false when the list is full.
    ///
    /// # Safety
    /// `this` is a live list without `key`, and `key` a live interned string.
    pub(crate) unsafe fn push(this: *mut KeyList, key: *mut LuaString) -> bool {
        // SAFETY: the caller's contract; the slot is within the capacity.
        unsafe {
            let slot = (*this).len as usize;
            if slot == (*this).capacity as usize {
                return false;
            }
            Self::keys(this).add(slot).write(key);
            (*this).len += 1;
            if (*this).index_mask != 0 {
                Self::insert_in_index(this, key, slot);
            }
            true
        }
    }

    /// Forgets all keys from slot `len` on.
    ///
    /// # Safety
    /// `this` is a live list, its first `len` keys are live, and no shape uses more of them.
    pub(crate) unsafe fn truncate(this: *mut KeyList, len: u16) {
        // SAFETY: the caller's contract.
        unsafe {
            if len < (*this).len {
                (*this).len = len;
                Self::rebuild_index(this);
            }
        }
    }

    unsafe fn rebuild_index(this: *mut KeyList) {
        // SAFETY: called with a live list whose keys are live.
        unsafe {
            if (*this).index_mask != 0 {
                Self::index(this).write_bytes(0, (*this).index_mask as usize + 1);
                for slot in 0..(*this).len as usize {
                    Self::insert_in_index(this, Self::key(this, slot), slot);
                }
            }
        }
    }

    unsafe fn insert_in_index(this: *mut KeyList, key: *const LuaString, slot: usize) {
        // SAFETY: called with a live list and key; positions are masked, and the index is never
        // full.
        unsafe {
            let mask = (*this).index_mask as usize;
            let index = Self::index(this);
            let mut position = (*key).header.extra as usize & mask;
            while *index.add(position) != 0 {
                position = (position + 1) & mask;
            }
            *index.add(position) = slot as u8 + 1;
        }
    }

    /// The slot of `key` among the first `count` keys.
    ///
    /// # Safety
    /// `this` is a live list of at least `count` keys (or `count` is 0), and `key` a live interned
    /// string.
    #[inline(always)]
    pub(crate) unsafe fn find(
        this: *const KeyList,
        count: usize,
        key: *const LuaString,
    ) -> Option<u32> {
        // SAFETY: the caller's contract; slots in the index are below `len`, and positions are
        // masked. The index has free entries, so the search ends.
        unsafe {
            if count <= SCAN_LIMIT {
                for slot in 0..count {
                    if ptr::eq(*Self::keys(this).add(slot), key) {
                        return Some(slot as u32);
                    }
                }
                return None;
            }
            let mask = (*this).index_mask as usize;
            let index = Self::index(this);
            let mut position = (*key).header.extra as usize & mask;
            loop {
                let entry = *index.add(position) as usize;
                if entry == 0 {
                    return None;
                }
                if ptr::eq(*Self::keys(this).add(entry - 1), key) {
                    // The list may have more keys than the shape that asks.
                    return (entry <= count).then_some(entry as u32 - 1);
                }
                position = (position + 1) & mask;
            }
        }
    }
}
