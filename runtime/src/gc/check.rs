//! The whole-heap checker: every invariant that can be checked by looking at all objects.
//!
//! It is slow and for tests, fuzzing and stress modes. It changes nothing, and returns the first
//! violation as text.

use super::heap::{Heap, Phase};
use super::object::layout_of;
use super::pacing::Mode;
use super::{BLACK, COLOUR, FINALIZABLE, GcHeader, Kind, Roots, WHITES, charge};
use crate::coroutine::Thread;
use crate::function::{Cell, LuaClosure, NativeClosure, Proto};
use crate::string::{HASHED, INTERNED, LuaString, MAX_SHORT};
use crate::table::Table;
use crate::userdata::Userdata;
use crate::value::Value;
use rustc_hash::FxHashSet;

/// What the checker found violated.
pub type Violation = String;

/// Checks the whole heap.
///
/// # Safety
/// `heap` is a live heap, `roots` its roots, and nothing else uses them meanwhile.
pub unsafe fn check<R: Roots>(heap: *mut Heap, roots: *mut R) -> Result<(), Violation> {
    // SAFETY: the caller's contract.
    unsafe {
        let objects = collect_objects(&*heap)?;
        check_strings(&*heap)?;
        check_lists(&*heap, &objects)?;
        check_accounting(&*heap)?;
        (*heap).shapes.check()?;
        for &object in &objects {
            check_object(heap, roots, object, &objects)?;
        }
        let mut violation = Ok(());
        R::visit_roots(roots, &mut |value| {
            if violation.is_ok() && value.is_object() {
                violation = check_target(&*heap, "a root", value.as_header(), &objects);
            }
        });
        violation
    }
}

impl Heap {
    /// Bytes in use, counted anew from all objects and lists; what others charged
    /// ([`Heap::charge`]) is not included.
    pub fn recount_bytes(&self) -> usize {
        let lists = [
            self.gray.capacity(),
            self.gray_again.capacity(),
            self.marked_threads.capacity(),
            self.protos.capacity(),
            self.finalizable.capacity(),
            self.pending.capacity(),
            self.generations.young_strings.capacity(),
            self.strings.buckets.len(),
        ];
        let lists = lists.map(charge::list::<*mut GcHeader>);
        let mut bytes = charge::block(size_of::<Heap>())
            + lists.iter().sum::<usize>()
            + self.weak.bytes()
            + self.shapes.charged;
        self.for_each_object(&mut |object| {
            // SAFETY: listed objects are not freed; the kind names the type.
            bytes += unsafe {
                charge::block(layout_of(object).size())
                    + match (*object).kind {
                        Kind::Table => Table::external_bytes(object.cast()),
                        Kind::Userdata => (*object.cast::<Userdata>()).charged,
                        Kind::Thread => (*object.cast::<Thread>()).charged,
                        Kind::Proto => (*object.cast::<Proto>()).charged,
                        _ => 0,
                    }
            };
        });
        bytes
    }

    /// Calls `visit` with every object, dead ones that are not swept included.
    pub fn for_each_object(&self, visit: &mut dyn FnMut(*mut GcHeader)) {
        for list in [self.objects, self.unswept, self.generations.old] {
            let mut object = list;
            while !object.is_null() {
                visit(object);
                // SAFETY: lists consist of objects that are not freed.
                object = unsafe { (*object).next };
            }
        }
        for &bucket in &self.strings.buckets {
            let mut string = bucket.cast::<GcHeader>();
            while !string.is_null() {
                visit(string);
                // SAFETY: as above.
                string = unsafe { (*string).next };
            }
        }
    }
}

type Objects = FxHashSet<*mut GcHeader>;

