//! Slow paths: whole instructions in ordinary Rust, one file per family.
//!
//! A slow path finds the saved state in `vm` (`pc` one past the instruction's first word), does
//! the whole instruction or raises an error, and answers what comes next. It may push frames for
//! metamethods; it never recurses into the interpreter.

mod arithmetic;
mod calls;
mod compare;
mod concat;
mod construct;
mod index;
mod other;

pub(crate) use arithmetic::arithmetic_values;
pub(crate) use compare::{equals_raw, less_values};
pub(crate) use concat::continue_concat;
pub(crate) use index::table_error;
pub use index::{Found, index_value, set_index_value};

use crate::call::{Next, drive, safepoint};
use crate::construct::Purpose;
use crate::error::Result;
use crate::frame::{CallSite, Continuation};
#[cfg(threaded)]
use crate::interp::at_once::Outcome;
use crate::machine::{Insn, Slow};
use crate::value::Value;
#[cfg(threaded)]
use crate::vm::MEMBER_SITES;
use crate::vm::Vm;
pub use arithmetic::event_of;
pub use compare::{Relation, question};
use perilune_frontend::bytecode::opcode::Opcode;

/// Performs the instruction before `pc` by its slow path; 0 means that the state in `vm` is that
/// of the next instruction, anything else is an exit code.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(crate) unsafe fn perform(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
    family: Slow,
) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        (*vm).pc = pc;
        (*vm).base = base;
        (*vm).constants = constants;
        let code = match slow_path(vm, family) {
            Ok(Next::Continue) => 0,
            Ok(Next::Done) => {
                (*vm).pc = after(pc);
                0
            }
            Ok(next) => drive(vm, next),
            Err(error) => drive(vm, Next::Raise(error)),
        };
        if code != 0 {
            return code;
        }
        safepoint(vm)
    }
}

/// The slow path of the current instruction, without what follows it.
///
/// # Safety
/// The saved state is that of an instruction being executed.
pub(crate) unsafe fn slow_path(vm: *mut Vm, family: Slow) -> Result<Next> {
    // SAFETY: the caller's contract.
    unsafe {
        match family {
            Slow::Arithmetic => arithmetic::arithmetic(vm),
            Slow::Compare => compare::compare(vm),
            Slow::Index => index::index(vm),
            Slow::SetIndex => index::set_index(vm),
            Slow::Call => calls::call(vm),
            Slow::Return => calls::return_(vm),
            Slow::GenericFor => calls::generic_for(vm),
            Slow::Construct => construct::construct(vm),
            Slow::Concat => concat::concat(vm),
            Slow::Poll => other::poll(vm),
            Slow::Other => other::other(vm),
        }
    }
}

/// The pc after the instruction whose first word is before `pc`.
#[inline(always)]
unsafe fn after(pc: *const u64) -> *const u64 {
    // SAFETY: the caller passes a pc one past an instruction's first word.
    unsafe { pc.add(Opcode::ALL[*(pc.sub(1) as *const u8) as usize].extra_words()) }
}

/// The current instruction.
#[inline(always)]
unsafe fn current(vm: *mut Vm) -> Insn {
    // SAFETY: the saved pc is one past the instruction's first word.
    unsafe { Insn::at((*vm).pc.sub(1)) }
}

/// The current instruction's opcode.
#[inline(always)]
unsafe fn current_opcode(vm: *mut Vm) -> Opcode {
    // SAFETY: as `current`; verified code has only opcodes.
    unsafe { Opcode::ALL[current(vm).op_byte() as usize] }
}

#[inline(always)]
unsafe fn register(vm: *mut Vm, r: crate::machine::Register) -> *mut Value {
    // SAFETY: operands of verified code are in range.
    unsafe { ((*vm).base as *mut u8).add(r.0) as *mut Value }
}

#[inline(always)]
unsafe fn constant(vm: *mut Vm, k: crate::machine::Constant) -> *const Value {
    // SAFETY: operands of verified code are in range.
    unsafe { ((*vm).constants as *const u8).add(k.0) as *const Value }
}

