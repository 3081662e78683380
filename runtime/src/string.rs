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
    /// The bytes, to be written.
    ///
    /// # Safety
    /// `this` is a live string, and stays so for `'a`; it is neither interned nor hashed, and nobody else
    /// has seen it.
    #[inline(always)]
    pub(crate) unsafe fn as_bytes_mut<'a>(this: *mut LuaString) -> &'a mut [u8] {
        // SAFETY: the caller's contract; `len` bytes follow the struct.
        unsafe { std::slice::from_raw_parts_mut((&raw mut (*this).bytes).cast(), (*this).len) }
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

/// The hash of `bytes`: 16 bytes at a time by folded 64x64-bit multiplication (after wyhash), so
/// that every bit of the input and of the seed reaches every bit of the result.
#[inline]
pub fn hash_bytes(seed: u64, bytes: &[u8]) -> u32 {
    const P0: u64 = 0xa076_1d64_78bd_642f;
    const P1: u64 = 0xe703_7ed1_a0b4_28db;
    #[inline(always)]
    fn fold(a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    }
    #[inline(always)]
    fn word(bytes: &[u8], at: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    }
    #[inline(always)]
    fn half(bytes: &[u8], at: usize) -> u64 {
        let mut word = [0; 4];
        word.copy_from_slice(&bytes[at..at + 4]);
        u64::from(u32::from_le_bytes(word))
    }
    let len = bytes.len();
    let mut state = seed ^ P0;
    let (a, b) = if len > 16 {
        let mut at = 0;
        while at + 16 < len {
            state = fold(word(bytes, at) ^ P1, word(bytes, at + 8) ^ state);
            at += 16;
        }
        (word(bytes, len - 16), word(bytes, len - 8))
    } else if len >= 8 {
        (word(bytes, 0), word(bytes, len - 8))
    } else if len >= 4 {
        (half(bytes, 0), half(bytes, len - 4))
    } else if len > 0 {
        let ends = u64::from(bytes[0]) << 16 | u64::from(bytes[len - 1]);
        (ends, u64::from(bytes[len / 2]))
    } else {
        (0, 0)
    };
    let hash = fold(P1 ^ len as u64, fold(a ^ P1, b ^ state));
    hash as u32 ^ (hash >> 32) as u32
}
