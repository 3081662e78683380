//! What the grammar's actions build the tree with.
//!
//! Everything under construction lives on stacks here: expressions, statements, blocks, names,
//! table entries. The parser's own stack holds only numbers (how many elements of a list there
//! are, where on a stack it begins), which keeps its symbols at eight bytes; a finished list is
//! moved once, into a vector of its exact size. The stacks nest as the program does.
//!
//! Binary operators are resolved here by precedence (manual §3.4.8): the grammar only sees a
//! chain of operands and operators, which saves it a reduction per precedence level and operand.

use std::cell::Cell;

use crate::ast::*;
use crate::tokens::{Shared, Unreadable};

/// More pending operators than PUC could possibly nest.
const MAX_PENDING: usize = 200;

/// A binary operator that waits for its right operand to be complete.
struct Pending {
    /// `None` marks the beginning of a chain.
    op: Option<BinaryOp>,
    line: Line,
    /// The line of the right operand's last token.
    right_end: Line,
}

/// An operator whose operand is not complete.
struct Prefix {
    /// `None` is `^`, whose right operand is meant.
    op: Option<UnaryOp>,
    line: Line,
}

/// The state of the actions.
pub(crate) struct Builder<'c> {
    shared: &'c Shared,
    exprs: Vec<Expr>,
    stats: Vec<Stat>,
    blocks: Vec<Block>,
    /// How many blocks are open, the main function's included.
    open_blocks: usize,
    #[allow(clippy::vec_box, reason = "the tree wants them boxed")]
    functions: Vec<Box<Function>>,
    names: Vec<LocalDecl>,
    items: Vec<TableItem>,
    arms: Vec<IfArm>,
    operators: Vec<Pending>,
    prefixes: Vec<Prefix>,
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

/// Only in a table with this many entries are integers gathered in runs.
const MIN_ENTRIES_BEFORE_RUN: u32 = 32;

/// How many integers a run has at most.
const MAX_RUN: usize = 4096;

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

/// Takes the last `count` elements of a stack.
fn take<T>(stack: &mut Vec<T>, count: u32) -> Vec<T> {
    match count {
        0 => Vec::new(),
        1 => stack.pop().into_iter().collect(),
        // A long list that has the stack for itself is not worth a copy.
        64.. if stack.len() == count as usize => std::mem::take(stack),
        _ => stack.drain(stack.len() - count as usize..).collect(),
    }
}

/// The 32-bit integer that an expression obviously is, and the line of its numeral.
#[inline]
fn small_integer(expr: &Expr) -> Option<(i32, Line)> {
    match &expr.kind {
        ExprKind::Integer(value) => Some((i32::try_from(*value).ok()?, expr.line)),
        ExprKind::Unary(UnaryOp::Neg, inner) => match inner.kind {
            ExprKind::Integer(value) => {
                Some((i32::try_from(value.checked_neg()?).ok()?, inner.line))
            }
            _ => None,
        },
        _ => None,
    }
}

impl<'c> Builder<'c> {
    /// A builder; `shared` is shared with the token stream.
    pub(crate) fn new(shared: &'c Shared) -> Self {
        Self {
            shared,
            exprs: Vec::new(),
            stats: Vec::new(),
            blocks: Vec::new(),
            open_blocks: 0,
            functions: Vec::new(),
            names: Vec::new(),
            items: Vec::new(),
            arms: Vec::new(),
            operators: Vec::new(),
            prefixes: Vec::new(),
            invalid: false,
        }
    }

    // --- Statements and blocks ---

    /// Begins a block; to be given to [`Builder::close_block`].
    pub(crate) fn open_block(&mut self) -> u32 {
        self.open_blocks += 1;
        self.stats.len() as u32
    }

    /// Ends the block of the statements since `start`; the token that ends it is the look-ahead.
    pub(crate) fn close_block(&mut self, start: u32) {
        self.open_blocks -= 1;
        let count = self.stats.len() as u32 - start;
        let block = Block {
            stats: take(&mut self.stats, count),
            last_line: self.shared.previous_line.get(),
        };
        self.blocks.push(block);
    }

