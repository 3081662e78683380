//! The abstract syntax tree that the grammar builds, the resolver annotates and the
//! compiler reads.
//!
//! Invariants:
//! - Names and string literals are [`Symbol`]s of the chunk's [`Interner`]; comparing two names
//!   is comparing two integers.
//! - After `resolve`, every [`ExprKind::Name`] carries its [`Binding`], every declaration its
//!   [`LocalId`], and every function its [`FunctionInfo`]; the compiler never looks up a name.
//! - Lines are 1-based and are those that PUC Lua would attach to the generated instruction.

use std::cell::Cell;

/// A 1-based source line.
pub type Line = u32;

/// An interned byte string (a name or a string literal) of one chunk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// A local variable, numbered in order of declaration within its function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct LocalId(pub u32);

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
    Constant(ConstantValue),
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
}

/// A sequence of statements that is a scope.
#[derive(Debug, Default)]
pub struct Block {
    /// The statements, in order.
    pub stats: Vec<Stat>,
    /// The line of the token that ends the block (`end`, `else`, `until`, end of input).
    pub end_line: Line,
}

/// A statement.
#[derive(Debug)]
pub struct Stat {
    /// Which statement.
    pub kind: StatKind,
    /// The line of its first token.
    pub line: Line,
}

/// The kinds of statement.
#[derive(Debug)]
pub enum StatKind {
    /// `local a <const>, b = e1, e2`
    Local {
        /// The declared variables.
        names: Vec<LocalDecl>,
        /// The initial values.
        values: Vec<Expr>,
    },
    /// `a, b.c = e1, e2`
    Assign {
        /// Names and index expressions.
        targets: Vec<Expr>,
        /// The values.
        values: Vec<Expr>,
    },
    /// A call used as a statement.
    Call(Expr),
    /// `do ... end`
    Do(Block),
    /// `while cond do body end`
    While {
        /// The condition.
        cond: Expr,
        /// The body.
        body: Block,
    },
    /// `repeat body until cond`; the condition sees the body's locals.
    Repeat {
        /// The body.
        body: Block,
        /// The condition.
        cond: Expr,
    },
    /// `if c1 then b1 elseif c2 then b2 else b3 end`
    If {
        /// Condition and block of `if` and of each `elseif`.
        arms: Vec<(Expr, Block)>,
        /// The `else` block.
        otherwise: Option<Block>,
    },
    /// `for v = start, limit, step do body end`
    NumericFor {
        /// The control variable.
        var: LocalDecl,
        /// Initial value.
        start: Expr,
        /// Limit.
        limit: Expr,
        /// Step, 1 when absent.
        step: Option<Expr>,
        /// The body.
        body: Block,
    },
    /// `for a, b in e do body end`
    GenericFor {
        /// The declared variables.
        names: Vec<LocalDecl>,
        /// Iterator function, state, control, closing value.
        values: Vec<Expr>,
        /// The body.
        body: Block,
    },
    /// `function a.b:c() ... end`; a method has `self` as its first parameter already.
    Function {
        /// The variable or field that receives the function.
        target: Expr,
        /// The function.
        function: Box<Function>,
    },
    /// `local function f() ... end`
    LocalFunction {
        /// The variable.
        name: LocalDecl,
        /// The function.
        function: Box<Function>,
    },
    /// `return e1, e2`
    Return(Vec<Expr>),
    /// `break`
    Break,
    /// `goto label`
    Goto(Symbol),
    /// `::label::`
    Label(Symbol),
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
#[derive(Debug)]
pub struct Function {
    /// The parameters, `self` included for methods.
    pub params: Vec<LocalDecl>,
    /// Whether it ends in `...`.
    pub is_vararg: bool,
    /// The body.
    pub body: Block,
    /// The line of `function`; 0 for the main function.
    pub line: Line,
    /// The line of the closing `end`; 0 for the main function.
    pub end_line: Line,
    /// What the resolver found out.
    pub info: FunctionInfo,
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
    /// Whether the variable is assigned anywhere after its declaration.
    pub reassigned: bool,
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
#[derive(Debug)]
pub struct Expr {
    /// Which expression.
    pub kind: ExprKind,
    /// The line that run-time errors in it name: of the operator for operations, of the opening
    /// parenthesis (or argument) for calls, of the key's token for indexing, of the token else.
    pub line: Line,
}

/// The kinds of expression.
#[derive(Debug)]
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
    Integer(i64),
    /// A float literal.
    Float(f64),
    /// A string literal.
    String(Symbol),
    /// A function.
    Function(Box<Function>),
    /// A variable.
    Name(Symbol, Cell<Binding>),
    /// `object[key]` and `object.key`
    Index(Box<(Expr, Expr)>),
    /// `f(args)`
    Call(Box<Call>),
    /// `object:method(args)`
    MethodCall(Box<MethodCall>),
    /// `{ ... }`
    Table(Vec<TableItem>),
    /// `a op b`
    Binary(BinaryOp, Box<(Expr, Expr)>),
    /// `op a`
    Unary(UnaryOp, Box<Expr>),
    /// `(e)`: exactly one value.
    Paren(Box<Expr>),
}

/// A call.
#[derive(Debug)]
pub struct Call {
    /// The called value.
    pub callee: Expr,
    /// The arguments.
    pub args: Vec<Expr>,
}

/// A method call.
#[derive(Debug)]
pub struct MethodCall {
    /// The receiver.
    pub object: Expr,
    /// The method's name.
    pub method: Symbol,
    /// The arguments.
    pub args: Vec<Expr>,
}

/// An entry of a table constructor.
#[derive(Debug)]
pub enum TableItem {
    /// `e`
    Positional(Expr),
    /// `name = e`
    Named(Symbol, Expr),
    /// `[k] = e`
    Keyed(Expr, Expr),
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

/// The byte strings of a chunk, each stored once.
#[derive(Debug, Default)]
pub struct Interner {
    strings: Vec<std::rc::Rc<[u8]>>,
    index: std::collections::HashMap<std::rc::Rc<[u8]>, Symbol>,
}

impl Interner {
    /// The symbol of `bytes`, made on first sight.
    pub fn intern(&mut self, bytes: &[u8]) -> Symbol {
        if let Some(&symbol) = self.index.get(bytes) {
            return symbol;
        }
        let symbol = Symbol(self.strings.len() as u32);
        let stored: std::rc::Rc<[u8]> = bytes.into();
        self.strings.push(stored.clone());
        self.index.insert(stored, symbol);
        symbol
    }

    /// The bytes of `symbol`.
    pub fn resolve(&self, symbol: Symbol) -> &[u8] {
        &self.strings[symbol.0 as usize]
    }
}
