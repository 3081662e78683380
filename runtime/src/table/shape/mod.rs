//! Shapes: which string keys a table has, in which slots, and its metatable.
//!
//! Each metatable (and "none") has a *root* shape without keys; adding a key leads from a shape to
//! its child for that key. A table that does not fit this scheme has the *dictionary* shape of its
//! metatable: its strings are in the hash part.
//!
//! Shapes are weak: a shape lives while a table has it or a live child. The collector marks the
//! shapes of the tables it visits ([`Shapes::mark`]) and frees the others ([`Shapes::sweep`]),
//! before it frees tables and strings. Ids are used again only after that.
//!
//! A table that gets all its keys at once, as a library does, has a shape *made whole*: it has them all,
//! and no parent. No other table comes to it; from it on, keys are added as from any other.
//!
//! What keeps programs from flooding the tree: a record has at most [`MAX_RECORD`] keys; a shape
//! has a bounded number of children; keys that come from data rather than from the program's text
//! have far tighter bounds (per shape, along a path, and in all).
//!
//! The first table of a metatable does not get a shape of that metatable's own: it keeps the
//! metatable in a slot, under a key that no program can name. So objects that each have a
//! metatable of their own (`setmetatable(object, {__index = Class})`) share their shapes; only
//! from the second table on does the shape itself name the metatable.
//!
//! Invariants:
//! - Ids [`EMPTY_SHAPE`] and [`EMPTY_DICTIONARY`] always exist. Id 0 names no shape, and the top
//!   bit of an id is 0.
//! - A shape's first `slot_count` keys in its key list are its keys, the last one being `key`.
//! - A metatable's `reserved` field is the id of one of its root and dictionary shapes (0 if
//!   neither exists), whose `partner` is the other.
//! - Children are linked through `first_child` and `next_sibling`; a map of them, where there is
//!   one, is complete.

mod grow;
mod sweep;

use super::Table;
use super::keys::KeyList;
use crate::error::Result;
use crate::gc::charge;
use crate::string::LuaString;
use rustc_hash::FxHashMap;
use std::ptr;

/// The shape of an empty table without metatable.
pub const EMPTY_SHAPE: u32 = 1;
/// The dictionary shape of tables without metatable.
pub const EMPTY_DICTIONARY: u32 = 2;
/// The most keys of a record part.
pub const MAX_RECORD: usize = 128;

/// [`Shape::metatable_slot`] when there is none.
pub const NO_SLOT: u16 = u16::MAX;
/// `reserved` of a metatable that one table has got so far, which keeps it in a slot.
pub(super) const FIRST_USE: u32 = u32::MAX;
/// [`Shape::flags`] bit: no record part; strings are in the hash part.
pub const DICTIONARY: u8 = 1 << 0;
/// [`Shape::flags`] bit: the id is not in use.
const FREE: u8 = 1 << 1;
/// [`Shape::flags`] bit: the last key came from data.
const DYNAMIC: u8 = 1 << 2;
/// [`Shape::flags`] bit, of roots: only one table has got this metatable so far.
const ONE_USE: u8 = 1 << 3;

/// A shape; see the module's text.
#[derive(Debug)]
pub struct Shape {
    /// The keys, shared along the lineage; null without keys.
    pub(crate) keys: *mut KeyList,
    /// The last key; null without keys.
    pub key: *mut LuaString,
    /// The metatable of its tables; null when none.
    pub metatable: *mut Table,
    /// Its id.
    pub id: u32,
    /// The shape without the last key; 0 for roots, dictionaries and shapes made whole.
    pub parent: u32,
    /// The slot that holds the metatable of its tables; [`NO_SLOT`] when the shape names it.
    pub metatable_slot: u16,
    /// How many keys it has.
    pub slot_count: u16,
    /// The most keys that any shape below it has.
    expected: u16,
    /// How many of the keys came from data.
    dynamic_depth: u8,
    /// [`DICTIONARY`] and internal bits.
    pub flags: u8,
    /// Whether the collector has reached it.
    mark: bool,
    /// How many children it has.
    children: u32,
    first_child: u32,
    next_sibling: u32,
    /// Of roots and dictionaries: the other one of the same metatable, or 0.
    partner: u32,
    /// The shape that a table of this shape last got with another metatable, or 0.
    metatable_transition: u32,
    child_map: Option<Box<FxHashMap<*mut LuaString, u32>>>,
}

impl Shape {
    /// Whether its tables keep strings in the hash part.
    #[inline(always)]
    pub fn is_dictionary(&self) -> bool {
        self.flags & DICTIONARY != 0
    }

    /// The key of `slot`.
    ///
    /// # Safety
    /// The shape is live and `slot < slot_count`.
    #[inline(always)]
    pub unsafe fn key_of(&self, slot: u32) -> *mut LuaString {
        // SAFETY: the list has at least `slot_count` keys.
        unsafe { KeyList::key(self.keys, slot as usize) }
    }

    /// The slot of `key`.
    ///
    /// # Safety
    /// The shape is live, and `key` a live interned string.
    #[inline(always)]
    pub unsafe fn find(&self, key: *const LuaString) -> Option<u32> {
        // SAFETY: the caller's contract; the list has `slot_count` keys.
        unsafe { KeyList::find(self.keys, self.slot_count as usize, key) }
    }

