//! What the grammar's actions build the tree with.
//!
//! What is complete is a node in a [`Tree`]; what its parents are still to be made of waits on
//! stacks here: the numbers of expressions; statements, blocks, names, table entries, which go to
//! the tree as lists. The parser's own stack holds only numbers (how many elements of a list there
//! are, where on a stack it begins), which keeps its symbols at eight bytes. The stacks nest as the
//! program does.
//!
//! A statement of the main function is handed on as soon as it is complete (see streaming.rs).
//!
//! Binary operators are resolved here by precedence (manual §3.4.8): the grammar only sees a
//! chain of operands and operators, which saves it a reduction per precedence level and operand.

use std::cell::Cell;

use crate::ast::*;
use crate::streaming::{Failure, MainFunction};
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
pub(crate) struct Builder<'c, 'h> {
    shared: &'c Shared,
    trees: Trees,
    main: MainFunction<'h>,
    exprs: Vec<ExprId>,
    stats: Vec<Stat>,
    blocks: Vec<Block>,
    /// How many blocks are open, the main function's included.
    open_blocks: usize,
    /// How many functions are open, the main function not included.
    open_functions: usize,
    functions: Vec<Id<Function>>,
    names: Vec<LocalDecl>,
    items: Vec<TableItem>,
    arms: Vec<IfArm>,
    operators: Vec<Pending>,
    prefixes: Vec<Prefix>,
    /// Set when the program is wrong although it fits the grammar.
    pub(crate) invalid: bool,
}

/// An element of a stack that the grammar has pushed.
const PUSHED: &str = "the grammar has pushed what it takes";

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

/// Notes that the value of a variable or a constant is fetched at `line` only. A value that has
/// been computed already keeps its line.
#[inline]
fn fetch_at(expr: &mut Expr, line: Line) {
    use ExprKind::{False, Field, Float, Index, Integer, Name, Nil, String, True};
    if matches!(
        expr.kind,
        Index(..) | Field(..) | Name(..) | Nil | True | False | Integer(_) | Float(_) | String(_)
    ) {
        expr.line = line;
    }
}

/// The 32-bit integer that an expression obviously is, and the line of its numeral.
#[inline]
fn small_integer(tree: &Tree, expr: ExprId) -> Option<(i32, Line)> {
    let expr = &tree[expr];
    match expr.kind {
        ExprKind::Integer(value) => Some((i32::try_from(value.integer()).ok()?, expr.line)),
        ExprKind::Unary(UnaryOp::Neg, inner) => match &tree[inner] {
            Expr {
                kind: ExprKind::Integer(value),
                line,
            } => Some((i32::try_from(value.integer().checked_neg()?).ok()?, *line)),
            _ => None,
        },
        _ => None,
    }
}

impl<'c, 'h> Builder<'c, 'h> {
    /// A builder for a text of `length` bytes; `shared` is shared with the token stream. The
    /// statements go to `main`.
    pub(crate) fn new(shared: &'c Shared, length: usize, main: MainFunction<'h>) -> Self {
        Self {
            shared,
            trees: Trees::for_text(length),
            main,
            exprs: Vec::new(),
            stats: Vec::new(),
            blocks: Vec::new(),
            open_blocks: 0,
            open_functions: 0,
            functions: Vec::new(),
            names: Vec::new(),
            items: Vec::new(),
            arms: Vec::new(),
            operators: Vec::new(),
            prefixes: Vec::new(),
            invalid: false,
        }
    }

    /// The tree that the innermost open function's nodes belong to.
    #[inline]
    fn tree(&mut self) -> &mut Tree {
        self.trees.of_depth(self.open_functions)
    }

    /// Ends the main function, whose block has been closed.
    pub(crate) fn finish(mut self) -> Result<Chunk, Failure> {
        let last_line = self.block().last_line;
        self.main.finish(self.trees, last_line)
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
        let tree = self.trees.of_depth(self.open_functions);
        let block = Block {
            stats: tree.add_list(&mut self.stats, start as usize),
            last_line: self.previous_line(),
        };
        self.blocks.push(block);
    }

    /// The block that was closed last.
    pub(crate) fn block(&mut self) -> Block {
        self.blocks.pop().expect(PUSHED)
    }

