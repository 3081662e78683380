//! The one table of trace operations: name, operands, result, effect, meaning.
//!
//! Traces are low-level: a Lua value is two refs (its tag and its payload), tables are accessed by
//! loads and stores, and everything not worth tracing is a residual step. From the table come the
//! enumeration, the printer and the parser, the verifier's rules and the optimiser's effect
//! classes.

use std::fmt;

/// The register class of a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Type {
    /// No result.
    None,
    /// 64 bits in a general register: integers, addresses, tags (zero-extended).
    Int,
    /// A double in a float register.
    Float,
}

/// What an operation does besides computing its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Depends on its operands alone.
    Pure,
    /// Reads memory of its alias class.
    Read,
    /// Writes memory of its alias class.
    Write,
    /// Leaves the trace when its condition does not hold; needs a snapshot.
    Guard,
    /// Runs any code; needs a snapshot. See [`Op::Step`].
    Step,
    /// A value that is there when the trace is entered.
    Entry,
    /// Structure of the trace.
    Marker,
}

/// Calls `$callback!` with the table of operations.
///
/// Columns: name, operand types, result type, effect, meaning. `imm` is [`Instruction::imm`]
/// (super::Instruction), `a b c` are the operands.
#[macro_export]
macro_rules! for_each_trace_op {
    ($callback:ident) => {
        $callback! {
            // Stack slots, counted from the anchor (slot `imm`, 16 bytes each).
            SlotTag() -> Int, Read, "the tag byte of a stack slot";
            SlotInt() -> Int, Read, "the payload of a stack slot";
            SlotFloat() -> Float, Read, "the payload of a stack slot, as a float";
            StoreSlotTag(Int) -> None, Write, "tag byte of a stack slot := a";
            StoreSlotInt(Int) -> None, Write, "payload of a stack slot := a";
            StoreSlotFloat(Float) -> None, Write, "payload of a stack slot := a";
            // Values of the parent trace at the exit where a side trace begins: the imm-th entry of
            // the exit snapshot's list of values.
            InheritInt() -> Int, Entry, "a value of the parent trace";
            InheritFloat() -> Float, Entry, "a value of the parent trace";
            // Memory at `a + imm`.
            Load8(Int) -> Int, Read, "a byte, zero-extended";
            Load32(Int) -> Int, Read, "32 bits, zero-extended";
            Load64(Int) -> Int, Read, "64 bits";
            LoadFloat(Int) -> Float, Read, "a double";
            Store8(Int, Int) -> None, Write, "a byte := b";
            Store32(Int, Int) -> None, Write, "32 bits := b";
            Store64(Int, Int) -> None, Write, "64 bits := b";
            StoreFloat(Int, Float) -> None, Write, "a double := b";
            // Memory at `a + b * width + imm`.
            Load8At(Int, Int) -> Int, Read, "a byte of an array, zero-extended";
            Load64At(Int, Int) -> Int, Read, "64 bits of an array";
            LoadFloatAt(Int, Int) -> Float, Read, "a double of an array";
            Store8At(Int, Int, Int) -> None, Write, "a byte of an array := c";
            Store64At(Int, Int, Int) -> None, Write, "64 bits of an array := c";
            StoreFloatAt(Int, Int, Float) -> None, Write, "a double of an array := c";
            // Write barriers (`gc/barrier.rs` of the runtime).
            BarrierBack(Int) -> None, Write, "table a is about to be given a reference";
            BarrierForward(Int, Int) -> None, Write, "cell a is about to be given a reference to object b";
            // Integers; all wrap around.
            Add(Int, Int) -> Int, Pure, "a + b";
            Sub(Int, Int) -> Int, Pure, "a - b";
            Mul(Int, Int) -> Int, Pure, "a * b";
            And(Int, Int) -> Int, Pure, "a & b";
            Or(Int, Int) -> Int, Pure, "a | b";
            Xor(Int, Int) -> Int, Pure, "a ~ b";
            Shl(Int, Int) -> Int, Pure, "a << b as in Lua: any b, negative shifts right";
            Shr(Int, Int) -> Int, Pure, "a >> b (logical) as in Lua: any b";
            FloorDiv(Int, Int) -> Int, Pure, "a // b as in Lua; b is not 0 (guarded before)";
            FloorMod(Int, Int) -> Int, Pure, "a % b as in Lua; b is not 0 (guarded before)";
            DivUnsigned(Int, Int) -> Int, Pure, "a / b, both unsigned; b is not 0";
            // Floats.
            FAdd(Float, Float) -> Float, Pure, "a + b";
            FSub(Float, Float) -> Float, Pure, "a - b";
            FMul(Float, Float) -> Float, Pure, "a * b";
            FDiv(Float, Float) -> Float, Pure, "a / b";
            FNeg(Float) -> Float, Pure, "-a (flips the sign bit)";
            FSqrt(Float) -> Float, Pure, "the square root, correctly rounded";
            FAbs(Float) -> Float, Pure, "clears the sign bit";
            IntToFloat(Int) -> Float, Pure, "nearest double";
            FloatToInt(Float) -> Int, Pure, "without its fraction; the least integer when out of range";
            FloorToInt(Float) -> Int, Pure, "the greatest integer that is not greater; any when out of range";
            FloatBits(Float) -> Int, Pure, "the bits of a double";
            FloatFromBits(Int) -> Float, Pure, "the double with these bits";
            SingleBits(Float) -> Int, Pure, "the bits of the nearest single";
            FloatFromSingle(Int) -> Float, Pure, "the single in the lower 32 bits, as a double";
            // The same value under another name, for phis.
            CopyInt(Int) -> Int, Pure, "a";
            CopyFloat(Float) -> Float, Pure, "a";
            // Calls of helpers (imm: a [`Helper`](super::Helper)): up to three operands, as the
            // helper declares. They never raise, collect or run Lua code.
            CallInt(Any, Any, Any) -> Int, Read, "a helper's result";
            CallFloat(Any, Any, Any) -> Float, Read, "a helper's result";
            // Guards: go on when the condition holds, leave through the snapshot otherwise.
            GuardEq(Int, Int) -> None, Guard, "a == b";
            GuardNe(Int, Int) -> None, Guard, "a ~= b";
            GuardLt(Int, Int) -> None, Guard, "a < b, signed";
            GuardLe(Int, Int) -> None, Guard, "a <= b, signed";
            GuardBelow(Int, Int) -> None, Guard, "a < b, unsigned";
            GuardNotBelow(Int, Int) -> None, Guard, "a >= b, unsigned";
            GuardBits(Int, Int) -> None, Guard, "a & b ~= 0";
            GuardNoBits(Int, Int) -> None, Guard, "a & b == 0";
            GuardFLt(Float, Float) -> None, Guard, "a < b";
            GuardFLe(Float, Float) -> None, Guard, "a <= b";
            GuardFEq(Float, Float) -> None, Guard, "a == b";
            GuardNotFLt(Float, Float) -> None, Guard, "not (a < b)";
            GuardNotFLe(Float, Float) -> None, Guard, "not (a <= b)";
            GuardNotFEq(Float, Float) -> None, Guard, "not (a == b)";
            GuardStack() -> None, Guard, "anchor + imm (bytes) does not pass the stack's limit";
            GuardQuiet() -> None, Guard, "no event is pending; never redundant";
            GuardPaid() -> None, Guard, "imm bytes of objects that are not made count as allocated, and the collector is not due; never redundant";
            GuardFuel() -> None, Guard, "imm instructions' fuel is there, and burnt; never redundant";
            // A residual step (imm: index into the trace's steps): the whole of one bytecode
            // instruction, done by the runtime from the saved state; leaves the trace when
            // execution does not go on where it went on while recording.
            Step() -> None, Step, "one instruction, done by the runtime";
            // The start of the loop proper: what comes before runs once.
            Loop() -> None, Marker, "the loop's head";
        }
    };
}

