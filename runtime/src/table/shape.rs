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
//! What keeps programs from flooding the tree: a record has at most [`MAX_RECORD`] keys; a shape
//! has a bounded number of children; keys that come from data rather than from the program's text
//! have far tighter bounds (per shape, along a path, and in all); and when many metatables have
//! one table each, the first table of a further metatable gets its dictionary shape.
//!
//! Invariants:
//! - Ids [`EMPTY_SHAPE`] and [`EMPTY_DICTIONARY`] always exist. Id 0 names no shape, and the top
//!   bit of an id is 0.
//! - A shape's first `slot_count` keys in its key list are its keys, the last one being `key`.
//! - A metatable's `reserved` field is the id of one of its root and dictionary shapes (0 if
//!   neither exists), whose `partner` is the other.
//! - Children are linked through `first_child` and `next_sibling`; a map of them, where there is
//!   one, is complete.

use super::Table;
use super::keys::KeyList;
use crate::error::{LuaError, Result};
use crate::gc::GcHeader;
use crate::string::LuaString;
use rustc_hash::FxHashMap;
use std::ptr;

/// The shape of an empty table without metatable.
pub const EMPTY_SHAPE: u32 = 1;
/// The dictionary shape of tables without metatable.
pub const EMPTY_DICTIONARY: u32 = 2;
/// The most keys of a record part.
pub const MAX_RECORD: usize = 128;

