//! The one table of opcodes.
//!
//! Everything about an opcode that can be derived is derived from [`for_each_op!`]: the enum,
//! names, operand kinds (verifier, listing, liveness), the number of extra words, and, in the
//! runtime, the dispatch tables. Nothing depends on the order of the lines.
//!
//! Operand kinds, one for each of A, B and C:
//! - `w` a register that is written, `r` one that is read, `m` one that is read and written
//!   (all stored as byte offsets: register number x 16);
//! - `k` a constant (byte offset: index x 16), `u` an upvalue index, `n` a count or flag,
//!   `i` a signed 16-bit immediate, `j` a signed 16-bit jump;
//! - `K`, `I`, `J`, `P` in column B: B and C together as one 32-bit field: constant (byte offset),
//!   signed immediate, signed jump, index of an inner function; column C is then `_`;
//! - `_` unused (zero).
//!
//! Jumps count words from the word after the instruction's first word.
//! Column `words` is how many words follow the instruction; `cache` (inline cache), `site` (call
//! site), `location` (hot counter or trace) and `arg` (an operand too large for C) say for what.
//! Column `regs` is `simple` when A, B, C tell all registers that the opcode touches and
//! `range` when it touches more (see `effects.rs`).
//! R[x] is a register, K[x] a constant, U[x] an upvalue's cell.
//!
//! Where one line does not say all (`verify.rs` proves what is said here of operands):
//! - **Constants.** The keys of `GetField`, `SetField`, `SetFieldConst`, `GetUpvalueField`,
//!   `SetUpvalueField` and `Method` are strings of at most 40 bytes; other keys go through
//!   `GetIndex` and `SetIndex`. Constants of arithmetic are numbers, of bitwise operations and
//!   shifts integers. Those of `JumpEqConst` may be anything but small integers, `nil` included.
//! - **Swapped operands.** With `FLAG_SWAPPED` the constant or immediate of `AddConst`,
//!   `MulConst`, `BAndConst`, `BOrConst`, `BXorConst` and `AddInt` is the *left* operand for
//!   metamethods and error messages.
//! - **Order.** `a > b` is `JumpLt` with R[A] = b, R[B] = a: metamethods get (R[A], R[B]).
//!   `JumpGtInt` and `JumpGeInt` are `B < R[A]` and `B <= R[A]`: metamethods and messages get
//!   (B, R[A]). With `FLAG_FLOAT` the B of an order comparison is a float for metamethods; to
//!   numbers it makes no difference. `JumpEqConst` and `JumpEqInt` call no metamethod. A `Not` form
//!   is the negation of the *result* (of the metamethod too): it is not the opposite comparison.
//! - **Flags of `Jump`** (`JUMP_TEST`, `JUMP_STEP`, `JUMP_NOTHING`), `FLAG_PASSES_GOTO` and
//!   `FLAG_INVERSE` of conditional jumps, and `FLAG_HIDDEN` of `GetCell` and `SetCell` are for
//!   debug hooks, which are to see the instructions that PUC Lua has; they change nothing else.
//! - **`MoveJumpIf`** writes R[A] only when it jumps. A and B differ.
//! - **Cells.** `NewCell` has A = B in compiled code. A register that holds a cell is read only by
//!   `GetCell`, `SetCell` (a write), `MarkClose` and captures. `Closure` takes the cells of the
//!   registers, or of its own upvalues, that the inner function's upvalue list names.
//! - **Calls** leave only their results defined: every other register from A on may be
//!   overwritten. `TailCall` is the end of the function: no `Return` follows it.
//!   `GenericForCall` calls with copies of R[A..A+2] in R[A+4..A+6] and may overwrite everything
//!   from A+4 on but its results; the frame has at least A+7 registers.
//! - **The top** is set by `Call` with C = 0 and `VarArg` with B = 0 and consumed by the very next
//!   instruction: a `Call`, `TailCall`, `Return`, `ReturnClose` or `SetList` with B = 0.
//! - **`Method`** writes R[A+1] before it looks the method up, so that `self` survives a call of
//!   `__index`; A or A+1 may equal B.
//! - **`Concat`** may overwrite all of its operands. B is at least 2.
//! - **`SetList`** stores without metamethods; the table was made by a `NewTable`.
//! - **Numeric loops.** R[A+1] is the limit before `ForPrep` and the loop's own afterwards (the
//!   count of iterations left, for integers). The loop ends at the word after `ForLoop`.
//!   Compiled code leaves R[A..A+2] alone, but `debug.setlocal` may change them: whatever they
//!   hold then must be harmless.
//! - **Generic loops.** `GenericForPrep` jumps to the `GenericForCall`, which a `GenericForLoop`
//!   with the same A follows; the word after it is a `Close A` on every way out.
//! - **To-be-closed variables.** `MarkClose` and `GenericForPrep` add R[A], R[A+3] to the thread's
//!   list, unless the value is nil or false; the register may hold a cell that holds the value.
//!   Registers are marked in increasing order. Every exit from a scope that has marked
//!   variables passes a `Close` or a `ReturnClose`, which closes all of the frame. Values that a
//!   `ReturnClose` returns stay in their registers, which lie above all marked ones, while closing
//!   calls run in the registers behind them. `Close A` touches no
//!   register; A may be the end of the frame.
//! - **Entry.** Parameters are in R[0..num_params], the other registers hold nothing. A function
//!   with `is_vararg` starts with `VarArgPrep`, which is nowhere else.

