//! What the grammar's actions build the tree with.
//!
//! Lists under construction (statements, expressions, names, ...) live on stacks here rather than
//! on the parser's own stack: its symbols stay small, and a finished list is moved once into a
//! vector of its exact size. Nesting keeps the stacks consistent: an inner list is finished before
//! its outer list goes on.
//!
//! Binary operators are resolved here by precedence (manual §3.4.8): the grammar only sees a
//! chain of operands and operators, which saves it a reduction per precedence level and operand.

use crate::ast::*;
use crate::lexer::NumberToken;
use crate::tokens::Unreadable;
use std::cell::Cell;

/// More pending operators than PUC could possibly nest.
const MAX_PENDING: usize = 200;

/// A binary operator that waits for its right operand to be complete.
struct Pending {
    /// `None` marks the beginning of a chain.
    op: Option<BinaryOp>,
    line: Line,
}

/// The state of the actions.
pub(crate) struct Builder<'c> {
    /// The line of the token before the parser's look-ahead.
    previous_line: &'c Cell<Line>,
    blocks: Vec<Block>,
    stats: Vec<Stat>,
    values: Vec<Expr>,
    names: Vec<LocalDecl>,
    items: Vec<TableItem>,
    arms: Vec<IfArm>,
    /// Operands of unfinished chains, with the line of their last token.
    operands: Vec<(Expr, Line)>,
    operators: Vec<Pending>,
    prefixes: usize,
    /// Set when the program is wrong although it fits the grammar.
    pub(crate) invalid: bool,
}

/// The binding strength of a binary operator, to its left and to its right.
pub(crate) fn priority(op: BinaryOp) -> (u8, u8) {
    use BinaryOp::*;
    match op {
        Or => (1, 1),
        And => (2, 2),
        Eq | Ne | Lt | Le | Gt | Ge => (3, 3),
        BOr => (4, 4),
        BXor => (5, 5),
        BAnd => (6, 6),
        Shl | Shr => (7, 7),
        Concat => (9, 8),
        Add | Sub => (10, 10),
        Mul | Div | IDiv | Mod => (11, 11),
        Pow => (14, 13),
    }
}

/// The binding strength of unary operators.
pub(crate) const UNARY_PRIORITY: u8 = 12;

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge)
}

/// Notes that a variable's value is fetched at `line` only. A value that has been computed
/// already keeps its line.
fn fetch_at(expr: &mut Expr, line: Line) {
    if matches!(
        expr.kind,
        ExprKind::Index(_) | ExprKind::Field(..) | ExprKind::Name(..)
    ) {
        expr.line = line;
    }
}

/// An expression.
pub(crate) fn expr(kind: ExprKind, at: Line) -> Expr {
    Expr { kind, line: at }
}

/// A numeral.
pub(crate) fn number(value: NumberToken, at: Line) -> Expr {
    let kind = match value {
        NumberToken::Integer(integer) => ExprKind::Integer(integer),
        NumberToken::Float(float) => ExprKind::Float(float),
    };
    expr(kind, at)
}

/// A variable.
pub(crate) fn variable(name: Symbol, at: Line) -> Expr {
    expr(
        ExprKind::Name(name, std::cell::Cell::new(Binding::Unresolved)),
        at,
    )
}

/// `object[key]`, complete at `at`.
pub(crate) fn index(object: Expr, key: Expr, at: Line) -> Expr {
    expr(ExprKind::Index(Box::new((object, key))), at)
}

/// `object.key`, complete at `at`.
pub(crate) fn field(object: Expr, key: Symbol, at: Line) -> Expr {
    expr(ExprKind::Field(Box::new(object), key), at)
}

/// `callee(args)`, the arguments beginning at `at`.
pub(crate) fn call(callee: Expr, args: Vec<Expr>, at: Line) -> Expr {
    expr(ExprKind::Call(Box::new(Call { callee, args })), at)
}

/// `object:method(args)`, the name and the arguments beginning at these lines.
pub(crate) fn method_call(
    mut object: Expr,
    (method, method_line): (Symbol, Line),
    args: Vec<Expr>,
    at: Line,
) -> Expr {
    fetch_at(&mut object, method_line);
    let call = MethodCall {
        object,
        method,
        method_line,
        args,
    };
    expr(ExprKind::MethodCall(Box::new(call)), at)
}

