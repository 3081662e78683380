//! Dispatch: the opcode functions of `ops` instantiated with [`Direct`] and threaded together.
//!
//! Each handler is a function of four register arguments that ends in a tail call to the next
//! one; slow paths are out-of-line shims of the same signature. Where tail calls are not sure
//! (`build.rs`), while a hook is set, and while fuel is counted, the same opcode functions run in a
//! loop.
//!
//! Invariants:
//! - A handler gets `pc` one past the first word of its instruction, and the rest of the machine
//!   state as described for [`Direct`].
//! - Before a slow path runs, the state is saved in `vm`; afterwards it is reloaded from there.
//! - A handler holds nothing that needs dropping and takes no address of its locals.

#[cfg(threaded)]
mod at_once;
#[cfg(threaded)]
mod fast;
mod fueled;
pub mod hooked;
mod hot;
#[cfg(threaded)]
mod members;
#[cfg(threaded)]
mod natives;
#[cfg(threaded)]
mod operators;
pub mod portable;
mod slow;

use crate::machine::Flow;
#[cfg(threaded)]
use crate::machine::{Direct, Slow};
use crate::ops;
use crate::value::Value;
use crate::vm::{Vm, pending};
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

pub(crate) use slow::metamethod_site;
pub use slow::{Found, Relation, event_of, index_value, question, set_index_value};
pub(crate) use slow::{
    arithmetic_values, close_site, continue_concat, entry_site, equals_raw, less_values, operand_a,
    perform, table_error, tail_call_site,
};

/// `run` ended: the entry function returned.
pub const EXIT_DONE: u64 = 1;
/// `run` ended: an uncaught error is in `vm.error`.
pub const EXIT_ERROR: u64 = 2;
/// The dispatch must change between plain and hooked.
pub const EXIT_SWITCH: u64 = 3;
/// A back-edge is hot or has a trace; the saved state is that of its instruction.
pub const EXIT_HOT: u64 = 4;

/// A function that was just entered is hot or has a trace; the saved state is that of its start.
pub const EXIT_HOT_ENTRY: u64 = 5;

/// A handler: see the module's text.
pub type Handler = unsafe fn(*mut Vm, *const u64, *mut Value, *const Value) -> u64;

/// Pairs every opcode with its function; forgetting one is an error at `opcode_function`.
macro_rules! for_each_handler {
    ($callback:ident) => {
        $callback! {
            Move move_; LoadInt load_int; LoadFloat load_float; LoadConst load_const;
            LoadNil load_nil; LoadFalse load_false; LoadTrue load_true;
            GetUpvalue get_upvalue; SetUpvalue set_upvalue; NewCell new_cell; GetCell get_cell;
            SetCell set_cell; GetUpvalueField get_upvalue_field; SetUpvalueField set_upvalue_field;
            GetIndex get_index; GetInt get_int; GetField get_field; SetIndex set_index;
            SetIndexConst set_index_const; SetInt set_int; SetField set_field;
            SetFieldConst set_field_const; Method method; NewTable new_table; SetList set_list;
            Add add; Sub sub; Mul mul; Div div; Mod mod_; Pow pow; IDiv idiv; BAnd band; BOr bor;
            BXor bxor; Shl shl; Shr shr; AddConst add_const; SubConst sub_const;
            MulConst mul_const; DivConst div_const; ModConst mod_const; PowConst pow_const;
            IDivConst idiv_const; BAndConst band_const; BOrConst bor_const; BXorConst bxor_const;
            ShlConst shl_const; ShrConst shr_const; AddInt add_int; Unm unm; BNot bnot; Not not;
            Len len; Concat concat; Jump jump; Loop loop_; JumpIf jump_if; JumpIfNot jump_if_not;
            MoveJumpIf move_jump_if; MoveJumpIfNot move_jump_if_not; JumpEq jump_eq;
            JumpNotEq jump_not_eq; JumpLt jump_lt; JumpNotLt jump_not_lt; JumpLe jump_le;
            JumpNotLe jump_not_le; JumpEqConst jump_eq_const; JumpNotEqConst jump_not_eq_const;
            JumpEqInt jump_eq_int; JumpNotEqInt jump_not_eq_int; JumpLtInt jump_lt_int;
            JumpNotLtInt jump_not_lt_int; JumpLeInt jump_le_int; JumpNotLeInt jump_not_le_int;
            JumpGtInt jump_gt_int; JumpNotGtInt jump_not_gt_int; JumpGeInt jump_ge_int;
            JumpNotGeInt jump_not_ge_int; Call call; TailCall tail_call; Return return_;
            Return0 return0; Return1 return1; ReturnClose return_close; VarArg var_arg;
            VarArgPrep var_arg_prep; Closure closure; ForPrep for_prep; ForLoop for_loop;
            GenericForPrep generic_for_prep; GenericForCall generic_for_call;
            GenericForLoop generic_for_loop; MarkClose mark_close; Close close;
        }
    };
}

