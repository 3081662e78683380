//! The hash part: chained scatter with Brent's variation, without tombstones.
//!
//! A power of two of 24-byte nodes in one block. Each key has a *main position*. A node that is
//! taken by a key from elsewhere is given up to the key whose main position it is, so a chain
//! that starts at a main position meets its keys early, and the block may be used up to the last
//! node. When no node is free, the table is rehashed.
//!
//! Invariants:
//! - A node whose key is nil was never used. A node with a key and a nil value is *dead*: it stays
//!   in its chain, and becomes free when the table is rehashed or when a key with this main
//!   position is inserted (then in the place of the old key).
//! - A key occurs in one node at most, and its chain, from its main position on, leads there.
//! - The key of a dead node may be [`DEAD_KEY`]: the object was, or may have been, collected; its
//!   address is kept for `next` and is only compared, never followed.
//! - Strings in keys have their hash in the header. Float keys are no integers and no NaN.
//! - `integers` is at least the number of nodes with a live value and an integer key that could be
//!   in an array part.

use super::TableError;
use super::array::MAX_CAPACITY;
use crate::gc::Heap;
use crate::string::LuaString;
use crate::value::{DEAD_KEY, FLOAT, INTEGER, NIL, STRING, Tag, Value};
use std::alloc::Layout;
use std::ptr::{self, NonNull};

/// The head of a hash part; the nodes follow.
#[derive(Debug)]
#[repr(C)]
pub struct HashPart {
    /// The number of nodes minus one.
    pub mask: u32,
    /// The binary logarithm of the number of nodes.
    pub log_size: u32,
    /// Nodes from here on have been used.
    pub last_free: u32,
    /// See the module's invariants.
    pub integers: u32,
}

/// A node: a key and its value.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Node {
    /// Payload of the value.
    pub value: u64,
    /// Payload of the key.
    pub key: u64,
    /// The next node of the chain, relative to this one; 0 at the end.
    pub next: i32,
    /// Tag of the value.
    pub value_tag: Tag,
    /// Tag of the key.
    pub key_tag: Tag,
    /// Unused.
    pub padding: u16,
}

/// The most nodes of a hash part, as a binary logarithm.
const MAX_LOG_SIZE: u32 = 30;
/// An odd number close to 2^64 divided by the golden ratio.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

impl Node {
    const EMPTY: Node = Node {
        value: 0,
        key: 0,
        next: 0,
        value_tag: NIL,
        key_tag: NIL,
        padding: 0,
    };

    /// The value.
    ///
    /// # Safety
    /// `this` is a node of a live hash part.
    #[inline(always)]
    pub unsafe fn value(this: *const Node) -> Value {
        // SAFETY: the caller's contract.
        unsafe {
            Value {
                payload: (*this).value,
                tag: (*this).value_tag,
            }
        }
    }

    /// The key; its tag may be [`DEAD_KEY`].
    ///
    /// # Safety
    /// As [`Node::value`].
    #[inline(always)]
    pub unsafe fn key(this: *const Node) -> Value {
        // SAFETY: the caller's contract.
        unsafe {
            Value {
                payload: (*this).key,
                tag: (*this).key_tag,
            }
        }
    }

    /// Sets the value; no barrier.
    ///
    /// # Safety
    /// As [`Node::value`].
    #[inline(always)]
    pub unsafe fn set_value(this: *mut Node, value: Value) {
        // SAFETY: the caller's contract.
        unsafe {
            (*this).value = value.payload;
            (*this).value_tag = value.tag;
        }
    }

    /// The place after this node in its chain; null at the end.
    #[inline(always)]
    unsafe fn follow(this: *mut Node) -> *mut Node {
        // SAFETY: called with a node; links stay within the block.
        unsafe {
            match (*this).next {
                0 => ptr::null_mut(),
                next => this.offset(next as isize),
            }
        }
    }
}

/// The distance from `from` to `to` in nodes.
unsafe fn distance(to: *const Node, from: *const Node) -> i32 {
    // SAFETY: called with two nodes of one block.
    unsafe { to.offset_from(from) as i32 }
}

/// Whether an integer key could be in an array part.
#[inline(always)]
pub(crate) fn fits_array(key: i64) -> bool {
    ((key as u64).wrapping_sub(1)) < MAX_CAPACITY as u64
}

impl HashPart {
    /// How many nodes.
    ///
    /// # Safety
    /// `this` is a live hash part.
    #[inline(always)]
    pub unsafe fn size(this: *const HashPart) -> usize {
        // SAFETY: the caller's contract.
        unsafe { (*this).mask as usize + 1 }
    }

    /// The first node.
    ///
    /// # Safety
    /// `this` is a live hash part.
    #[inline(always)]
    pub unsafe fn nodes(this: *const HashPart) -> *mut Node {
        // SAFETY: the nodes follow the head.
        unsafe {
            this.cast_mut()
                .cast::<u8>()
                .add(size_of::<HashPart>())
                .cast()
        }
    }

