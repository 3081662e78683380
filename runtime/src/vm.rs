//! The state of a virtual machine: the running thread's hot fields, the heap, the roots.
//!
//! Invariants:
//! - A `Vm` never moves (it is boxed), so that handlers and interrupt handles may point at it.
//! - `frame_top`, `stack_limit`, `base`, `pc`, `constants` describe the running thread. While
//!   handlers run, `base`, `pc` and `constants` live in their arguments; they are stored here
//!   before anything that is not a handler runs ("saved state"). `pc` then points behind the first
//!   word of the instruction being executed, or at the next instruction when between two.
//! - `pending` is the only field that other threads touch.

use crate::coroutine::{HookState, Status, Thread};
use crate::error::{LuaError, Result};
use crate::frame::{CallSite, Frame};
use crate::gc::heap::Heap;
use crate::metatable::TYPE_METATABLES;
use crate::string::LuaString;
use crate::table::Table;
use crate::value::Value;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Bits of [`Vm::pending`].
pub mod pending {
    /// Another thread or a signal asked for an interruption.
    pub const INTERRUPT: u32 = 1;
    /// The running thread has a hook: run in the hooked loop.
    pub const HOOK: u32 = 2;
    /// It is time to look at the deadline, and to ask the interrupt function.
    pub const TICK: u32 = 4;
    /// What is served at a safepoint and then gone (`interrupt.rs`).
    pub const EVENTS: u32 = INTERRUPT | TICK;
}

/// Slots kept free above `stack_limit` so that a metamethod or handler can be set up anywhere.
pub const EXTRA_SLOTS: usize = 32;
/// The most slots of a thread's stack (as `LUAI_MAXSTACK`).
pub const MAX_STACK: usize = 1_000_000;
/// Slots that may be used beyond [`MAX_STACK`] while a stack overflow is being handled.
pub const ERROR_STACK: usize = 200;
/// The most nested calls of what recurses in PUC Lua (as `LUAI_MAXCCALLS`).
pub const MAX_C_CALLS: u32 = 200;

/// A cell through which another thread reaches [`Vm::pending`] while the `Vm` lives.
pub type PendingLink = Arc<Mutex<Option<PendingPointer>>>;

/// Pointer to [`Vm::pending`].
#[derive(Clone, Copy, Debug)]
pub struct PendingPointer(pub *const AtomicU32);
// SAFETY: the target is atomic, and the link is emptied (under its lock) before the Vm goes away.
unsafe impl Send for PendingPointer {}

/// Where warnings go (`warn`, errors in finalisers); `warn` raises its errors.
pub type WarnFunction = Box<dyn FnMut(&[u8], bool) -> Result<()>>;
/// Gets the text of a chunk (or the binary chunk), its name, and what became of it.
pub type ChunkObserver = Box<dyn Fn(&[u8], &[u8], &perilune_frontend::bytecode::proto::Proto)>;

/// What distinguishes the call sites of native functions: delta, wanted results, continuation,
/// destination, state.
pub type NativeSiteKey = (u32, i32, u8, u32, u32);

/// How many entries [`Vm::entry_sites`] has.
pub const ENTRY_SITES: usize = 8;

/// How many entries [`Vm::recent_native_sites`] has.
pub const RECENT_NATIVE_SITES: usize = 8;

/// How many entries [`Vm::member_sites`] has.
pub const MEMBER_SITES: usize = 16;

/// The entry of [`Vm::recent_native_sites`] for a key: functions that call back do so from few
/// places, in few states.
#[inline]
pub fn native_site_index((delta, _, _, _, state): NativeSiteKey) -> usize {
    (delta as usize / size_of::<Value>() + state as usize) % RECENT_NATIVE_SITES
}

