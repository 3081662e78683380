//! Marking: from the roots, through gray objects, to the atomic part that ends it.
//!
//! Functions here take the heap as a raw pointer: they hand closures to the root set and to the
//! shapes, which lead back into the heap while one of its fields is borrowed.
//!
//! When there is no memory for a list of gray objects, or the limit forbids it, the object just stays gray and
//! `gray_overflow` is set; the atomic part then looks for gray objects in the whole heap. So
//! marking cannot fail.

use super::heap::{Heap, Phase};
use super::{BLACK, GcHeader, Kind, Roots, WHITES, charge};
use crate::coroutine::Thread;
use crate::function::{Cell, LuaClosure, NativeClosure, Proto};
use crate::string::LuaString;
use crate::userdata::Userdata;
use crate::value::Value;

impl Heap {
    /// Marks what a value refers to.
    ///
    /// # Safety
    /// `this` is a live heap that is marking, and `value` refers to nothing freed.
    #[inline(always)]
    pub(crate) unsafe fn mark_value(this: *mut Heap, value: Value) {
        if value.is_object() {
            // SAFETY: the caller's contract.
            unsafe { Heap::mark_object(this, value.as_header()) };
        }
    }

    /// Marks an object.
    ///
    /// # Safety
    /// As [`Heap::mark_value`].
    #[inline(always)]
    pub(crate) unsafe fn mark_object(this: *mut Heap, object: *mut GcHeader) {
        // SAFETY: the caller's contract.
        unsafe {
            if (*object).mark & WHITES != 0 {
                Heap::mark_white(this, object);
            }
        }
    }

    /// Marks an object unless the pointer is null.
    ///
    /// # Safety
    /// As [`Heap::mark_value`].
    #[inline(always)]
    pub(crate) unsafe fn mark_pointer<T>(this: *mut Heap, object: *mut T) {
        if !object.is_null() {
            // SAFETY: the caller's contract; every heap type starts with its header.
            unsafe { Heap::mark_object(this, object.cast()) };
        }
    }

    #[inline(never)]
    unsafe fn mark_white(this: *mut Heap, object: *mut GcHeader) {
        // SAFETY: the caller's contract; the kind names the type.
        unsafe {
            match (*object).kind {
                Kind::String => (*object).set_colour(BLACK),
                Kind::Cell => {
                    (*object).set_colour(BLACK);
                    // Recursion ends here: a cell never holds a cell.
                    Heap::mark_value(this, (*object.cast::<Cell>()).value);
                }
                Kind::Thread => {
                    (*object).set_colour(0);
                    let threads = &raw mut (*this).marked_threads;
                    if !push(this, threads, object.cast()) {
                        (*this).threads_lost = true;
                        (*this).gray_overflow = true;
                    }
                    // The atomic part visits the list of threads itself.
                    if !(*this).pacing.atomic {
                        Heap::push_gray(this, object);
                    }
                }
                _ => {
                    (*object).set_colour(0);
                    Heap::push_gray(this, object);
                }
            }
        }
    }

    /// Puts a gray object into the list of those to be visited.
    #[inline(always)]
    unsafe fn push_gray(this: *mut Heap, object: *mut GcHeader) {
        // SAFETY: the caller passes a live heap.
        unsafe {
            let gray = &raw mut (*this).gray;
            if !push(this, gray, object) {
                (*this).gray_overflow = true;
            }
        }
    }

    /// Puts a gray object into the list of those to be visited in the atomic part.
    ///
    /// # Safety
    /// `this` is a live heap.
    pub(crate) unsafe fn push_gray_again(this: *mut Heap, object: *mut GcHeader) {
        // SAFETY: the caller's contract.
        unsafe {
            let gray_again = &raw mut (*this).gray_again;
            if !push(this, gray_again, object) {
                (*this).gray_overflow = true;
            }
        }
    }

    /// Starts a cycle: everything is white; marks the roots.
    ///
    /// # Safety
    /// `this` is a live heap in phase `Pause`, `roots` its roots.
    pub(crate) unsafe fn start_cycle<R: Roots>(this: *mut Heap, roots: *mut R) {
        // SAFETY: the caller's contract.
        unsafe {
            (*this).clear_gray_lists();
            (*this).shapes.clear_marks();
            (*this).phase = Phase::Mark;
            Heap::mark_roots(this, roots);
        }
    }

    /// Forgets all gray objects.
    pub(crate) fn clear_gray_lists(&mut self) {
        self.gray.clear();
        self.gray_again.clear();
        self.marked_threads.clear();
        self.weak.clear();
        self.gray_overflow = false;
        self.threads_lost = false;
    }

