//! Closures, cells and the runtime's prototypes.
//!
//! Invariants:
//! - A captured local lives in a [`Cell`] from its declaration on; nothing ever points into the
//!   stack, so cells are never "open".
//! - A [`LuaClosure`] has exactly as many upvalues as its proto has descriptions, all non-null
//!   once the closure is visible to the program.
//! - [`Proto::code`] is written only in its extra words (inline caches, call sites, locations).

use crate::frame::CallSite;
use crate::gc::GcHeader;
use crate::native::NativeFn;
use crate::owned::OwnedSlice;
use crate::value::Value;
use perilune_frontend::bytecode::liveness::Liveness;
use perilune_frontend::bytecode::proto as compiled;

/// A heap cell that holds a captured local.
#[repr(C)]
pub struct Cell {
    /// Collector's header.
    pub header: GcHeader,
    /// The variable's value.
    pub value: Value,
}

/// A function written in Lua: a proto and its upvalues' cells (`upvalue_count` of them follow).
#[repr(C)]
pub struct LuaClosure {
    /// Collector's header; `extra` is the number of upvalues.
    pub header: GcHeader,
    /// Its code.
    pub proto: *mut Proto,
    /// The first of the upvalues (`header.extra` many, allocated behind the struct).
    pub upvalues: [*mut Cell; 0],
}

/// A function written in Rust.
#[repr(C)]
pub struct NativeClosure {
    /// Collector's header; `extra` is the number of upvalues.
    pub header: GcHeader,
    /// What to call.
    pub function: NativeFn,
    /// Static facts.
    pub description: &'static NativeDescription,
    /// The first of the upvalues (`header.extra` many, allocated behind the struct).
    pub upvalues: [Value; 0],
}

/// Static facts about a native function.
#[derive(Debug)]
pub struct NativeDescription {
    /// Its name within its library, for messages.
    pub name: &'static str,
    /// Whether coroutines may yield through it (as PUC's functions with continuations).
    pub yieldable: bool,
    /// Whether the debug interface sees no upvalues: PUC's function has none, and finds by other
    /// means what this one keeps there.
    pub private_upvalues: bool,
    /// What the machine and its traces know the function as.
    pub intrinsic: Option<Intrinsic>,
}

/// Functions that the machine has in its own operations: those of the standard library in traces,
/// those of userdata types (`userdata/members.rs`) everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "they are named after the functions")]
pub enum Intrinsic {
    Next,
    IpairsStep,
    SetMetatable,
    Select,
    Type,
    Floor,
    Abs,
    Sqrt,
    Sin,
    Cos,
    Max,
    Min,
    Byte,
    Sub,
    Insert,
    MemberIndex,
    MemberNewIndex,
    PlainField,
    DropValue,
    ProtectedCall,
    ProtectedCallWithHandler,
}

impl NativeClosure {
    /// How many upvalues the debug interface sees.
    pub fn visible_upvalues(&self) -> u32 {
        if self.description.private_upvalues {
            0
        } else {
            self.header.extra
        }
    }
}

/// A function prototype in the heap: the compiled proto with values for its constants.
#[repr(C)]
pub struct Proto {
    /// Collector's header.
    pub header: GcHeader,
    /// The first instruction.
    pub entry: *const u64,
    /// The first constant.
    pub constants_start: *const Value,
    /// Bytes of its registers.
    pub frame_bytes: u32,
    /// The number of arguments with which it is entered without adjustment: its parameters;
    /// `u32::MAX` when it takes `...`.
    pub exact_args: u32,
    /// The location word (`hot.rs`) of its entry.
    pub entry_location: u64,
    /// Instructions and their extra words.
    pub code: OwnedSlice<u64>,
    /// Constants as values (strings interned when short).
    pub constants: OwnedSlice<Value>,
    /// Inner functions.
    pub protos: Box<[*mut Proto]>,
    /// Registers needed.
    pub max_stack: u8,
    /// Named parameters.
    pub num_params: u8,
    /// Whether it takes `...`.
    pub is_vararg: bool,
    /// Everything else: names, lines, locals, upvalue descriptions (`code`, `constants` and
    /// `protos` in here are empty).
    pub debug: Box<compiled::Proto>,
    /// Register liveness, computed when the collector first needs it.
    pub liveness: std::cell::OnceCell<Box<Liveness>>,
    /// The call sites of its code, interned by pc and kind; they live as long as the proto.
    pub sites: rustc_hash::FxHashMap<(u64, u64), Box<CallSite>>,
    /// Records of inherited and transition inline caches.
    pub cache_records: Vec<crate::ops::cache::CacheRecord>,
    /// Bytes charged to the heap for what it owns; see `Heap::update_proto_charge`.
    pub charged: usize,
    /// How many of these for what was learned while its code ran: call sites, caches.
    pub learned: usize,
}

impl Proto {
    /// Liveness of its registers.
    pub fn compute_liveness(&self) -> Liveness {
        // SAFETY: inner protos live as long as this one.
        let captures = |n: usize| unsafe { &*(*self.protos[n]).debug }.upvalues.as_slice();
        Liveness::compute(&self.code, self.max_stack, &captures)
    }
}

impl LuaClosure {
    /// The cell of upvalue `index`.
    ///
    /// # Safety
    /// `this` is a live closure and `index < header.extra`.
    #[inline(always)]
    pub unsafe fn upvalue(this: *const LuaClosure, index: usize) -> *mut Cell {
        // SAFETY: the caller's contract; the array follows the struct.
        unsafe { *(&raw const (*this).upvalues as *const *mut Cell).add(index) }
    }
    /// Sets the cell of upvalue `index`.
    ///
    /// # Safety
    /// As [`LuaClosure::upvalue`]; the caller sees to the write barrier.
    #[inline(always)]
    pub unsafe fn set_upvalue(this: *mut LuaClosure, index: usize, cell: *mut Cell) {
        // SAFETY: the caller's contract; the array follows the struct.
        unsafe { *(&raw mut (*this).upvalues as *mut *mut Cell).add(index) = cell }
    }
}

impl NativeClosure {
    /// The place of upvalue `index`.
    ///
    /// # Safety
    /// `this` is a live closure and `index < header.extra`.
    #[inline(always)]
    pub unsafe fn upvalue(this: *mut NativeClosure, index: usize) -> *mut Value {
        // SAFETY: the caller's contract; the array follows the struct.
        unsafe { (&raw mut (*this).upvalues as *mut Value).add(index) }
    }
}