    /// Adds a statement between these lines.
    #[inline]
    pub(crate) fn stat(&mut self, kind: StatKind, line: Line, end_line: Line) {
        let stat = Stat {
            kind,
            line,
            end_line,
        };
        if self.open_blocks == 1 {
            let interner = self.shared.interner.borrow();
            self.main.add(stat, &mut self.trees, &interner);
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
        self.fetch(0, then_line);
        let cond = self.expr();
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
        let tree = self.trees.of_depth(self.open_functions);
        StatKind::If {
            arms: tree.add_list(&mut self.arms, start as usize),
            otherwise,
        }
    }

    /// A numeric `for` with or without a step, `do` and `for` standing at these lines.
    pub(crate) fn numeric_for(
        &mut self,
        var: List<LocalDecl>,
        has_step: bool,
        do_line: Line,
        loop_line: Line,
    ) -> StatKind {
        let step = has_step.then(|| self.expr());
        let limit = self.expr();
        let node = NumericFor {
            var,
            start: self.expr(),
            limit,
            step,
            do_line,
            loop_line,
            body: self.block(),
        };
        StatKind::NumericFor(self.tree().add(node))
    }

    /// A generic `for` over the variables `names` and `count` values; the lines are those of `do`
    /// and of the first value.
    pub(crate) fn generic_for(
        &mut self,
        names: u32,
        count: u32,
        do_line: Line,
        loop_line: Line,
    ) -> StatKind {
        let node = GenericFor {
            names: self.names(names),
            values: self.exprs(count),
            do_line,
            loop_line,
            body: self.block(),
        };
        StatKind::GenericFor(self.tree().add(node))
    }

    // --- Names and functions ---

    /// Adds a declared name to a list.
    pub(crate) fn name(&mut self, name: Symbol, attrib: Attrib, line: Line) {
        self.names.push(LocalDecl {
            name,
            attrib,
            line,
            id: Cell::new(LocalId(0)),
        });
    }

    /// The list of the last `count` names.
    pub(crate) fn names(&mut self, count: u32) -> List<LocalDecl> {
        let start = self.names.len() - count as usize;
        let tree = self.trees.of_depth(self.open_functions);
        tree.add_list(&mut self.names, start)
    }

    /// A list of this name.
    pub(crate) fn declaration(&mut self, name: Symbol, line: Line) -> List<LocalDecl> {
        self.name(name, Attrib::None, line);
        self.names(1)
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

    /// Begins a function; its parameters are named next.
    pub(crate) fn open_function(&mut self) {
        self.open_functions += 1;
        // The place of a method's `self`.
        self.name(predefined::SELF, Attrib::None, 0);
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
        let params = self.names(count + 1).rest();
        let body = self.block();
        self.open_functions -= 1;
        let function = Function {
            params,
            is_vararg,
            body,
            line,
            end_line,
            info: ResolvedInfo::default(),
            compiled: CompiledFunction::default(),
        };
        let function = self.tree().add(function);
        self.functions.push(function);
    }

    /// The function that was closed last.
    pub(crate) fn function(&mut self) -> Id<Function> {
        self.functions.pop().expect(PUSHED)
    }

    /// The function statement for that function, whose target is the last expression; a method
    /// has its name and the name's line.
    pub(crate) fn function_stat(&mut self, line: Line, method: Option<(Symbol, Line)>) -> StatKind {
        let function = self.function();
        let tree = self.trees.of_depth(self.open_functions);
        tree[function].line = line;
        if let Some((name, at)) = method {
            let params = tree[function].params.with_previous();
            tree[function].params = params;
            if let Some(this) = self.trees.inner[params].first_mut() {
                this.line = at;
            }
            self.field(name, at);
        }
        StatKind::Function {
            target: self.expr(),
            function,
        }
    }

    // --- Expressions: each method pops its parts and pushes the whole ---

    /// Adds an expression.
    #[inline]
    pub(crate) fn push(&mut self, kind: ExprKind, line: Line) {
        let expr = self.tree().add(Expr { kind, line });
        self.exprs.push(expr);
    }

    /// Takes the last expression.
    #[inline]
    pub(crate) fn expr(&mut self) -> ExprId {
        self.exprs.pop().expect(PUSHED)
    }

    /// Takes the last `count` expressions.
    #[inline]
    pub(crate) fn exprs(&mut self, count: u32) -> Exprs {
        let start = self.exprs.len() - count as usize;
        let tree = self.trees.of_depth(self.open_functions);
        tree.add_list(&mut self.exprs, start)
    }

    /// The line of the token before the parser's look-ahead.
    #[inline]
    pub(crate) fn previous_line(&self) -> Line {
        self.shared.previous_line.get()
    }

    /// Notes that the last expression but `after` is fetched at `line`.
    #[inline]
    pub(crate) fn fetch(&mut self, after: usize, line: Line) {
        let expr = self.exprs[self.exprs.len() - 1 - after];
        fetch_at(&mut self.tree()[expr], line);
    }

    /// A variable.
    #[inline]
    pub(crate) fn variable(&mut self, name: Symbol, line: Line) {
        self.push(ExprKind::Name(name, ResolvedBinding::default()), line);
    }

    /// The numeral of token `Number(n)`.
    pub(crate) fn number(&mut self, n: u32, line: Line) {
        let (is_float, bits) = &self.shared.numbers[n as usize & 1];
        let literal = Literal::new(bits.get());
        if is_float.get() {
            self.push(ExprKind::Float(literal), line);
        } else {
            self.push(ExprKind::Integer(literal), line);
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
        self.push(ExprKind::Index(object, key), line);
    }

    /// `object.key`
    pub(crate) fn field(&mut self, key: Symbol, line: Line) {
        let object = self.expr();
        self.push(ExprKind::Field(object, key), line);
    }

    /// `(inner)`, closed at `line`.
    pub(crate) fn paren(&mut self, line: Line) {
        self.fetch(0, line);
        let inner = self.expr();
        self.push(ExprKind::Paren(inner), line);
    }

    /// `callee(args)` with `count` arguments that begin at `line`.
    pub(crate) fn call(&mut self, count: u32, line: Line) {
        let args = self.exprs(count);
        let callee = self.expr();
        let call = self.tree().add(Call { callee, args });
        self.push(ExprKind::Call(call), line);
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
        self.fetch(0, method_line);
        let call = MethodCall {
            object: self.expr(),
            method,
            method_line,
            args,
        };
        let call = self.tree().add(call);
        self.push(ExprKind::MethodCall(call), line);
    }

    /// Adds the last expression to a table that has `count` entries; yields how many it has now.
    pub(crate) fn positional(&mut self, count: u32) -> u32 {
        let value = self.expr();
        if count >= MIN_ENTRIES_BEFORE_RUN && self.add_to_run(value) {
            return count;
        }
        self.items.push(TableItem::Positional(value));
        count + 1
    }

    /// Adds an integer to the run that the last item is or becomes; whether that could be done.
    fn add_to_run(&mut self, value: ExprId) -> bool {
        let tree = self.trees.of_depth(self.open_functions);
        let Some(integer) = small_integer(tree, value) else {
            return false;
        };
        match self.items.last_mut() {
            Some(&mut TableItem::Integers(run)) if tree[run].len() < MAX_RUN => {
                tree[run].push(integer);
            }
            Some(item) => {
                let &mut TableItem::Positional(previous) = item else {
                    return false;
                };
                let Some(previous) = small_integer(tree, previous) else {
                    return false;
                };
                let mut run = Vec::with_capacity(16);
                run.extend([previous, integer]);
                *item = TableItem::Integers(tree.add(run));
            }
            None => return false,
        }
        // The numeral is not needed as an expression.
        if let ExprKind::Integer(_) = tree[value].kind {
            tree.remove_last(value);
        }
        true
    }

    /// Adds `name = value` to a table.
    pub(crate) fn named(&mut self, name: Symbol) {
        let value = self.expr();
        let line = self.previous_line();
        self.items.push(TableItem::Named(name, value, line));
    }

    /// Adds `[key] = value` to a table; the value's last token stands at `line`.
    pub(crate) fn keyed(&mut self, line: Line) {
        let value = self.expr();
        let key = self.expr();
        self.items.push(TableItem::Keyed(key, value, line));
    }

    /// Notes that a token at `line` follows the last entry: its value is fetched there.
    pub(crate) fn end_item(&mut self, line: Line) {
        match self.items.last() {
            Some(&TableItem::Positional(value)) => fetch_at(&mut self.tree()[value], line),
            Some(&TableItem::Integers(run)) => {
                if let Some(last) = self.tree()[run].last_mut() {
                    last.1 = line;
                }
            }
            _ => {}
        }
    }

    /// The table of `count` entries that is closed at `close`. It is made before its brace is read:
    /// at the line of the token `before` it.
    pub(crate) fn table(&mut self, count: u32, before: Line, close: Line) {
        let start = self.items.len() - count as usize;
        if count > 0 {
            self.end_item(close);
        }
        if close != before {
            self.items.push(TableItem::Close(close));
        }
        let tree = self.trees.of_depth(self.open_functions);
        let items = tree.add_list(&mut self.items, start);
        self.push(ExprKind::Table(items), before);
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
        self.push(ExprKind::Binary(op, left, right), line);
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
                self.push(ExprKind::Unary(op, operand), line);
            }
            Some(Prefix { op: None, line }) => self.binary(BinaryOp::Pow, line),
            None => {}
        }
    }
}
