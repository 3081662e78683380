//! The state: a virtual machine and its embedding interface.

use crate::app_data::AppData;
use crate::control::Control;
use crate::failure::Failures;
use crate::handle::{Handle, unroot};
use crate::lock::{Count, DroppedHandles, Entered, Held, Lock, Shared};
use crate::registry::DroppedKeys;
use crate::userdata::Classes;
use crate::{
    Error, FromLua, FromLuaMulti, IntoLua, IntoLuaMulti, LuaString, MultiValue, Raised, Result,
    Table, Value,
};
use perilune_runtime::error::LuaError;
use perilune_runtime::from_rust::call_from_rust;
use perilune_runtime::native::{Call, CallResult, Local, LocalView};
use perilune_runtime::protect;
use perilune_runtime::value as raw;
use perilune_runtime::vm::{PendingLink, Vm, pending};
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;

pub use crate::memory::{GcGenParams, GcIncParams, GcMode};
pub use crate::stdlib::LuaOptions;
pub use crate::weak::WeakLua;

/// What all handles of a state share.
pub(crate) struct State {
    /// Who may use what follows.
    lock: Lock,
    /// The machine; null when the state is closed.
    vm: Cell<*mut Vm>,
    /// How many [`Lua`]s there are; the state is closed when the last one goes.
    owners: Count,
    /// Handles that were dropped while another thread was in the state.
    dropped_handles: DroppedHandles,
    /// Registry keys that were dropped.
    pub(crate) dropped_keys: DroppedKeys,
    parts: Parts,
}

/// What belongs to a state besides its machine, for those who have entered it.
pub(crate) struct Parts {
    /// What is needed to make error objects, once it is.
    pub(crate) failures: Cell<Option<Failures>>,
    /// The function that resumes coroutines, once it is made: an index of `Vm::handles`.
    pub(crate) resume: Cell<Option<usize>>,
    /// The metatable of serde's sequences, once it is made: an index of `Vm::handles`.
    #[cfg(feature = "serde")]
    pub(crate) array_metatable: Cell<Option<usize>>,
    /// The program's own data.
    pub(crate) app_data: AppData,
    /// What threads and interruptions need.
    pub(crate) control: Control,
    /// Userdata types.
    pub(crate) classes: Classes,
}

// SAFETY: the machine and the parts are used by one thread at a time, the one that holds the lock, and what
// programs put into them is `Send` (`MaybeSend`). What a scope's functions and userdata borrow need not be:
// the scope holds the lock until they are gone. All else is `Send` and `Sync`.
#[cfg(feature = "send")]
unsafe impl Send for State {}
// SAFETY: likewise.
#[cfg(feature = "send")]
unsafe impl Sync for State {}

