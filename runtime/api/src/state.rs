//! The state: a virtual machine and its embedding interface.

use crate::handle::Handle;
use crate::userdata::Classes;
use crate::{
    AsChunk, Chunk, Error, FromLua, Function, IntoLua, LuaString, Raised, Result, Table, Value,
};
use perilune_runtime::error::LuaError;
use perilune_runtime::from_rust::call_from_rust;
use perilune_runtime::native::{Call, CallResult, ChunkMode, Local, LocalView, load_chunk};
use perilune_runtime::protect;
use perilune_runtime::value as raw;
use perilune_runtime::vm::{PendingLink, Vm, pending};
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// What all handles of a state share.
pub(crate) struct State {
    vm: *mut Vm,
    /// Userdata types.
    pub(crate) classes: Classes,
}

impl State {
    /// Takes care of a machine.
    pub(crate) fn new(vm: Box<Vm>) -> State {
        State {
            vm: Box::into_raw(vm),
            classes: Classes::default(),
        }
    }

    /// The machine.
    pub(crate) fn vm(&self) -> *mut Vm {
        self.vm
    }

    /// A string value.
    pub(crate) fn string(self: &Rc<State>, bytes: &[u8]) -> Result<Value> {
        // SAFETY: the machine lives as long as the state.
        match unsafe { (*self.vm).heap.new_string(bytes) } {
            Ok(s) => Ok(Value::from_raw(self, raw::Value::string(s))),
            Err(_) => Err(Error::MemoryError),
        }
    }

