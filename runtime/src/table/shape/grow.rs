//! How the tree of shapes grows: children for keys, families of shapes for metatables, and what
//! keeps programs from flooding it.

use super::{
    DICTIONARY, DYNAMIC, EMPTY_DICTIONARY, EMPTY_SHAPE, FIRST_USE, FREE, MAX_RECORD, ONE_USE,
    Shape, Shapes,
};
use crate::error::{LuaError, Result};
use crate::gc::charge;
use crate::string::LuaString;
use crate::table::Table;
use crate::table::keys::KeyList;
use rustc_hash::FxHashMap;
use std::ptr;

/// The most children of a shape for keys in the program's text, and the same near the root.
const MAX_CHILDREN: u32 = 64;
const MAX_CHILDREN_NEAR_ROOT: u32 = 1024;
/// The most keys from data on a path to the root.
const MAX_DYNAMIC_DEPTH: u8 = 16;
/// The most shapes whose last key came from data.
const MAX_DYNAMIC: usize = 4096;
/// The most metatables with a single table, before such tables get dictionary shapes.
const MAX_ONE_USE: usize = 256;
/// A shape with more children has a map of them.
const MAP_FROM: u32 = 8;

/// The id of a shape of `metatable`'s own; 0 when there is none.
///
/// # Safety
/// `metatable` is a live table.
unsafe fn family(metatable: *const Table) -> u32 {
    // SAFETY: the caller's contract.
    match unsafe { (*metatable).reserved } {
        FIRST_USE => 0,
        id => id,
    }
}

impl Shapes {
    /// Whether `shape` may get one more child.
    fn accepts_child(&self, shape: &Shape, from_constant: bool) -> bool {
        if shape.slot_count as usize >= MAX_RECORD {
            return false;
        }
        if from_constant {
            let near_root = shape.slot_count < 2;
            return shape.children
                < if near_root {
                    MAX_CHILDREN_NEAR_ROOT
                } else {
                    MAX_CHILDREN
                };
        }
        let most = match shape.slot_count {
            0 => 64,
            1 => 16,
            2 => 8,
            _ => 4,
        };
        shape.children < most
            && shape.dynamic_depth < MAX_DYNAMIC_DEPTH
            && self.dynamic < MAX_DYNAMIC
    }

    /// The shape of a table of shape `id` once it has `key` too: a child of `id`, or a dictionary
    /// shape when the table is better off so. `from_constant`: the key stands in the program's
    /// text.
    ///
    /// # Safety
    /// `id` names a shape without `key`, not a dictionary; `key` is a live interned string.
    pub unsafe fn add_key(
        &mut self,
        id: u32,
        key: *mut LuaString,
        from_constant: bool,
    ) -> Result<u32> {
        let child = self.child(id, key);
        if child != 0 {
            return Ok(child);
        }
        if !self.accepts_child(self.get(id), from_constant) {
            // A metatable that is kept in a slot is the caller's to find.
            // SAFETY: a live shape's metatable is live.
            return unsafe { self.dictionary(self.get(id).metatable) };
        }
        // SAFETY: the caller's contract.
        unsafe { self.new_child(id, key, from_constant) }
    }

    #[cold]
    unsafe fn new_child(
        &mut self,
        parent: u32,
        key: *mut LuaString,
        from_constant: bool,
    ) -> Result<u32> {
        let id = self.new_id()?;
        let (metatable, metatable_slot, count, dynamic_depth) = {
            let shape = self.get(parent);
            (
                shape.metatable,
                shape.metatable_slot,
                shape.slot_count + 1,
                shape.dynamic_depth + u8::from(!from_constant),
            )
        };
        // SAFETY: the caller's contract.
        let keys = match unsafe { self.extend_keys(parent, key) } {
            Some(keys) => keys,
            None => {
                self.free.push(id);
                return Err(LuaError::Memory);
            }
        };
        let mut shape = Shape::empty(id, metatable, if from_constant { 0 } else { DYNAMIC });
        shape.keys = keys;
        shape.key = key;
        shape.parent = parent;
        shape.metatable_slot = if key == self.metatable_key {
            count - 1
        } else {
            metatable_slot
        };
        shape.slot_count = count;
        shape.expected = count;
        shape.dynamic_depth = dynamic_depth;
        self.dynamic += usize::from(!from_constant);
        self.shapes[id as usize] = shape;
        self.link_child(id);
        Ok(id)
    }

