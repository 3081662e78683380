//! What a block of memory is charged as: what an allocator takes for it, which is more than was asked for.
//!
//! The runtime does not choose the allocator, and can't ask it. So a block is charged as the larger of what
//! two of them take, which stand for two families:
//! - glibc's malloc puts 8 bytes before each block, and rounds to 16, at least 32; large blocks are whole
//!   pages.
//! - mimalloc has size classes: multiples of 16 up to 128, then four to each power of two. jemalloc's and
//!   those of other slab allocators are the same from 128 on, and no larger below.
//!
//! Invariants:
//! - Both sides of a charge go by the same function of the same size, so that what is given back is what
//!   was charged.
//! - A block of no bytes is none, and costs nothing.

/// Fewer bytes take the smallest block.
const TINY: usize = 9;
/// Up to here both families agree that blocks are multiples of 16 bytes.
const SMALL: usize = 120;
/// From here on the unused end of a block is pages that are not touched.
const PAGED: usize = 64 << 10;
/// Bytes of a page.
const PAGE: usize = 4096;

/// Bytes that a block of `size` bytes takes.
#[inline(always)]
pub const fn block(size: usize) -> usize {
    if size.wrapping_sub(TINY) <= SMALL - TINY {
        return (size + 23) & !15;
    }
    other_block(size)
}

/// Likewise, of fewer than [`TINY`] bytes, or more than [`SMALL`].
#[inline(never)]
const fn other_block(size: usize) -> usize {
    if size < TINY {
        return if size == 0 { 0 } else { 32 };
    }
    if size > isize::MAX as usize / 2 {
        return size;
    }
    if size >= PAGED {
        return (size + 16 + PAGE - 1) & !(PAGE - 1);
    }
    let with_header = (size + 23) & !15;
    let step = 1 << ((size - 1).ilog2() - 2);
    let class = (size + step - 1) & !(step - 1);
    if class > with_header {
        class
    } else {
        with_header
    }
}

/// Bytes that a `Vec<T>` with room for `capacity` items takes.
#[inline]
pub const fn list<T>(capacity: usize) -> usize {
    block(capacity.saturating_mul(size_of::<T>()))
}

/// Bytes that a hash map with room for `capacity` entries `T` takes: a power of two of places, of which
/// seven of eight may be taken, with a byte for each, and some more.
pub fn map<T>(capacity: usize) -> usize {
    if capacity == 0 {
        return 0;
    }
    let places = (capacity * 8 / 7).next_power_of_two().max(4);
    block(places.saturating_mul(size_of::<T>() + 1).saturating_add(16))
}

#[cfg(test)]
mod tests {
    use super::{block, list, map};

    #[test]
    fn blocks_take_what_the_larger_allocator_takes() {
        let cases = [
            (0, 0),
            (1, 32),
            (24, 32),
            (25, 48),
            (120, 128),
            (121, 144),
            (136, 160),
            (160, 176),
            (161, 192),
            (256, 272),
            (257, 320),
            (1025, 1280),
            (65_000, 65_536),
            (65_536, 69_632),
            (1 << 20, (1 << 20) + 4096),
        ];
        for (size, taken) in cases {
            assert_eq!(block(size), taken, "{size}");
        }
        assert_eq!(block(usize::MAX), usize::MAX);
        assert_eq!((list::<u64>(3), list::<u8>(0)), (32, 0));
        assert_eq!((map::<u64>(0), map::<u64>(3), map::<u64>(7)), (0, 64, 96));
    }
}