/// All objects; an error when one is listed twice.
fn collect_objects(heap: &Heap) -> Result<Objects, Violation> {
    let mut objects = Objects::default();
    for list in [heap.objects, heap.unswept, heap.generations.old] {
        let mut object = list;
        while !object.is_null() {
            if !objects.insert(object) {
                return Err(format!("object {object:?} is listed twice"));
            }
            // SAFETY: lists consist of objects that are not freed.
            unsafe {
                if (*object).kind == Kind::String
                    && (*object.cast::<LuaString>()).header.flags & INTERNED != 0
                {
                    return Err(format!("interned string {object:?} in an object list"));
                }
                object = (*object).next;
            }
        }
    }
    if heap.pacing.mode() == Mode::Incremental && !heap.generations.old.is_null() {
        return Err("old objects in incremental mode".into());
    }
    if !matches!(heap.phase, Phase::SweepObjects) && !heap.unswept.is_null() {
        return Err("unswept objects outside sweeping".into());
    }
    for &bucket in &heap.strings.buckets {
        let mut string = bucket.cast::<GcHeader>();
        while !string.is_null() {
            if !objects.insert(string) {
                return Err(format!("string {string:?} is in two places"));
            }
            // SAFETY: as above.
            string = unsafe { (*string).next };
        }
    }
    Ok(objects)
}

/// The string table: right chain, right hash, no two equal strings.
fn check_strings(heap: &Heap) -> Result<(), Violation> {
    let mut count = 0;
    let mut seen = FxHashSet::default();
    for (bucket, &first) in heap.strings.buckets.iter().enumerate() {
        let mut string = first;
        while !string.is_null() {
            // SAFETY: chains consist of strings that are not freed.
            unsafe {
                let header = &(*string).header;
                let bytes = LuaString::as_bytes(string);
                if header.kind != Kind::String
                    || header.flags & (INTERNED | HASHED) != INTERNED | HASHED
                    || bytes.len() > MAX_SHORT
                {
                    return Err(format!("{string:?} is no interned string"));
                }
                if header.extra != heap.strings.hash(bytes)
                    || heap.strings.bucket_of(header.extra) != bucket
                {
                    return Err(format!("string {string:?} is in the wrong chain"));
                }
                if !seen.insert(bytes) {
                    return Err(format!("string {string:?} has a twin"));
                }
                count += 1;
                string = (*string).header.next.cast();
            }
        }
    }
    if count != heap.strings.count {
        let counted = heap.strings.count;
        return Err(format!("{count} interned strings, counted as {counted}"));
    }
    Ok(())
}

/// Lists of finalisers and protos, and gray lists, against the objects themselves.
fn check_lists(heap: &Heap, objects: &Objects) -> Result<(), Violation> {
    let mut armed = Objects::default();
    for &object in heap.finalizable.iter().chain(&heap.pending) {
        // SAFETY: membership is tested first.
        if !objects.contains(&object) || unsafe { (*object).mark } & FINALIZABLE == 0 {
            return Err(format!("{object:?} is listed as finalisable but is not"));
        }
        if !armed.insert(object) {
            return Err(format!("{object:?} is listed twice as finalisable"));
        }
    }
    let mut listed_protos = Objects::default();
    listed_protos.extend(heap.protos.iter().map(|proto| proto.cast::<GcHeader>()));
    let mut gray = Objects::default();
    gray.extend(heap.gray.iter().chain(&heap.gray_again));
    for &object in objects {
        // SAFETY: these objects are not freed.
        let header = unsafe { &*object };
        if header.mark & FINALIZABLE != 0 && !armed.contains(&object) {
            return Err(format!("finalisable {object:?} is not listed"));
        }
        let is_listed = listed_protos.contains(&object);
        let is_dead = header.mark & heap.other_white() != 0;
        if header.kind == Kind::Proto && !is_listed && !is_dead {
            return Err(format!("proto {object:?} is not listed"));
        }
        if (header.mark & COLOUR).count_ones() > 1 {
            return Err(format!("{object:?} has several colours"));
        }
        let lost = heap.gray_overflow || gray.contains(&object);
        if header.is_gray() && heap.phase == Phase::Mark && header.kind != Kind::Thread && !lost {
            return Err(format!("gray {object:?} is in no list"));
        }
    }
    for proto in listed_protos {
        if !objects.contains(&proto) {
            return Err(format!("proto {proto:?} is listed but freed"));
        }
    }
    Ok(())
}

fn check_accounting(heap: &Heap) -> Result<(), Violation> {
    let (counted, used) = (heap.recount_bytes(), heap.used);
    if counted > used {
        return Err(format!("{used} bytes charged, but there are {counted}"));
    }
    Ok(())
}