impl State {
    /// Waits until no other thread is in the state.
    #[inline]
    pub(crate) fn enter(&self) -> Entered<'_> {
        Entered::new(self)
    }

    /// The lock.
    #[cfg(feature = "send")]
    #[inline]
    pub(crate) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The machine; null when the state is closed.
    ///
    /// # Panics
    /// When the running thread has not entered the state.
    #[inline]
    pub(crate) fn machine(&self) -> *mut Vm {
        assert!(
            self.lock.is_held(),
            "the state is entered before it is used"
        );
        self.vm.get()
    }

    /// The parts.
    ///
    /// # Panics
    /// When the running thread has not entered the state.
    #[inline]
    pub(crate) fn parts(&self) -> &Parts {
        assert!(
            self.lock.is_held(),
            "the state is entered before it is used"
        );
        &self.parts
    }

    /// The machine, for those who have entered the state and use it until they leave.
    ///
    /// # Panics
    /// When the state is closed, or the running thread has not entered it.
    #[inline]
    pub(crate) fn vm(&self) -> *mut Vm {
        let vm = self.machine();
        assert!(!vm.is_null(), "Lua instance is destroyed");
        vm
    }

    /// Frees the index of a handle that is dropped: now, or if another thread is in the state, when a thread
    /// enters it.
    #[inline]
    pub(crate) fn drop_handle(&self, index: usize) {
        match Held::try_new(self) {
            Some(_held) => {
                let vm = self.machine();
                if !vm.is_null() {
                    // SAFETY: `Lua`'s rule for the use of handles: nothing else refers to the machine.
                    unroot(unsafe { &mut *vm }, index);
                }
            }
            None => self.dropped_handles.push(index),
        }
    }

    /// Frees what [`State::drop_handle`] could not.
    #[cfg(feature = "send")]
    #[inline]
    pub(crate) fn free_dropped_handles(&self) {
        let Some(indices) = self.dropped_handles.take() else {
            return;
        };
        let vm = self.machine();
        if !vm.is_null() {
            for index in indices {
                // SAFETY: as in `drop_handle`.
                unroot(unsafe { &mut *vm }, index);
            }
        }
    }

    /// One owner less.
    #[inline]
    fn release(&self) {
        if self.owners.decrease() {
            self.close();
        }
    }

    /// Runs the finalisers and frees the machine, as its last owner goes. A finaliser may make a new
    /// one and keep it: that one closes the state then.
    #[cold]
    fn close(&self) {
        let entered = self.enter();
        let vm = entered.vm();
        if vm.is_null() {
            return;
        }
        self.owners.revive();
        // SAFETY: no code of the state runs, as whoever runs some has an owner.
        unsafe { perilune_runtime::collect::finalize_all(vm) };
        if self.owners.decrease() {
            // What is dropped with the machine finds it gone.
            self.vm.set(std::ptr::null_mut());
            // SAFETY: the pointer came from `Box::into_raw`, and nothing refers to it any more.
            drop(unsafe { Box::from_raw(vm) });
            entered.app_data.clear();
        }
    }

    /// Calls a function from outside of any native step, or from within one, for whom has entered the state.
    pub(crate) fn call(
        self: &Shared<State>,
        function: raw::Value,
        args: &[Value],
        traceback: bool,
    ) -> std::result::Result<Vec<Value>, Raised> {
        let values: Result<Vec<raw::Value>> = args.iter().map(|v| v.to_raw(self)).collect();
        let args = values?;
        // SAFETY: the saved state is up to date whenever Rust code outside the engine runs.
        unsafe {
            let vm = self.vm();
            let saved = std::mem::replace(&mut (*vm).wants_traceback, traceback);
            (*vm).traceback = None;
            self.expect_interrupt();
            let result = call_from_rust(vm, function, &args, 0);
            (*vm).wants_traceback = saved;
            match result {
                Ok((first, count)) => {
                    let mut values = Vec::with_capacity(count);
                    for n in 0..count {
                        values.push(Value::from_raw(self, *first.add(n)));
                    }
                    Ok(values)
                }
                Err(error) => Err(self.describe(error)),
            }
        }
    }

    /// A Lua error as the embedder sees it.
    pub(crate) fn describe(self: &Shared<State>, error: LuaError) -> Raised {
        // SAFETY: the error object was just raised; it is rooted before anything else runs.
        unsafe {
            let vm = self.vm();
            let value = protect::error_value(&mut *vm, error);
            crate::failure::go_on_with_panic(value);
            let object = Value::from_raw(self, value);
            let out_of_memory = protect::is_memory_error(&*vm, &error);
            protect::caught(vm, &error);
            let traceback = (*vm).traceback.take();
            let limit = match error {
                LuaError::Uncatchable(limit) => Some(limit),
                _ => None,
            };
            let (message, made_by_metamethod) = match limit {
                Some(limit) => (limit.text().as_bytes().to_vec(), false),
                None => self.error_text(value),
            };
            Raised {
                object,
                message,
                // As the reference interpreter: an object that describes itself has no traceback.
                traceback: traceback.filter(|_| !made_by_metamethod),
                out_of_memory,
                limit,
            }
        }
    }

    /// The text of an error object, and whether `__tostring` made it.
    unsafe fn error_text(self: &Shared<State>, value: raw::Value) -> (Vec<u8>, bool) {
        // SAFETY: the value is rooted.
        unsafe {
            let vm = self.vm();
            if let Some(s) = value.to_string_object() {
                return (
                    perilune_runtime::string::LuaString::as_bytes(s).to_vec(),
                    false,
                );
            }
            if let Some(n) = perilune_runtime::convert::as_number(value) {
                let mut text = Vec::new();
                perilune_frontend::number::push_number(&mut text, n);
                return (text, false);
            }
            let event = perilune_runtime::metatable::Event::ToString;
            let function = perilune_runtime::metatable::metamethod(&*vm, value, event);
            if !function.is_nil()
                && let Ok((first, 1..)) = call_from_rust(vm, function, &[value], 0)
                && let Some(s) = (*first).to_string_object()
            {
                return (
                    perilune_runtime::string::LuaString::as_bytes(s).to_vec(),
                    true,
                );
            }
            (
                format!("(error object is a {} value)", value.type_name()).into_bytes(),
                false,
            )
        }
    }

    /// The binary form of a function.
    pub(crate) fn dump(self: &Shared<State>, function: raw::Value, strip: bool) -> Option<Vec<u8>> {
        // SAFETY: no collection happens meanwhile.
        unsafe {
            let mut call = Call::new(self.vm(), 0, CallResult::Returned(0));
            match Local::from_raw(function).view() {
                LocalView::Function(function) => call.dump(function, strip),
                _ => None,
            }
        }
    }
}