    fn layout(size: usize) -> Layout {
        // SAFETY: at most 2^MAX_LOG_SIZE nodes are far from overflowing.
        unsafe {
            Layout::from_size_align_unchecked(
                size_of::<HashPart>() + size * size_of::<Node>(),
                align_of::<HashPart>().max(align_of::<Node>()),
            )
        }
    }

    /// How many bytes a part takes; 0 for null.
    ///
    /// # Safety
    /// `this` is a live hash part or null.
    pub unsafe fn bytes(this: *const HashPart) -> usize {
        if this.is_null() {
            return 0;
        }
        // SAFETY: the caller's contract.
        crate::gc::charge::block(Self::layout(unsafe { Self::size(this) }).size())
    }

    /// An empty part with room for `count` keys; null for 0.
    pub(crate) fn allocate(heap: &mut Heap, count: usize) -> Result<*mut HashPart, TableError> {
        if count == 0 {
            return Ok(ptr::null_mut());
        }
        if count > 1 << MAX_LOG_SIZE {
            return Err(TableError::Overflow);
        }
        let size = count.next_power_of_two();
        let part = heap
            .allocate_buffer(Self::layout(size))?
            .as_ptr()
            .cast::<HashPart>();
        // SAFETY: the block is fresh and has room for the head and `size` nodes.
        unsafe {
            part.write(HashPart {
                mask: size as u32 - 1,
                log_size: size.trailing_zeros(),
                last_free: size as u32,
                integers: 0,
            });
            let nodes = Self::nodes(part);
            for index in 0..size {
                nodes.add(index).write(Node::EMPTY);
            }
        }
        Ok(part)
    }

    /// Frees a part; null is fine.
    ///
    /// # Safety
    /// `this` came from [`HashPart::allocate`] and is not used any more.
    pub(crate) unsafe fn free(heap: &mut Heap, this: *mut HashPart) {
        if let Some(part) = NonNull::new(this) {
            // SAFETY: the caller's contract.
            unsafe { heap.free_buffer(part.cast(), Self::layout(Self::size(this))) };
        }
    }

    /// Where the chain of an integer key starts. Fewer than `size` successive keys never collide,
    /// so a window that slides over the integers (a queue) finds its dead nodes again: each run of
    /// `size` keys starts one node further than the one before. Runs of runs are put at places of
    /// their own, so that large strides do no harm.
    #[inline(always)]
    unsafe fn integer_position(this: *const HashPart, key: i64) -> *mut Node {
        // SAFETY: called with a live part; the index is masked.
        unsafe {
            let log_size = (*this).log_size;
            let run = (key as u64) >> log_size;
            let place = (run >> log_size)
                .wrapping_mul(MIX)
                .wrapping_shr(64u32.wrapping_sub(log_size));
            let index = (key as u64).wrapping_add(run).wrapping_add(place) as u32;
            Self::nodes(this).add((index & (*this).mask) as usize)
        }
    }

    /// Where the chain of a float, boolean or address starts.
    #[inline(always)]
    unsafe fn bits_position(this: *const HashPart, bits: u64) -> *mut Node {
        // SAFETY: called with a live part; the index is masked.
        unsafe {
            let mixed = (bits ^ (bits >> 32)).wrapping_mul(MIX);
            let index = (mixed >> 32) as u32 >> (32 - MAX_LOG_SIZE) & (*this).mask;
            Self::nodes(this).add(index as usize)
        }
    }

    /// Where the chain of a string whose hash is known starts.
    #[inline(always)]
    unsafe fn string_position(this: *const HashPart, key: *const LuaString) -> *mut Node {
        // SAFETY: called with a live part and string; the index is masked.
        unsafe { Self::nodes(this).add(((*key).header.extra & (*this).mask) as usize) }
    }

    /// Where the chain of a key starts.
    unsafe fn main_position(this: *const HashPart, key: Value) -> *mut Node {
        // SAFETY: called with a live part and a live key; strings have their hash.
        unsafe {
            match key.tag {
                INTEGER => Self::integer_position(this, key.as_integer()),
                STRING => Self::string_position(this, key.as_pointer()),
                tag if tag == FLOAT => Self::bits_position(this, key.payload),
                tag => Self::bits_position(this, key.payload.wrapping_add(tag as u64)),
            }
        }
    }

    /// The node of an integer key; null when there is none.
    ///
    /// # Safety
    /// `this` is a live hash part.
    #[inline]
    pub unsafe fn find_integer(this: *const HashPart, key: i64) -> *mut Node {
        // SAFETY: the caller's contract; chains end.
        unsafe {
            let mut node = Self::integer_position(this, key);
            loop {
                if (*node).key == key as u64 && (*node).key_tag == INTEGER {
                    return node;
                }
                match (*node).next {
                    0 => return ptr::null_mut(),
                    next => node = node.offset(next as isize),
                }
            }
        }
    }

    /// The node of an interned string; null when there is none.
    ///
    /// # Safety
    /// `this` is a live hash part and `key` a live interned string.
    #[inline]
    pub unsafe fn find_string(this: *const HashPart, key: *const LuaString) -> *mut Node {
        // SAFETY: the caller's contract; chains end.
        unsafe {
            let mut node = Self::string_position(this, key);
            loop {
                if (*node).key == key as u64 && (*node).key_tag == STRING {
                    return node;
                }
                match (*node).next {
                    0 => return ptr::null_mut(),
                    next => node = node.offset(next as isize),
                }
            }
        }
    }

