//! The abstract syntax tree that the grammar builds, the resolver annotates and the
//! compiler reads.
//!
//! Invariants:
//! - Names and string literals are [`Symbol`]s of the chunk's [`Interner`]; comparing two names
//!   is comparing two integers.
//! - After `resolve`, every [`ExprKind::Name`] carries its [`Binding`], every declaration its
//!   [`LocalId`], and every function its [`FunctionInfo`]; the compiler never looks up a name.
//! - Lines are 1-based and are those that PUC Lua would attach to the generated instruction.
//! - Nodes live in the pools of a [`Tree`] and name each other by number (see there).
//! - **Depth.** Nesting (right operands, arguments, keys, parentheses, unary operators, blocks,
//!   functions) is limited to about 200 levels, as in PUC, so that recursion into it is safe.
//!   *Left spines* are not limited: `1+1+1+...`, `a.b.c.d...`, `f()()()...` and
//!   `a:b():c():d()...` may be 100,000 deep. Whoever walks an expression must therefore go down
//!   its spine in a loop (see [`Expr::left`]) and may recurse only into the other children.

use crate::bytecode::proto::Proto;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;

pub use crate::interner::{Interner, predefined};
pub use crate::tree::{ExprId, Exprs, Id, List, Tree, Trees};

/// A 1-based source line.
pub type Line = u32;

/// An interned byte string (a name or a string literal) of one chunk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// A local variable, numbered in order of declaration within its function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct LocalId(pub u32);

/// A compile-time constant, an index into [`Chunk::constants`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConstantId(pub u32);

/// What a name stands for (manual §3.5), filled in by the resolver.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Binding {
    /// Not resolved yet.
    Unresolved,
    /// A local of the function being compiled.
    Local(LocalId),
    /// An upvalue of the function being compiled, by index.
    Upvalue(u8),
    /// A field of `_ENV`, which is itself the given local.
    GlobalOfLocal(LocalId),
    /// A field of `_ENV`, which is itself the given upvalue.
    GlobalOfUpvalue(u8),
    /// A `<const>` local whose value is a compile-time constant.
    Constant(ConstantId),
}

/// `<const>`, `<close>` or nothing (manual §3.3.7, §3.3.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attrib {
    /// No attribute.
    None,
    /// `<const>`: may not be assigned.
    Const,
    /// `<close>`: may not be assigned and is closed when it goes out of scope.
    Close,
}

/// A parsed chunk.
#[derive(Debug)]
pub struct Chunk {
    /// The main function: variadic, with `_ENV` as its only upvalue.
    pub main: Function,
    /// The values of `<const>` locals that are compile-time constants.
    pub constants: Vec<ConstantValue>,
    /// The nodes.
    pub trees: Trees,
}

/// A sequence of statements that is a scope.
#[derive(Debug, Default, Clone, Copy)]
pub struct Block {
    /// The statements, in order.
    pub stats: List<Stat>,
    /// The line of the last token before the one that ends the block (PUC's `lastline` there):
    /// the line of a loop's back-jump, of the jump over an `else` part, of the final return of
    /// the main function.
    pub last_line: Line,
}

/// A statement.
#[derive(Debug, Clone, Copy)]
pub struct Stat {
    /// Which statement.
    pub kind: StatKind,
    /// The line of its first token.
    pub line: Line,
    /// The line of its last token (a closing `;` not counted): that of the stores of an
    /// assignment, of the instruction of a `return`.
    pub end_line: Line,
}