/// A Lua state. Clones are the same state; it is closed, and its finalisers run, when the last of them
/// is dropped. Handles do not keep it: they are dead then.
///
/// A callback that captures a `Lua` of its own state keeps that state for ever; it is given one with
/// each call.
///
/// With the feature `send` it may be sent to other threads and shared with them, and so may all handles. One
/// thread uses the state at a time, from a call of a method until what that runs has returned; others wait. So a
/// callback must not wait for a thread that uses the same state.
///
/// ```
/// let lua = perilune::Lua::new();
/// let same = lua.clone();
/// same.globals().set("x", 1)?;
/// drop(same);
/// assert_eq!(lua.globals().get::<i64>("x")?, 1);
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct Lua {
    pub(crate) state: Shared<State>,
    /// Only here are `Lua`s made, since all of them are counted.
    _counted: (),
}

impl Lua {
    /// A state with nothing but a machine.
    pub(crate) fn with_machine(vm: Box<Vm>) -> Lua {
        let state = State {
            vm: Cell::new(Box::into_raw(vm)),
            lock: Lock::default(),
            owners: Count::new(1),
            dropped_handles: DroppedHandles::default(),
            dropped_keys: DroppedKeys::default(),
            parts: Parts {
                failures: Cell::new(None),
                resume: Cell::new(None),
                #[cfg(feature = "serde")]
                array_metatable: Cell::new(None),
                app_data: AppData::default(),
                control: Control::default(),
                classes: Classes::default(),
            },
        };
        Lua {
            state: Shared::new(state),
            _counted: (),
        }
    }

    /// One more owner of `state`.
    ///
    /// # Errors
    /// The state is closed.
    #[inline]
    pub(crate) fn of(state: &Shared<State>) -> Result<Lua> {
        if !state.owners.join() {
            return Err(Error::state_is_gone());
        }
        Ok(Lua {
            state: state.clone(),
            _counted: (),
        })
    }
}

/// An owner of a state for a while, without a share in its memory, that has entered it: what uses a handle has
/// one, since the code that runs meanwhile may drop every other one.
pub(crate) struct Owner<'a> {
    lua: ManuallyDrop<Lua>,
    /// Left after the owner has gone, which may close the state.
    _held: Held<'a>,
}

