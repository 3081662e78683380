//! Buffers that the functions of a chunk use one after another.
//!
//! What a function needs while it is compiled, and of which its proto gets a copy of the exact
//! size, grows once for the largest function instead of anew for each.
//!
//! Invariant: buffers in the pool are empty.

use super::constants::Constants;
use super::jump::Jump;
use super::scope::{ActiveLocal, BlockState};
use crate::bytecode::proto::LocalVariable;

/// Longer lists are moved instead of copied; their buffers are not kept.
const MAX_COPIED: usize = 4096;

/// The buffers of one function.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) code: Vec<u64>,
    pub(super) runs: Vec<(u32, u32)>,
    pub(super) jumps: Vec<Jump>,
    pub(super) constants: Constants,
    pub(super) registers: Vec<u8>,
    pub(super) active: Vec<ActiveLocal>,
    pub(super) locals: Vec<LocalVariable>,
    pub(super) blocks: Vec<BlockState>,
}

/// The buffers that no function uses at the moment.
#[derive(Default)]
pub(crate) struct BufferPool(Vec<Buffers>);

impl BufferPool {
    /// Empty buffers.
    pub(super) fn take(&mut self) -> Buffers {
        self.0.pop().unwrap_or_default()
    }

    /// Takes buffers back.
    pub(super) fn give_back(&mut self, mut buffers: Buffers) {
        buffers.code.clear();
        buffers.runs.clear();
        buffers.jumps.clear();
        buffers.constants.clear();
        buffers.registers.clear();
        buffers.active.clear();
        buffers.locals.clear();
        buffers.blocks.clear();
        self.0.push(buffers);
    }
}

/// The contents of a buffer in a list of their own, which has the exact size unless it is long.
#[allow(clippy::drain_collect, reason = "the buffer keeps its room")]
pub(super) fn take_contents<T>(buffer: &mut Vec<T>) -> Vec<T> {
    if buffer.len() > MAX_COPIED {
        std::mem::take(buffer)
    } else {
        // Leaves the buffer its room.
        let mut exact = Vec::with_capacity(buffer.len());
        exact.append(buffer);
        exact
    }
}