macro_rules! operand_type {
    (Int) => {
        Some(Type::Int)
    };
    (Float) => {
        Some(Type::Float)
    };
    (Any) => {
        None
    };
}

macro_rules! define_ops {
    ($($name:ident($($operand:ident),*) -> $result:ident, $effect:ident, $doc:literal;)*) => {
        /// An operation of a trace.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Op { $(#[doc = $doc] $name),* }

        impl Op {
            /// All operations.
            pub const ALL: &'static [Op] = &[$(Op::$name),*];
            /// Its name.
            pub fn name(self) -> &'static str { match self { $(Op::$name => stringify!($name)),* } }
            /// Its result's type.
            #[inline]
            pub fn result(self) -> Type {
                const RESULTS: &[Type] = &[$(Type::$result),*];
                RESULTS[self as usize]
            }
            /// Its effect.
            #[inline]
            pub fn effect(self) -> Effect {
                const EFFECTS: &[Effect] = &[$(Effect::$effect),*];
                EFFECTS[self as usize]
            }
            /// Its operands' types; `None`: any (the helper of a call says which, and how many).
            pub fn operands(self) -> &'static [Option<Type>] {
                match self { $(Op::$name => &[$(operand_type!($operand)),*]),* }
            }
            /// What it means.
            pub fn meaning(self) -> &'static str { match self { $(Op::$name => $doc),* } }
        }
    };
}
for_each_trace_op!(define_ops);

impl Op {
    /// Whether it leaves the trace when its condition fails.
    #[inline]
    pub fn is_guard(self) -> bool {
        self.effect() == Effect::Guard
    }
    /// Whether it has a snapshot.
    #[inline]
    pub fn has_snapshot(self) -> bool {
        matches!(self.effect(), Effect::Guard | Effect::Step)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Disjoint parts of memory: a store to one changes no load of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Not memory, or stack slots (which the operation itself says).
    None,
    /// Never changes while the object lives: protos, upvalue cells' addresses.
    Constant,
    /// A table's shape id.
    Shape,
    /// A table's addresses of its parts, border and capacity.
    TableHeader,
    /// Record slots.
    Record,
    /// Payloads of array elements.
    Element,
    /// Tags of array elements.
    ElementTag,
    /// Which nodes of hash parts hold which keys.
    Node,
    /// Values in nodes of hash parts.
    Hash,
    /// Which cells a closure has: `debug.upvaluejoin` changes it.
    Upvalue,
    /// Values in cells.
    Cell,
    /// A userdata's metatable, and what it says of its value.
    Userdata,
    /// Fields of Rust values in userdata.
    RustField,
    /// Mark and flag bytes of object headers.
    Mark,
    /// Fields of the machine: limits, pending events.
    Machine,
    /// What a helper found.
    Found,
    /// The machine's frame pointer.
    FrameTop,
    /// Frames.
    Frame,
}

impl Class {
    /// All classes.
    pub const ALL: &'static [Class] = &[
        Class::None,
        Class::Constant,
        Class::Shape,
        Class::TableHeader,
        Class::Record,
        Class::Element,
        Class::ElementTag,
        Class::Node,
        Class::Hash,
        Class::Upvalue,
        Class::Cell,
        Class::Userdata,
        Class::RustField,
        Class::Mark,
        Class::Machine,
        Class::Found,
        Class::FrameTop,
        Class::Frame,
    ];
}
