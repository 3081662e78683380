//! From traces to machine code, or to an evaluator in its place ([`eval`]).
//!
//! [`fuse`] finds loads that are parts of guards, [`lives`] says how long every other value is needed,
//! [`allocate`] gives it one place (a register or a spill slot) for that time by what [`scan`] knows of
//! registers, [`check`] (in builds with debug assertions, and when asked to) finds places that are
//! overwritten while they are needed, [`emit`] writes the instructions, [`code_area`] keeps them: a view
//! of the memory that can be written and another that can be executed, never both. [`unwind`] tells the
//! system how to walk through all of it.
//!
//! Conventions of trace code (x86-64, System V):
//! - `rbx` is the machine, `r12` the anchor (stack slot 0 of the trace), `rbp` the native frame,
//!   which all traces share: nothing is pushed or popped but by the trampoline.
//! - `rax`, `rcx`, `r11` and `xmm15` are scratch; all other registers may hold values.
//! - When a trace is entered from the interpreter or by a link everything is in memory. A side trace
//!   finds values where its parent had them at the exit.
//! - A guard that fails goes to its exit's stub, which names the exit and joins the code that saves
//!   all registers in the frame's [`MachineState`] and calls the restoring function.

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod allocate;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod check;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod fuse;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod lives;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod scan;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod x64;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
use x64::Backend as Generator;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")))]
mod none;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")))]
use none::Backend as Generator;

mod eval;
mod listing;

pub use listing::listing;

use crate::ir::Step;
use perilune_runtime::value::Value;
use perilune_runtime::vm::Vm;

/// Has the running thread execute no machine code from here on that other threads have overwritten: to be
/// called when it begins to use a state that others may have used.
#[inline]
pub fn see_new_code() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
    x64::see_new_code();
}

/// Spill slots of the native frame.
pub const SPILL_SLOTS: usize = 256;

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Location {
    /// A general register, by number.
    General(u8),
    /// A float register, by number.
    Float(u8),
    /// A slot of the native frame.
    Spill(u16),
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        /// As the machine numbers them, and as its assembler names them.
        const GENERAL: [&str; 8] = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"];
        match *self {
            Location::General(n) => match GENERAL.get(usize::from(n)) {
                Some(name) => f.write_str(name),
                None => write!(f, "r{n}"),
            },
            Location::Float(n) => write!(f, "xmm{n}"),
            Location::Spill(n) => write!(f, "spill {n}"),
        }
    }
}

/// The registers and spill slots at an exit.
#[repr(C)]
#[derive(Debug)]
pub struct MachineState {
    /// The exit's number.
    pub exit: u64,
    /// General registers, by number.
    pub general: [u64; 16],
    /// The low halves of the float registers, by number.
    pub float: [u64; 16],
    /// Spill slots.
    pub spills: [u64; SPILL_SLOTS],
}

impl MachineState {
    /// The 64 bits at a place.
    pub fn bits(&self, place: Location) -> u64 {
        match place {
            Location::General(n) => self.general[n as usize],
            Location::Float(n) => self.float[n as usize],
            Location::Spill(n) => self.spills[n as usize],
        }
    }
}

/// Restores the state of an exit from the registers; its answer is the trace's.
pub type Restore = extern "C-unwind" fn(*mut Vm, *const MachineState, *mut Value) -> u64;
/// Does a residual step; 0 when the trace goes on, else the trace's answer.
pub type DoStep = extern "C-unwind" fn(*mut Vm, *const Step, *mut Value) -> u64;
/// Enters trace code: machine, anchor, entry.
pub type Trampoline = unsafe extern "C-unwind" fn(*mut Vm, *mut Value, *const u8) -> u64;

/// An exit of an assembled trace.
#[derive(Clone, Debug)]
pub struct AssembledExit {
    /// The snapshot that it restores.
    pub snapshot: u32,
    /// Where the values of the snapshot are, among [`Assembled::values`]: in the order of
    /// [`Snapshot::values`](crate::ir::Snapshot::values).
    pub values: std::ops::Range<u32>,
    /// The address of its stub, for [`Backend::patch`].
    pub stub: usize,
}