/// Calls `$callback!` with every opcode: `Name a b c, words kind, regs, "meaning";`.
#[macro_export]
macro_rules! for_each_op {
    ($callback:ident) => {
        $callback! {
            Move            w r _, 0 none, simple, "R[A] := R[B]";
            LoadInt         w I _, 0 none, simple, "R[A] := BC (integer)";
            LoadFloat       w I _, 0 none, simple, "R[A] := BC (float)";
            LoadConst       w K _, 0 none, simple, "R[A] := K[BC]";
            LoadNil         w n _, 0 none, range, "R[A], ..., R[A+B] := nil";
            LoadFalse       w _ _, 0 none, simple, "R[A] := false";
            LoadTrue        w _ _, 0 none, simple, "R[A] := true";
            GetUpvalue      w u _, 0 none, simple, "R[A] := U[B]";
            SetUpvalue      r u _, 0 none, simple, "U[B] := R[A]";
            NewCell         w r _, 0 none, simple, "R[A] := cell(R[B])";
            GetCell         w r _, 0 none, simple, "R[A] := R[B].value";
            SetCell         r r _, 0 none, simple, "R[A].value := R[B]";
            GetUpvalueField w u k, 1 cache, simple, "R[A] := U[B][K[C]]";
            SetUpvalueField u k r, 1 cache, simple, "U[A][K[B]] := R[C]";
            GetIndex        w r r, 0 none, simple, "R[A] := R[B][R[C]]";
            GetInt          w r n, 0 none, simple, "R[A] := R[B][C]";
            GetField        w r k, 1 cache, simple, "R[A] := R[B][K[C]]";
            SetIndex        r r r, 0 none, simple, "R[A][R[B]] := R[C]";
            SetIndexConst   r r k, 0 none, simple, "R[A][R[B]] := K[C]";
            SetInt          r n r, 0 none, simple, "R[A][B] := R[C]";
            SetField        r k r, 1 cache, simple, "R[A][K[B]] := R[C]";
            SetFieldConst   r k k, 1 cache, simple, "R[A][K[B]] := K[C]";
            Method          w r k, 1 cache, range, "R[A+1] := R[B]; R[A] := R[B][K[C]]";
            NewTable        w n n, 0 none, simple, "R[A] := {} (room for B elements, C fields)";
            SetList         r n _, 1 arg, range, "R[A][word+i] := R[A+i], 1 <= i <= B (0: to top)";
            Add             w r r, 0 none, simple, "R[A] := R[B] + R[C]";
            Sub             w r r, 0 none, simple, "R[A] := R[B] - R[C]";
            Mul             w r r, 0 none, simple, "R[A] := R[B] * R[C]";
            Div             w r r, 0 none, simple, "R[A] := R[B] / R[C]";
            Mod             w r r, 0 none, simple, "R[A] := R[B] % R[C]";
            Pow             w r r, 0 none, simple, "R[A] := R[B] ^ R[C]";
            IDiv            w r r, 0 none, simple, "R[A] := R[B] // R[C]";
            BAnd            w r r, 0 none, simple, "R[A] := R[B] & R[C]";
            BOr             w r r, 0 none, simple, "R[A] := R[B] | R[C]";
            BXor            w r r, 0 none, simple, "R[A] := R[B] ~ R[C]";
            Shl             w r r, 0 none, simple, "R[A] := R[B] << R[C]";
            Shr             w r r, 0 none, simple, "R[A] := R[B] >> R[C]";
            AddConst        w r k, 0 none, simple, "R[A] := R[B] + K[C]";
            SubConst        w r k, 0 none, simple, "R[A] := R[B] - K[C]";
            MulConst        w r k, 0 none, simple, "R[A] := R[B] * K[C]";
            DivConst        w r k, 0 none, simple, "R[A] := R[B] / K[C]";
            ModConst        w r k, 0 none, simple, "R[A] := R[B] % K[C]";
            PowConst        w r k, 0 none, simple, "R[A] := R[B] ^ K[C]";
            IDivConst       w r k, 0 none, simple, "R[A] := R[B] // K[C]";
            BAndConst       w r k, 0 none, simple, "R[A] := R[B] & K[C]";
            BOrConst        w r k, 0 none, simple, "R[A] := R[B] | K[C]";
            BXorConst       w r k, 0 none, simple, "R[A] := R[B] ~ K[C]";
            ShlConst        w r k, 0 none, simple, "R[A] := R[B] << K[C]";
            ShrConst        w r k, 0 none, simple, "R[A] := R[B] >> K[C]";
            AddInt          w r i, 0 none, simple, "R[A] := R[B] + C";
            Unm             w r _, 0 none, simple, "R[A] := -R[B]";
            BNot            w r _, 0 none, simple, "R[A] := ~R[B]";
            Not             w r _, 0 none, simple, "R[A] := not R[B]";
            Len             w r _, 0 none, simple, "R[A] := #R[B]";
            Concat          m n _, 0 none, range, "R[A] := R[A] .. ... .. R[A+B-1]";
            Jump            _ J _, 0 none, simple, "pc += BC";
            Loop            _ J _, 1 location, simple, "pc += BC (back-edge)";
            JumpIf          r J _, 0 none, simple, "if R[A] then pc += BC";
            JumpIfNot       r J _, 0 none, simple, "if not R[A] then pc += BC";
            MoveJumpIf      w r j, 0 none, simple, "if R[B] then R[A] := R[B]; pc += C";
            MoveJumpIfNot   w r j, 0 none, simple, "if not R[B] then R[A] := R[B]; pc += C";
            JumpEq          r r j, 0 none, simple, "if R[A] == R[B] then pc += C";
            JumpNotEq       r r j, 0 none, simple, "if R[A] ~= R[B] then pc += C";
            JumpLt          r r j, 0 none, simple, "if R[A] < R[B] then pc += C";
            JumpNotLt       r r j, 0 none, simple, "if not (R[A] < R[B]) then pc += C";
            JumpLe          r r j, 0 none, simple, "if R[A] <= R[B] then pc += C";
            JumpNotLe       r r j, 0 none, simple, "if not (R[A] <= R[B]) then pc += C";
            JumpEqConst     r k j, 0 none, simple, "if R[A] == K[B] then pc += C";
            JumpNotEqConst  r k j, 0 none, simple, "if R[A] ~= K[B] then pc += C";
            JumpEqInt       r i j, 0 none, simple, "if R[A] == B then pc += C";
            JumpNotEqInt    r i j, 0 none, simple, "if R[A] ~= B then pc += C";
            JumpLtInt       r i j, 0 none, simple, "if R[A] < B then pc += C";
            JumpNotLtInt    r i j, 0 none, simple, "if not (R[A] < B) then pc += C";
            JumpLeInt       r i j, 0 none, simple, "if R[A] <= B then pc += C";
            JumpNotLeInt    r i j, 0 none, simple, "if not (R[A] <= B) then pc += C";
            JumpGtInt       r i j, 0 none, simple, "if R[A] > B then pc += C";
            JumpNotGtInt    r i j, 0 none, simple, "if not (R[A] > B) then pc += C";
            JumpGeInt       r i j, 0 none, simple, "if R[A] >= B then pc += C";
            JumpNotGeInt    r i j, 0 none, simple, "if not (R[A] >= B) then pc += C";
            Call            m n n, 1 site, range, "R[A], ..., R[A+C-2] := R[A](R[A+1], ..., R[A+B-1]); B=0: args to top; C=0: results to top";
            TailCall        r n _, 1 site, range, "return R[A](R[A+1], ..., R[A+B-1]); B=0: args to top";
            Return          r n _, 0 none, range, "return R[A], ..., R[A+B-2]; B=0: to top";
            Return0         _ _ _, 0 none, simple, "return";
            Return1         r _ _, 0 none, simple, "return R[A]";
            ReturnClose     r n _, 0 none, range, "close all; return R[A], ..., R[A+B-2]; B=0: to top";
            VarArg          w n _, 0 none, range, "R[A], ..., R[A+B-2] := varargs; B=0: to top";
            VarArgPrep      _ _ _, 0 none, simple, "move varargs below the frame";
            Closure         w P _, 0 none, range, "R[A] := closure(inner function BC)";
            ForPrep         m J _, 0 none, range, "prepare R[A..A+2]; R[A+3] := R[A]; if the loop does not run then pc += BC";
            ForLoop         m J _, 1 location, range, "if iterations remain then R[A] += R[A+2]; R[A+3] := R[A]; pc += BC";
            GenericForPrep  r J _, 0 none, range, "mark R[A+3] to be closed; pc += BC";
            GenericForCall  r n _, 1 site, range, "R[A+4], ..., R[A+3+B] := R[A](R[A+1], R[A+2])";
            GenericForLoop  m J _, 1 location, range, "if R[A+4] ~= nil then R[A+2] := R[A+4]; pc += BC";
            MarkClose       r _ _, 0 none, simple, "mark R[A] to be closed";
            Close           r _ _, 0 none, range, "close variables >= R[A]";
        }
    };
}