    /// The slots of the keys that its parent does not have.
    #[inline]
    fn own_slots(&self) -> std::ops::Range<u32> {
        let count = self.slot_count as u32;
        match self.parent {
            0 => 0..count,
            _ => count - 1..count,
        }
    }

    fn empty(id: u32, metatable: *mut Table, flags: u8) -> Shape {
        Shape {
            keys: ptr::null_mut(),
            key: ptr::null_mut(),
            metatable,
            id,
            parent: 0,
            metatable_slot: NO_SLOT,
            slot_count: 0,
            expected: 0,
            dynamic_depth: 0,
            flags,
            mark: false,
            children: 0,
            first_child: 0,
            next_sibling: 0,
            partner: 0,
            metatable_transition: 0,
            child_map: None,
        }
    }
}

/// All shapes of a state; see the module's text.
#[derive(Debug)]
pub struct Shapes {
    /// By id; index 0 is a filler.
    shapes: Vec<Shape>,
    /// Ids not in use.
    free: Vec<u32>,
    /// Bytes of key lists and child maps.
    extra_bytes: usize,
    /// How many of its bytes the heap has been charged for.
    pub(crate) charged: usize,
    /// How many shapes have the DYNAMIC bit.
    dynamic: usize,
    /// How many roots have the ONE_USE bit.
    one_use: usize,
    /// The key of the slot that holds a metatable: a string that no program can name.
    pub(crate) metatable_key: *mut LuaString,
}

impl Default for Shapes {
    fn default() -> Shapes {
        let none = ptr::null_mut();
        let mut shapes = vec![
            Shape::empty(0, none, FREE),
            Shape::empty(EMPTY_SHAPE, none, 0),
            Shape::empty(EMPTY_DICTIONARY, none, DICTIONARY),
        ];
        shapes[EMPTY_SHAPE as usize].partner = EMPTY_DICTIONARY;
        shapes[EMPTY_DICTIONARY as usize].partner = EMPTY_SHAPE;
        Shapes {
            shapes,
            free: Vec::new(),
            extra_bytes: 0,
            charged: 0,
            dynamic: 0,
            one_use: 0,
            metatable_key: ptr::null_mut(),
        }
    }
}

impl Drop for Shapes {
    fn drop(&mut self) {
        for index in 0..self.shapes.len() {
            self.release_keys(index as u32);
        }
    }
}

impl Shapes {
    /// The shape with this id.
    #[inline(always)]
    pub fn get(&self, id: u32) -> &Shape {
        debug_assert!(self.is_live(id), "shape {id} is not in use");
        // SAFETY: every id that a table or cache holds is that of a shape, and the vector never
        // shrinks.
        unsafe { self.shapes.get_unchecked(id as usize) }
    }

    #[inline(always)]
    fn get_mut(&mut self, id: u32) -> &mut Shape {
        debug_assert!(self.is_live(id), "shape {id} is not in use");
        // SAFETY: as for `get`.
        unsafe { self.shapes.get_unchecked_mut(id as usize) }
    }

    /// Whether the id names a shape.
    pub fn is_live(&self, id: u32) -> bool {
        self.shapes
            .get(id as usize)
            .is_some_and(|shape| shape.flags & FREE == 0)
    }

    /// How many shapes there are.
    pub fn len(&self) -> usize {
        self.shapes.len() - 1 - self.free.len()
    }

    /// Whether there are none; never so.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        charge::list::<Shape>(self.shapes.capacity())
            + charge::list::<u32>(self.free.capacity())
            + self.extra_bytes
    }

    /// The slot of `key`.
    ///
    /// # Safety
    /// `id` names a shape and `key` is a live interned string.
    #[inline(always)]
    pub unsafe fn find(&self, id: u32, key: *const LuaString) -> Option<u32> {
        // SAFETY: the caller's contract.
        unsafe { self.get(id).find(key) }
    }

    /// How many slots a table should have room for that gets this shape by adding a key.
    pub(crate) fn slots_to_reserve(&self, id: u32) -> usize {
        let shape = self.get(id);
        let (needed, expected) = (shape.slot_count as usize, shape.expected as usize);
        if expected > needed {
            expected.min((needed * 2).max(4))
        } else {
            needed.next_power_of_two().min(MAX_RECORD)
        }
    }

    fn child(&self, id: u32, key: *mut LuaString) -> u32 {
        let shape = self.get(id);
        if let Some(map) = &shape.child_map {
            return map.get(&key).copied().unwrap_or(0);
        }
        let mut child = shape.first_child;
        while child != 0 {
            let shape = self.get(child);
            if shape.key == key {
                break;
            }
            child = shape.next_sibling;
        }
        child
    }
}

impl crate::gc::Heap {
    /// Charges what shapes take more than at the last call, or takes back what they take less.
    /// To be called after every operation on [`Shapes`] that may create or free shapes.
    pub fn charge_shapes(&mut self) -> Result<()> {
        let (bytes, charged) = (self.shapes.bytes(), self.shapes.charged);
        if bytes > charged {
            self.charge(bytes - charged)?;
        } else {
            self.discharge(charged - bytes);
        }
        self.shapes.charged = bytes;
        Ok(())
    }
}
