//! The resolver: decides what every name stands for and fills in what the compiler wants to know
//! about variables and functions.
//!
//! It visits the tree in the order of PUC's single pass, so upvalues are numbered alike, and
//! counts nesting alike. It only tells *that* a program is wrong; why, and where, is found by the
//! diagnosis, as the first error in the text need not be the first found here.
//!
//! Left spines are walked in loops (see the tree's module text).

pub(crate) mod scope;

use crate::ast::*;
use crate::fold::{fold_binary, fold_unary};
use scope::{ScopeError, Scopes};

/// The deepest nesting of statements and expressions, which is what PUC's limit of 200 C calls
/// leaves for a chunk loaded by a script.
pub(crate) const MAX_DEPTH: usize = 197;

type Result = std::result::Result<(), ScopeError>;

/// Resolves the main function, a statement at a time.
pub(crate) struct MainResolver {
    scopes: Scopes,
}

impl MainResolver {
    /// At the beginning of the main function.
    pub(crate) fn new() -> Self {
        let mut scopes = Scopes::default();
        scopes.open_function(0);
        Self { scopes }
    }

    /// Resolves the next statement, which is no label.
    pub(crate) fn statement(&mut self, stat: &Stat, trees: &Trees) -> Result {
        let mut resolver = Resolver::new(&mut self.scopes, trees);
        resolver.enter(1)?;
        resolver.stat(stat)
    }

    /// Resolves labels that stand together; `last` tells whether the function ends after them.
    pub(crate) fn labels(&mut self, labels: &[Stat], trees: &Trees, last: bool) -> Result {
        Resolver::new(&mut self.scopes, trees).labels(labels, last)
    }

    /// The values of the compile-time constants so far.
    pub(crate) fn constants(&self) -> &[ConstantValue] {
        self.scopes.constants()
    }

    /// Ends the main function: what was found out about it, and the compile-time constants.
    pub(crate) fn finish(
        mut self,
    ) -> std::result::Result<(FunctionInfo, Vec<ConstantValue>), ScopeError> {
        let info = self.scopes.close_function()?;
        Ok((info, self.scopes.into_constants()))
    }
}

struct Resolver<'t, 's> {
    scopes: &'s mut Scopes,
    /// The nodes of the function being visited.
    tree: &'t Tree,
    /// Those of the functions in it.
    inner: &'t Tree,
    depth: usize,
    /// Nodes of the left spines being visited.
    spine: Vec<&'t Expr>,
}

impl<'t, 's> Resolver<'t, 's> {
    fn new(scopes: &'s mut Scopes, trees: &'t Trees) -> Self {
        Self {
            scopes,
            tree: &trees.main,
            inner: &trees.inner,
            depth: 0,
            spine: Vec::new(),
        }
    }

    fn enter(&mut self, levels: usize) -> Result {
        self.depth += levels;
        if self.depth > MAX_DEPTH {
            return Err(ScopeError::Depth);
        }
        Ok(())
    }

    fn leave(&mut self, levels: usize) {
        self.depth -= levels;
    }

    // --- Functions and statements ---

    fn function(&mut self, function: Id<Function>) -> Result {
        let function = &self.tree[function];
        let outer = std::mem::replace(&mut self.tree, self.inner);
        self.scopes.open_function(function.line);
        self.declare(function.params)?;
        self.scopes.activate(function.params.len());
        self.scopes.set_vararg(function.is_vararg);
        self.stats(function.body, false)?;
        function.info.set(self.scopes.close_function()?);
        self.tree = outer;
        Ok(())
    }

    fn declare(&mut self, names: List<LocalDecl>) -> Result {
        for declaration in &self.tree[names] {
            let id = self.scopes.declare(declaration.name, declaration.attrib)?;
            declaration.id.set(id);
        }
        Ok(())
    }

    fn block(&mut self, block: Block, is_loop: bool) -> Result {
        self.scopes.enter_block(is_loop);
        self.stats(block, false)?;
        self.scopes.leave_block()
    }

    /// Visits the statements of a block whose scope is open.
    fn stats(&mut self, block: Block, before_until: bool) -> Result {
        let stats = &self.tree[block.stats];
        let mut index = 0;
        while let Some(stat) = stats.get(index) {
            if let StatKind::Label(_) = stat.kind {
                let rest = &stats[index..];
                let is_label = |stat: &&Stat| matches!(stat.kind, StatKind::Label(_));
                let count = rest.iter().take_while(is_label).count();
                self.labels(&rest[..count], count == rest.len() && !before_until)?;
                index += count;
                continue;
            }
            self.enter(1)?;
            self.stat(stat)?;
            self.leave(1);
            index += 1;
        }
        Ok(())
    }

