//! Tests of the collector with a root set of their own, without the interpreter.

mod finalize;
mod memory;
mod mutator;
mod reach;
mod strings;
mod weak;

use super::check::check;
use super::{GcHeader, Heap, Roots, full_collection, pacing};
use crate::coroutine::Thread;
use crate::error::{LuaError, Result};
use crate::function::{NativeClosure, NativeDescription};
use crate::native::{Call, NativeResult};
use crate::table::Table;
use crate::value::Value;

/// Roots: a list of values. All slots of a thread's stack are live.
pub(super) struct TestRoots {
    pub(super) values: Vec<Value>,
}

// SAFETY: the values are all that tests keep.
unsafe impl Roots for TestRoots {
    unsafe fn visit_roots(this: *mut Self, visit: &mut dyn FnMut(Value)) {
        // SAFETY: the caller's contract.
        for &value in unsafe { &(*this).values } {
            visit(value);
        }
    }

    unsafe fn visit_thread(
        _this: *mut Self,
        thread: *mut Thread,
        _atomic: bool,
        visit: &mut dyn FnMut(Value),
    ) {
        // SAFETY: the caller's contract.
        unsafe {
            for &value in &(*thread).stack {
                visit(value);
            }
            visit((*thread).hook.function);
        }
    }
}

/// A heap with roots.
pub(super) struct World {
    pub(super) heap: *mut Heap,
    pub(super) roots: *mut TestRoots,
    /// How often it was to be checked.
    checks: usize,
}

impl World {
    pub(super) fn new() -> World {
        World {
            heap: Box::into_raw(Heap::new(42).unwrap()),
            roots: Box::into_raw(Box::new(TestRoots { values: Vec::new() })),
            checks: 0,
        }
    }

    pub(super) fn heap(&mut self) -> &mut Heap {
        // SAFETY: the world owns the heap.
        unsafe { &mut *self.heap }
    }

    pub(super) fn root(&mut self, value: Value) -> Value {
        // SAFETY: the world owns the roots.
        unsafe { &mut *self.roots }.values.push(value);
        value
    }

    pub(super) fn unroot_all(&mut self) {
        // SAFETY: the world owns the roots.
        unsafe { &mut *self.roots }.values.clear();
    }

    pub(super) fn collect(&mut self) {
        // SAFETY: the world owns heap and roots.
        unsafe { full_collection(self.heap, self.roots, false) };
        self.check();
    }

    /// One smallest step of incremental mode.
    pub(super) fn single_step(&mut self) {
        // SAFETY: the world owns heap and roots.
        unsafe { pacing::single_step(self.heap, self.roots) };
    }

    /// A basic step as at a safepoint.
    pub(super) fn step(&mut self) {
        // SAFETY: the world owns heap and roots.
        unsafe { super::step(self.heap, self.roots) };
    }

    pub(super) fn generational(&mut self) -> pacing::Mode {
        // SAFETY: the world owns heap and roots.
        unsafe { pacing::set_generational(self.heap, self.roots, 0, 0) }
    }

    pub(super) fn incremental(&mut self) -> pacing::Mode {
        // SAFETY: the world owns heap and roots.
        unsafe { pacing::set_incremental(self.heap, self.roots, 0, 0, 0) }
    }

    /// Checks all invariants. What that finds needs no Miri to be seen, and takes several times as long there
    /// as all else: some checks will do.
    pub(super) fn check(&mut self) {
        self.checks += 1;
        if cfg!(miri) && !self.checks.is_multiple_of(6) {
            return;
        }
        // SAFETY: the world owns heap and roots.
        if let Err(violation) = unsafe { check(self.heap, self.roots) } {
            panic!("{violation}");
        }
    }

    /// Whether an object still exists (dead ones that are not swept do).
    pub(super) fn exists(&mut self, object: *mut GcHeader) -> bool {
        let mut found = false;
        self.heap().for_each_object(&mut |o| found |= o == object);
        found
    }

    pub(super) fn count(&mut self) -> usize {
        let mut count = 0;
        self.heap().for_each_object(&mut |_| count += 1);
        count
    }

    pub(super) fn string(&mut self, text: &str) -> Value {
        Value::string(self.heap().new_string(text.as_bytes()).unwrap())
    }

    pub(super) fn table(&mut self) -> Value {
        Value::table(self.heap().new_table().unwrap())
    }

    /// A table whose metatable has `__mode`.
    pub(super) fn weak_table(&mut self, mode: &str) -> Value {
        let metatable = self.table();
        let mode = self.string(mode);
        self.set_field(metatable, "__mode", mode);
        let table = self.table();
        self.set_metatable(table, metatable);
        table
    }

    pub(super) fn set_metatable(&mut self, table: Value, metatable: Value) {
        // SAFETY: both are live tables of the heap.
        unsafe {
            Table::set_metatable(self.heap(), table.as_pointer(), metatable.as_pointer())
                .unwrap_or_else(|_| panic!("no memory"));
        }
    }

    pub(super) fn set(&mut self, table: Value, key: Value, value: Value) {
        // SAFETY: all are live in the heap.
        unsafe {
            Table::set(self.heap(), table.as_pointer(), key, value)
                .unwrap_or_else(|error| panic!("{error:?}"));
        }
    }

    pub(super) fn set_field(&mut self, table: Value, key: &str, value: Value) {
        let key = self.string(key);
        self.set(table, key, value);
    }

    pub(super) fn get(&mut self, table: Value, key: Value) -> Value {
        // SAFETY: all are live in the heap.
        unsafe { Table::get(self.heap(), table.as_pointer(), key) }
    }

    pub(super) fn native(&mut self, upvalue_count: usize) -> Value {
        Value::native_closure(self.try_native(upvalue_count).unwrap())
    }

    pub(super) fn try_native(&mut self, upvalue_count: usize) -> Result<*mut NativeClosure> {
        static DESCRIPTION: NativeDescription = NativeDescription {
            intrinsic: None,
            name: "never",
            yieldable: false,
            private_upvalues: false,
        };
        fn never(_: &mut Call<'_>) -> NativeResult {
            Err(LuaError::Memory)
        }
        self.heap()
            .new_native_closure(never, &DESCRIPTION, upvalue_count)
    }

    pub(super) fn set_upvalue(&mut self, closure: Value, index: usize, value: Value) {
        // SAFETY: the closure is live and has the upvalue; the barrier is called.
        unsafe {
            *NativeClosure::upvalue(closure.as_pointer(), index) = value;
            self.heap().barrier_forward(closure.as_header(), value);
        }
    }

    pub(super) fn upvalue(&mut self, closure: Value, index: usize) -> Value {
        // SAFETY: the closure is live and has the upvalue.
        unsafe { *NativeClosure::upvalue(closure.as_pointer(), index) }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: both came from boxes and are not used any more.
        unsafe {
            drop(Box::from_raw(self.heap));
            drop(Box::from_raw(self.roots));
        }
    }
}