impl<'a> Owner<'a> {
    /// One more owner of `state`.
    ///
    /// # Errors
    /// The state is closed.
    #[inline]
    pub(crate) fn of(state: &'a Shared<State>) -> Result<Owner<'a>> {
        if !state.owners.join() {
            return Err(Error::state_is_gone());
        }
        let held = Held::new(state);
        // SAFETY: a copy that is never dropped, of a pointer that is good for `'a`.
        let state = unsafe { std::ptr::read(state) };
        Ok(Owner {
            lua: ManuallyDrop::new(Lua {
                state,
                _counted: (),
            }),
            _held: held,
        })
    }

    /// The machine.
    #[inline]
    pub(crate) fn vm(&self) -> *mut Vm {
        // An owner: the state is not closed.
        self.lua.state.machine()
    }
}

impl std::ops::Deref for Owner<'_> {
    type Target = Lua;

    #[inline]
    fn deref(&self) -> &Lua {
        &self.lua
    }
}

impl Drop for Owner<'_> {
    #[inline]
    fn drop(&mut self) {
        self.lua.state.release();
    }
}

impl Lua {
    /// The state for what it owns itself, and that goes with it: not counted as an owner.
    pub(crate) fn uncounted(&self) -> ManuallyDrop<Lua> {
        // SAFETY: a copy that is never dropped, of a pointer that is good while there is a machine.
        let state = unsafe { std::ptr::read(&self.state) };
        ManuallyDrop::new(Lua {
            state,
            _counted: (),
        })
    }
}

impl Clone for Lua {
    #[inline]
    fn clone(&self) -> Lua {
        self.state.owners.increase();
        Lua {
            state: self.state.clone(),
            _counted: (),
        }
    }
}

impl Drop for Lua {
    #[inline]
    fn drop(&mut self) {
        self.state.release();
    }
}

impl std::fmt::Debug for Lua {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lua({:p})", Shared::as_ptr(&self.state))
    }
}

/// Interrupts a running state from another thread or a signal handler.
///
/// ```
/// use std::{thread, time::Duration};
/// let lua = perilune::Lua::new();
/// let handle: perilune::InterruptHandle = lua.interrupt_handle();
/// let watch = thread::spawn(move || {
///     thread::sleep(Duration::from_millis(20));
///     handle.interrupt();
/// });
/// assert!(lua.load("while true do end").exec().is_err());
/// assert!(watch.join().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct InterruptHandle {
    link: PendingLink,
}

impl InterruptHandle {
    /// Asks the running code to stop at its next safepoint; nothing happens when the state is
    /// gone.
    pub fn interrupt(&self) {
        if let Ok(link) = self.link.try_lock()
            && let Some(pointer) = *link
        {
            // SAFETY: the link is emptied, under its lock, before the machine goes away.
            unsafe { (*pointer.0).fetch_or(pending::INTERRUPT, Ordering::Relaxed) };
        }
    }
}