/// One object: its colour, what it refers to, and a table's invariants.
unsafe fn check_object<R: Roots>(
    heap: *mut Heap,
    roots: *mut R,
    object: *mut GcHeader,
    objects: &Objects,
) -> Result<(), Violation> {
    // SAFETY: the caller passes a live heap, its roots and an object that is not freed.
    unsafe {
        let (white, dead) = ((*heap).current_white, (*heap).other_white());
        let mark = (*object).mark;
        if (*heap).phase == Phase::Pause && mark & WHITES != white {
            return Err(format!("{object:?} is not white between cycles"));
        }
        if (*heap).phase == Phase::Mark && mark & dead != 0 {
            return Err(format!("{object:?} has the other white while marking"));
        }
        if mark & dead != 0 {
            // Garbage; what it refers to may be freed already.
            return Ok(());
        }
        let mut violation = Ok(());
        let mut visit = |target: *mut GcHeader| {
            if violation.is_ok() && !target.is_null() {
                let name = format!("{:?} {object:?} (mark {mark:#x})", (*object).kind);
                violation = check_target(&*heap, &name, target, objects);
                let marking = (*heap).phase == Phase::Mark;
                if violation.is_ok() && marking && mark & BLACK != 0 && (*target).is_white() {
                    let kind = (*target).kind;
                    violation = Err(format!("black {name} refers to white {kind:?} {target:?}"));
                }
            }
        };
        match (*object).kind {
            Kind::Table => Table::for_each_reference(heap, object.cast(), &mut visit),
            Kind::Thread => {
                R::visit_thread(roots, object.cast(), false, &mut |value: Value| {
                    if value.is_object() {
                        visit(value.as_header());
                    }
                });
            }
            _ => for_each_reference(object, &mut visit),
        }
        violation?;
        if (*object).kind == Kind::Table {
            Table::check(&*heap, object.cast())?;
        }
        Ok(())
    }
}

/// A live object or root may refer only to live objects.
unsafe fn check_target(
    heap: &Heap,
    name: &str,
    target: *mut GcHeader,
    objects: &Objects,
) -> Result<(), Violation> {
    if !objects.contains(&target) {
        return Err(format!("{name} refers to {target:?}, which is freed"));
    }
    // SAFETY: the target was just found among the objects.
    unsafe {
        if heap.is_dead(target) {
            let kind = (*target).kind;
            return Err(format!("{name} refers to garbage: {kind:?} {target:?}"));
        }
    }
    Ok(())
}

/// Calls `visit` with each object that `object` (no table and no thread) refers to, or null.
unsafe fn for_each_reference(object: *mut GcHeader, visit: &mut dyn FnMut(*mut GcHeader)) {
    // SAFETY: the caller passes an object that is not freed; the kind names the type.
    unsafe {
        let mut visit_value = |value: Value| {
            if value.is_object() {
                visit(value.as_header());
            }
        };
        let extra = (*object).extra as usize;
        match (*object).kind {
            Kind::String | Kind::Table | Kind::Thread => {}
            Kind::Cell => visit_value((*object.cast::<Cell>()).value),
            Kind::NativeClosure => {
                for index in 0..extra {
                    visit_value(*NativeClosure::upvalue(object.cast(), index));
                }
            }
            Kind::LuaClosure => {
                visit((*object.cast::<LuaClosure>()).proto.cast());
                for index in 0..extra {
                    visit(LuaClosure::upvalue(object.cast(), index).cast());
                }
            }
            Kind::Userdata => {
                let userdata = object.cast::<Userdata>();
                let user_values: &[Value] = &(*userdata).user_values;
                for &value in user_values {
                    visit_value(value);
                }
                visit((*userdata).metatable.cast());
            }
            Kind::Proto => {
                let proto = object.cast::<Proto>();
                let (constants, protos) = (&*(*proto).constants, &*(*proto).protos);
                for &value in constants {
                    visit_value(value);
                }
                for &inner in protos {
                    visit(inner.cast());
                }
            }
        }
    }
}