    /// A shape of these keys without a parent, which no other table comes to; `None` when a key is there
    /// twice.
    ///
    /// # Errors
    /// Memory.
    ///
    /// # Safety
    /// The keys are live interned strings, from one to [`MAX_RECORD`] of them.
    pub(crate) unsafe fn whole(&mut self, keys: &[*mut LuaString]) -> Result<Option<u32>> {
        let list = KeyList::with_room(keys.len()).ok_or(LuaError::Memory)?;
        // SAFETY: the list is new and has room for the keys.
        unsafe {
            for (slot, &key) in keys.iter().enumerate() {
                if KeyList::find(list, slot, key).is_some() {
                    KeyList::free(list);
                    return Ok(None);
                }
                KeyList::push(list, key);
            }
            let id = match self.new_id() {
                Ok(id) => id,
                Err(error) => {
                    KeyList::free(list);
                    return Err(error);
                }
            };
            (*list).users = 1;
            self.extra_bytes += KeyList::bytes(list);
            let mut shape = Shape::empty(id, ptr::null_mut(), 0);
            shape.keys = list;
            shape.key = keys[keys.len() - 1];
            shape.slot_count = keys.len() as u16;
            shape.expected = shape.slot_count;
            self.shapes[id as usize] = shape;
            Ok(Some(id))
        }
    }

    /// An unused id, with a place in the vector and, for later, one in the list of free ids.
    fn new_id(&mut self) -> Result<u32> {
        if let Some(id) = self.free.pop() {
            return Ok(id);
        }
        let id = self.shapes.len();
        if id >= 1 << 31 || self.shapes.try_reserve(1).is_err() {
            return Err(LuaError::Memory);
        }
        // Every id must fit into `free` without allocating.
        if self.free.capacity() < self.shapes.capacity() {
            let missing = self.shapes.capacity() - self.free.len();
            self.free
                .try_reserve_exact(missing)
                .map_err(|_| LuaError::Memory)?;
        }
        self.shapes
            .push(Shape::empty(id as u32, ptr::null_mut(), FREE));
        Ok(id as u32)
    }

    /// The key list of the child of `parent` for `key`, with one more user.
    unsafe fn extend_keys(&mut self, parent: u32, key: *mut LuaString) -> Option<*mut KeyList> {
        let shape = self.get(parent);
        let (mut list, count) = (shape.keys, shape.slot_count as usize);
        // SAFETY: a shape's list is live and has at least `slot_count` keys; the lineage does not
        // have `key` yet where it is pushed.
        unsafe {
            let shared = !list.is_null()
                && if (*list).len as usize == count {
                    KeyList::push(list, key)
                } else {
                    KeyList::key(list, count) == key
                };
            if !shared {
                list = KeyList::copy_of(list, count)?;
                self.extra_bytes += KeyList::bytes(list);
                KeyList::push(list, key);
            }
            (*list).users += 1;
        }
        Some(list)
    }

    /// Gives back a shape's key list.
    pub(super) fn release_keys(&mut self, id: u32) {
        let list = std::mem::replace(&mut self.shapes[id as usize].keys, ptr::null_mut());
        if !list.is_null() {
            // SAFETY: the list was in use by this shape; with its last user it goes.
            unsafe {
                (*list).users -= 1;
                if (*list).users == 0 {
                    self.extra_bytes -= KeyList::bytes(list);
                    KeyList::free(list);
                }
            }
        }
    }

    pub(super) fn map_bytes(map: &FxHashMap<*mut LuaString, u32>) -> usize {
        charge::map::<(*mut LuaString, u32)>(map.capacity())
    }

    /// Makes a shape known to its parent.
    pub(super) fn link_child(&mut self, id: u32) {
        let (key, parent, count) = {
            let shape = self.get(id);
            (shape.key, shape.parent, shape.slot_count)
        };
        let first = std::mem::replace(&mut self.get_mut(parent).first_child, id);
        self.get_mut(id).next_sibling = first;
        let shape = self.get_mut(parent);
        shape.children += 1;
        let children = shape.children;
        let map = shape.child_map.take();
        let before = map.as_deref().map_or(0, Self::map_bytes);
        let map = match map {
            Some(mut map) => map.try_reserve(1).is_ok().then(|| {
                map.insert(key, id);
                map
            }),
            None if children > MAP_FROM => self.map_children(parent),
            None => None,
        };
        let after = map.as_deref().map_or(0, Self::map_bytes);
        self.extra_bytes = self.extra_bytes + after - before;
        self.get_mut(parent).child_map = map;
        let mut ancestor = parent;
        while ancestor != 0 && self.get(ancestor).expected < count {
            self.get_mut(ancestor).expected = count;
            ancestor = self.get(ancestor).parent;
        }
    }