    /// Visits labels that stand together, the last one first, as PUC's parser recurs through them
    /// before it records them; `last` tells whether they end their block.
    fn labels(&mut self, labels: &[Stat], last: bool) -> Result {
        self.enter(labels.len())?;
        self.leave(labels.len());
        for stat in labels.iter().rev() {
            if let StatKind::Label(name) = stat.kind {
                self.scopes.label(name, stat.line, last)?;
            }
        }
        Ok(())
    }

    fn stat(&mut self, stat: &Stat) -> Result {
        match stat.kind {
            StatKind::Local { names, values } => self.local(names, values),
            StatKind::Assign { targets, values } => self.assign(targets, values),
            StatKind::Call(call) => self.spine(call),
            StatKind::Do(body) => self.block(body, false),
            StatKind::While { cond, body } => {
                self.expr(cond)?;
                self.scopes.enter_block(true);
                self.block(body, false)?;
                self.scopes.leave_block()
            }
            StatKind::Repeat { body, cond } => {
                self.scopes.enter_block(true);
                self.scopes.enter_block(false);
                self.stats(body, true)?;
                self.expr(cond)?;
                self.scopes.leave_block()?;
                self.scopes.leave_block()
            }
            StatKind::If { arms, otherwise } => {
                for arm in &self.tree[arms] {
                    self.expr(arm.cond)?;
                    self.block(arm.body, false)?;
                }
                match otherwise {
                    Some(block) => self.block(block, false),
                    None => Ok(()),
                }
            }
            StatKind::NumericFor(numeric) => self.numeric_for(&self.tree[numeric]),
            StatKind::GenericFor(generic) => self.generic_for(&self.tree[generic]),
            StatKind::Function { target, function } => {
                self.spine(target)?;
                self.function(function)?;
                self.assign_to(target)
            }
            StatKind::LocalFunction { name, function } => {
                self.declare(name)?;
                self.scopes.activate(1);
                self.function(function)
            }
            StatKind::Return(values) => self.exprs(values),
            StatKind::Break => {
                self.scopes.break_loop(stat.line);
                Ok(())
            }
            StatKind::Goto(label) => {
                self.scopes.goto(label, stat.line);
                Ok(())
            }
            StatKind::Label(name) => self.scopes.label(name, stat.line, false),
        }
    }

    fn local(&mut self, names: List<LocalDecl>, values: Exprs) -> Result {
        let declarations = &self.tree[names];
        let is_close = |declaration: &&LocalDecl| declaration.attrib == Attrib::Close;
        if declarations.iter().filter(is_close).count() > 1 {
            return Err(ScopeError::MultipleClose);
        }
        self.declare(names)?;
        self.exprs(values)?;
        if let (Some(declaration), Some(&value)) = (declarations.last(), self.tree[values].last())
            && names.len() == values.len()
            && declaration.attrib == Attrib::Const
            && let Some(constant) = constant_value(self.tree, value, self.scopes.constants())
        {
            self.scopes.set_constant(constant);
        }
        self.scopes.activate(names.len());
        Ok(())
    }

    fn assign(&mut self, targets: Exprs, values: Exprs) -> Result {
        for (index, &target) in self.tree[targets].iter().enumerate() {
            // PUC recurs for each target after the first.
            self.enter(usize::from(index > 1))?;
            self.spine(target)?;
            self.assign_to(target)?;
        }
        self.enter(usize::from(targets.len() > 1))?;
        self.exprs(values)?;
        self.leave(targets.len() - 1);
        Ok(())
    }

    fn assign_to(&mut self, target: ExprId) -> Result {
        match &self.tree[target].kind {
            ExprKind::Name(name, binding) => self.scopes.assign(*name, binding.get()),
            _ => Ok(()),
        }
    }

    fn numeric_for(&mut self, numeric: &NumericFor) -> Result {
        self.scopes.enter_block(true);
        self.scopes.declare_hidden(3)?;
        self.declare(numeric.var)?;
        self.expr(numeric.start)?;
        self.expr(numeric.limit)?;
        if let Some(step) = numeric.step {
            self.expr(step)?;
        }
        self.scopes.activate(3);
        self.for_body(1, numeric.body)
    }

    fn generic_for(&mut self, generic: &GenericFor) -> Result {
        self.scopes.enter_block(true);
        self.scopes.declare_hidden(4)?;
        self.declare(generic.names)?;
        self.exprs(generic.values)?;
        self.scopes.activate(4);
        self.for_body(generic.names.len(), generic.body)
    }