impl Lua {
    /// Waits until no other thread is in the state.
    #[inline]
    pub(crate) fn enter(&self) -> Entered<'_> {
        self.state.enter()
    }

    /// Runs `open` as a native function's step: how libraries are opened.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let top = lua.with_call(|call| Ok(call.arg_count()))?;
    /// assert_eq!(top, 0);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `open` raises.
    pub fn with_call<T>(
        &self,
        open: impl for<'c> FnOnce(&mut Call<'c>) -> perilune_runtime::error::Result<T>,
    ) -> Result<T> {
        let entered = self.enter();
        // SAFETY: outside of native steps the running frame is native (the sentinel or the
        // embedder's), and no collection happens before `open` returns.
        unsafe {
            let vm = entered.vm();
            let top = (*(*vm).frame_top).varargs;
            let mut call = Call::new(vm, 0, CallResult::Returned(0));
            let result = open(&mut call);
            (*(*vm).frame_top).varargs = top;
            result.map_err(|error| self.state.describe(error).into())
        }
    }

    /// The globals table.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.globals().set("answer", 42)?;
    /// assert_eq!(lua.load("answer").eval::<i64>()?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn globals(&self) -> Table {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        let globals = unsafe { (*entered.vm()).globals };
        Table(Handle::new(&self.state, raw::Value::table(globals)))
    }

    /// A string.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let string = lua.create_string(b"\xff\0")?;
    /// assert_eq!(lua.load("return #...").call::<i64>(string)?, 2);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_string(&self, bytes: impl AsRef<[u8]>) -> Result<LuaString> {
        let entered = self.enter();
        self.safepoint();
        let vm = entered.vm();
        // SAFETY: the machine lives as long as the state; it is at a safepoint where a native function runs.
        let string = unsafe {
            match (*vm).heap.new_string(bytes.as_ref()) {
                Err(_) if self.make_room() => (*vm).heap.new_string(bytes.as_ref()),
                string => string,
            }
        };
        match string {
            Ok(s) => Ok(LuaString(Handle::new(&self.state, raw::Value::string(s)))),
            Err(_) => Err(Error::memory()),
        }
    }

    /// Converts a value to another type by way of Lua.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// assert_eq!(lua.convert::<i64>("12")?, 12);
    /// assert!(lua.convert::<i64>("many").is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What a conversion says.
    pub fn convert<T: FromLua>(&self, value: impl IntoLua) -> Result<T> {
        T::from_lua(value.into_lua(self)?, self)
    }

    /// Converts to a Lua value.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let value = lua.pack(vec![1, 2])?;
    /// assert!(value.is_table());
    /// assert_eq!(lua.unpack::<Vec<i64>>(value)?, [1, 2]);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the conversion says.
    pub fn pack(&self, value: impl IntoLua) -> Result<Value> {
        value.into_lua(self)
    }

    /// Converts from a Lua value.
    ///
    /// # Errors
    /// What the conversion says.
    pub fn unpack<T: FromLua>(&self, value: Value) -> Result<T> {
        T::from_lua(value, self)
    }

    /// Converts to Lua values.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let values = lua.pack_multi((1, "two"))?;
    /// assert_eq!(values.len(), 2);
    /// assert_eq!(lua.unpack_multi::<(i64, String)>(values)?, (1, "two".to_owned()));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the conversion says.
    pub fn pack_multi(&self, values: impl IntoLuaMulti) -> Result<MultiValue> {
        values.into_lua_multi(self)
    }

    /// Converts from Lua values.
    ///
    /// # Errors
    /// What the conversion says.
    pub fn unpack_multi<T: FromLuaMulti>(&self, values: MultiValue) -> Result<T> {
        T::from_lua_multi(values, self)
    }

    /// Sets what hears of every chunk that is loaded: its text (or binary chunk), its name, and what
    /// it was compiled to. Not public, as it is given pointers that other threads may not share.
    pub(crate) fn set_chunk_observer(&self, observer: perilune_runtime::vm::ChunkObserver) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).observer = Some(observer) };
    }

    /// What the tracing compiler has to say of its work, if there is one: for people, or as a JSON
    /// object.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.load("for i = 1, 1000 do end").exec()?;
    /// assert!(lua.trace_statistics(true).is_some_and(|json| json.starts_with('{')));
    /// assert!(perilune::Lua::without_libraries()?.trace_statistics(false).is_none());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn trace_statistics(&self, json: bool) -> Option<String> {
        let entered = self.enter();
        // SAFETY: the state is live.
        let tracer = unsafe { (*entered.vm()).tracer.clone() };
        tracer.map(|tracer| tracer.statistics(json))
    }

    /// Runs all finalisers, as dropping the last handle does, and leaves the memory to the end of
    /// the process.
    ///
    /// ```no_run
    /// let lua = perilune::Lua::new();
    /// lua.load("setmetatable({}, {__gc = function() print('the end') end})").exec()?;
    /// lua.finish(); // prints
    /// std::process::exit(0);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn finish(self) {
        {
            let entered = self.enter();
            // SAFETY: outside of native steps the state is at a safepoint.
            unsafe { perilune_runtime::collect::finalize_all(entered.vm()) };
        }
        std::mem::forget(self);
    }

    /// A handle that interrupts running code from elsewhere.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        let entered = self.enter();
        InterruptHandle {
            // SAFETY: the machine lives as long as the state.
            link: unsafe { (*entered.vm()).link.clone() },
        }
    }
}