/// A trace in machine code.
#[derive(Debug)]
pub struct Assembled {
    /// Where to enter it.
    pub entry: *const u8,
    /// Its exits; the first has the number that was asked for.
    pub exits: Vec<AssembledExit>,
    /// Where the exits' values are.
    pub values: Vec<Location>,
    /// Its size in bytes.
    pub code_bytes: usize,
}

/// What the code generator is told about a trace.
pub struct Request<'a> {
    /// The trace.
    pub trace: &'a crate::ir::Trace,
    /// The number of its first exit.
    pub first_exit: u32,
    /// For a side trace: where its parent's exit has the values.
    pub inherited: &'a [Location],
    /// The entry of another trace.
    pub entry_of: &'a dyn Fn(u32) -> Option<*const u8>,
    /// Registers of each class that may be used; at least 3.
    pub registers: usize,
    /// Check the register allocation.
    pub verify: bool,
    /// Make every Nth guard fail: N, and the address of the countdown.
    pub deopt: Option<(u32, *mut u32)>,
}

/// What runs the traces of one state, with all that it runs.
#[derive(Debug)]
pub enum Backend {
    /// The processor.
    MachineCode(Box<Generator>),
    /// The evaluator.
    Evaluator(eval::Backend),
}

impl Backend {
    /// A code generator for at most `limit` bytes of code.
    ///
    /// # Errors
    /// When the system gives no memory for code, or there is no code generator for it.
    pub fn machine_code(limit: usize, restore: Restore, step: DoStep) -> Result<Backend, Refusal> {
        let generator = Generator::new(limit, restore, step)?;
        Ok(Backend::MachineCode(Box::new(generator)))
    }
    /// An evaluator.
    pub fn evaluator(restore: Restore, step: DoStep) -> Backend {
        Backend::Evaluator(eval::Backend::new(restore, step))
    }
    /// The function that enters traces.
    pub fn trampoline(&self) -> Trampoline {
        match self {
            Backend::MachineCode(backend) => backend.trampoline(),
            Backend::Evaluator(backend) => backend.trampoline(),
        }
    }
    /// Prepares a trace to be run.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is kept then.
    pub fn assemble(&mut self, request: &Request) -> Result<Assembled, Refusal> {
        match self {
            Backend::MachineCode(backend) => backend.assemble(request),
            Backend::Evaluator(backend) => backend.assemble(request),
        }
    }
    /// Makes an exit go to a side trace.
    ///
    /// # Safety
    /// The stub is that of an exit of this backend, and not being executed.
    pub unsafe fn patch(&mut self, stub: usize, entry: *const u8) {
        // SAFETY: the caller's contract.
        unsafe {
            match self {
                Backend::MachineCode(backend) => backend.patch(stub, entry),
                Backend::Evaluator(backend) => backend.patch(stub, entry),
            }
        }
    }
    /// Drops all traces; none of them runs.
    pub fn flush(&mut self) {
        match self {
            Backend::MachineCode(backend) => backend.flush(),
            Backend::Evaluator(backend) => backend.flush(),
        }
    }
    /// Bytes that it takes beside the code of traces.
    pub fn bytes(&self) -> usize {
        match self {
            Backend::MachineCode(backend) => backend.bytes(),
            Backend::Evaluator(_) => 0,
        }
    }
    /// The machine code of a trace, if it has any.
    pub fn code(&self, entry: *const u8, bytes: usize) -> &[u8] {
        match self {
            Backend::MachineCode(backend) => backend.code(entry, bytes),
            Backend::Evaluator(_) => &[],
        }
    }
}

/// Why a trace was not assembled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// No room for more code.
    Full,
    /// More values live at a time than the frame has slots.
    TooManyValues,
    /// The trace is not well formed.
    Malformed,
}