/// A virtual machine; see the module's invariants.
#[repr(C)]
pub struct Vm {
    /// The running frame.
    pub frame_top: *mut Frame,
    /// Frames up to (not including) this one may be pushed without growing.
    pub frame_limit: *mut Frame,
    /// A new Lua frame must end at or below this slot, or the stack must grow first.
    pub stack_limit: *mut Value,
    /// The most slots of a thread's stack: [`MAX_STACK`], or fewer (`limit::set_stack_limit`).
    pub max_stack: usize,
    /// One past the last value after a multiple-result instruction.
    pub top: *mut Value,
    /// Saved pc.
    pub pc: *const u64,
    /// Saved base.
    pub base: *mut Value,
    /// Saved constants.
    pub constants: *const Value,
    /// Events that running code must see at its next safepoint ([`pending`]).
    pub pending: AtomicU32,
    /// The counter at which a location is hot.
    pub hot_limit: i32,
    /// How many more instructions may be executed, where [`Vm::has_fuel`]; see `limit.rs`.
    pub fuel: i64,
    /// Whether fuel is counted.
    pub has_fuel: bool,
    /// Whether the innermost `run` counts it: it changes over at its next safepoint.
    pub runs_with_fuel: bool,
    /// Whether a finaliser is running (the collector rests meanwhile).
    pub finalizing: bool,
    /// What a helper of a trace found: a key and a value. Never looked at across instructions, so
    /// no root.
    pub found: [Value; 2],
    /// The running thread.
    pub thread: *mut Thread,
    /// The main thread.
    pub main_thread: *mut Thread,
    /// The heap.
    pub heap: Box<Heap>,
    /// The registry table.
    pub registry: Value,
    /// The globals table.
    pub globals: *mut Table,
    /// Metatables of basic types, indexed by `metatable::type_index`.
    pub type_metatables: [*mut Table; TYPE_METATABLES],
    /// Call sites of calls made by native functions and by Rust, interned.
    pub native_sites: rustc_hash::FxHashMap<NativeSiteKey, Box<CallSite>>,
    /// Those of them that were asked for lately, by [`native_site_index`].
    pub recent_native_sites: [(NativeSiteKey, *const CallSite); RECENT_NATIVE_SITES],
    /// Call sites of getters and setters that instructions called lately, by the pc behind those;
    /// forgotten when protos may have died.
    pub member_sites: [(*const u64, *const CallSite); MEMBER_SITES],
    /// Of those, the ones of calls that Rust makes from the first slots of a native frame, by slot.
    pub entry_sites: [*const CallSite; ENTRY_SITES],
    /// Where `__index` stands in the metatable of strings: its shape (0: not known) and slot.
    pub string_index: (u32, u32),
    /// Values kept alive by handles of the embedder; freed slots hold nil.
    pub handles: Vec<Value>,
    /// Metatables of the embedder's types, kept as long as the machine.
    pub metatables: Vec<*mut Table>,
    /// Freed indices of `handles`.
    pub free_handles: Vec<usize>,
    /// The error with which `run` was left.
    pub error: Option<LuaError>,
    /// Depth of nested `run` invocations.
    pub run_depth: u32,
    /// Whether an error that leaves the outermost `run` shall keep its traceback.
    pub wants_traceback: bool,
    /// That traceback.
    pub traceback: Option<Vec<u8>>,
    /// Warning output.
    pub warn: Option<WarnFunction>,
    /// Tells error objects that protected calls do not catch.
    pub passes: Option<fn(Value) -> bool>,
    /// Limits other than that on memory.
    pub limits: crate::limit::Limits,
    /// The function that is asked at an interruption: what it raises is raised, and where it returns
    /// true, the running coroutine pauses.
    pub interrupt: Option<Value>,
    /// Whether Rust code runs where it may neither call Lua nor collect (`interrupt.rs`).
    pub is_busy: bool,
    /// Hears of every chunk that is loaded.
    pub observer: Option<ChunkObserver>,
    /// Link for interrupt handles.
    pub link: PendingLink,
    /// The tracing compiler, if there is one.
    pub tracer: Option<std::rc::Rc<dyn crate::hot::TraceHook>>,
    /// While set, Lua code runs on the counting machine, which counts primitives and opcodes here.
    pub counting: Option<Box<crate::interp::portable::Counts>>,
    /// Instructions executed in the hooked loop, for tests.
    pub hooked_instructions: u64,
}