    /// Marks the roots, those of the heap itself included.
    ///
    /// # Safety
    /// As [`Heap::start_cycle`], while marking.
    pub(crate) unsafe fn mark_roots<R: Roots>(this: *mut Heap, roots: *mut R) {
        // SAFETY: the caller's contract.
        unsafe {
            for index in 0..(*this).names.len() {
                Heap::mark_pointer(this, (*this).names[index]);
            }
            for index in 0..(*this).type_names.len() {
                Heap::mark_pointer(this, (*this).type_names[index]);
            }
            Heap::mark_pointer(this, (*this).memory_error);
            Heap::mark_pointer(this, (*this).shapes.metatable_key);
            for index in 0..(*this).pending.len() {
                let object = (&(*this).pending)[index];
                Heap::mark_object(this, object);
            }
            R::visit_roots(roots, &mut |value| Heap::mark_value(this, value));
        }
    }

    /// Visits what a gray object refers to and makes it black; returns how much work it was.
    ///
    /// # Safety
    /// `this` is a live heap that is marking, `roots` its roots, `object` a marked object of it.
    pub(crate) unsafe fn traverse<R: Roots>(
        this: *mut Heap,
        roots: *mut R,
        object: *mut GcHeader,
    ) -> usize {
        // SAFETY: the caller's contract; the kind names the type.
        unsafe {
            let kind = (*object).kind;
            if kind == Kind::Thread {
                return Heap::traverse_thread(this, roots, object.cast());
            }
            (*object).set_colour(BLACK);
            match kind {
                Kind::Table => Heap::traverse_table(this, object.cast()),
                Kind::LuaClosure => {
                    let closure = object.cast::<LuaClosure>();
                    Heap::mark_pointer(this, (*closure).proto);
                    let count = (*object).extra as usize;
                    for index in 0..count {
                        Heap::mark_pointer(this, LuaClosure::upvalue(closure, index));
                    }
                    1 + count
                }
                Kind::NativeClosure => {
                    let count = (*object).extra as usize;
                    for index in 0..count {
                        let value = *NativeClosure::upvalue(object.cast(), index);
                        Heap::mark_value(this, value);
                    }
                    1 + count
                }
                Kind::Userdata => {
                    let userdata = object.cast::<Userdata>();
                    Heap::mark_pointer(this, (*userdata).metatable);
                    let values = &raw const *(*userdata).user_values;
                    for index in 0..values.len() {
                        Heap::mark_value(this, (&(*values))[index]);
                    }
                    1 + values.len()
                }
                Kind::Proto => Heap::traverse_proto(this, object.cast()),
                Kind::Cell => {
                    Heap::mark_value(this, (*object.cast::<Cell>()).value);
                    1
                }
                Kind::String | Kind::Thread => 1,
            }
        }
    }

    unsafe fn traverse_proto(this: *mut Heap, proto: *mut Proto) -> usize {
        // SAFETY: the caller passes a live heap and proto. Its boxes are not changed meanwhile.
        unsafe {
            let count = (&(*proto).constants).len();
            let constants = (*proto).constants.as_ptr();
            for index in 0..count {
                Heap::mark_value(this, *constants.add(index));
            }
            let protos = &raw const *(*proto).protos;
            for index in 0..protos.len() {
                Heap::mark_pointer(this, (&(*protos))[index]);
            }
            // Without memory for it the charge stays behind; the next cycle tries again.
            let _ = (*this).update_proto_charge(proto);
            1 + count + protos.len()
        }
    }

    /// Visits a thread, which stays gray.
    unsafe fn traverse_thread<R: Roots>(
        this: *mut Heap,
        roots: *mut R,
        thread: *mut Thread,
    ) -> usize {
        // SAFETY: the caller passes a live heap, its roots and a thread.
        unsafe {
            let atomic = (*this).pacing.atomic;
            R::visit_thread(roots, thread, atomic, &mut |value| {
                Heap::mark_value(this, value);
            });
            let _ = (*this).update_thread_charge(thread);
            let stack = &raw const (*thread).stack;
            1 + (*stack).len()
        }
    }

    /// Ends marking in one go: what is white afterwards is garbage. Returns how much work it was.
    ///
    /// # Safety
    /// `this` is a live heap in phase `Mark`, `roots` its roots; the VM is at a safepoint.
    pub(crate) unsafe fn atomic<R: Roots>(this: *mut Heap, roots: *mut R) -> usize {
        // SAFETY: the caller's contract.
        unsafe {
            (*this).pacing.atomic = true;
            // What was garbage before now would have been freed.
            ((*this).unmade, (*this).granted) = (0, (*this).threshold);
            Heap::mark_roots(this, roots);
            let mut work = 0;
            let mut thread_index = 0;
            work += Heap::propagate_all(this, roots, &mut thread_index);
            // Objects that barriers turned gray, and weak tables.
            for index in 0..(*this).gray_again.len() {
                let object = (&(*this).gray_again)[index];
                if (*object).is_gray() {
                    work += Heap::traverse(this, roots, object);
                }
            }
            (*this).gray_again.clear();
            work += Heap::propagate_all(this, roots, &mut thread_index);
            work += Heap::converge_ephemerons(this, roots, &mut thread_index);

            // Everything that the program can reach is marked. Values go from weak tables before
            // finalisers see them, keys only after resurrection.
            (*this).clear_weak_values(0, 0);
            let (values_before, both_before) = (*this).weak.lengths();
            (*this).separate_finalizable(false);
            for index in 0..(*this).pending.len() {
                let object = (&(*this).pending)[index];
                Heap::mark_object(this, object);
            }
            work += Heap::propagate_all(this, roots, &mut thread_index);
            work += Heap::converge_ephemerons(this, roots, &mut thread_index);
            (*this).clear_weak_keys();
            (*this).clear_weak_values(values_before, both_before);
            (*this).weak.clear();

            Heap::sweep_shapes(this, roots);
            (*this).forget_dead_lists();
            // Generational mode must find such threads again next time.
            (*this).gray_overflow = (*this).threads_lost;
            (*this).current_white = (*this).other_white();
            (*this).pacing.atomic = false;
            work
        }
    }

