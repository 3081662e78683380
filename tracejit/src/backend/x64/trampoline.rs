//! The code at the start of a code area: how trace code is entered and left.
//!
//! Invariant: trace code runs in the frame made here, with `rbp` at its top and `rsp` at its
//! bottom; [`Layout`] describes every instruction at which that is not so.

use super::super::{DoStep, MachineState, Restore};
use dynasmrt::{DynasmApi, VecAssembler, dynasm, x64::X64Relocation};
use perilune_runtime::gc::GcHeader;
use perilune_runtime::vm::Vm;

/// The callee-saved registers below `rbp`.
const SAVED_BYTES: i32 = 40;
/// Where the [`MachineState`] starts, below `rbp`.
pub(super) const STATE: i32 = SAVED_BYTES + size_of::<MachineState>() as i32;
const FRAME_BYTES: i32 = (STATE + 15) & !15;

/// Offsets in the trampoline, for the unwinder: bytes from one change of the frame to the next.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) pushed_rbp: u8,
    pub(super) moved_rbp: u8,
    pub(super) pushed: [u8; 5],
    /// From the last push to the return instruction.
    pub(super) to_return: u16,
    /// Bytes of all.
    pub(super) size: usize,
}

impl Layout {
    /// The saved registers in the order of their pushes, by DWARF number: rbx, r12 to r15.
    pub(super) const SAVED: [u8; 5] = [3, 12, 13, 14, 15];
}

/// The trampoline's code and the offsets of its entries.
pub(super) struct Trampoline {
    pub(super) code: Vec<u8>,
    /// Where exit stubs go.
    pub(super) exit: usize,
    /// Where a trace that is left with the answer in `rax` goes.
    pub(super) leave: usize,
    /// Where steps are called: `rsi` is the step.
    pub(super) step: usize,
    pub(super) barriers: Barriers,
    pub(super) layout: Layout,
}

/// Makes the trampoline for a code area at `address`.
pub(super) fn assemble(address: usize, restore: Restore, do_step: DoStep) -> Option<Trampoline> {
    let mut ops = VecAssembler::<X64Relocation>::new(address);
    let mut marks = Vec::new();
    dynasm!(ops ; .arch x64 ; push rbp);
    marks.push(ops.offset().0);
    dynasm!(ops ; mov rbp, rsp);
    marks.push(ops.offset().0);
    dynasm!(ops ; push rbx);
    marks.push(ops.offset().0);
    dynasm!(ops ; push r12);
    marks.push(ops.offset().0);
    dynasm!(ops ; push r13);
    marks.push(ops.offset().0);
    dynasm!(ops ; push r14);
    marks.push(ops.offset().0);
    dynasm!(ops ; push r15);
    marks.push(ops.offset().0);
    dynasm!(ops
        ; sub rsp, FRAME_BYTES - SAVED_BYTES
        ; mov rbx, rdi
        ; mov r12, rsi
        ; jmp rdx
    );
    let exit = ops.offset().0;
    let general = std::mem::offset_of!(MachineState, general) as i32 - STATE;
    let float = std::mem::offset_of!(MachineState, float) as i32 - STATE;
    for n in 0..16u8 {
        dynasm!(ops
            ; mov [rbp + general + 8 * n as i32], Rq(n)
            ; movsd [rbp + float + 8 * n as i32], Rx(n)
        );
    }
    dynasm!(ops
        ; mov rdi, rbx
        ; lea rsi, [rbp - STATE]
        ; mov rdx, r12
        ; mov rax, QWORD restore as usize as i64
        ; call rax
    );
    let leave = ops.offset().0;
    dynasm!(ops
        ; lea rsp, [rbp - SAVED_BYTES]
        ; pop r15
        ; pop r14
        ; pop r13
        ; pop r12
        ; pop rbx
        ; pop rbp
    );
    let at_return = ops.offset().0;
    dynasm!(ops ; ret);
    let back = ops.offset().0;
    routine(&mut ops, barrier_back as *const () as usize);
    let forward = ops.offset().0;
    routine(&mut ops, barrier_forward as *const () as usize);
    let size = ops.offset().0.next_multiple_of(16);
    while ops.offset().0 < size {
        dynasm!(ops ; int3);
    }
    let step = do_step as usize;
    let code = ops.finalize().ok()?;
    let delta = |n: usize| (marks[n] - if n == 0 { 0 } else { marks[n - 1] }) as u8;
    let layout = Layout {
        pushed_rbp: delta(0),
        moved_rbp: delta(1),
        pushed: [delta(2), delta(3), delta(4), delta(5), delta(6)],
        to_return: (at_return - marks[6]) as u16,
        size,
    };
    Some(Trampoline {
        code,
        exit,
        leave,
        step,
        barriers: Barriers {
            back: address + back,
            forward: address + forward,
        },
        layout,
    })
}

/// The addresses of the routines for write barriers: the object in `rax`, what it is given in
/// `rcx`; they keep all registers but these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Barriers {
    pub(super) back: usize,
    pub(super) forward: usize,
}

/// A routine that calls `function` with the machine, `rax` and `rcx`.
fn routine(ops: &mut VecAssembler<X64Relocation>, function: usize) {
    const FLOATS: i32 = 16;
    // With the return address and seven pushes the stack is aligned.
    dynasm!(ops
        ; push rdx ; push rsi ; push rdi ; push r8 ; push r9 ; push r10 ; push r11
        ; sub rsp, 8 * FLOATS
    );
    for n in 0..FLOATS as u8 {
        dynasm!(ops ; movsd [rsp + 8 * n as i32], Rx(n));
    }
    dynasm!(ops
        ; mov rdi, rbx
        ; mov rsi, rax
        ; mov rdx, rcx
        ; mov rax, QWORD function as i64
        ; call rax
    );
    for n in 0..FLOATS as u8 {
        dynasm!(ops ; movsd Rx(n), [rsp + 8 * n as i32]);
    }
    dynasm!(ops
        ; add rsp, 8 * FLOATS
        ; pop r11 ; pop r10 ; pop r9 ; pop r8 ; pop rdi ; pop rsi ; pop rdx
        ; ret
    );
}

/// # Safety
/// `vm` is live, and so is the black object.
unsafe extern "C" fn barrier_back(vm: *mut Vm, object: *mut GcHeader) {
    // SAFETY: the caller's contract.
    unsafe { (*vm).heap.barrier_back_slow(object) }
}

/// # Safety
/// As [`barrier_back`]; `child` is a live object too.
unsafe extern "C" fn barrier_forward(vm: *mut Vm, object: *mut GcHeader, child: *mut GcHeader) {
    // SAFETY: the caller's contract.
    unsafe { (*vm).heap.barrier_forward_slow(object, child) }
}