    fn for_body(&mut self, variables: usize, body: Block) -> Result {
        self.scopes.enter_block(false);
        self.scopes.activate(variables);
        self.block(body, false)?;
        self.scopes.leave_block()?;
        self.scopes.leave_block()
    }

    // --- Expressions ---

    fn exprs(&mut self, exprs: Exprs) -> Result {
        let tree = self.tree;
        tree[exprs].iter().try_for_each(|&expr| self.expr(expr))
    }

    fn expr(&mut self, id: ExprId) -> Result {
        if self.depth < MAX_DEPTH {
            // Most expressions are one token.
            match &self.tree[id].kind {
                ExprKind::Name(name, binding) => {
                    binding.set(self.scopes.resolve(*name)?);
                    return Ok(());
                }
                ExprKind::Nil
                | ExprKind::True
                | ExprKind::False
                | ExprKind::Integer(_)
                | ExprKind::Float(_)
                | ExprKind::String(_) => return Ok(()),
                _ => {}
            }
        }
        self.enter(1)?;
        self.spine(id)?;
        self.leave(1);
        Ok(())
    }

    /// Visits an expression that adds no nesting of its own.
    fn spine(&mut self, id: ExprId) -> Result {
        let tree = self.tree;
        let bottom = self.spine.len();
        let mut node = &tree[id];
        while let Some(left) = node.left(tree) {
            self.spine.push(node);
            node = left;
        }
        self.leaf(node)?;
        while self.spine.len() > bottom
            && let Some(node) = self.spine.pop()
        {
            match node.kind {
                ExprKind::Index(_, right) | ExprKind::Binary(_, _, right) => self.expr(right)?,
                ExprKind::Call(call) => self.exprs(tree[call].args)?,
                ExprKind::MethodCall(call) => self.exprs(tree[call].args)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Visits an expression without left child.
    fn leaf(&mut self, expr: &Expr) -> Result {
        match &expr.kind {
            ExprKind::Name(name, binding) => {
                binding.set(self.scopes.resolve(*name)?);
                Ok(())
            }
            ExprKind::Vararg => self.scopes.vararg(),
            ExprKind::Function(function) => self.function(*function),
            ExprKind::Table(items) => {
                let tree = self.tree;
                tree[*items].iter().try_for_each(|item| match *item {
                    TableItem::Positional(value) | TableItem::Named(_, value, _) => {
                        self.expr(value)
                    }
                    TableItem::Keyed(key, value, _) => {
                        self.expr(key)?;
                        self.expr(value)
                    }
                    TableItem::Integers(_) | TableItem::Close(_) => Ok(()),
                })
            }
            ExprKind::Unary(_, operand) => self.expr(*operand),
            ExprKind::Paren(inner) => self.expr(*inner),
            _ => Ok(()),
        }
    }
}

/// The value of a resolved expression if it is a compile-time constant (manual §3.3.7): a literal,
/// one of `constants`, or what folds to one.
fn constant_value(tree: &Tree, expr: ExprId, constants: &[ConstantValue]) -> Option<ConstantValue> {
    let mut spine = Vec::new();
    let mut node = &tree[expr];
    while let ExprKind::Binary(op, left, right) = node.kind {
        spine.push((op, right));
        node = &tree[left];
    }
    let mut value = match &node.kind {
        ExprKind::Nil => ConstantValue::Nil,
        ExprKind::True => ConstantValue::Boolean(true),
        ExprKind::False => ConstantValue::Boolean(false),
        ExprKind::Integer(literal) => ConstantValue::Integer(literal.integer()),
        ExprKind::Float(literal) => ConstantValue::Float(literal.float()),
        ExprKind::String(symbol) => ConstantValue::String(*symbol),
        ExprKind::Name(_, binding) => match binding.get() {
            Binding::Constant(id) => constants[id.0 as usize],
            _ => return None,
        },
        ExprKind::Paren(inner) => constant_value(tree, *inner, constants)?,
        ExprKind::Unary(op, operand) => {
            fold_unary(*op, constant_value(tree, *operand, constants)?)?
        }
        _ => return None,
    };
    while let Some((op, right)) = spine.pop() {
        value = match op {
            BinaryOp::And if is_truthy(value) => constant_value(tree, right, constants)?,
            BinaryOp::Or if !is_truthy(value) => constant_value(tree, right, constants)?,
            _ => fold_binary(op, value, constant_value(tree, right, constants)?)?,
        };
    }
    Some(value)
}

fn is_truthy(value: ConstantValue) -> bool {
    !matches!(value, ConstantValue::Nil | ConstantValue::Boolean(false))
}