macro_rules! define_opcode_function {
    ($($name:ident $function:ident;)*) => {
        /// Runs one instruction on any machine; the caller dispatches on its opcode.
        #[inline(always)]
        pub fn opcode_function<M: crate::machine::Machine>(
            op: Opcode,
            m: &mut M,
            i: crate::machine::Insn,
        ) -> Flow {
            match op { $(Opcode::$name => ops::$function(m, i)),* }
        }
    };
}
for_each_handler!(define_opcode_function);

#[cfg(threaded)]
mod threaded {
    //! The handlers.
    use super::*;

    macro_rules! dispatch {
        ($vm:expr, $pc:expr, $base:expr, $constants:expr) => {{
            let pc = $pc;
            // Used in unsafe blocks only: pc points at an instruction of verified code.
            return TABLE.0[*(pc as *const u8) as usize]($vm, pc.add(1), $base, $constants);
        }};
    }

    /// Defines the out-of-line half of each family. First come shortcuts, each a function of the
    /// handler's state that answers whether it has done the whole instruction: those after `leaving`
    /// have the interpreter return to Rust, those after `at` leave the frame and go on that many words
    /// further, those after `saved` go on from the saved state. What follows `else` does the instruction for sure and answers an exit code.
    macro_rules! shims {
        ($($(#[$attribute:meta])* $name:ident:
            $(leaving $out:path;)* $(at $here:path, $words:literal;)* $(saved $there:path;)*
            else $last:path $(, $family:ident)?;)*) => {
            $(
                $(#[$attribute])*
                #[inline(never)]
                unsafe fn $name(vm: *mut Vm, pc: *const u64, base: *mut Value, constants: *const Value) -> u64 {
                    // SAFETY: the handler's state, unchanged.
                    unsafe {
                        $(if $out(vm, pc, base, constants) {
                            return EXIT_DONE;
                        })*
                        $(if $here(vm, pc, base, constants) {
                            dispatch!(vm, pc.add($words), base, constants)
                        })*
                        $(if $there(vm, pc, base, constants) {
                            dispatch!(vm, (*vm).pc, (*vm).base, (*vm).constants)
                        })*
                        let code = $last(vm, pc, base, constants $(, Slow::$family)?);
                        if code != 0 {
                            return code;
                        }
                        dispatch!(vm, (*vm).pc, (*vm).base, (*vm).constants)
                    }
                }
            )*
            /// The same, each without the dispatch at its end: for traces.
            #[allow(dead_code, reason = "traces leave for what polls")]
            pub(super) mod stepped {
                use super::*;
                $(
                    #[inline(never)]
                    pub(in crate::interp) unsafe fn $name(vm: *mut Vm, pc: *const u64, base: *mut Value, constants: *const Value) -> u64 {
                        // SAFETY: the handler's state, unchanged.
                        unsafe {
                            $(if $out(vm, pc, base, constants) {
                                return EXIT_DONE;
                            })*
                            $(if $here(vm, pc, base, constants) {
                                (*vm).pc = pc.add($words);
                                (*vm).base = base;
                                (*vm).constants = constants;
                                return 0;
                            })*
                            $(if $there(vm, pc, base, constants) {
                                return 0;
                            })*
                            $last(vm, pc, base, constants $(, Slow::$family)?)
                        }
                    }
                )*
            }
        };
    }
    shims! {
        #[cold] shim_arithmetic: else operators::arithmetic;
        #[cold] shim_compare: else operators::compare;
        shim_index:
            at fast::get_field, 1; at fast::get_string, 0;
            else members::index;
        shim_set_index:
            at fast::set_field, 1; at fast::set_string, 0;
            else members::set_index;
        shim_call: saved fast::call_lua; else natives::call;
        shim_return: leaving natives::return_to_rust; saved fast::return_values; else natives::return_;
        shim_generic_for: at natives::next, 1; saved fast::iterate_lua; else natives::generic_for;
        shim_construct: else perform, Construct;
        #[cold] shim_concat: else operators::concat;
        #[cold] shim_poll: else hot::poll;
        shim_other: at fast::var_arg, 0; else perform, Other;
    }

    /// The handlers by opcode byte.
    #[repr(align(64))]
    pub(super) struct Table(pub(super) [Handler; 256]);

    macro_rules! define_handlers {
        ($($name:ident $function:ident;)*) => {
            $(
                #[allow(non_snake_case)]
                #[inline(never)]
                unsafe fn $name(vm: *mut Vm, pc: *const u64, base: *mut Value, constants: *const Value) -> u64 {
                    // SAFETY: the module's invariants are the contract of `Direct::new`.
                    unsafe {
                        let mut m = Direct::new(vm, pc, base, constants);
                        let i = m.insn();
                        match ops::$function(&mut m, i) {
                            Flow::Next => dispatch!(m.vm, m.pc, m.base, m.constants),
                            Flow::Slow(Slow::Arithmetic) => shim_arithmetic(vm, pc, base, constants),
                            Flow::Slow(Slow::Compare) => shim_compare(vm, pc, base, constants),
                            Flow::Slow(Slow::Index) => shim_index(vm, pc, base, constants),
                            Flow::Slow(Slow::SetIndex) => shim_set_index(vm, pc, base, constants),
                            Flow::Slow(Slow::Call) => shim_call(vm, pc, base, constants),
                            Flow::Slow(Slow::Return) => shim_return(vm, pc, base, constants),
                            Flow::Slow(Slow::GenericFor) => shim_generic_for(vm, pc, base, constants),
                            Flow::Slow(Slow::Construct) => shim_construct(vm, pc, base, constants),
                            Flow::Slow(Slow::Concat) => shim_concat(vm, pc, base, constants),
                            Flow::Slow(Slow::Poll) => shim_poll(vm, pc, base, constants),
                            Flow::Slow(Slow::Other) => shim_other(vm, pc, base, constants),
                        }
                    }
                }
            )*
            /// A byte that is no opcode; verified code has none.
            unsafe fn not_an_opcode(_: *mut Vm, _: *const u64, _: *mut Value, _: *const Value) -> u64 {
                EXIT_ERROR
            }
            /// A call has found its callee hot.
            unsafe fn hot_entry(vm: *mut Vm, _: *const u64, base: *mut Value, constants: *const Value) -> u64 {
                // SAFETY: calls go on here at the start of the function at base - 1.
                unsafe {
                    (*vm).pc = crate::hot::start_of(base);
                    (*vm).base = base;
                    (*vm).constants = constants;
                }
                EXIT_HOT_ENTRY
            }
            pub(super) static TABLE: Table = {
                let mut table: [Handler; 256] = [not_an_opcode; 256];
                $(table[Opcode::$name as usize] = $name;)*
                table[crate::hot::HOT_ENTRY as usize] = hot_entry;
                Table(table)
            };
        };
    }
    for_each_handler!(define_handlers);
}

/// What an instruction does to a member of a userdata: reads it by a getter, or stores to it by a
/// setter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberAccess {
    /// By a getter.
    Read,
    /// By a setter.
    Write,
}

/// Performs an access to a field of a userdata, for a trace, by the accessor that the type is known to
/// have for it.
///
/// # Safety
/// As [`slow_step`]; `accessor` is a live native closure, and what the instruction would find.
pub unsafe fn member_step(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
    access: MemberAccess,
    accessor: Value,
) -> u64 {
    // SAFETY: the caller's contract.
    #[cfg(threaded)]
    unsafe {
        match access {
            MemberAccess::Read => members::get(vm, pc, base, constants, accessor),
            MemberAccess::Write => members::set(vm, pc, base, constants, accessor),
        }
    }
    // SAFETY: the caller's contract.
    #[cfg(not(threaded))]
    unsafe {
        let _ = accessor;
        let family = match access {
            MemberAccess::Read => crate::machine::Slow::Index,
            MemberAccess::Write => crate::machine::Slow::SetIndex,
        };
        perform(vm, pc, base, constants, family)
    }
}

/// Runs from the saved state until the innermost entry function returns or fails.
///
/// # Safety
/// The saved state is that of a Lua function between two instructions.
#[inline(always)]
pub(crate) unsafe fn run(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        loop {
            (*vm).runs_with_fuel = (*vm).has_fuel;
            let code = if (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0 {
                hooked::run(vm)
            } else if (*vm).runs_with_fuel {
                fueled::run(vm)
            } else if (*vm).counting.is_some() {
                portable::run_counting(vm)
            } else {
                plain(vm)
            };
            let code = match code {
                EXIT_HOT => crate::hot::back_edge(vm),
                EXIT_HOT_ENTRY => crate::hot::entry(vm),
                code => code,
            };
            if code != 0 && code != EXIT_SWITCH {
                return code;
            }
        }
    }
}

/// Whether nothing asks for another loop than the plain one.
///
/// # Safety
/// `vm` is live.
#[inline(always)]
pub(crate) unsafe fn runs_plainly(vm: *const Vm) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        (*vm).pending.load(Ordering::Relaxed) == 0
            && !(*vm).has_fuel
            && !(*vm).runs_with_fuel
            && (*vm).counting.is_none()
            && !(*vm).is_busy
    }
}

