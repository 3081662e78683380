//! A machine that counts primitives while [`Direct`] executes them: the smallest second machine,
//! which proves in tests that every opcode runs on a machine other than the interpreter's.

use super::{Constant, Direct, Machine, Primitive, Register, prim_type};
use crate::for_each_prim;

/// [`Direct`], counting.
#[derive(Debug)]
pub struct Counting<'a> {
    /// The machine that executes.
    pub direct: Direct,
    /// How often each primitive ran, by `Primitive as usize`.
    pub counts: &'a mut [u64],
}

macro_rules! define_counting {
    ($($name:ident($($arg:ident: $type:ident),*) -> $result:ident, $effect:ident, $doc:literal;)*) => {
        impl Machine for Counting<'_> {
            type Value = <Direct as Machine>::Value;
            type Integer = <Direct as Machine>::Integer;
            type Float = <Direct as Machine>::Float;
            type Table = <Direct as Machine>::Table;
            type Closure = <Direct as Machine>::Closure;
            $(fn $name(&mut self, $($arg: prim_type!($type)),*) -> prim_type!($result) {
                self.counts[Primitive::$name as usize] += 1;
                self.direct.$name($($arg),*)
            })*
        }
    };
}
for_each_prim!(define_counting);