/// `(inner)`, closed at `at`.
pub(crate) fn paren(mut inner: Expr, at: Line) -> Expr {
    fetch_at(&mut inner, at);
    expr(ExprKind::Paren(Box::new(inner)), at)
}

/// A declared name.
pub(crate) fn declaration(name: Symbol, attrib: Attrib, at: Line) -> LocalDecl {
    LocalDecl {
        name,
        attrib,
        line: at,
        id: std::cell::Cell::new(LocalId(0)),
    }
}

/// Takes the last `count` elements of a stack.
fn take<T>(stack: &mut Vec<T>, count: usize) -> Vec<T> {
    stack.drain(stack.len() - count..).collect()
}

impl<'c> Builder<'c> {
    /// A builder; `previous_line` is shared with the token stream.
    pub(crate) fn new(previous_line: &'c Cell<Line>) -> Self {
        Self {
            previous_line,
            blocks: Vec::new(),
            stats: Vec::new(),
            values: Vec::new(),
            names: Vec::new(),
            items: Vec::new(),
            arms: Vec::new(),
            operands: Vec::new(),
            operators: Vec::new(),
            prefixes: 0,
            invalid: false,
        }
    }

    // --- Statements and blocks ---

    /// Begins a block; to be given to [`Builder::close_block`].
    pub(crate) fn open_block(&mut self) -> usize {
        self.stats.len()
    }

    /// Ends the block of the statements since `start`; the token that ends it is the look-ahead.
    pub(crate) fn close_block(&mut self, start: usize) {
        let count = self.stats.len() - start;
        let block = Block {
            stats: take(&mut self.stats, count),
            last_line: self.previous_line.get(),
        };
        self.blocks.push(block);
    }

    /// The block that was closed last.
    pub(crate) fn block(&mut self) -> Block {
        self.blocks.pop().unwrap_or_default()
    }

    /// Adds a statement.
    pub(crate) fn stat(&mut self, kind: StatKind, first: Line, last: Line) {
        self.stats.push(Stat {
            kind,
            line: first,
            end_line: last,
        });
    }

    /// Begins an `if`; to be given to [`Builder::finish_if`].
    pub(crate) fn open_if(&mut self) -> usize {
        self.arms.len()
    }

    /// Adds a condition and its block.
    pub(crate) fn arm(&mut self, mut cond: Expr, then: Line) {
        fetch_at(&mut cond, then);
        let body = self.block();
        self.arms.push(IfArm {
            cond,
            then_line: then,
            body,
        });
    }

    /// The statement of the arms since `start`.
    pub(crate) fn finish_if(&mut self, start: usize, has_else: bool) -> StatKind {
        let otherwise = has_else.then(|| self.block());
        let count = self.arms.len() - start;
        StatKind::If {
            arms: take(&mut self.arms, count),
            otherwise,
        }
    }

    // --- Lists ---

    /// Begins a list of expressions.
    pub(crate) fn first_value(&mut self, value: Expr) -> usize {
        self.values.push(value);
        1
    }

    /// Goes on with a list of `count` expressions after a comma.
    pub(crate) fn next_value(&mut self, count: usize, comma: Line, value: Expr) -> usize {
        if let Some(last) = self.values.last_mut() {
            fetch_at(last, comma);
        }
        self.values.push(value);
        count + 1
    }

    /// The list of `count` expressions.
    pub(crate) fn values(&mut self, count: usize) -> Vec<Expr> {
        take(&mut self.values, count)
    }

    /// The list of `count` arguments in parentheses that close at `close`.
    pub(crate) fn arguments(&mut self, count: usize, close: Line) -> Vec<Expr> {
        if let Some(last) = self.values.last_mut().filter(|_| count > 0) {
            fetch_at(last, close);
        }
        take(&mut self.values, count)
    }

    /// Adds a declared name to a list.
    pub(crate) fn name(&mut self, declaration: LocalDecl) {
        self.names.push(declaration);
    }

    /// The list of `count` names.
    pub(crate) fn names(&mut self, count: usize) -> Vec<LocalDecl> {
        take(&mut self.names, count)
    }

    /// The attribute of that name; anything else makes the program invalid.
    pub(crate) fn attrib(&mut self, name: Symbol) -> Attrib {
        match name {
            predefined::CONST => Attrib::Const,
            predefined::CLOSE => Attrib::Close,
            _ => {
                self.invalid = true;
                Attrib::None
            }
        }
    }