/// As [`run`], begun in the plain loop.
///
/// # Safety
/// As [`run`]; [`runs_plainly`].
#[inline(always)]
pub(crate) unsafe fn run_plainly(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        (*vm).run_depth += 1;
        let mut code = plain(vm);
        if code != EXIT_DONE {
            code = run_on(vm, code);
        }
        (*vm).run_depth -= 1;
        code
    }
}

/// Goes on with [`run`] after it was left with `code`, until it is left for good.
#[inline(never)]
unsafe fn run_on(vm: *mut Vm, mut code: u64) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        code = match code {
            EXIT_HOT => crate::hot::back_edge(vm),
            EXIT_HOT_ENTRY => crate::hot::entry(vm),
            code => code,
        };
        while code == 0 || code == EXIT_SWITCH {
            code = run(vm);
        }
        // Fuel may have begun to be counted meanwhile; the caller does not count any.
        (*vm).runs_with_fuel = false;
        code
    }
}

/// Performs the instruction before `pc`, whose opcode function answered `Slow(family)`, as the
/// interpreter would; 0 means that the state in `vm` is that of the next instruction, anything
/// else is an exit code.
///
/// # Safety
/// The arguments are a handler's state.
pub unsafe fn slow_step(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
    family: crate::machine::Slow,
) -> u64 {
    // SAFETY: the caller's contract.
    #[cfg(threaded)]
    unsafe {
        use threaded::stepped;
        let function: Handler = match family {
            Slow::Arithmetic => stepped::shim_arithmetic,
            Slow::Compare => stepped::shim_compare,
            Slow::Index => stepped::shim_index,
            Slow::SetIndex => stepped::shim_set_index,
            Slow::Call => stepped::shim_call,
            Slow::Return => stepped::shim_return,
            Slow::GenericFor => stepped::shim_generic_for,
            Slow::Construct => stepped::shim_construct,
            Slow::Concat => stepped::shim_concat,
            // Whether the place is hot is no matter here.
            Slow::Poll => return perform(vm, pc, base, constants, family),
            Slow::Other => stepped::shim_other,
        };
        function(vm, pc, base, constants)
    }
    // SAFETY: the caller's contract.
    #[cfg(not(threaded))]
    unsafe {
        perform(vm, pc, base, constants, family)
    }
}

#[cfg(threaded)]
unsafe fn plain(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let pc = (*vm).pc;
        threaded::TABLE.0[*(pc as *const u8) as usize](vm, pc.add(1), (*vm).base, (*vm).constants)
    }
}

#[cfg(not(threaded))]
unsafe fn plain(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { portable::run(vm) }
}