    /// Calls a function from outside of any native step, or from within one.
    pub(crate) fn call(
        self: &Rc<State>,
        function: raw::Value,
        args: &[Value],
        traceback: bool,
    ) -> std::result::Result<Vec<Value>, Raised> {
        let values: Result<Vec<raw::Value>> = args.iter().map(|v| v.to_raw(self)).collect();
        let args = values.map_err(|error| Raised {
            message: error.to_string().into_bytes(),
            out_of_memory: matches!(error, Error::MemoryError),
            limit: error.limit(),
            object: Value::Error(Box::new(error)),
            traceback: None,
        })?;
        // SAFETY: the saved state is up to date whenever Rust code outside the engine runs.
        unsafe {
            let vm = self.vm;
            let saved = std::mem::replace(&mut (*vm).wants_traceback, traceback);
            (*vm).traceback = None;
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
    pub(crate) fn describe(self: &Rc<State>, error: LuaError) -> Raised {
        // SAFETY: the error object was just raised; it is rooted before anything else runs.
        unsafe {
            let vm = self.vm;
            let value = protect::error_value(&mut *vm, error);
            crate::callback::go_on_with_panic(value);
            let object = Value::from_raw(self, value);
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
                out_of_memory: matches!(error, LuaError::Memory),
                limit,
            }
        }
    }

    /// The text of an error object, and whether `__tostring` made it.
    unsafe fn error_text(self: &Rc<State>, value: raw::Value) -> (Vec<u8>, bool) {
        // SAFETY: the value is rooted.
        unsafe {
            let vm = self.vm;
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
    pub(crate) fn dump(self: &Rc<State>, function: raw::Value, strip: bool) -> Option<Vec<u8>> {
        // SAFETY: no collection happens meanwhile.
        unsafe {
            let mut call = Call::new(self.vm, 0, CallResult::Returned(0));
            match Local::from_raw(function).view() {
                LocalView::Function(function) => call.dump(function, strip),
                _ => None,
            }
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::into_raw`, and no handle is left.
        unsafe {
            perilune_runtime::collect::finalize_all(self.vm);
            drop(Box::from_raw(self.vm));
        }
    }
}

/// A Lua state.
#[derive(Clone)]
pub struct Lua {
    pub(crate) state: Rc<State>,
}

impl std::fmt::Debug for Lua {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lua({:p})", self.state.vm())
    }
}

/// Interrupts a running state from another thread or a signal handler.
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
    pub(crate) fn vm(&self) -> *mut Vm {
        self.state.vm()
    }

    /// Runs `open` as a native function's step: how libraries are opened.
    ///
    /// # Errors
    /// What `open` raises.
    pub fn with_call<T>(
        &self,
        open: impl for<'c> FnOnce(&mut Call<'c>) -> perilune_runtime::error::Result<T>,
    ) -> Result<T> {
        // SAFETY: outside of native steps the running frame is native (the sentinel or the
        // embedder's), and no collection happens before `open` returns.
        unsafe {
            let vm = self.vm();
            let top = (*(*vm).frame_top).varargs;
            let mut call = Call::new(vm, 0, CallResult::Returned(0));
            let result = open(&mut call);
            (*(*vm).frame_top).varargs = top;
            result.map_err(|error| self.state.describe(error).into())
        }
    }

    /// A chunk: source text, or, where its mode allows that, a binary chunk.
    pub fn load<'a>(&'a self, chunk: impl AsChunk<'a>) -> Chunk<'a> {
        let source = chunk.source();
        Chunk {
            lua: self,
            name: source.to_vec(),
            source,
            mode: ChunkMode::Text,
            environment: Ok(None),
        }
    }

    pub(crate) fn load_function(&self, chunk: &Chunk<'_>) -> Result<Function> {
        let environment = match chunk.environment.clone()? {
            Some(environment) => environment,
            None => Value::Table(self.globals()),
        };
        let environment = environment.to_raw(&self.state)?;
        // SAFETY: no collection happens before the closure is rooted.
        unsafe {
            let vm = self.vm();
            match load_chunk(
                &mut *vm,
                &chunk.source,
                &chunk.name,
                chunk.mode,
                environment,
            ) {
                Ok(Ok(closure)) => {
                    let value = raw::Value::lua_closure(closure);
                    Ok(Function(Handle::new(&self.state, value)))
                }
                Ok(Err(error)) => Err(Error::SyntaxError {
                    message: String::from_utf8_lossy(&error.message).into_owned(),
                    incomplete_input: error.incomplete,
                }),
                Err(error) => Err(self.state.describe(error).into()),
            }
        }
    }

    /// The globals table.
    pub fn globals(&self) -> Table {
        // SAFETY: the machine lives as long as the state.
        let globals = unsafe { (*self.vm()).globals };
        Table(Handle::new(&self.state, raw::Value::table(globals)))
    }

    /// A string.
    ///
    /// # Errors
    /// Memory.
    pub fn create_string(&self, bytes: impl AsRef<[u8]>) -> Result<LuaString> {
        match self.state.string(bytes.as_ref())? {
            Value::String(s) => Ok(s),
            _ => Err(Error::MemoryError),
        }
    }

    /// The registry value called `name`; nil when there is none.
    ///
    /// # Errors
    /// What a conversion says.
    pub fn named_registry_value<T: FromLua>(&self, name: &str) -> Result<T> {
        // SAFETY: the registry lives as long as the state.
        let registry = unsafe { (*self.vm()).registry };
        Table(Handle::new(&self.state, registry)).raw_get(name)
    }

    /// Sets the registry value called `name`.
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn set_named_registry_value(&self, name: &str, value: impl IntoLua) -> Result<()> {
        // SAFETY: as `named_registry_value`.
        let registry = unsafe { (*self.vm()).registry };
        Table(Handle::new(&self.state, registry)).raw_set(name, value)
    }

    /// Removes the registry value called `name`.
    ///
    /// # Errors
    /// Memory.
    pub fn unset_named_registry_value(&self, name: &str) -> Result<()> {
        self.set_named_registry_value(name, Value::Nil)
    }

    /// Converts a value to another type by way of Lua.
    ///
    /// # Errors
    /// What a conversion says.
    pub fn convert<T: FromLua>(&self, value: impl IntoLua) -> Result<T> {
        T::from_lua(value.into_lua(self)?, self)
    }

    /// Converts to a Lua value.
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

    /// Sets what receives warnings: a piece of message, and whether more of it follows.
    pub fn set_warning_function(&self, function: impl FnMut(&[u8], bool) + 'static) {
        // SAFETY: the machine lives as long as the state.
        unsafe { (*self.vm()).warn = Some(Box::new(function)) };
    }

    /// Sets what an interruption does: `Err` raises the message as an error in the running code.
    /// Without one, the error is "interrupted!".
    pub fn set_interrupt(
        &self,
        function: impl FnMut() -> std::result::Result<(), Vec<u8>> + 'static,
    ) {
        // SAFETY: the machine lives as long as the state.
        unsafe { (*self.vm()).interrupt = Some(Box::new(function)) };
    }

    /// Sets what hears of every chunk that is loaded: its text (or binary chunk), its name, and what
    /// it was compiled to.
    pub fn set_chunk_observer(&self, observer: perilune_runtime::vm::ChunkObserver) {
        // SAFETY: the machine lives as long as the state.
        unsafe { (*self.vm()).observer = Some(observer) };
    }

    /// What the tracing compiler has to say of its work, if there is one: for people, or as a JSON
    /// object.
    pub fn trace_statistics(&self, json: bool) -> Option<String> {
        // SAFETY: the state is live.
        let tracer = unsafe { (*self.state.vm()).tracer.clone() };
        tracer.map(|tracer| tracer.statistics(json))
    }

    /// Runs all finalisers, as dropping the last handle does, and leaves the memory to the end of
    /// the process.
    pub fn finish(self) {
        // SAFETY: outside of native steps the state is at a safepoint.
        unsafe { perilune_runtime::collect::finalize_all(self.vm()) };
        std::mem::forget(self);
    }

    /// A handle that interrupts running code from elsewhere.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle {
            // SAFETY: the machine lives as long as the state.
            link: unsafe { (*self.vm()).link.clone() },
        }
    }

    /// Bytes in use.
    pub fn used_memory(&self) -> usize {
        // SAFETY: the machine lives as long as the state.
        unsafe { (*self.vm()).heap.used_bytes() }
    }

    /// Limits the bytes in use; `None` for no limit. What does not fit raises "not enough memory".
    pub fn set_memory_limit(&self, limit: Option<usize>) {
        // SAFETY: the machine lives as long as the state.
        unsafe { (*self.vm()).heap.set_memory_limit(limit) };
    }

    /// Runs a full collection and due finalisers.
    pub fn gc_collect(&self) {
        // SAFETY: outside of native steps the state is at a safepoint.
        unsafe { perilune_runtime::collect::full(self.vm()) };
    }
}