    /// The block that was closed last.
    pub(crate) fn block(&mut self) -> Block {
        self.blocks.pop().unwrap_or_default()
    }

    /// Adds a statement between these lines. One of the main function goes to the token stream,
    /// which processes it before it reads on.
    pub(crate) fn stat(&mut self, kind: StatKind, line: Line, end_line: Line) {
        let stat = Stat {
            kind,
            line,
            end_line,
        };
        if self.open_blocks == 1 {
            self.shared.complete.borrow_mut().push(stat);
            self.shared.has_complete.set(true);
        } else {
            self.stats.push(stat);
        }
    }

    /// Begins an `if`; to be given to [`Builder::finish_if`].
    pub(crate) fn open_if(&mut self) -> u32 {
        self.arms.len() as u32
    }

    /// Adds a condition, followed by a `then` at that line, and its block.
    pub(crate) fn arm(&mut self, then_line: Line) {
        let mut cond = self.expr();
        fetch_at(&mut cond, then_line);
        let body = self.block();
        self.arms.push(IfArm {
            cond,
            then_line,
            body,
        });
    }

    /// The statement of the arms since `start`.
    pub(crate) fn finish_if(&mut self, start: u32, has_else: bool) -> StatKind {
        let otherwise = has_else.then(|| self.block());
        let count = self.arms.len() as u32 - start;
        StatKind::If {
            arms: take(&mut self.arms, count),
            otherwise,
        }
    }

    /// A numeric `for` with or without a step, `do` and `for` standing at these lines.
    pub(crate) fn numeric_for(
        &mut self,
        var: LocalDecl,
        has_step: bool,
        do_line: Line,
        loop_line: Line,
    ) -> StatKind {
        let step = has_step.then(|| self.expr());
        let limit = self.expr();
        StatKind::NumericFor(Box::new(NumericFor {
            var,
            start: self.expr(),
            limit,
            step,
            do_line,
            loop_line,
            body: self.block(),
        }))
    }

    // --- Names and functions ---

    /// A declared name.
    pub(crate) fn declaration(&self, name: Symbol, attrib: Attrib, line: Line) -> LocalDecl {
        LocalDecl {
            name,
            attrib,
            line,
            id: Cell::new(LocalId(0)),
        }
    }

    /// Adds a declared name to a list.
    pub(crate) fn name(&mut self, name: Symbol, attrib: Attrib, line: Line) {
        let declaration = self.declaration(name, attrib, line);
        self.names.push(declaration);
    }