/// [`Shape::flags`] bit: no record part; strings are in the hash part.
pub const DICTIONARY: u8 = 1 << 0;
/// [`Shape::flags`] bit: the id is not in use.
const FREE: u8 = 1 << 1;
/// [`Shape::flags`] bit: the last key came from data.
const DYNAMIC: u8 = 1 << 2;
/// [`Shape::flags`] bit, of roots: only one table has got this metatable so far.
const ONE_USE: u8 = 1 << 3;

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
    /// The shape without the last key; 0 for roots and dictionaries.
    pub parent: u32,
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

    fn empty(id: u32, metatable: *mut Table, flags: u8) -> Shape {
        Shape {
            keys: ptr::null_mut(),
            key: ptr::null_mut(),
            metatable,
            id,
            parent: 0,
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
        self.shapes.capacity() * size_of::<Shape>() + self.free.capacity() * 4 + self.extra_bytes
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
        let (metatable, count, dynamic_depth) = {
            let shape = self.get(parent);
            (
                shape.metatable,
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
        shape.slot_count = count;
        shape.expected = count;
        shape.dynamic_depth = dynamic_depth;
        self.dynamic += usize::from(!from_constant);
        self.shapes[id as usize] = shape;
        self.link_child(id);
        Ok(id)
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
    fn release_keys(&mut self, id: u32) {
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

    fn map_bytes(map: &FxHashMap<*mut LuaString, u32>) -> usize {
        map.capacity() * 20
    }

    /// Makes a shape known to its parent.
    fn link_child(&mut self, id: u32) {
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
        let head = unsafe { (*metatable).reserved };
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
                if (*metatable).reserved == 0 {
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

/// The collector's side.
impl Shapes {
    /// Forgets all marks, at the start of a full cycle.
    pub fn clear_marks(&mut self) {
        for shape in &mut self.shapes {
            shape.mark = false;
        }
    }

    /// Marks a shape and its ancestors, and calls `visit` with the objects that those which were
    /// not marked refer to: their metatable and their keys.
    #[inline]
    pub fn mark(&mut self, id: u32, mut visit: impl FnMut(*mut GcHeader)) {
        let mut id = id;
        while id != 0 {
            let shape = self.get_mut(id);
            if shape.mark {
                return;
            }
            shape.mark = true;
            if !shape.key.is_null() {
                visit(shape.key.cast());
            }
            if !shape.metatable.is_null() {
                visit(shape.metatable.cast());
            }
            id = shape.parent;
        }
    }

    /// Whether a shape survives the coming [`Shapes::sweep`].
    pub fn is_marked(&self, id: u32) -> bool {
        id == EMPTY_SHAPE || id == EMPTY_DICTIONARY || self.get(id).mark
    }

    /// The shapes that [`Shapes::sweep`] will free. Caches and traces that name them must be
    /// cleared before.
    pub fn dead_ids(&self) -> impl Iterator<Item = u32> {
        self.shapes
            .iter()
            .filter(|shape| shape.flags & FREE == 0 && !self.is_marked(shape.id))
            .map(|shape| shape.id)
    }

    /// Frees the shapes that are not marked. Marks stay.
    ///
    /// # Safety
    /// No live table and no cache names an unmarked shape. The metatables and keys of all shapes
    /// are still allocated.
    pub unsafe fn sweep(&mut self) {
        let mut any = false;
        for id in 1..self.shapes.len() as u32 {
            if self.is_live(id) && !self.is_marked(id) {
                // SAFETY: the caller's contract.
                unsafe { self.free_shape(id) };
                any = true;
            }
        }
        if any {
            self.relink();
            self.truncate_keys();
        }
    }

    unsafe fn free_shape(&mut self, id: u32) {
        let partner = self.get(id).partner;
        let metatable = self.get(id).metatable;
        if self.get(id).parent == 0 && !metatable.is_null() {
            if partner != 0 {
                self.get_mut(partner).partner = 0;
            }
            // SAFETY: the caller's contract.
            unsafe { (*metatable).reserved = partner };
        }
        self.release_keys(id);
        let shape = &mut self.shapes[id as usize];
        self.dynamic -= usize::from(shape.flags & DYNAMIC != 0);
        self.one_use -= usize::from(shape.flags & ONE_USE != 0);
        self.extra_bytes -= shape.child_map.as_deref().map_or(0, Self::map_bytes);
        *shape = Shape::empty(id, ptr::null_mut(), FREE);
        self.free.push(id);
    }

    /// Makes all links between shapes anew, after some were freed.
    fn relink(&mut self) {
        for id in 1..self.shapes.len() as u32 {
            if !self.is_live(id) {
                continue;
            }
            let transition = self.get(id).metatable_transition;
            let keep = transition != 0 && self.is_live(transition);
            let shape = self.get_mut(id);
            shape.children = 0;
            shape.first_child = 0;
            shape.next_sibling = 0;
            shape.expected = shape.slot_count;
            if !keep {
                shape.metatable_transition = 0;
            }
            if let Some(map) = shape.child_map.take() {
                self.extra_bytes -= Self::map_bytes(&map);
            }
        }
        for id in 1..self.shapes.len() as u32 {
            if self.is_live(id) && self.get(id).parent != 0 {
                self.link_child(id);
            }
        }
    }

    /// Takes keys that only freed shapes had out of the key lists.
    fn truncate_keys(&mut self) {
        // SAFETY: the lists of shapes in use are live; a list is cut to what its longest user has.
        unsafe {
            for shape in self.shapes.iter().filter(|shape| !shape.keys.is_null()) {
                (*shape.keys).live = 0;
            }
            for shape in self.shapes.iter().filter(|shape| !shape.keys.is_null()) {
                (*shape.keys).live = (*shape.keys).live.max(shape.slot_count);
            }
            for shape in self.shapes.iter().filter(|shape| !shape.keys.is_null()) {
                KeyList::truncate(shape.keys, (*shape.keys).live);
            }
        }
    }

    /// Verifies the module's invariants; the text of the first violation otherwise.
    pub fn check(&self) -> std::result::Result<(), String> {
        for shape in self.shapes.iter().filter(|shape| shape.flags & FREE == 0) {
            let id = shape.id;
            let mut children = 0;
            let mut child = shape.first_child;
            while child != 0 {
                if !self.is_live(child) || self.get(child).parent != id {
                    return Err(format!("shape {id}: {child} is not its child"));
                }
                if self.child(id, self.get(child).key) != child {
                    return Err(format!("shape {id}: child {child} is not found by its key"));
                }
                children += 1;
                child = self.get(child).next_sibling;
            }
            if children != shape.children {
                return Err(format!("shape {id}: has {children} children"));
            }
            if shape.parent != 0 {
                if !self.is_live(shape.parent) {
                    return Err(format!("shape {id}: its parent was freed"));
                }
                let parent = self.get(shape.parent);
                if parent.slot_count + 1 != shape.slot_count
                    || parent.metatable != shape.metatable
                    || parent.expected < shape.expected
                {
                    return Err(format!("shape {id}: does not fit its parent"));
                }
            }
            for slot in 0..shape.slot_count as u32 {
                // SAFETY: the shape is in use, so its keys are live.
                let found = unsafe { self.find(id, shape.key_of(slot)) };
                if found != Some(slot) {
                    return Err(format!("shape {id}: key of slot {slot} is not found"));
                }
            }
        }
        Ok(())
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
