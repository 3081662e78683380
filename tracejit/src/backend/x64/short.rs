//! Short forms of instructions: displacements and immediate operands take one byte where they fit.

/// Writes an instruction with a memory operand: what comes before that, its address without the
/// displacement, the displacement, what comes after.
macro_rules! displaced {
    ($ops:expr, {$($before:tt)*} [$($address:tt)+] + $offset:expr, {$($after:tt)*}) => {
        match i8::try_from($offset) {
            Ok(offset) => dynasm!($ops ; $($before)* [BYTE $($address)+ + offset] $($after)*),
            Err(_) => dynasm!($ops ; $($before)* [$($address)+ + $offset] $($after)*),
        }
    };
}

/// Writes an instruction that ends with an immediate operand.
macro_rules! immediate {
    ($ops:expr, {$($before:tt)*} $value:expr) => {
        match i8::try_from($value) {
            Ok(value) => dynasm!($ops ; $($before)* BYTE value),
            Err(_) => dynasm!($ops ; $($before)* $value),
        }
    };
}

pub(super) use {displaced, immediate};