/// The kinds of statement.
#[derive(Debug, Clone, Copy)]
pub enum StatKind {
    /// `local a <const>, b = e1, e2`
    Local {
        /// The declared variables.
        names: List<LocalDecl>,
        /// The initial values.
        values: Exprs,
    },
    /// `a, b.c = e1, e2`
    Assign {
        /// Names and index expressions.
        targets: Exprs,
        /// The values.
        values: Exprs,
    },
    /// A call used as a statement.
    Call(ExprId),
    /// `do ... end`
    Do(Block),
    /// `while cond do body end`
    While {
        /// The condition.
        cond: ExprId,
        /// The body.
        body: Block,
    },
    /// `repeat body until cond`; the condition sees the body's locals.
    Repeat {
        /// The body.
        body: Block,
        /// The condition.
        cond: ExprId,
    },
    /// `if c1 then b1 elseif c2 then b2 else b3 end`
    If {
        /// Condition and block of `if` and of each `elseif`.
        arms: List<IfArm>,
        /// The `else` block.
        otherwise: Option<Block>,
    },
    /// `for v = start, limit, step do body end`
    NumericFor(Id<NumericFor>),
    /// `for a, b in e do body end`
    GenericFor(Id<GenericFor>),
    /// `function a.b:c() ... end`; a method has `self` as its first parameter already.
    Function {
        /// The variable or field that receives the function.
        target: ExprId,
        /// The function.
        function: Id<Function>,
    },
    /// `local function f() ... end`
    LocalFunction {
        /// The variable, alone in its list.
        name: List<LocalDecl>,
        /// The function.
        function: Id<Function>,
    },
    /// `return e1, e2`
    Return(Exprs),
    /// `break`
    Break,
    /// `goto label`
    Goto(Symbol),
    /// `::label::`
    Label(Symbol),
}

/// `for v = start, limit, step do body end`
#[derive(Debug)]
pub struct NumericFor {
    /// The control variable, alone in its list.
    pub var: List<LocalDecl>,
    /// Initial value.
    pub start: ExprId,
    /// Limit.
    pub limit: ExprId,
    /// Step, 1 when absent.
    pub step: Option<ExprId>,
    /// The line of `do`: of the instruction that prepares the loop.
    pub do_line: Line,
    /// The line of `for`: of the instruction that goes back.
    pub loop_line: Line,
    /// The body.
    pub body: Block,
}

/// `for a, b in e do body end`
#[derive(Debug)]
pub struct GenericFor {
    /// The declared variables.
    pub names: List<LocalDecl>,
    /// Iterator function, state, control, closing value.
    pub values: Exprs,
    /// The line of `do`: of the instruction that prepares the loop.
    pub do_line: Line,
    /// The line of the first token after `in`: of the iterator's call and the back-jump.
    pub loop_line: Line,
    /// The body.
    pub body: Block,
}

/// A condition and its block.
#[derive(Debug, Clone, Copy)]
pub struct IfArm {
    /// The condition.
    pub cond: ExprId,
    /// The line of `then`: that of the test when the condition is no comparison.
    pub then_line: Line,
    /// The block.
    pub body: Block,
}

/// A declared local variable.
#[derive(Debug)]
pub struct LocalDecl {
    /// Its name.
    pub name: Symbol,
    /// Its attribute.
    pub attrib: Attrib,
    /// The line of its name.
    pub line: Line,
    /// Its number, set by the resolver.
    pub id: Cell<LocalId>,
}

/// A function body.
#[derive(Debug, Default)]
pub struct Function {
    /// The parameters, `self` included for methods.
    pub params: List<LocalDecl>,
    /// Whether it ends in `...`.
    pub is_vararg: bool,
    /// The body.
    pub body: Block,
    /// PUC's `linedefined`: the line of `function` for a function statement, the line of the
    /// opening parenthesis for local and anonymous functions, 0 for the main function.
    pub line: Line,
    /// The line of the closing `end`; 0 for the main function.
    pub end_line: Line,
    /// What the resolver found out; may be read as a [`FunctionInfo`].
    pub info: ResolvedInfo,
    /// What the compiler has made of it, if that was before the rest of the chunk was parsed; its
    /// upvalues are not described yet, and its body is gone.
    pub compiled: CompiledFunction,
}

/// A place for a compiled function.
#[derive(Default)]
pub struct CompiledFunction(Cell<Option<Box<Proto>>>);

impl CompiledFunction {
    /// Puts the function there.
    pub fn set(&self, proto: Option<Box<Proto>>) {
        self.0.set(proto);
    }

    /// Takes the function.
    pub fn take(&self) -> Option<Box<Proto>> {
        self.0.take()
    }
}

impl std::fmt::Debug for CompiledFunction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CompiledFunction")
    }
}