/// What distinguishes the sites of one instruction.
pub(crate) struct SiteKind {
    /// What happens on return.
    pub continuation: Continuation,
    /// Results wanted.
    pub wanted: i32,
    /// Destination register, for [`Continuation::Store`] and [`Continuation::Concat`].
    pub destination: usize,
    /// For [`Continuation::Branch`].
    pub condition: bool,
    /// Operands left, for [`Continuation::Concat`]; slots above base where results wait, for
    /// [`Continuation::CloseReturn`].
    pub state: u32,
    /// Bytes from the base to the callee's base.
    pub delta: usize,
}

/// The interned call site of the current instruction with these properties.
///
/// # Safety
/// The saved state is that of a Lua function executing an instruction.
pub(crate) unsafe fn site(vm: *mut Vm, kind: SiteKind) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe {
        let proto = crate::stack::running_proto(vm).unwrap_or(std::ptr::null_mut());
        let instruction = (*vm).pc.sub(1);
        let index = instruction.offset_from((*proto).code.as_ptr()) as u64;
        let key = (
            index | (kind.continuation as u64) << 32 | (kind.condition as u64) << 40,
            kind.state as u64 | (kind.delta as u64) << 32,
        );
        let (return_pc, target) = match kind.continuation {
            Continuation::Close | Continuation::CloseReturn => (instruction, std::ptr::null()),
            Continuation::Branch => {
                let jump = current(vm).ci() as isize;
                ((*vm).pc, (*vm).pc.offset(jump))
            }
            // Made between two instructions; the saved pc is restored by who made the call.
            Continuation::Entry => ((*vm).pc, std::ptr::null()),
            _ => (after((*vm).pc), std::ptr::null()),
        };
        let site = (&mut (*proto).sites).entry(key).or_insert_with(|| {
            Box::new(CallSite {
                instruction,
                return_pc,
                constants: (*proto).constants_start,
                proto,
                delta: kind.delta as u32,
                wanted: kind.wanted,
                key: CallSite::key_of(kind.continuation, kind.wanted),
                continuation: kind.continuation,
                condition: kind.condition,
                destination: kind.destination as u32,
                target,
                state: kind.state,
            })
        });
        &raw const **site
    }
}

/// Sets up the call of metamethod `function` with `args` above the running Lua function's
/// registers.
///
/// # Safety
/// The saved state is that of a Lua function executing an instruction.
pub(crate) unsafe fn call_metamethod(
    vm: *mut Vm,
    function: Value,
    args: &[Value],
    kind: SiteKind,
) -> Next {
    // SAFETY: EXTRA_SLOTS are free above the registers of the running function.
    unsafe {
        let site = site(vm, above_registers(vm, kind));
        let place = (*vm).base.byte_add((*site).delta as usize).sub(1);
        *place = function;
        for (n, arg) in args.iter().enumerate() {
            *place.add(1 + n) = *arg;
        }
        Next::Call {
            function: place,
            args: args.len(),
            site,
            flags: crate::frame::FRAME_C_CALL,
        }
    }
}

/// The site of a metamethod called by the current instruction.
///
/// # Safety
/// As [`site`].
pub(crate) unsafe fn metamethod_site(vm: *mut Vm, purpose: Purpose) -> *const CallSite {
    let kind = match purpose {
        Purpose::Store(destination) => store_kind(destination),
        Purpose::Concat(destination) => concat_kind(destination, 1),
        Purpose::Discard => discard_kind(),
        Purpose::Branch(condition) => branch_kind(condition),
    };
    // SAFETY: the caller's contract.
    unsafe { site(vm, above_registers(vm, kind)) }
}

/// The site of a native function called by the current instruction as a metamethod, a getter or a setter.
///
/// # Safety
/// As [`site`]; the outcome follows from the instruction.
#[cfg(threaded)]
#[inline]
pub(crate) unsafe fn member_site(vm: *mut Vm, outcome: Outcome) -> *const CallSite {
    // SAFETY: the caller's contract; known sites are those of live protos (`Vm::member_sites`).
    unsafe {
        let pc = (*vm).pc;
        let known = &raw mut (*vm).member_sites[pc as usize / size_of::<u64>() % MEMBER_SITES];
        if (*known).0 == pc {
            return (*known).1;
        }
        let kind = match outcome {
            Outcome::Store(destination) => store_kind(destination),
            Outcome::Discard => discard_kind(),
            Outcome::Branch(sense) => branch_kind(sense),
        };
        let made = site(vm, above_registers(vm, kind));
        *known = (pc, made);
        made
    }
}

