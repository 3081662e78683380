//! Weak references outside objects: shapes, and the inline caches that name shapes and objects.
//!
//! A shape that no live table has is freed at the end of marking; before that, every cache that
//! names it is emptied, because its id will be used again. The same goes for a cache's holder.

use super::heap::Heap;
use super::{GcHeader, Roots};
use crate::function::Proto;
use crate::ops::cache::{CacheRecord, RECORDED};
use crate::table::Table;
use perilune_frontend::bytecode::instruction::Instruction;
use perilune_frontend::bytecode::opcode::ExtraWord;

impl Heap {
    /// Frees the shapes that are not marked, after all that names them forgot them.
    ///
    /// # Safety
    /// As [`Heap::atomic`], at its end.
    pub(crate) unsafe fn sweep_shapes<R: Roots>(this: *mut Heap, roots: *mut R) {
        // SAFETY: the caller's contract; nothing has been freed since marking.
        unsafe {
            let shapes = &raw mut (*this).shapes;
            R::visit_traced_shapes(roots, &mut |id| (*shapes).mark_if_reachable(id));
            let any_dead = (*shapes).dead_ids().next().is_some();
            let is_live_shape = |id: u32| (*shapes).is_live(id) && (*shapes).is_marked(id);
            let is_live_object = |object: *const GcHeader| !(*object).is_white();
            for index in 0..(*this).protos.len() {
                let proto = (&(*this).protos)[index];
                if !(*proto).header.is_white() {
                    clear_dead_caches(proto, any_dead, &is_live_shape, &is_live_object);
                }
            }
            R::forget_dead(roots, &is_live_shape, &is_live_object);
            if any_dead {
                (*shapes).sweep();
                let _ = (*this).charge_shapes();
            }
        }
    }
}

/// Empties the inline caches of `proto` that name a dead shape or object. `any_shapes_dead` false
/// saves looking at those that name shapes only.
///
/// # Safety
/// `proto` is live; what its caches name is not freed yet.
pub unsafe fn clear_dead_caches(
    proto: *mut Proto,
    any_shapes_dead: bool,
    is_live_shape: &dyn Fn(u32) -> bool,
    is_live_object: &dyn Fn(*const GcHeader) -> bool,
) {
    // 0 stands for "no shape".
    let is_dead_shape = |id: u32| id != 0 && !is_live_shape(id);
    let mut any_records_dead = false;
    // SAFETY: the caller's contract. Nobody else uses the records meanwhile.
    let records = unsafe { &mut (*proto).cache_records };
    for record in records.iter_mut() {
        let dead_shape = any_shapes_dead
            && (is_dead_shape(record.receiver_shape)
                || is_dead_shape(record.other_shape)
                || is_dead_shape(record.holder_shape));
        let dead = |t: *mut Table| !t.is_null() && !is_live_object(t.cast());
        if dead_shape || dead(record.holder) || dead(record.metatable) {
            *record = DEAD;
            any_records_dead = true;
        }
    }
    if !any_shapes_dead && !any_records_dead {
        return;
    }
    // SAFETY: as above. The code is only read and written through raw pointers here, because the
    // interpreter keeps pointers into it.
    let (code, len) = unsafe {
        let code = &raw const (*proto).code;
        ((*code).as_mut_ptr(), (&(*code)).len())
    };
    let mut pc = 0;
    while pc < len {
        // SAFETY: `pc` is below the length, and so is that of the extra word in valid code.
        let word = unsafe { *code.add(pc) };
        let Some(opcode) = Instruction(word).opcode() else {
            return;
        };
        if opcode.extra_word() == ExtraWord::Cache && pc + 1 < len {
            // SAFETY: as above.
            unsafe {
                let cache = code.add(pc + 1);
                if names_dead(*cache, records, &is_dead_shape) {
                    *cache = 0;
                }
            }
        }
        pc += 1 + opcode.extra_words();
    }
}

/// The record that stands for one whose shapes or holder died; it matches nothing.
const DEAD: CacheRecord = CacheRecord {
    receiver_shape: 0,
    other_shape: 0,
    metatable: std::ptr::null_mut(),
    metatable_slot: crate::table::shape::NO_SLOT,
    index_slot: 0,
    holder: std::ptr::null_mut(),
    holder_shape: 0,
    slot: 0,
    next: 0,
};

/// Whether a cache word names a dead shape, directly or by its record.
fn names_dead(word: u64, records: &[CacheRecord], is_dead_shape: &dyn Fn(u32) -> bool) -> bool {
    let shape = word as u32 & !RECORDED;
    let slot = (word >> 32) as u16;
    if word == 0 {
        return false;
    }
    let record_is_dead = word as u32 & RECORDED != 0
        && records
            .get(usize::from(slot))
            .is_some_and(|record| record.receiver_shape == 0 && record.other_shape == 0);
    record_is_dead || is_dead_shape(shape)
}