    /// The node of a key that is neither nil nor a float with an integer value; null when there
    /// is none.
    ///
    /// # Safety
    /// `this` is a live hash part or null, and `key` live.
    pub(crate) unsafe fn find(heap: &Heap, this: *const HashPart, key: Value) -> *mut Node {
        // SAFETY: the caller's contract; chains end.
        unsafe {
            let string = (key.tag == STRING).then(|| key.as_pointer::<LuaString>());
            if let Some(string) = string {
                // Also when there is no hash part: whoever inserts the key then relies on it.
                heap.hash_string(string);
            }
            if this.is_null() {
                return ptr::null_mut();
            }
            if key.tag == INTEGER {
                return Self::find_integer(this, key.as_integer());
            }
            let mut node = Self::main_position(this, key);
            while !node.is_null() {
                if (*node).key_tag == key.tag {
                    let same = match string {
                        Some(string) => LuaString::equals(string, (*node).key as *const LuaString),
                        None => (*node).key == key.payload,
                    };
                    if same {
                        break;
                    }
                }
                node = Node::follow(node);
            }
            node
        }
    }

    /// The node of a key that was met in a traversal: as [`HashPart::find`], but the key may have
    /// died since.
    ///
    /// # Safety
    /// As [`HashPart::find`].
    pub(crate) unsafe fn find_for_next(
        heap: &Heap,
        this: *const HashPart,
        key: Value,
    ) -> *mut Node {
        // SAFETY: the caller's contract; chains end.
        unsafe {
            let found = Self::find(heap, this, key);
            if this.is_null() || !found.is_null() || !key.is_object() {
                return found;
            }
            let mut node = Self::main_position(this, key);
            while !node.is_null() {
                if (*node).key_tag == DEAD_KEY && (*node).key == key.payload {
                    break;
                }
                node = Node::follow(node);
            }
            node
        }
    }

    /// Inserts a key that has no node, with a value that is not nil. False when no node is free.
    ///
    /// # Safety
    /// `this` is a live hash part or null, and `key` one that it may hold and does not.
    pub(crate) unsafe fn insert(this: *mut HashPart, key: Value, value: Value) -> bool {
        if this.is_null() {
            return false;
        }
        // SAFETY: the caller's contract; all places are nodes of the block.
        unsafe {
            let mut place = Self::main_position(this, key);
            if (*place).value_tag != NIL {
                let free = Self::free_node(this);
                if free.is_null() {
                    return false;
                }
                let other = Self::main_position(this, Node::key(place));
                if other == place {
                    // The node is in its own place; the new key goes to the free one.
                    (*free).next = match (*place).next {
                        0 => 0,
                        next => distance(place.offset(next as isize), free),
                    };
                    (*place).next = distance(free, place);
                    place = free;
                } else {
                    Self::move_node(other, place, free);
                }
            }
            (*place).key = key.payload;
            (*place).key_tag = key.tag;
            Node::set_value(place, value);
            if key.tag == INTEGER && fits_array(key.as_integer()) {
                (*this).integers += 1;
            }
        }
        true
    }

    /// Moves the node at `place`, of the chain that starts at `start`, to `free`.
    unsafe fn move_node(start: *mut Node, place: *mut Node, free: *mut Node) {
        // SAFETY: called with nodes of one block; the chain leads to `place`.
        unsafe {
            let mut before = start;
            loop {
                let next = before.offset((*before).next as isize);
                if next == place {
                    break;
                }
                before = next;
            }
            (*before).next = distance(free, before);
            *free = *place;
            if (*place).next != 0 {
                (*free).next += distance(place, free);
                (*place).next = 0;
            }
        }
    }

    /// A node that was never used; null when there is none.
    unsafe fn free_node(this: *mut HashPart) -> *mut Node {
        // SAFETY: called with a live part; the index is below its size.
        unsafe {
            while (*this).last_free > 0 {
                (*this).last_free -= 1;
                let node = Self::nodes(this).add((*this).last_free as usize);
                if (*node).key_tag == NIL {
                    return node;
                }
            }
            ptr::null_mut()
        }
    }

    /// How many nodes a search for an integer key looks at.
    #[cfg(test)]
    pub(crate) unsafe fn chain_length(this: *const HashPart, key: i64) -> usize {
        // SAFETY: called with a live part; chains end.
        unsafe {
            let mut node = Self::integer_position(this, key);
            let mut length = 1;
            while (*node).key != key as u64 || (*node).key_tag != INTEGER {
                node = Self::follow_checked(node);
                length += 1;
            }
            length
        }
    }

    #[cfg(test)]
    unsafe fn follow_checked(node: *mut Node) -> *mut Node {
        // SAFETY: called with a node.
        let next = unsafe { Node::follow(node) };
        assert!(!next.is_null(), "the key is absent");
        next
    }
}