/// The kind of a site whose callee stands above the registers of the running function.
unsafe fn above_registers(vm: *mut Vm, kind: SiteKind) -> SiteKind {
    // SAFETY: the caller's contract.
    let top = unsafe { crate::stack::running_proto(vm).map_or(0, |p| (*p).max_stack as usize) };
    SiteKind {
        delta: (top + 1) * size_of::<Value>(),
        ..kind
    }
}

/// A site kind for storing the first result in register byte offset `destination`.
pub(crate) fn store_kind(destination: usize) -> SiteKind {
    SiteKind {
        continuation: Continuation::Store,
        wanted: 1,
        destination,
        condition: false,
        state: 0,
        delta: 0,
    }
}

/// A site kind for two operands of a concatenation, of which the first is at this byte offset; so many
/// are left when the result is there.
pub(crate) fn concat_kind(destination: usize, left: usize) -> SiteKind {
    SiteKind {
        continuation: Continuation::Concat,
        wanted: 1,
        destination,
        condition: false,
        state: left as u32,
        delta: 0,
    }
}

/// A site kind for a comparison that jumps on `condition`.
pub(crate) fn branch_kind(condition: bool) -> SiteKind {
    SiteKind {
        continuation: Continuation::Branch,
        wanted: 1,
        destination: 0,
        condition,
        state: 0,
        delta: 0,
    }
}

/// A site kind for dropping results.
pub(crate) fn discard_kind() -> SiteKind {
    SiteKind {
        continuation: Continuation::Discard,
        wanted: 0,
        destination: 0,
        condition: false,
        state: 0,
        delta: 0,
    }
}

/// The site of a `__close` handler called by the current instruction, `place` slots above base.
///
/// # Safety
/// As [`site`].
pub(crate) unsafe fn close_site(
    vm: *mut Vm,
    continuation: Continuation,
    place: usize,
) -> *const CallSite {
    let kind = SiteKind {
        continuation,
        wanted: 0,
        destination: 0,
        condition: false,
        state: 0,
        delta: (place + 1) * size_of::<Value>(),
    };
    // SAFETY: the caller's contract.
    unsafe { site(vm, kind) }
}

/// The site of a native function that the current instruction tail-calls.
///
/// # Safety
/// As [`site`]; `function` lies above the base.
pub(crate) unsafe fn tail_call_site(vm: *mut Vm, function: *mut Value) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe {
        let delta = function.add(1).offset_from((*vm).base) as usize * size_of::<Value>();
        let kind = SiteKind {
            continuation: Continuation::TailReturn,
            wanted: -1,
            destination: 0,
            condition: false,
            state: 0,
            delta,
        };
        site(vm, kind)
    }
}

/// The site of a call that Rust makes between two instructions of the running Lua function.
///
/// # Safety
/// The saved pc is at an instruction; `function` lies above the base.
pub(crate) unsafe fn entry_site(vm: *mut Vm, function: *mut Value) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe {
        let saved = (*vm).pc;
        let start = crate::stack::running_proto(vm).map_or(saved, |p| (*p).entry);
        // Sites name an instruction by the pc behind its first word.
        (*vm).pc = if saved == start { saved.add(1) } else { saved };
        let delta = function.add(1).offset_from((*vm).base) as usize * size_of::<Value>();
        let kind = SiteKind {
            continuation: Continuation::Entry,
            wanted: -1,
            destination: 0,
            condition: false,
            state: 0,
            delta,
        };
        let made = site(vm, kind);
        (*vm).pc = saved;
        made
    }
}

/// Register A of the current instruction.
///
/// # Safety
/// The saved state is that of an instruction being executed.
pub(crate) unsafe fn operand_a(vm: *mut Vm) -> *mut Value {
    // SAFETY: the caller's contract.
    unsafe { register(vm, current(vm).a()) }
}