/// How an instruction field is to be read; see the module's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// Unused.
    None,
    /// A register that is written.
    Write,
    /// A register that is read.
    Read,
    /// A register that is read and written.
    ReadWrite,
    /// A constant, as byte offset.
    Constant,
    /// An upvalue index.
    Upvalue,
    /// A plain count.
    Count,
    /// A signed 16-bit immediate.
    Immediate,
    /// A signed 16-bit jump.
    Jump,
    /// B and C: a constant, as byte offset.
    WideConstant,
    /// B and C: a signed immediate.
    WideImmediate,
    /// B and C: a signed jump.
    WideJump,
    /// B and C: index of an inner function.
    InnerFunction,
}

/// What the word after an instruction holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExtraWord {
    /// There is none.
    None,
    /// An inline cache (zero in a proto that has not run).
    Cache,
    /// A call site (zero in a proto that has not run).
    Site,
    /// A hot counter or trace (zero in a proto that has not run).
    Location,
    /// An operand.
    Argument,
}

macro_rules! operand {
    (_) => {
        Operand::None
    };
    (w) => {
        Operand::Write
    };
    (r) => {
        Operand::Read
    };
    (m) => {
        Operand::ReadWrite
    };
    (k) => {
        Operand::Constant
    };
    (u) => {
        Operand::Upvalue
    };
    (n) => {
        Operand::Count
    };
    (i) => {
        Operand::Immediate
    };
    (j) => {
        Operand::Jump
    };
    (K) => {
        Operand::WideConstant
    };
    (I) => {
        Operand::WideImmediate
    };
    (J) => {
        Operand::WideJump
    };
    (P) => {
        Operand::InnerFunction
    };
}
macro_rules! extra_word {
    (none) => {
        ExtraWord::None
    };
    (cache) => {
        ExtraWord::Cache
    };
    (site) => {
        ExtraWord::Site
    };
    (location) => {
        ExtraWord::Location
    };
    (arg) => {
        ExtraWord::Argument
    };
}
macro_rules! is_simple {
    (simple) => {
        true
    };
    (range) => {
        false
    };
}