/// A [`FunctionInfo`] that the resolver sets once; empty until then.
#[derive(Debug, Default)]
pub struct ResolvedInfo(OnceCell<FunctionInfo>);

impl ResolvedInfo {
    /// Sets the information, unless it is set already.
    pub fn set(&self, info: FunctionInfo) {
        // Only the resolver sets it, once.
        let _ = self.0.set(info);
    }
}

impl std::ops::Deref for ResolvedInfo {
    type Target = FunctionInfo;

    fn deref(&self) -> &FunctionInfo {
        self.0.get_or_init(FunctionInfo::default)
    }
}

/// What the resolver found out about a function.
#[derive(Debug, Default)]
pub struct FunctionInfo {
    /// Its locals, indexed by [`LocalId`].
    pub locals: Vec<LocalInfo>,
    /// Its upvalues, in order of first use (as PUC numbers them).
    pub upvalues: Vec<UpvalueInfo>,
}

/// What the resolver found out about a local variable.
#[derive(Debug, Clone)]
pub struct LocalInfo {
    /// Its name.
    pub name: Symbol,
    /// Its attribute.
    pub attrib: Attrib,
    /// Whether an inner function captures it: then it lives in a heap cell.
    pub captured: bool,
    /// Whether it is assigned after its declaration.
    pub reassigned: bool,
    /// Its value when it is a compile-time constant (manual §3.3.7); such a local has no register.
    pub constant: Option<ConstantValue>,
}

/// A compile-time constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ConstantValue {
    /// `nil`
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string.
    String(Symbol),
}

/// An upvalue of a function.
#[derive(Debug, Clone)]
pub struct UpvalueInfo {
    /// Its name.
    pub name: Symbol,
    /// Whether it is a local of the enclosing function (else one of its upvalues).
    pub source: UpvalueSource,
    /// Attribute of the variable it refers to.
    pub attrib: Attrib,
    /// Whether the variable is assigned anywhere after its declaration; shared by all upvalues
    /// that refer to the variable, final once the chunk is resolved.
    pub reassigned: Rc<Cell<bool>>,
}

/// Where a closure finds an upvalue when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpvalueSource {
    /// A local of the enclosing function.
    Local(LocalId),
    /// An upvalue of the enclosing function.
    Upvalue(u8),
    /// `_ENV` of the main function.
    Environment,
}

/// An expression.
///
/// It takes 16 bytes: programs have many.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Which expression.
    pub kind: ExprKind,
    /// The line of the instruction that computes it, and hence the one that run-time errors in
    /// it name: of the operator for arithmetic, bitwise, concatenation and unary operations; of
    /// the right operand's last token for comparisons; of the opening parenthesis (or argument)
    /// for calls; for `a[k]`, `a.k` and global names the line of the token at which PUC fetches
    /// the value (its last token, or the operator, comma or parenthesis that follows); of the
    /// token else.
    pub line: Line,
}

impl Expr {
    /// The child that the expression starts with: the left operand, the indexed object, the
    /// called value. Following it may take 100,000 steps: loop, do not recurse.
    #[inline]
    pub fn left<'t>(&self, tree: &'t Tree) -> Option<&'t Expr> {
        let left = match self.kind {
            ExprKind::Index(left, _) | ExprKind::Binary(_, left, _) | ExprKind::Field(left, _) => {
                left
            }
            ExprKind::Call(call) => tree[call].callee,
            ExprKind::MethodCall(call) => tree[call].object,
            _ => return None,
        };
        Some(&tree[left])
    }
}

/// The kinds of expression.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// `nil`
    Nil,
    /// `true`
    True,
    /// `false`
    False,
    /// `...`
    Vararg,
    /// An integer literal.
    Integer(Literal),
    /// A float literal: its bits.
    Float(Literal),
    /// A string literal.
    String(Symbol),
    /// A function.
    Function(Id<Function>),
    /// A variable.
    Name(Symbol, ResolvedBinding),
    /// `object[key]`
    Index(ExprId, ExprId),
    /// `object.key`
    Field(ExprId, Symbol),
    /// `f(args)`
    Call(Id<Call>),
    /// `object:method(args)`
    MethodCall(Id<MethodCall>),
    /// `{ ... }`
    Table(List<TableItem>),
    /// `a op b`
    Binary(BinaryOp, ExprId, ExprId),
    /// `op a`
    Unary(UnaryOp, ExprId),
    /// `(e)`: exactly one value.
    Paren(ExprId),
}