impl Vm {
    /// A machine with an empty globals table and no libraries.
    ///
    /// # Errors
    /// [`LuaError::Memory`] when the allocator fails.
    pub fn new() -> Result<Box<Vm>> {
        let seed = crate::sys::random_seed()[0];
        let mut heap = Heap::new(seed)?;
        let globals = heap.new_table()?;
        let registry = heap.new_table()?;
        let main_thread = heap.new_thread()?;
        let mut vm = Box::new(Vm {
            frame_top: std::ptr::null_mut(),
            frame_limit: std::ptr::null_mut(),
            stack_limit: std::ptr::null_mut(),
            max_stack: MAX_STACK,
            top: std::ptr::null_mut(),
            pc: std::ptr::null(),
            base: std::ptr::null_mut(),
            constants: std::ptr::null(),
            pending: AtomicU32::new(0),
            hot_limit: crate::hot::NEVER,
            fuel: 0,
            has_fuel: false,
            runs_with_fuel: false,
            finalizing: false,
            found: [Value::NIL; 2],
            thread: main_thread,
            main_thread,
            heap,
            registry: Value::table(registry),
            globals,
            type_metatables: [std::ptr::null_mut(); TYPE_METATABLES],
            native_sites: Default::default(),
            recent_native_sites: [(NativeSiteKey::default(), std::ptr::null());
                RECENT_NATIVE_SITES],
            member_sites: [(std::ptr::null(), std::ptr::null()); MEMBER_SITES],
            entry_sites: [std::ptr::null(); ENTRY_SITES],
            string_index: (0, 0),
            handles: Vec::new(),
            metatables: Vec::new(),
            free_handles: Vec::new(),
            error: None,
            run_depth: 0,
            wants_traceback: false,
            traceback: None,
            warn: None,
            observer: None,
            passes: None,
            limits: crate::limit::Limits::default(),
            interrupt: None,
            is_busy: false,
            link: Arc::new(Mutex::new(None)),
            tracer: None,
            counting: None,
            hooked_instructions: 0,
        });
        let pointer = PendingPointer(&raw const vm.pending);
        if let Ok(mut link) = vm.link.lock() {
            *link = Some(pointer);
        }
        // SAFETY: main_thread is live and nobody else refers to its fields.
        unsafe {
            (*main_thread).status = Status::Running;
            crate::stack::prepare(&mut vm, main_thread)?;
            crate::stack::load_thread(&mut *vm, main_thread);
        }
        Ok(vm)
    }

    /// Asks the running code to stop at its next safepoint.
    pub fn request_interrupt(&self) {
        self.pending.fetch_or(pending::INTERRUPT, Ordering::Relaxed);
    }

    /// A string value.
    ///
    /// # Errors
    /// [`LuaError::Memory`].
    pub fn string(&mut self, bytes: &[u8]) -> Result<Value> {
        Ok(Value::string(self.heap.new_string(bytes)?))
    }

    /// A runtime error whose object is the string `message`; a memory error if it can't be made.
    pub fn error_string(&mut self, message: &[u8]) -> LuaError {
        match self.string(message) {
            Ok(value) => LuaError::Runtime(value),
            Err(error) => error,
        }
    }

    /// A runtime error with the position of the running Lua function in front of `message`, as
    /// `luaG_runerror` makes it.
    pub fn runtime_error(&mut self, message: impl AsRef<[u8]>) -> LuaError {
        // SAFETY: the saved state is that of the running thread.
        let mut text = unsafe { crate::stack::position(self, 0) };
        text.extend_from_slice(message.as_ref());
        self.error_string(&text)
    }

    /// The name string of metamethod `event`.
    pub fn event_name(&self, event: crate::metatable::Event) -> *mut LuaString {
        self.heap.names[event as usize]
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        if let Ok(mut link) = self.link.lock() {
            *link = None;
        }
    }
}

/// A hook state without a hook.
pub const NO_HOOK: HookState = HookState {
    function: Value::NIL,
    mask: 0,
    interval: 0,
    remaining: 0,
    last_pc: 0,
    transfer: (0, 0),
    active: false,
    may_yield: false,
    is_inherited: false,
    has_paused: false,
};
