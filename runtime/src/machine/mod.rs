//! The abstract machine over which the meaning of opcodes is written once (see `ops`).
//!
//! [`Direct`] executes: instantiated with it, the opcode functions are the interpreter. Another
//! machine (a recorder, or [`Counting`] in tests) sees every primitive pass by.
//!
//! Invariants:
//! - An opcode function that answers [`Flow::Slow`] has committed nothing: the slow path performs
//!   the whole operation from the instruction.
//! - Semantics touch Lua values only through primitives ([`for_each_prim!`](crate::for_each_prim)).

mod adjusted;
pub mod counting;
pub mod direct;
pub mod prim;

pub use counting::Counting;
pub use direct::Direct;

use crate::for_each_prim;

/// A register operand: byte offset from the base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register(pub usize);
/// A constant operand: byte offset from the proto's constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Constant(pub usize);

impl Register {
    /// The register `n` places further.
    #[inline(always)]
    pub fn plus(self, n: usize) -> Register {
        Register(self.0 + n * 16)
    }
}

/// An instruction, read through its address.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Insn(*const u64);

impl Insn {
    /// The instruction at `word`.
    ///
    /// # Safety
    /// `word` is the first word of an instruction of verified code, for as long as it is used.
    #[inline(always)]
    pub unsafe fn at(word: *const u64) -> Insn {
        Insn(word)
    }
    #[inline(always)]
    fn field(self, n: usize) -> u16 {
        // SAFETY: `at`'s contract; the four fields are within the word.
        unsafe { *(self.0 as *const u16).add(n) }
    }
    /// The opcode byte.
    #[inline(always)]
    pub fn op_byte(self) -> u8 {
        // SAFETY: `at`'s contract.
        unsafe { *(self.0 as *const u8) }
    }
    /// The flags byte.
    #[inline(always)]
    pub fn flags(self) -> u8 {
        // SAFETY: `at`'s contract.
        unsafe { *(self.0 as *const u8).add(1) }
    }
    /// A as a register.
    #[inline(always)]
    pub fn a(self) -> Register {
        Register(self.field(1) as usize)
    }
    /// B as a register.
    #[inline(always)]
    pub fn b(self) -> Register {
        Register(self.field(2) as usize)
    }
    /// C as a register.
    #[inline(always)]
    pub fn c(self) -> Register {
        Register(self.field(3) as usize)
    }
    /// B as a constant.
    #[inline(always)]
    pub fn bk(self) -> Constant {
        Constant(self.field(2) as usize)
    }
    /// C as a constant.
    #[inline(always)]
    pub fn ck(self) -> Constant {
        Constant(self.field(3) as usize)
    }
    /// A as a number.
    #[inline(always)]
    pub fn an(self) -> usize {
        self.field(1) as usize
    }
    /// B as a number.
    #[inline(always)]
    pub fn bn(self) -> usize {
        self.field(2) as usize
    }
    /// C as a number.
    #[inline(always)]
    pub fn cn(self) -> usize {
        self.field(3) as usize
    }
    /// B as a signed immediate.
    #[inline(always)]
    pub fn bi(self) -> i64 {
        self.field(2) as i16 as i64
    }
    /// C as a signed immediate.
    #[inline(always)]
    pub fn ci(self) -> i64 {
        self.field(3) as i16 as i64
    }
    /// B and C as one signed number.
    #[inline(always)]
    pub fn bci(self) -> isize {
        // SAFETY: `at`'s contract.
        unsafe { *(self.0 as *const i32).add(1) as isize }
    }
    /// B and C as a wide constant.
    #[inline(always)]
    pub fn bck(self) -> Constant {
        // SAFETY: `at`'s contract.
        Constant(unsafe { *(self.0 as *const u32).add(1) } as usize)
    }
    /// The address of the first word.
    #[inline(always)]
    pub fn address(self) -> *const u64 {
        self.0
    }
}

/// How an opcode function ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// Done: go on with the instruction at the machine's pc.
    Next,
    /// Nothing was done: the slow path of this family must perform the instruction.
    Slow(Slow),
}

/// Families of slow paths; each is one out-of-line function of the interpreter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slow {
    /// Arithmetic and bitwise operations, unary ones and length.
    Arithmetic,
    /// Comparisons.
    Compare,
    /// Reading an index or field.
    Index,
    /// Writing an index or field.
    SetIndex,
    /// Calls.
    Call,
    /// Returns.
    Return,
    /// Generic `for`.
    GenericFor,
    /// Table and closure construction, cells.
    Construct,
    /// Concatenation.
    Concat,
    /// Pending events at a back-edge.
    Poll,
    /// Everything else.
    Other,
}

impl Slow {
    /// All families.
    pub const ALL: &'static [Slow] = &[
        Slow::Arithmetic,
        Slow::Compare,
        Slow::Index,
        Slow::SetIndex,
        Slow::Call,
        Slow::Return,
        Slow::GenericFor,
        Slow::Construct,
        Slow::Concat,
        Slow::Poll,
        Slow::Other,
    ];
}

macro_rules! prim_type {
    (Value) => { Self::Value };
    (Integer) => { Self::Integer };
    (Float) => { Self::Float };
    (Table) => { Self::Table };
    (Closure) => { Self::Closure };
    (OptionValue) => { Option<Self::Value> };
    (OptionInteger) => { Option<Self::Integer> };
    (Bool) => { bool };
    (Unit) => { () };
    (Register) => { Register };
    (Constant) => { Constant };
    (Index) => { usize };
    (Count) => { usize };
    (Offset) => { isize };
    (I64) => { i64 };
    (F64) => { f64 };
}
pub(crate) use prim_type;

macro_rules! define_machine {
    ($($name:ident($($arg:ident: $type:ident),*) -> $result:ident, $effect:ident, $doc:literal;)*) => {
        /// A machine on which opcodes run; see the module's text and `prim.rs`.
        pub trait Machine: Sized {
            /// A Lua value.
            type Value: Copy;
            /// An integer.
            type Integer: Copy;
            /// A float.
            type Float: Copy;
            /// A table.
            type Table: Copy;
            /// A Lua closure.
            type Closure: Copy;
            $(#[doc = $doc] fn $name(&mut self, $($arg: prim_type!($type)),*) -> prim_type!($result);)*
        }

        /// A primitive, for tables indexed by primitive.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum Primitive { $(#[doc = $doc] $name),* }

        impl Primitive {
            /// All primitives.
            pub const ALL: &'static [Primitive] = &[$(Primitive::$name),*];
            /// Its name.
            pub fn name(self) -> &'static str { match self { $(Primitive::$name => stringify!($name)),* } }
            /// Its effect: `pure`, `read`, `write` or `control`.
            pub fn effect(self) -> &'static str { match self { $(Primitive::$name => stringify!($effect)),* } }
        }
    };
}
for_each_prim!(define_machine);