/// The 64 bits of a numeral, in halves so that they need no alignment.
#[derive(Clone, Copy)]
pub struct Literal([u32; 2]);

impl Literal {
    /// These bits.
    #[inline]
    pub fn new(bits: u64) -> Self {
        Self([bits as u32, (bits >> 32) as u32])
    }

    #[inline]
    fn bits(self) -> u64 {
        u64::from(self.0[0]) | u64::from(self.0[1]) << 32
    }

    /// As an integer.
    #[inline]
    pub fn integer(self) -> i64 {
        self.bits() as i64
    }

    /// As a float.
    #[inline]
    pub fn float(self) -> f64 {
        f64::from_bits(self.bits())
    }
}

impl std::fmt::Debug for Literal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:#x}", self.bits())
    }
}

/// A [`Binding`] that the resolver sets; unresolved until then. One word: what it is in the low
/// bits, a number above.
#[derive(Clone, Debug, Default)]
pub struct ResolvedBinding(Cell<u32>);

/// The bits of a [`ResolvedBinding`] that tell what it is.
const BINDING_BITS: u32 = 3;

impl ResolvedBinding {
    /// What the name stands for.
    #[inline]
    pub fn get(&self) -> Binding {
        let word = self.0.get();
        let number = word >> BINDING_BITS;
        match word & ((1 << BINDING_BITS) - 1) {
            1 => Binding::Local(LocalId(number)),
            2 => Binding::Upvalue(number as u8),
            3 => Binding::GlobalOfLocal(LocalId(number)),
            4 => Binding::GlobalOfUpvalue(number as u8),
            5 => Binding::Constant(ConstantId(number)),
            _ => Binding::Unresolved,
        }
    }

    /// Sets what the name stands for.
    #[inline]
    pub fn set(&self, binding: Binding) {
        let (what, number) = match binding {
            Binding::Unresolved => (0, 0),
            Binding::Local(id) => (1, id.0),
            Binding::Upvalue(index) => (2, index.into()),
            Binding::GlobalOfLocal(id) => (3, id.0),
            Binding::GlobalOfUpvalue(index) => (4, index.into()),
            Binding::Constant(id) => (5, id.0),
        };
        self.0.set(number << BINDING_BITS | what);
    }
}

/// A call.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// The called value.
    pub callee: ExprId,
    /// The arguments.
    pub args: Exprs,
}

/// A method call.
#[derive(Debug, Clone, Copy)]
pub struct MethodCall {
    /// The receiver.
    pub object: ExprId,
    /// The method's name.
    pub method: Symbol,
    /// The line of the method's name: of the instruction that looks it up.
    pub method_line: Line,
    /// The arguments.
    pub args: Exprs,
}

/// An entry of a table constructor.
#[derive(Debug, Clone, Copy)]
pub enum TableItem {
    /// `e`
    Positional(ExprId),
    /// Several values in a row that are 32-bit integers, each with its line: long tables of
    /// numbers need much less room so.
    Integers(Id<Vec<(i32, Line)>>),
    /// `name = e` and the line of `e`'s last token (of the instruction that stores it).
    Named(Symbol, ExprId, Line),
    /// `[k] = e` and that line.
    Keyed(ExprId, ExprId, Line),
    /// No entry, but the end of a table that does not end in the line where it is made: the line of
    /// its brace (of what is done at the end).
    Close(Line),
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `//`
    IDiv,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `&`
    BAnd,
    /// `|`
    BOr,
    /// `~`
    BXor,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `..`
    Concat,
    /// `==`
    Eq,
    /// `~=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `and`
    And,
    /// `or`
    Or,
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `~`
    BNot,
    /// `not`
    Not,
    /// `#`
    Len,
}

const _: () = assert!(size_of::<Expr>() == 16 && size_of::<TableItem>() == 16);