macro_rules! define_opcodes {
    ($($name:ident $a:tt $b:tt $c:tt, $words:literal $kind:ident, $regs:ident, $doc:literal;)*) => {
        /// An operation of the register machine.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Opcode { $(#[doc = $doc] $name),* }

        impl Opcode {
            /// All opcodes, in table order.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name),*];
            /// The opcode's name as in the table.
            pub fn name(self) -> &'static str { match self { $(Opcode::$name => stringify!($name)),* } }
            /// Its meaning as one line of register transfer.
            pub fn meaning(self) -> &'static str { match self { $(Opcode::$name => $doc),* } }
            /// The kinds of its operands A, B, C.
            #[inline]
            pub const fn operands(self) -> [Operand; 3] {
                match self { $(Opcode::$name => [operand!($a), operand!($b), operand!($c)]),* }
            }
            /// How many words follow its first word (0 or 1).
            #[inline]
            pub const fn extra_words(self) -> usize { match self { $(Opcode::$name => $words),* } }
            /// What the following word holds.
            #[inline]
            pub const fn extra_word(self) -> ExtraWord { match self { $(Opcode::$name => extra_word!($kind)),* } }
            /// Whether its operands name all the registers that it touches.
            #[inline]
            pub const fn is_simple(self) -> bool { match self { $(Opcode::$name => is_simple!($regs)),* } }
        }
    };
}
for_each_op!(define_opcodes);

impl Opcode {
    /// The opcode numbered `byte`, if there is one.
    #[inline]
    pub fn from_byte(byte: u8) -> Option<Opcode> {
        Opcode::ALL.get(byte as usize).copied()
    }
}
