//! What a native function sees of the machine during a step: slots, values, tables, results.

use super::{Action, CallResult, FunctionRef, Local, Native, StringRef, TableRef, ThreadRef};
use crate::convert;
use crate::coroutine::Status;
use crate::error::{LuaError, Result};
use crate::function::NativeClosure;
use crate::interp;
use crate::metatable::{self, Event};
use crate::native::UserdataRef;
use crate::stack;
use crate::string::LuaString;
use crate::table::Table;
use crate::value::{self, Value, View};
use crate::vm::Vm;
use perilune_frontend::number::{self, Number};
use std::any::Any;
use std::cell::{RefCell, RefMut};
use std::marker::PhantomData;

/// A running step of a native function.
#[derive(Debug)]
pub struct Call<'c> {
    pub(crate) vm: *mut Vm,
    state: u32,
    result: CallResult,
    step: PhantomData<&'c ()>,
}

impl<'c> Call<'c> {
    /// A step of the function on top.
    ///
    /// # Safety
    /// The running frame of `vm` is native, and no collection happens during `'c`.
    pub unsafe fn new(vm: *mut Vm, state: u32, result: CallResult) -> Call<'c> {
        Call {
            vm,
            state,
            result,
            step: PhantomData,
        }
    }

    /// The machine, for what the embedding interface does with it.
    #[inline]
    pub fn machine(&self) -> *mut Vm {
        self.vm
    }

    /// The machine.
    pub(crate) fn vm(&mut self) -> &mut Vm {
        // SAFETY: a step has its machine for itself.
        unsafe { &mut *self.vm }
    }
    pub(crate) fn vm_ref(&self) -> &Vm {
        // SAFETY: a step has its machine for itself.
        unsafe { &*self.vm }
    }

    /// The state given by the action that ended the previous step; 0 in the first one.
    pub fn state(&self) -> u32 {
        self.state
    }
    /// How the action that ended the previous step went.
    pub fn result(&self) -> CallResult {
        self.result
    }
    /// How many slots are in use: in the first step, how many arguments there are.
    #[inline]
    pub fn top(&self) -> u32 {
        // SAFETY: the running frame is live.
        unsafe { (*(*self.vm).frame_top).varargs }
    }
    /// The number of arguments; to be asked in the first step, before slots are pushed.
    #[inline]
    pub fn arg_count(&self) -> u32 {
        self.top()
    }
    #[inline]
    fn place(&self, i: u32) -> *mut Value {
        // SAFETY: slots are numbered from 1 from the base on; callers keep `i` within those in use.
        unsafe { (*self.vm).base.add(i as usize - 1) }
    }
    /// The value in slot `i`; nil when there is none.
    #[inline]
    pub fn slot(&self, i: u32) -> Local<'c> {
        if i == 0 || i > self.top() {
            return Local::new(Value::NIL);
        }
        // SAFETY: the slot is in use.
        Local::new(unsafe { *self.place(i) })
    }
    /// Argument `i`: the same as slot `i`.
    #[inline]
    pub fn arg(&self, i: u32) -> Local<'c> {
        self.slot(i)
    }
    /// Whether there is no argument `i`.
    pub fn is_none(&self, i: u32) -> bool {
        i > self.top()
    }
    /// Whether argument `i` is absent or nil.
    pub fn is_none_or_nil(&self, i: u32) -> bool {
        self.slot(i).is_nil()
    }
    /// Stores into a slot in use; slots beyond are ignored.
    #[inline]
    pub fn set_slot(&mut self, i: u32, v: impl Into<Local<'c>>) {
        if i >= 1 && i <= self.top() {
            // SAFETY: the slot is in use.
            unsafe { *self.place(i) = v.into().raw };
        }
    }
    /// Makes sure that `n` more slots can be pushed.
    ///
    /// # Errors
    /// `stack overflow (message)`, as `luaL_checkstack`.
    pub fn ensure_slots(&mut self, n: u32, message: &str) -> Result<()> {
        let needed = self.top() as usize + n as usize;
        let in_use = self.stack_index() + needed;
        // While an overflow is being handled, the stack is larger than the limit.
        // SAFETY: both pointers are into the running thread's stack.
        let room = unsafe { (*self.vm).stack_limit.offset_from((*self.vm).base) };
        if in_use > self.vm_ref().max_stack && needed as isize > room {
            return Err(self.error(if message.is_empty() {
                "stack overflow".to_owned()
            } else {
                format!("stack overflow ({message})")
            }));
        }
        // SAFETY: the saved base is right during a step.
        unsafe { stack::ensure(self.vm, needed) }
    }
    fn stack_index(&self) -> usize {
        // SAFETY: the base lies within the running thread's stack.
        unsafe {
            (*self.vm)
                .base
                .offset_from((*(*self.vm).thread).stack.as_ptr()) as usize
        }
    }
    /// Sets the number of slots in use; new ones are nil.
    ///
    /// # Errors
    /// Stack overflow, memory.
    #[inline]
    pub fn set_top(&mut self, n: u32) -> Result<()> {
        let old = self.top();
        if n > old {
            // SAFETY: the saved base is right during a step.
            unsafe { stack::ensure(self.vm, n as usize)? };
            for i in old + 1..=n {
                // SAFETY: ensured above.
                unsafe { *self.place(i) = Value::NIL };
            }
        }
        // SAFETY: the running frame is live.
        unsafe { (*(*self.vm).frame_top).varargs = n };
        Ok(())
    }
    /// Moves the slots from `first` to the top up by `distance`; those below keep their values,
    /// those between hold copies.
    ///
    /// # Errors
    /// Stack overflow, memory.
    #[inline]
    pub fn shift_slots(&mut self, first: u32, distance: u32) -> Result<()> {
        let top = self.top();
        self.set_top(top + distance)?;
        for slot in (first..=top).rev() {
            // SAFETY: both slots are in use.
            unsafe { *self.place(slot + distance) = *self.place(slot) };
        }
        Ok(())
    }

    /// Pushes a value; answers its slot.
    ///
    /// # Errors
    /// Stack overflow, memory.
    #[inline]
    pub fn push(&mut self, v: impl Into<Local<'c>>) -> Result<u32> {
        let n = self.top() + 1;
        // SAFETY: ensured before the write.
        unsafe {
            stack::ensure(self.vm, n as usize)?;
            *self.place(n) = v.into().raw;
            (*(*self.vm).frame_top).varargs = n;
        }
        Ok(n)
    }

    /// Pushes some values; answers the slot of the first.
    ///
    /// # Errors
    /// Stack overflow, memory.
    #[inline(always)]
    pub fn push_array<const N: usize>(&mut self, values: [Local<'c>; N]) -> Result<u32> {
        let first = self.top() + 1;
        let top = first - 1 + N as u32;
        // SAFETY: ensured before the writes.
        unsafe {
            stack::ensure(self.vm, top as usize)?;
            for (n, v) in (first..).zip(values) {
                *self.place(n) = v.raw;
            }
            (*(*self.vm).frame_top).varargs = top;
        }
        Ok(first)
    }

    /// Returns nothing.
    pub fn return_none(&self) -> Action {
        Action::Return { first: 1, count: 0 }
    }
    /// Returns one value.
    #[inline]
    pub fn return_one(&mut self, v: impl Into<Local<'c>>) -> Action {
        // SAFETY: natives have free slots above those in use, so slot 1 exists.
        unsafe { *self.place(1) = v.into().raw };
        Action::Return { first: 1, count: 1 }
    }
    /// Returns some values.
    ///
    /// # Errors
    /// Stack overflow, memory.
    pub fn return_values(&mut self, values: &[Local<'c>]) -> super::NativeResult {
        let first = self.top() + 1;
        let top = self.top() as usize + values.len();
        // SAFETY: ensured before the writes.
        unsafe {
            stack::ensure(self.vm, top)?;
            for (n, v) in (first..).zip(values) {
                *self.place(n) = v.raw;
            }
            (*(*self.vm).frame_top).varargs = top as u32;
        }
        Ok(Action::Return {
            first,
            count: values.len() as u32,
        })
    }
    /// Returns the values in slots `first` and up.
    pub fn return_from(&self, first: u32) -> Action {
        Action::Return {
            first,
            count: (self.top() + 1).saturating_sub(first),
        }
    }
    /// Returns nil and a message (as `luaL_pushfail` users do).
    ///
    /// # Errors
    /// Memory.
    pub fn fail(&mut self, message: &[u8]) -> super::NativeResult {
        let message = self.new_string(message)?;
        self.return_values(&[Local::NIL, message])
    }
    /// Returns nil, the system's message (after `name: `) and the error number, as
    /// `luaL_fileresult`.
    ///
    /// # Errors
    /// Memory.
    pub fn os_fail(&mut self, error: std::io::Error, name: Option<&[u8]>) -> super::NativeResult {
        let mut text = Vec::new();
        if let Some(name) = name {
            text.extend_from_slice(name);
            text.extend_from_slice(b": ");
        }
        text.extend_from_slice(crate::sys::error_text(&error).as_bytes());
        let message = self.new_string(&text)?;
        let number = Local::integer(crate::sys::error_number(&error) as i64);
        self.return_values(&[Local::NIL, message, number])
    }

    /// The number that `v` is or that its text denotes.
    pub fn to_number(&self, v: Local<'c>) -> Option<Number> {
        convert::to_number(v.raw)
    }
    /// The integer that `v` is, converts to exactly, or that its text denotes.
    pub fn to_integer(&self, v: Local<'c>) -> Option<i64> {
        convert::to_integer(v.raw)
    }
    /// What `tostring` gives without calling `__tostring` (but with `__name`).
    ///
    /// # Errors
    /// Memory.
    pub fn to_display(&mut self, v: Local<'c>) -> Result<Vec<u8>> {
        Ok(match v.raw.view() {
            View::Nil | View::Internal => b"nil".to_vec(),
            View::Boolean(b) => {
                if b {
                    b"true".to_vec()
                } else {
                    b"false".to_vec()
                }
            }
            View::Integer(_) | View::Float(_) => {
                let mut out = Vec::new();
                if let Some(n) = convert::as_number(v.raw) {
                    number::push_number(&mut out, n);
                }
                out
            }
            // SAFETY: the string is live during the step.
            View::String(s) => unsafe { crate::string::LuaString::as_bytes(s).to_vec() },
            _ => {
                let name = self.metafield(v, "__name");
                let mut out = match name.as_bytes() {
                    Some(name) => name.to_vec(),
                    None => v.type_name().as_bytes().to_vec(),
                };
                out.extend_from_slice(format!(": {:#x}", v.address()).as_bytes());
                out
            }
        })
    }
    /// The metamethod of `v` for `event`, or nil.
    pub fn metamethod(&self, v: Local<'c>, event: Event) -> Local<'c> {
        // SAFETY: `v` is live during the step.
        Local::new(unsafe { metatable::metamethod(self.vm_ref(), v.raw, event) })
    }
    /// The field `name` of `v`'s metatable, or nil.
    pub fn metafield(&mut self, v: Local<'c>, name: &str) -> Local<'c> {
        match self.metatable(v) {
            Some(t) => self.table_get_str(t, name.as_bytes()),
            None => Local::new(Value::NIL),
        }
    }

    /// A string.
    ///
    /// # Errors
    /// Memory.
    pub fn new_string(&mut self, bytes: &[u8]) -> Result<Local<'c>> {
        // SAFETY: a native function's step.
        unsafe { crate::limit::charge_bytes(self.vm, bytes.len()) };
        Ok(Local::new(Value::string(self.vm().heap.new_string(bytes)?)))
    }
    /// An empty table with room for `array` elements and `fields` string keys.
    ///
    /// # Errors
    /// Memory, "table overflow".
    pub fn new_table(&mut self, array: usize, fields: usize) -> Result<TableRef<'c>> {
        let heap = &mut self.vm().heap;
        let table = heap.new_table()?;
        // SAFETY: the table is new and live.
        let reserved = unsafe { Table::reserve(heap, table, array, fields) };
        reserved.map_err(|error| interp::table_error(self.vm(), error))?;
        Ok(TableRef::new(table))
    }
    /// A native function without upvalues.
    ///
    /// # Errors
    /// Memory.
    pub fn new_function(&mut self, native: Native) -> Result<Local<'c>> {
        self.new_closure(native, &[])
    }
    /// A native function with upvalues.
    ///
    /// # Errors
    /// Memory.
    pub fn new_closure(&mut self, native: Native, upvalues: &[Local<'c>]) -> Result<Local<'c>> {
        let closure = self.vm().heap.new_native_closure(
            native.function,
            native.description,
            upvalues.len(),
        )?;
        for (n, v) in upvalues.iter().enumerate() {
            // SAFETY: the closure is new and has that many upvalues.
            unsafe { *NativeClosure::upvalue(closure, n) = v.raw };
        }
        Ok(Local::new(Value::native_closure(closure)))
    }
    /// A full userdata; with `type_name`, its metatable is the one registered under that name.
    ///
    /// # Errors
    /// Memory.
    pub fn new_userdata<T: Any>(
        &mut self,
        data: T,
        type_name: Option<&'static str>,
        user_values: usize,
    ) -> Result<UserdataRef<'c>> {
        let metatable = match type_name {
            Some(name) => {
                let registry = self.registry();
                self.table_get_str(registry, name.as_bytes()).as_table()
            }
            None => None,
        };
        let raw = metatable.map_or(std::ptr::null_mut(), |t| t.raw);
        let heap = &mut self.vm().heap;
        let userdata = heap.new_userdata(RefCell::new(data), raw, user_values)?;
        if metatable.is_some() {
            let v = Local::new(Value::userdata(userdata));
            self.arm(v)?;
        }
        Ok(UserdataRef::new(userdata))
    }
    fn arm(&mut self, v: Local<'c>) -> Result<()> {
        if self.vm_ref().limits.ignores_finalizers || self.metamethod(v, Event::Gc).is_nil() {
            return Ok(());
        }
        // SAFETY: the object is live.
        unsafe { self.vm().heap.arm_finalizer(v.raw.as_header()) }
    }
    /// A coroutine that will run `function`.
    ///
    /// # Errors
    /// Memory.
    pub fn new_thread(&mut self, function: Local<'c>) -> Result<ThreadRef<'c>> {
        let vm = self.vm();
        let thread = vm.heap.new_thread()?;
        // SAFETY: the thread is new and not running; its stack has room.
        unsafe {
            stack::prepare(vm, thread)?;
            (&mut (*thread).stack)[1] = function.raw;
            (*thread).top = 2;
            crate::hook::inherit(thread, vm.thread);
        }
        Ok(ThreadRef::new(thread))
    }
    /// The metatable registered under `type_name`, and whether it was made just now
    /// (as `luaL_newmetatable`).
    ///
    /// # Errors
    /// Memory.
    pub fn new_metatable(&mut self, type_name: &'static str) -> Result<(TableRef<'c>, bool)> {
        let registry = self.registry();
        if let Some(t) = self
            .table_get_str(registry, type_name.as_bytes())
            .as_table()
        {
            return Ok((t, false));
        }
        let t = self.new_table(0, 4)?;
        let name = self.new_string(type_name.as_bytes())?;
        self.table_set_str(t, b"__name", name)?;
        self.table_set_str(registry, type_name.as_bytes(), t.into())?;
        Ok((t, true))
    }
    /// The running native function.
    #[inline]
    pub fn running_closure(&self) -> *mut NativeClosure {
        self.closure()
    }
    #[inline]
    fn closure(&self) -> *mut NativeClosure {
        // SAFETY: the running native function stands at base - 1.
        unsafe { (*(*self.vm).base.sub(1)).as_pointer() }
    }
    /// Upvalue `i` of the running function, numbered from 1; nil when there is none.
    pub fn upvalue(&self, i: u32) -> Local<'c> {
        let closure = self.closure();
        // SAFETY: the running closure is live; the index is checked.
        unsafe {
            if i == 0 || i > (*closure).header.extra {
                return Local::new(Value::NIL);
            }
            Local::new(*NativeClosure::upvalue(closure, i as usize - 1))
        }
    }
    /// Sets upvalue `i` of the running function, if there is one.
    pub fn set_upvalue(&mut self, i: u32, v: Local<'c>) {
        let closure = self.closure();
        // SAFETY: as `upvalue`; the barrier follows the store.
        unsafe {
            if i >= 1 && i <= (*closure).header.extra {
                *NativeClosure::upvalue(closure, i as usize - 1) = v.raw;
                self.vm()
                    .heap
                    .barrier_forward(&raw mut (*closure).header, v.raw);
            }
        }
    }

    /// `t[key]`, raw.
    #[inline]
    pub fn table_get(&self, t: TableRef<'c>, key: Local<'c>) -> Local<'c> {
        // SAFETY: both are live during the step.
        Local::new(unsafe { Table::get(&self.vm_ref().heap, t.raw, key.raw) })
    }
    /// `t[i]`, raw.
    #[inline]
    pub fn table_get_int(&self, t: TableRef<'c>, i: i64) -> Local<'c> {
        // SAFETY: live during the step.
        Local::new(unsafe { Table::get_int(t.raw, i) })
    }
    /// `t[name]`, raw; nil also when memory for the name runs out.
    pub fn table_get_str(&mut self, t: TableRef<'c>, name: &[u8]) -> Local<'c> {
        match self.vm().heap.new_string(name) {
            Ok(key) => {
                // SAFETY: both are live during the step.
                Local::new(unsafe { Table::get(&self.vm_ref().heap, t.raw, Value::string(key)) })
            }
            Err(_) => Local::new(Value::NIL),
        }
    }
    /// Pushes `t[first]` and so on, `count` elements, raw.
    ///
    /// # Errors
    /// Stack overflow, memory.
    pub fn push_elements(&mut self, t: TableRef<'c>, first: i64, count: u32) -> Result<()> {
        let top = self.top();
        // SAFETY: ensured before the writes; the table is live during the step.
        unsafe {
            stack::ensure(self.vm, top as usize + count as usize)?;
            for n in 0..count {
                let v = Table::get_int(t.raw, first.wrapping_add(i64::from(n)));
                *self.place(top + 1 + n) = v;
            }
            (*(*self.vm).frame_top).varargs = top + count;
        }
        Ok(())
    }
    /// `t[key] = v`, raw.
    ///
    /// # Errors
    /// Nil or NaN as key, table overflow, memory.
    #[inline]
    pub fn table_set(&mut self, t: TableRef<'c>, key: Local<'c>, v: Local<'c>) -> Result<()> {
        // SAFETY: all are live during the step.
        let result = unsafe { Table::set(&mut self.vm().heap, t.raw, key.raw, v.raw) };
        result.map_err(|error| interp::table_error(self.vm(), error))
    }
    /// `t[i] = v`, raw.
    ///
    /// # Errors
    /// Table overflow, memory.
    #[inline]
    pub fn table_set_int(&mut self, t: TableRef<'c>, i: i64, v: Local<'c>) -> Result<()> {
        // SAFETY: all are live during the step.
        let result = unsafe { Table::set_int(&mut self.vm().heap, t.raw, i, v.raw) };
        result.map_err(|error| interp::table_error(self.vm(), error))
    }
    /// `t[name] = v`, raw.
    ///
    /// # Errors
    /// Table overflow, memory.
    pub fn table_set_str(&mut self, t: TableRef<'c>, name: &[u8], v: Local<'c>) -> Result<()> {
        let key = self.new_string(name)?;
        let key_string: *mut LuaString = key.raw.as_pointer();
        // SAFETY: all are live during the step.
        unsafe {
            if !LuaString::is_interned(key_string) {
                return self.table_set(t, key, v);
            }
            // Such names stand in the program's text: they make records, not dictionaries.
            let result = Table::set_str(&mut self.vm().heap, t.raw, key_string, v.raw, true);
            result.map_err(|error| interp::table_error(self.vm(), error))
        }
    }
    /// The border of `t`.
    #[inline]
    pub fn table_len(&self, t: TableRef<'c>) -> i64 {
        // SAFETY: live during the step.
        unsafe { Table::border(t.raw) }
    }
    /// The entry after `key`.
    ///
    /// # Errors
    /// "invalid key to 'next'".
    pub fn table_next(
        &mut self,
        t: TableRef<'c>,
        key: Local<'c>,
    ) -> Result<Option<(Local<'c>, Local<'c>)>> {
        // SAFETY: both are live during the step.
        match unsafe { Table::next(&self.vm_ref().heap, t.raw, key.raw) } {
            Ok(entry) => Ok(entry.map(|(k, v)| (Local::new(k), Local::new(v)))),
            Err(_) => Err(self.vm().runtime_error("invalid key to 'next'")),
        }
    }
    /// The metatable of `v`.
    pub fn metatable(&self, v: Local<'c>) -> Option<TableRef<'c>> {
        // SAFETY: live during the step.
        let raw = unsafe { metatable::metatable_of(self.vm_ref(), v.raw) };
        (!raw.is_null()).then(|| TableRef::new(raw))
    }
    /// Sets the metatable of a table or userdata, or of `v`'s basic type.
    ///
    /// # Errors
    /// Memory.
    pub fn set_metatable(&mut self, v: Local<'c>, metatable: Option<TableRef<'c>>) -> Result<()> {
        let raw = metatable.map_or(std::ptr::null_mut(), |t| t.raw);
        // SAFETY: all are live during the step; barriers follow the stores.
        unsafe {
            match v.raw.view() {
                View::Table(t) => Table::set_metatable(&mut self.vm().heap, t, raw)
                    .map_err(|error| interp::table_error(self.vm(), error))?,
                View::Userdata(u) => {
                    (*u).metatable = raw;
                    if !raw.is_null() {
                        let header = &raw mut (*u).header;
                        self.vm().heap.barrier_forward(header, Value::table(raw));
                    }
                }
                _ => {
                    metatable::set_type_metatable(self.vm(), v.raw, raw);
                    return Ok(());
                }
            }
        }
        if raw.is_null() { Ok(()) } else { self.arm(v) }
    }
    /// The Rust value of a userdata, borrowed; `None` when it is of another type, borrowed
    /// already, or taken.
    pub fn userdata_mut<T: Any>(&self, u: UserdataRef<'c>) -> Option<RefMut<'c, T>> {
        // SAFETY: the userdata is live during the step; what natives store in one is not taken.
        let cell = unsafe { crate::userdata::Userdata::cell::<T>(u.raw) };
        cell?.try_borrow_mut().ok()
    }
    /// Primitive equality.
    pub fn raw_equal(&self, a: Local<'c>, b: Local<'c>) -> bool {
        interp::equals_raw(a.raw, b.raw)
    }
    /// `a < b` for two numbers or two strings; `None` for others.
    #[inline]
    pub fn compare_less(&self, a: Local<'c>, b: Local<'c>) -> Option<bool> {
        interp::less_values(a.raw, b.raw)
    }
    /// Makes another table the globals table: chunks that are loaded from now on use it.
    ///
    /// # Errors
    /// Memory.
    pub fn set_globals(&mut self, globals: TableRef<'c>) -> Result<()> {
        // The place at which C code finds it (manual §4.3).
        let registry = self.registry();
        self.table_set_int(registry, 2, globals.into())?;
        self.vm().globals = globals.raw;
        Ok(())
    }
    /// The globals table.
    pub fn globals(&self) -> TableRef<'c> {
        TableRef::new(self.vm_ref().globals)
    }
    /// The registry.
    pub fn registry(&self) -> TableRef<'c> {
        TableRef::new(self.vm_ref().registry.as_pointer())
    }
    /// `package.loaded`.
    ///
    /// # Errors
    /// Memory.
    pub fn loaded(&mut self) -> Result<TableRef<'c>> {
        let registry = self.registry();
        if let Some(t) = self.table_get_str(registry, b"_LOADED").as_table() {
            return Ok(t);
        }
        let t = self.new_table(0, 16)?;
        self.table_set_str(registry, b"_LOADED", t.into())?;
        Ok(t)
    }

    /// The running thread and whether it is the main one.
    pub fn running(&self) -> (ThreadRef<'c>, bool) {
        let vm = self.vm_ref();
        (ThreadRef::new(vm.thread), vm.thread == vm.main_thread)
    }
    /// The status of a coroutine as `coroutine.status` gives it.
    pub fn thread_status(&self, thread: ThreadRef<'c>) -> &'static str {
        // SAFETY: live during the step.
        match unsafe { (*thread.raw).status } {
            Status::Suspended => "suspended",
            Status::Running => "running",
            Status::Normal => "normal",
            Status::Dead => "dead",
        }
    }
    /// Whether a coroutine can yield.
    pub fn is_yieldable(&self, thread: ThreadRef<'c>) -> bool {
        // SAFETY: live during the step.
        unsafe { thread.raw != self.vm_ref().main_thread && (*thread.raw).non_yieldable == 0 }
    }
    /// Emits a warning.
    ///
    /// # Errors
    /// What the warning function raises.
    pub fn warn(&mut self, message: &[u8], to_continue: bool) -> Result<()> {
        // SAFETY: a native step runs, which the saved state says.
        unsafe { crate::warn::warn(self.vm, message, to_continue) }
    }
    /// A table's string key interned once: for hot paths.
    pub fn string_value(s: StringRef<'c>) -> Local<'c> {
        Local::new(Value::string(s.raw))
    }
    /// Whether `v` is a number.
    pub fn is_number(v: Local<'c>) -> bool {
        v.raw.tag <= value::FLOAT
    }
    /// An error with any value as its object.
    pub fn error_value(&mut self, v: Local<'c>) -> LuaError {
        LuaError::Runtime(v.raw)
    }
    /// The running function.
    pub fn running_function(&self) -> FunctionRef<'c> {
        // SAFETY: the running function stands at base - 1.
        FunctionRef(Local::new(unsafe { *(*self.vm).base.sub(1) }))
    }
}
