//! Byte buffers for results under construction.
//!
//! Growth goes through [`grow`] where a script decides about the size, so that running out of
//! memory is an error of the script.

use perilune_runtime::error::LuaError;
use perilune_runtime::native::Call;
use std::cell::Cell;

/// The largest buffer that is kept for the next use.
const MAX_KEPT: usize = 1 << 16;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `build` with an empty buffer, one used before if possible.
#[inline]
pub(crate) fn with_buffer<R>(build: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = KEPT.take();
    buffer.clear();
    let result = build(&mut buffer);
    if buffer.capacity() <= MAX_KEPT {
        KEPT.set(buffer);
    }
    result
}

/// Appends `bytes`.
#[inline]
pub(crate) fn append(call: &mut Call<'_>, out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), LuaError> {
    if bytes.len() > out.capacity() - out.len() {
        grow(call, out, bytes.len())?;
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// Appends `count` copies of `byte`.
pub(crate) fn fill(
    call: &mut Call<'_>,
    out: &mut Vec<u8>,
    byte: u8,
    count: usize,
) -> Result<(), LuaError> {
    if count > out.capacity() - out.len() {
        grow(call, out, count)?;
    }
    out.resize(out.len() + count, byte);
    Ok(())
}

/// Makes room for `additional` bytes.
#[cold]
pub(crate) fn grow(
    call: &mut Call<'_>,
    out: &mut Vec<u8>,
    additional: usize,
) -> Result<(), LuaError> {
    let needed = out.len().saturating_add(additional);
    if needed > MAX_KEPT {
        call.poll()?;
        // The buffer itself is not charged; it must not outgrow the limit all the same.
        call.check_memory(needed)?;
    }
    out.try_reserve(additional).map_err(|_| LuaError::Memory)
}