    /// Adds an entry of a table constructor.
    pub(crate) fn item(&mut self, item: TableItem) {
        self.items.push(item);
    }

    /// Notes that a separator at `at` follows the last entry.
    pub(crate) fn end_item(&mut self, at: Line) {
        if let Some(TableItem::Positional(value)) = self.items.last_mut() {
            fetch_at(value, at);
        }
    }

    /// The table of `count` entries between these lines.
    pub(crate) fn table(&mut self, count: usize, open: Line, close: Line) -> Expr {
        let mut items = take(&mut self.items, count);
        // PUC fetches the last value only after the closing brace.
        if let Some(TableItem::Positional(value)) = items.last_mut() {
            fetch_at(value, close);
        }
        expr(ExprKind::Table(Box::new(items)), open)
    }

    /// A function with `count` parameters, whose `(` stands at `open` and whose `end` at `end`.
    pub(crate) fn function(
        &mut self,
        count: usize,
        is_vararg: bool,
        open: Line,
        end: Line,
    ) -> Box<Function> {
        let body = self.block();
        Box::new(Function {
            params: take(&mut self.names, count),
            is_vararg,
            body,
            line: open,
            end_line: end,
            info: ResolvedInfo::default(),
        })
    }

    // --- Operators ---

    /// Begins a chain `left op right`; `left_end` and `right_end` are the operands' last tokens.
    pub(crate) fn begin_chain(
        &mut self,
        left: (Expr, Line),
        op: (BinaryOp, Line),
        right: (Expr, Line),
    ) -> Result<(), Unreadable> {
        self.operators.push(Pending { op: None, line: 0 });
        self.operands.push((left.0, left.1));
        self.extend_chain(op, right)
    }

    /// Goes on with a chain.
    pub(crate) fn extend_chain(
        &mut self,
        (op, at): (BinaryOp, Line),
        right: (Expr, Line),
    ) -> Result<(), Unreadable> {
        self.reduce(priority(op).0);
        if let Some((left, _)) = self.operands.last_mut() {
            fetch_at(left, at);
        }
        if self.operators.len() > 2 * MAX_PENDING {
            return Err(Unreadable);
        }
        self.operators.push(Pending {
            op: Some(op),
            line: at,
        });
        self.operands.push((right.0, right.1));
        Ok(())
    }

    /// Ends a chain.
    pub(crate) fn end_chain(&mut self) -> Expr {
        self.reduce(0);
        self.operators.pop();
        match self.operands.pop() {
            Some((expr, _)) => expr,
            None => expr(ExprKind::Nil, 0),
        }
    }

    /// Combines the operands of pending operators that bind at least as strongly as one whose
    /// left priority is `left_priority`.
    fn reduce(&mut self, left_priority: u8) {
        while let Some(&Pending { op: Some(op), line }) = self.operators.last() {
            if left_priority > priority(op).1 {
                break;
            }
            let (Some((right, last_line)), Some((left, _))) =
                (self.operands.pop(), self.operands.pop())
            else {
                break;
            };
            self.operators.pop();
            let line = if is_comparison(op) { last_line } else { line };
            let kind = ExprKind::Binary(op, Box::new((left, right)));
            self.operands.push((Expr { kind, line }, last_line));
        }
    }

    /// Counts an operator whose operand recurs: a unary one, or `^`.
    pub(crate) fn enter_prefix(&mut self) -> Result<(), Unreadable> {
        self.prefixes += 1;
        if self.prefixes > MAX_PENDING {
            return Err(Unreadable);
        }
        Ok(())
    }

    /// `op operand`, the operator standing at `at`.
    pub(crate) fn unary(&mut self, op: UnaryOp, at: Line, operand: Expr) -> Expr {
        self.prefixes -= 1;
        expr(ExprKind::Unary(op, Box::new(operand)), at)
    }

    /// `base ^ exponent`, the operator standing at `at`.
    pub(crate) fn power(&mut self, mut base: Expr, at: Line, exponent: Expr) -> Expr {
        self.prefixes -= 1;
        fetch_at(&mut base, at);
        expr(
            ExprKind::Binary(BinaryOp::Pow, Box::new((base, exponent))),
            at,
        )
    }
}