    /// The list of `count` names.
    pub(crate) fn names(&mut self, count: u32) -> Vec<LocalDecl> {
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

    /// A function with `count` parameters, whose `(` stands at `line` and whose `end` at
    /// `end_line`.
    pub(crate) fn close_function(
        &mut self,
        count: u32,
        is_vararg: bool,
        line: Line,
        end_line: Line,
    ) {
        let function = Function {
            params: take(&mut self.names, count),
            is_vararg,
            body: self.block(),
            line,
            end_line,
            info: ResolvedInfo::default(),
            compiled: CompiledFunction::default(),
        };
        self.functions.push(Box::new(function));
    }

    /// The function that was closed last.
    pub(crate) fn function(&mut self) -> Box<Function> {
        self.functions.pop().unwrap_or_default()
    }

    /// The function statement for that function, whose target is the last expression; a method
    /// has its name and the name's line.
    pub(crate) fn function_stat(&mut self, line: Line, method: Option<(Symbol, Line)>) -> StatKind {
        let mut function = self.function();
        function.line = line;
        if let Some((name, at)) = method {
            let this = self.declaration(predefined::SELF, Attrib::None, at);
            function.params.insert(0, this);
            self.field(name, at);
        }
        StatKind::Function {
            target: self.expr(),
            function,
        }
    }

    // --- Expressions: each method pops its parts and pushes the whole ---

    /// Adds an expression.
    pub(crate) fn push(&mut self, kind: ExprKind, line: Line) {
        self.exprs.push(Expr { kind, line });
    }

    /// Takes the last expression.
    pub(crate) fn expr(&mut self) -> Expr {
        // The grammar pushes what it takes, so there is one. (Not `pop`: taking an `Option` apart
        // moves the expression in odd pieces, which is slow.)
        if self.exprs.is_empty() {
            self.push(ExprKind::Nil, 0);
        }
        self.exprs.swap_remove(self.exprs.len() - 1)
    }

    /// Takes the last `count` expressions.
    pub(crate) fn exprs(&mut self, count: u32) -> Vec<Expr> {
        take(&mut self.exprs, count)
    }

    /// Notes that the last expression but `after` is fetched at `line`.
    pub(crate) fn fetch(&mut self, after: usize, line: Line) {
        let length = self.exprs.len();
        if let Some(expr) = length.checked_sub(1 + after).map(|i| &mut self.exprs[i]) {
            fetch_at(expr, line);
        }
    }

    /// A variable.
    pub(crate) fn variable(&mut self, name: Symbol, line: Line) {
        self.push(ExprKind::Name(name, Cell::new(Binding::Unresolved)), line);
    }

    /// The numeral of token `Number(n)`.
    pub(crate) fn number(&mut self, n: u32, line: Line) {
        let (is_float, bits) = &self.shared.numbers[n as usize & 1];
        let bits = bits.get();
        if is_float.get() {
            self.push(ExprKind::Float(f64::from_bits(bits)), line);
        } else {
            self.push(ExprKind::Integer(bits as i64), line);
        }
    }

    /// The function that was closed last.
    pub(crate) fn function_expr(&mut self, line: Line) {
        let function = self.function();
        self.push(ExprKind::Function(function), line);
    }

    /// `object[key]`
    pub(crate) fn index(&mut self, line: Line) {
        let key = self.expr();
        let object = self.expr();
        self.push(ExprKind::Index(Box::new(Pair(object, key))), line);
    }

    /// `object.key`
    pub(crate) fn field(&mut self, key: Symbol, line: Line) {
        let object = self.expr();
        self.push(ExprKind::Field(Box::new(Object(object)), key), line);
    }

    /// `(inner)`, closed at `line`.
    pub(crate) fn paren(&mut self, line: Line) {
        let mut inner = self.expr();
        fetch_at(&mut inner, line);
        self.push(ExprKind::Paren(Box::new(inner)), line);
    }

    /// `callee(args)` with `count` arguments that begin at `line`.
    pub(crate) fn call(&mut self, count: u32, line: Line) {
        let args = self.exprs(count);
        let callee = self.expr();
        self.push(ExprKind::Call(Box::new(Call { callee, args })), line);
    }

    /// `object:method(args)` with `count` arguments that begin at `line`.
    pub(crate) fn method_call(
        &mut self,
        method: Symbol,
        method_line: Line,
        count: u32,
        line: Line,
    ) {
        let args = self.exprs(count);
        let mut object = self.expr();
        fetch_at(&mut object, method_line);
        let call = MethodCall {
            object,
            method,
            method_line,
            args,
        };
        self.push(ExprKind::MethodCall(Box::new(call)), line);
    }

    /// Adds the last expression to a table that has `count` entries; yields how many it has now.
    pub(crate) fn positional(&mut self, count: u32) -> u32 {
        if count >= MIN_ENTRIES_BEFORE_RUN
            && let Some(value) = self.exprs.last().and_then(small_integer)
        {
            match self.items.last_mut() {
                Some(TableItem::Integers(run)) if run.len() < MAX_RUN => {
                    run.push(value);
                    self.exprs.pop();
                    return count;
                }
                Some(item) => {
                    if let TableItem::Positional(previous) = item
                        && let Some(previous) = small_integer(previous)
                    {
                        let mut run = Vec::with_capacity(16);
                        run.extend([previous, value]);
                        *item = TableItem::Integers(Box::new(run));
                        self.exprs.pop();
                        return count;
                    }
                }
                None => {}
            }
        }
        let value = self.expr();
        self.items.push(TableItem::Positional(value));
        count + 1
    }

    /// Adds `name = value` to a table.
    pub(crate) fn named(&mut self, name: Symbol) {
        let value = self.expr();
        self.items.push(TableItem::Named(name, value));
    }

    /// Adds `[key] = value` to a table; the value's last token stands at `line`.
    pub(crate) fn keyed(&mut self, line: Line) {
        let value = self.expr();
        let pair = Box::new(Pair(self.expr(), value));
        self.items.push(TableItem::Keyed(pair, line));
    }

    /// Notes that a separator at `line` follows the last entry.
    pub(crate) fn end_item(&mut self, line: Line) {
        if let Some(TableItem::Positional(value)) = self.items.last_mut() {
            fetch_at(value, line);
        }
    }

    /// The table of `count` entries between these lines.
    pub(crate) fn table(&mut self, count: u32, open: Line, close: Line) {
        let mut items = take(&mut self.items, count);
        // PUC fetches the last value only after the closing brace.
        if let Some(TableItem::Positional(value)) = items.last_mut() {
            fetch_at(value, close);
        }
        self.push(ExprKind::Table(Box::new(items)), open);
    }

    // --- Operators ---

    /// Begins a chain: the last two expressions are operands of `op` at `line`; the second one
    /// ends at `right_end`.
    pub(crate) fn begin_chain(
        &mut self,
        op: BinaryOp,
        line: Line,
        right_end: Line,
    ) -> Result<(), Unreadable> {
        self.operators.push(Pending {
            op: None,
            line: 0,
            right_end: 0,
        });
        self.push_operator(op, line, right_end)
    }

    /// Goes on with a chain: the last expression is the right operand of `op`.
    pub(crate) fn extend_chain(
        &mut self,
        op: BinaryOp,
        line: Line,
        right_end: Line,
    ) -> Result<(), Unreadable> {
        if self.is_reducible(priority(op).0) {
            let right = self.expr();
            self.reduce(priority(op).0);
            self.exprs.push(right);
        }
        self.push_operator(op, line, right_end)
    }

    fn push_operator(
        &mut self,
        op: BinaryOp,
        line: Line,
        right_end: Line,
    ) -> Result<(), Unreadable> {
        self.fetch(1, line);
        if self.operators.len() > 2 * MAX_PENDING {
            return Err(Unreadable);
        }
        self.operators.push(Pending {
            op: Some(op),
            line,
            right_end,
        });
        Ok(())
    }

    /// Ends a chain: its operands become one expression.
    pub(crate) fn end_chain(&mut self) {
        self.reduce(0);
        self.operators.pop();
    }

    /// Whether the last pending operator binds at least as strongly as one of that left priority.
    fn is_reducible(&self, left_priority: u8) -> bool {
        match self.operators.last() {
            Some(&Pending { op: Some(op), .. }) => left_priority <= priority(op).1,
            _ => false,
        }
    }

    /// Combines the operands of all such operators.
    fn reduce(&mut self, left_priority: u8) {
        while self.is_reducible(left_priority)
            && let Some(Pending {
                op: Some(op),
                line,
                right_end,
            }) = self.operators.pop()
        {
            let line = if is_comparison(op) { right_end } else { line };
            self.binary(op, line);
        }
    }

    fn binary(&mut self, op: BinaryOp, line: Line) {
        let right = self.expr();
        let left = self.expr();
        self.push(ExprKind::Binary(op, Box::new(Pair(left, right))), line);
    }

    /// Begins an operation whose operand follows: a unary one, or `^` (`None`).
    pub(crate) fn begin_prefix(
        &mut self,
        op: Option<UnaryOp>,
        line: Line,
    ) -> Result<(), Unreadable> {
        if op.is_none() {
            self.fetch(0, line);
        }
        self.prefixes.push(Prefix { op, line });
        if self.prefixes.len() > MAX_PENDING {
            return Err(Unreadable);
        }
        Ok(())
    }

    /// Ends it.
    pub(crate) fn end_prefix(&mut self) {
        match self.prefixes.pop() {
            Some(Prefix { op: Some(op), line }) => {
                let operand = self.expr();
                self.push(ExprKind::Unary(op, Box::new(operand)), line);
            }
            Some(Prefix { op: None, line }) => self.binary(BinaryOp::Pow, line),
            None => {}
        }
    }
}