    /// Visits gray objects until there are none; in the atomic part, also each marked thread from
    /// `thread_index` on, once.
    ///
    /// # Safety
    /// As [`Heap::atomic`].
    pub(crate) unsafe fn propagate_all<R: Roots>(
        this: *mut Heap,
        roots: *mut R,
        thread_index: &mut usize,
    ) -> usize {
        let mut work = 0;
        // SAFETY: the caller's contract.
        unsafe {
            loop {
                while let Some(object) = (*this).gray.pop() {
                    work += Heap::traverse(this, roots, object);
                }
                if *thread_index < (*this).marked_threads.len() {
                    let thread = (&(*this).marked_threads)[*thread_index];
                    *thread_index += 1;
                    work += Heap::traverse_thread(this, roots, thread);
                } else if std::mem::take(&mut (*this).gray_overflow) {
                    work += Heap::traverse_lost(this, roots);
                } else {
                    return work;
                }
            }
        }
    }

    /// Looks for gray objects in the whole heap, when some are in no list, and visits them.
    #[cold]
    unsafe fn traverse_lost<R: Roots>(this: *mut Heap, roots: *mut R) -> usize {
        let mut work = 0;
        // SAFETY: the caller's contract.
        unsafe {
            for list in [(*this).objects, (*this).unswept, (*this).generations.old] {
                let mut object = list;
                while !object.is_null() {
                    if (*object).is_gray() {
                        work += Heap::traverse(this, roots, object);
                    }
                    object = (*object).next;
                }
            }
        }
        work
    }

    /// Takes what marking found dead out of the heap's own weak lists.
    fn forget_dead_lists(&mut self) {
        // SAFETY: nothing has been freed since marking.
        self.protos
            .retain(|&proto| unsafe { !(*proto).header.is_white() });
    }
}

/// Whether a weak reference to `value` must be cleared. Strings are values in this respect:
/// they are marked and never cleared.
///
/// # Safety
/// `value` refers to nothing freed.
#[inline(always)]
pub(crate) unsafe fn is_cleared(value: Value) -> bool {
    if !value.is_object() {
        return false;
    }
    let object = value.as_header();
    // SAFETY: the caller's contract.
    unsafe {
        if !(*object).is_white() {
            return false;
        }
        if (*object).kind == Kind::String {
            (*object.cast::<LuaString>()).header.set_colour(BLACK);
            return false;
        }
        true
    }
}

/// Appends to one of the heap's lists and charges its growth. False when there is no memory for it.
///
/// # Safety
/// `this` is a live heap and `list` a list of its own.
#[inline(always)]
pub(crate) unsafe fn push<T>(this: *mut Heap, list: *mut Vec<T>, item: T) -> bool {
    // SAFETY: the caller's contract; nothing else borrows the list.
    unsafe {
        if (*list).len() == (*list).capacity() && !grow(this, list) {
            return false;
        }
        (&mut *list).push(item);
    }
    true
}

/// A list of gray objects may take this part of the memory limit, even beyond it: it is what frees memory.
/// A longer one, of which the last objects are looked for in the whole heap, is slower.
const LIST_PART: usize = 64;

#[cold]
#[inline(never)]
unsafe fn grow<T>(this: *mut Heap, list: *mut Vec<T>) -> bool {
    // SAFETY: as for `push`; the heap's other fields are not part of the list.
    unsafe {
        let list = &mut *list;
        let before = list.capacity();
        let more = before.max(64);
        let bytes = charge::list::<T>(before + more);
        let limit = (*this).limit;
        let is_refused = bytes > limit / LIST_PART && (*this).used.saturating_add(bytes) > limit;
        if is_refused || list.try_reserve(more).is_err() {
            return false;
        }
        let charged = (*this).used - charge::list::<T>(before);
        (*this).used = charged + charge::list::<T>(list.capacity());
    }
    true
}
