//! Machine code for x86-64 on Linux.

// The assembler's macro converts registers to `u8`, which these are.
#![allow(
    clippy::useless_conversion,
    reason = "written by the assembler's macro"
)]

mod calls;
mod code_area;
mod emit;
mod exits;
mod guards;
mod moves;
mod operands;
mod operations;
mod short;
mod trampoline;
mod unwind;

use super::allocate::{Allocator, RegisterSet};
use super::{Assembled, DoStep, Refusal, Request, Restore, Trampoline, check};
use crate::ir::KEPT;
use code_area::CodeArea;
use emit::Buffers;
use unwind::Unwind;

pub(super) use code_area::see_new_code;

/// Registers by number: `rbx` is the machine, `r12` the anchor; see the parent module.
const VM: u8 = 3;
const ANCHOR: u8 = 12;
const RAX: u8 = 0;
const RCX: u8 = 1;
const R11: u8 = 11;
/// The scratch float register.
const XMM15: u8 = 15;

/// Registers for values: `rdx`, `rsi`, `rdi`, `r8` to `r10`, and those that calls preserve, which come
/// last; all float registers but the scratch one.
const REGISTERS: RegisterSet = RegisterSet {
    general: 0b1110_0111_1100_0100,
    preserved: 0b1110_0000_0000_0000,
    float: 0x7fff,
};

/// Addresses that all traces use.
#[derive(Clone, Copy, Debug)]
struct Common {
    /// Where exit stubs go.
    exit: usize,
    /// Where a trace goes that is left with an answer in `rax`.
    leave: usize,
    /// The function that does residual steps.
    step: usize,
    /// Routines for write barriers.
    barriers: trampoline::Barriers,
}

/// The code generator of one state, with its code.
#[derive(Debug)]
pub struct Backend {
    // Dropped first: it describes the area.
    _unwind: Unwind,
    area: CodeArea,
    allocator: Allocator,
    buffers: Buffers,
    common: Common,
    /// Bytes of the trampoline, which is never dropped.
    trampoline: usize,
}

impl Backend {
    /// A code generator for at most `limit` bytes of code.
    ///
    /// # Errors
    /// When the system gives no memory for code.
    pub fn new(limit: usize, restore: Restore, step: DoStep) -> Result<Backend, Refusal> {
        let mut area = CodeArea::new(limit).ok_or(Refusal::Full)?;
        let (start, size) = area.extent();
        let made = trampoline::assemble(start, restore, step).ok_or(Refusal::Malformed)?;
        if !area.append(&made.code) {
            return Err(Refusal::Full);
        }
        let common = Common {
            exit: start + made.exit,
            leave: start + made.leave,
            step: made.step,
            barriers: made.barriers,
        };
        Ok(Backend {
            _unwind: Unwind::register(start, size, &made.layout),
            trampoline: area.used(),
            area,
            allocator: Allocator::usual(),
            buffers: Buffers::usual(),
            common,
        })
    }

    /// The function that enters trace code.
    pub fn trampoline(&self) -> Trampoline {
        let (start, _) = self.area.extent();
        // SAFETY: the area starts with the trampoline, which has this type.
        unsafe { std::mem::transmute::<usize, Trampoline>(start) }
    }

    /// Makes machine code of a trace.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is kept then.
    pub fn assemble(&mut self, request: &Request) -> Result<Assembled, Refusal> {
        let registers = REGISTERS.limited(request.registers);
        let allocation = self
            .allocator
            .allocate(request.trace, &registers, request.inherited)?;
        if cfg!(debug_assertions) || request.verify {
            check::check(request.trace, allocation, &registers).map_err(|_| Refusal::Malformed)?;
        }
        let address = self.area.next();
        let buffers = &mut self.buffers;
        let emitted = emit::emit(request, allocation, self.common, address, buffers);
        let is_kept = emitted.is_ok() && self.area.append(&buffers.code);
        let code_bytes = buffers.code.len();
        self.allocator.trim(KEPT);
        buffers.trim(KEPT);
        let emitted = emitted?;
        if !is_kept {
            return Err(Refusal::Full);
        }
        Ok(Assembled {
            entry: address as *const u8,
            exits: emitted.exits,
            values: emitted.values,
            code_bytes,
        })
    }

    /// Makes an exit's stub go to a side trace.
    ///
    /// # Safety
    /// The stub is that of an exit of this code generator, and not being executed.
    pub unsafe fn patch(&mut self, stub: usize, entry: *const u8) {
        let distance = (entry as usize).wrapping_sub(stub + 5) as i32;
        let mut code = [0xe9, 0, 0, 0, 0];
        code[1..].copy_from_slice(&distance.to_le_bytes());
        // SAFETY: a stub starts with an instruction of more than five bytes.
        unsafe { self.area.overwrite(stub, &code) }
    }

    /// Drops all traces' code; none of it runs.
    pub fn flush(&mut self) {
        self.allocator = Allocator::default();
        self.buffers = Buffers::default();
        self.area.truncate(self.trampoline);
    }

    /// Bytes that it takes beside the code.
    pub fn bytes(&self) -> usize {
        self.allocator.bytes() + self.buffers.bytes()
    }

    /// The code of a trace.
    pub fn code(&self, entry: *const u8, bytes: usize) -> &[u8] {
        self.area.code(entry as usize, bytes)
    }
}
