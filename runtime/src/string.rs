//! Lua strings: immutable bytes; short ones are interned.
//!
//! Invariants:
//! - A string of at most [`MAX_SHORT`] bytes is interned: equal bytes, equal pointer.
//! - `header.extra` is the hash: of short strings always, of long ones once `HASHED` is set.

use crate::gc::GcHeader;

/// The most bytes of an interned string.
pub const MAX_SHORT: usize = 40;
/// `header.flags` bit: the string is short and interned.
pub const INTERNED: u8 = 1;
/// `header.flags` bit: `header.extra` holds the hash.
pub const HASHED: u8 = 2;

/// A Lua string; its bytes follow the struct.
#[repr(C)]
pub struct LuaString {
    /// Collector's header; see the module's invariants.
    pub header: GcHeader,
    /// How many bytes.
    pub len: usize,
    /// The first byte (`len` many, allocated behind the struct).
    pub bytes: [u8; 0],
}

impl LuaString {
    /// The bytes.
    ///
    /// # Safety
    /// `this` is a live string, and stays so for `'a`.
    #[inline(always)]
    pub unsafe fn as_bytes<'a>(this: *const LuaString) -> &'a [u8] {
        // SAFETY: the caller's contract; `len` bytes follow the struct.
        unsafe { std::slice::from_raw_parts(&raw const (*this).bytes as *const u8, (*this).len) }
    }
    /// Whether it is interned.
    ///
    /// # Safety
    /// `this` is a live string.
    #[inline(always)]
    pub unsafe fn is_interned(this: *const LuaString) -> bool {
        // SAFETY: the caller's contract.
        unsafe { (*this).header.flags & INTERNED != 0 }
    }
    /// Whether two strings have the same bytes (manual §3.4.4).
    ///
    /// # Safety
    /// Both are live strings.
    #[inline(always)]
    pub unsafe fn equals(a: *const LuaString, b: *const LuaString) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            a == b
                || (!Self::is_interned(a)
                    && !Self::is_interned(b)
                    && Self::as_bytes(a) == Self::as_bytes(b))
        }
    }
}
