//! What the collector does with shapes: marking, freeing; and the check of the invariants.

use super::{DYNAMIC, EMPTY_DICTIONARY, EMPTY_SHAPE, FREE, ONE_USE, Shape, Shapes};
use crate::gc::GcHeader;
use crate::table::keys::KeyList;
use std::ptr;

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
                for slot in shape.own_slots() {
                    // SAFETY: the shape is in use and has the slot.
                    visit(unsafe { shape.key_of(slot) }.cast());
                }
            }
            if !shape.metatable.is_null() {
                visit(shape.metatable.cast());
            }
            id = shape.parent;
        }
    }

    /// Marks a shape and its ancestors if their metatable and keys are marked.
    pub fn mark_if_reachable(&mut self, id: u32) {
        let is_marked = |object: *mut GcHeader| {
            // SAFETY: shapes that are in use refer to objects that are not yet freed.
            object.is_null() || unsafe { !(*object).is_white() }
        };
        let mut ancestor = id;
        while ancestor != 0 {
            if !self.is_live(ancestor) {
                return;
            }
            let shape = self.get(ancestor);
            // SAFETY: the shape is in use and has the slots.
            let mut keys = shape.own_slots().map(|slot| unsafe { shape.key_of(slot) });
            if !is_marked(shape.metatable.cast()) || !keys.all(|key| is_marked(key.cast())) {
                return;
            }
            ancestor = shape.parent;
        }
        self.mark(id, |_| {});
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
