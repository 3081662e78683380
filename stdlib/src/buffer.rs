//! Byte buffers for results under construction.
//!
//! A buffer's memory is charged to the state, so that the memory limit holds for what is not yet a
//! string. The exception is one small scratch buffer per thread of the system, which is used again
//! and again.
//!
//! Invariants:
//! - Growth that a script decides about goes through the functions here. What is pushed without
//!   them is bounded by a constant per argument, and is charged when the buffer grows next.
//! - Whoever has a buffer ends it: [`with_buffer`] by itself, others by [`Buffer::release`]. One
//!   that waits in a userdata is charged to that ([`Buffer::keep_in`]), since the collector may end
//!   it.

use perilune_frontend::number::{Number, push_number};
use perilune_runtime::error::LuaError;
use perilune_runtime::gc::charge;
use perilune_runtime::native::{Call, UserdataRef};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// The largest buffer that is kept for the next use.
const MAX_KEPT: usize = 1 << 16;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes under construction.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    /// How much of the capacity is the thread's and not charged.
    scratch: usize,
    /// How much is charged, ...
    charged: usize,
    /// ... and how much of that to the userdata that holds the buffer.
    kept: usize,
}

impl Buffer {
    /// Charges as much as `capacity` needs.
    fn charge(&mut self, call: &mut Call<'_>, capacity: usize) -> Result<(), LuaError> {
        let owed = if capacity <= self.scratch {
            0
        } else {
            charge::block(capacity)
        };
        if owed > self.charged {
            call.charge(owed - self.charged)?;
            self.charged = owed;
        }
        Ok(())
    }

    /// Makes a scratch buffer one of its own, all of it charged.
    ///
    /// # Errors
    /// Memory; nothing has changed then.
    pub(crate) fn detach(&mut self, call: &mut Call<'_>) -> Result<Buffer, LuaError> {
        let scratch = std::mem::take(&mut self.scratch);
        let charged = self.charge(call, self.bytes.capacity());
        self.scratch = if charged.is_err() { scratch } else { 0 };
        charged.map(|()| std::mem::take(self))
    }

    /// To be called at the end of each step by who keeps the buffer in `holder`: the holder bears
    /// what was charged meanwhile.
    #[inline]
    pub(crate) fn keep_in<'c>(&mut self, call: &mut Call<'c>, holder: UserdataRef<'c>) {
        if self.charged > self.kept {
            call.give_charge(holder, self.charged - self.kept);
            self.kept = self.charged;
        }
    }

    /// Ends the buffer; `holder` is the userdata in which it was kept, if it was.
    pub(crate) fn release<'c>(&mut self, call: &mut Call<'c>, holder: Option<UserdataRef<'c>>) {
        let buffer = std::mem::take(self);
        if let Some(holder) = holder {
            call.take_charge(holder, buffer.kept);
        }
        call.discharge(buffer.charged);
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;
    #[inline]
    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

/// Runs `build` with an empty buffer, one used before if possible.
#[inline]
pub(crate) fn with_buffer<'c, R>(
    call: &mut Call<'c>,
    build: impl FnOnce(&mut Call<'c>, &mut Buffer) -> R,
) -> R {
    let mut bytes = KEPT.take();
    bytes.clear();
    let mut buffer = Buffer {
        scratch: bytes.capacity(),
        bytes,
        ..Buffer::default()
    };
    let result = build(call, &mut buffer);
    if buffer.charged != 0 {
        call.discharge(buffer.charged);
    }
    if buffer.bytes.capacity() <= MAX_KEPT {
        KEPT.set(buffer.bytes);
    }
    result
}

/// Appends `bytes`.
#[inline]
pub(crate) fn append(call: &mut Call<'_>, out: &mut Buffer, bytes: &[u8]) -> Result<(), LuaError> {
    if bytes.len() > out.capacity() - out.len() {
        grow(call, out, bytes.len())?;
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// Appends `count` copies of `byte`.
pub(crate) fn fill(
    call: &mut Call<'_>,
    out: &mut Buffer,
    byte: u8,
    count: usize,
) -> Result<(), LuaError> {
    if count > out.capacity() - out.len() {
        grow(call, out, count)?;
    }
    let length = out.len() + count;
    out.resize(length, byte);
    Ok(())
}

/// Appends a number as `tostring` shows it.
pub(crate) fn push_numeral(
    call: &mut Call<'_>,
    out: &mut Buffer,
    number: Number,
) -> Result<(), LuaError> {
    const LONGEST: usize = 48;
    if out.capacity() - out.len() < LONGEST {
        grow(call, out, LONGEST)?;
    }
    push_number(out, number);
    Ok(())
}

/// Makes room for `additional` bytes.
#[cold]
pub(crate) fn grow(
    call: &mut Call<'_>,
    out: &mut Buffer,
    additional: usize,
) -> Result<(), LuaError> {
    let capacity = out.capacity();
    let needed = out.len().saturating_add(additional);
    if needed <= capacity {
        return Ok(());
    }
    if needed > MAX_KEPT {
        call.poll()?;
    }
    let wanted = needed.max(capacity.saturating_add(capacity / 2));
    out.charge(call, wanted)?;
    // An allocator that copies has both blocks for a while.
    call.charge(capacity)?;
    let more = wanted - out.len();
    let outcome = out.try_reserve_exact(more);
    call.discharge(capacity);
    outcome.map_err(|_| LuaError::Memory)
}
