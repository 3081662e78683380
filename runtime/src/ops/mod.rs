//! What opcodes mean, written once over [`Machine`](crate::machine::Machine): one file per family.
//!
//! Every function performs the common case and answers `Slow` for the rest, having done nothing.
//! `cache.rs` holds the inline caches that `Machine::field` consults.

pub mod arithmetic;
pub mod cache;
pub mod compare;
pub mod control;
pub mod load;
pub mod tables;

pub use arithmetic::*;
pub use compare::*;
pub use control::*;
pub use load::*;
pub use tables::*;

/// Defines opcode functions: `op! { /// doc  name(m, i) { body } }`.
macro_rules! op {
    ($($(#[$doc:meta])* $name:ident($m:ident, $i:ident) $body:block)*) => {
        $(
            $(#[$doc])*
            #[inline(always)]
            pub fn $name<M: $crate::machine::Machine>($m: &mut M, $i: $crate::machine::Insn) -> $crate::machine::Flow $body
        )*
    };
}
pub(crate) use op;