    /// A map of all children of a shape; None when there is no memory for it.
    fn map_children(&self, id: u32) -> Option<Box<FxHashMap<*mut LuaString, u32>>> {
        let mut map = FxHashMap::default();
        map.try_reserve(self.get(id).children as usize * 2).ok()?;
        let mut child = self.get(id).first_child;
        while child != 0 {
            let shape = self.get(child);
            map.insert(shape.key, child);
            child = shape.next_sibling;
        }
        Some(Box::new(map))
    }

    /// The shape of tables with this metatable and no string keys.
    ///
    /// # Safety
    /// `metatable` is null or a live table.
    pub unsafe fn root(&mut self, metatable: *mut Table) -> Result<u32> {
        // SAFETY: the caller's contract.
        unsafe { self.family_member(metatable, 0) }
    }

    /// The shape of tables with this metatable whose strings are in the hash part.
    ///
    /// # Safety
    /// `metatable` is null or a live table.
    pub unsafe fn dictionary(&mut self, metatable: *mut Table) -> Result<u32> {
        // SAFETY: the caller's contract.
        unsafe { self.family_member(metatable, DICTIONARY) }
    }

    /// The root (`kind` 0) or dictionary shape of a metatable, created when missing.
    unsafe fn family_member(&mut self, metatable: *mut Table, kind: u8) -> Result<u32> {
        if metatable.is_null() {
            return Ok(if kind == 0 {
                EMPTY_SHAPE
            } else {
                EMPTY_DICTIONARY
            });
        }
        // SAFETY: the caller's contract.
        let head = unsafe { family(metatable) };
        if head != 0 {
            let shape = self.get(head);
            if shape.flags & DICTIONARY == kind {
                return Ok(head);
            }
            if shape.partner != 0 {
                return Ok(shape.partner);
            }
        }
        let id = self.new_id()?;
        self.shapes[id as usize] = Shape::empty(id, metatable, kind);
        if head == 0 {
            // SAFETY: the caller's contract.
            unsafe { (*metatable).reserved = id };
        } else {
            self.get_mut(head).partner = id;
            self.get_mut(id).partner = head;
        }
        Ok(id)
    }

    /// The shape of a table of shape `id` once it has another metatable: with the same keys in the
    /// same slots, or a dictionary shape when the table is better off so.
    ///
    /// # Safety
    /// `id` names a shape; `metatable` is null or a live table.
    pub unsafe fn with_metatable(&mut self, id: u32, metatable: *mut Table) -> Result<u32> {
        let shape = self.get(id);
        if shape.metatable == metatable {
            return Ok(id);
        }
        // SAFETY: the caller's contract; keys of a live shape are live.
        unsafe {
            if shape.is_dictionary() {
                return self.dictionary(metatable);
            }
            let known = shape.metatable_transition;
            if !metatable.is_null() {
                if family(metatable) == 0 {
                    return self.with_new_metatable(id, metatable);
                }
                let root = self.get((*metatable).reserved);
                if root.flags & ONE_USE != 0 {
                    self.get_mut((*metatable).reserved).flags &= !ONE_USE;
                    self.one_use -= 1;
                }
            }
            if known != 0 && self.get(known).metatable == metatable {
                return Ok(known);
            }
            self.with_metatable_slow(id, metatable)
        }
    }

    /// [`Shapes::with_metatable`] for a metatable that no table has yet.
    unsafe fn with_new_metatable(&mut self, id: u32, metatable: *mut Table) -> Result<u32> {
        // SAFETY: the caller's contract.
        unsafe {
            if (*metatable).reserved == FIRST_USE {
                return self.with_metatable_slow(id, metatable);
            }
            if self.one_use >= MAX_ONE_USE {
                return self.dictionary(metatable);
            }
            let root = self.root(metatable)?;
            self.get_mut(root).flags |= ONE_USE;
            self.one_use += 1;
            self.with_metatable_slow(id, metatable)
        }
    }

    /// Adds the keys of `id` one by one to the root of `metatable`.
    unsafe fn with_metatable_slow(&mut self, id: u32, metatable: *mut Table) -> Result<u32> {
        // SAFETY: the caller's contract; keys of a live shape are live and distinct.
        unsafe {
            let mut to = self.root(metatable)?;
            for slot in 0..self.get(id).slot_count {
                let key = self.get(id).key_of(slot as u32);
                to = self.add_key(to, key, true)?;
                if self.get(to).is_dictionary() {
                    return Ok(to);
                }
            }
            self.get_mut(id).metatable_transition = to;
            Ok(to)
        }
    }
}
