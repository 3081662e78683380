//! The main function, statement by statement, while the rest of the text is still being parsed.
//!
//! As soon as a statement of the main function is complete it is resolved; then the functions in
//! it are compiled and their trees dropped. So the memory (and cache) that a long text needs is
//! that of its longest function and of its code, not of its whole tree. The main function itself
//! is compiled at the end, when it is known which of its variables are captured.

use crate::ast::*;
use crate::bytecode::proto::Proto;
use crate::compiler::LimitError;
use crate::resolve::MainResolver;

/// Compiles a function of the main function.
pub(crate) type CompileInner<'h> =
    dyn FnMut(&Function, &Interner, &[ConstantValue]) -> Result<Proto, LimitError> + 'h;

/// Why the chunk is no valid program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    /// The resolver refuses it.
    Scope,
    /// A function exceeds a limit of the virtual machine.
    Limit(LimitError),
}

/// The statements of the main function so far.
pub(crate) struct MainFunction<'h> {
    resolver: MainResolver,
    compile: Option<&'h mut CompileInner<'h>>,
    stats: Vec<Stat>,
    /// The first of the labels at the end of `stats` that are not resolved, as it matters what
    /// follows them.
    first_label: usize,
    failure: Option<Failure>,
}

impl<'h> MainFunction<'h> {
    /// An empty main function; without `compile`, the trees of its functions are kept.
    pub(crate) fn new(compile: Option<&'h mut CompileInner<'h>>) -> Self {
        Self {
            resolver: MainResolver::new(),
            compile,
            stats: Vec::new(),
            first_label: 0,
            failure: None,
        }
    }

    /// Adds complete statements.
    pub(crate) fn extend(&mut self, stats: impl Iterator<Item = Stat>, interner: &Interner) {
        for stat in stats {
            if self.failure.is_none() {
                self.failure = self.add(stat, interner).err();
            }
        }
    }

    fn add(&mut self, stat: Stat, interner: &Interner) -> Result<(), Failure> {
        let is_label = matches!(stat.kind, StatKind::Label(_));
        if !is_label {
            self.labels(false)?;
        }
        self.stats.push(stat);
        if is_label {
            return Ok(());
        }
        self.first_label = self.stats.len();
        let Some(stat) = self.stats.last_mut() else {
            return Ok(());
        };
        let has_functions = self.resolver.statement(stat).map_err(|_| Failure::Scope)?;
        if let Some(compile) = self.compile.as_mut().filter(|_| has_functions) {
            let constants = self.resolver.constants();
            each_function(stat, &mut |function| {
                let proto = compile(function, interner, constants).map_err(Failure::Limit)?;
                function.compiled.set(Some(Box::new(proto)));
                function.body = Block::default();
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Resolves the labels at the end of the statements; `last` tells whether the function ends.
    fn labels(&mut self, last: bool) -> Result<(), Failure> {
        let labels = &self.stats[self.first_label..];
        self.resolver
            .labels(labels, last)
            .map_err(|_| Failure::Scope)
    }

    /// Ends the function. The final return belongs to `last_line`.
    pub(crate) fn finish(mut self, last_line: Line) -> Result<Chunk, Failure> {
        match self.failure {
            Some(failure) => return Err(failure),
            None => self.labels(true)?,
        }
        let (info, constants) = self.resolver.finish().map_err(|_| Failure::Scope)?;
        let main = Function {
            is_vararg: true,
            body: Block {
                stats: self.stats,
                last_line,
            },
            ..Function::default()
        };
        main.info.set(info);
        Ok(Chunk { main, constants })
    }
}

type Visit<'v> = dyn FnMut(&mut Function) -> Result<(), Failure> + 'v;

/// Visits the functions in a statement, but not those inside them.
fn each_function(stat: &mut Stat, visit: &mut Visit<'_>) -> Result<(), Failure> {
    match &mut stat.kind {
        StatKind::Local { values, .. } | StatKind::Return(values) => in_exprs(values, visit),
        StatKind::Assign { targets, values } => {
            in_exprs(targets, visit)?;
            in_exprs(values, visit)
        }
        StatKind::Call(call) => in_expr(call, visit),
        StatKind::Do(body) => in_block(body, visit),
        StatKind::While { cond, body } | StatKind::Repeat { body, cond } => {
            in_expr(cond, visit)?;
            in_block(body, visit)
        }
        StatKind::If { arms, otherwise } => {
            for arm in arms {
                in_expr(&mut arm.cond, visit)?;
                in_block(&mut arm.body, visit)?;
            }
            otherwise
                .iter_mut()
                .try_for_each(|block| in_block(block, visit))
        }
        StatKind::NumericFor(numeric) => {
            in_expr(&mut numeric.start, visit)?;
            in_expr(&mut numeric.limit, visit)?;
            numeric
                .step
                .iter_mut()
                .try_for_each(|step| in_expr(step, visit))?;
            in_block(&mut numeric.body, visit)
        }
        StatKind::GenericFor(generic) => {
            in_exprs(&mut generic.values, visit)?;
            in_block(&mut generic.body, visit)
        }
        StatKind::Function { target, function } => {
            in_expr(target, visit)?;
            visit(function)
        }
        StatKind::LocalFunction { function, .. } => visit(function),
        StatKind::Break | StatKind::Goto(_) | StatKind::Label(_) => Ok(()),
    }
}

fn in_block(block: &mut Block, visit: &mut Visit<'_>) -> Result<(), Failure> {
    block
        .stats
        .iter_mut()
        .try_for_each(|stat| each_function(stat, visit))
}

fn in_exprs(exprs: &mut [Expr], visit: &mut Visit<'_>) -> Result<(), Failure> {
    exprs.iter_mut().try_for_each(|expr| in_expr(expr, visit))
}

/// Goes down the left spine in a loop.
fn in_expr(expr: &mut Expr, visit: &mut Visit<'_>) -> Result<(), Failure> {
    let mut node = expr;
    loop {
        match &mut node.kind {
            ExprKind::Function(function) => visit(function)?,
            ExprKind::Index(pair) | ExprKind::Binary(_, pair) => in_expr(&mut pair.1, visit)?,
            ExprKind::Call(call) => in_exprs(&mut call.args, visit)?,
            ExprKind::MethodCall(call) => in_exprs(&mut call.args, visit)?,
            ExprKind::Unary(_, inner) | ExprKind::Paren(inner) => in_expr(inner, visit)?,
            ExprKind::Table(items) => {
                for item in items.iter_mut() {
                    match item {
                        TableItem::Positional(value) | TableItem::Named(_, value) => {
                            in_expr(value, visit)?;
                        }
                        TableItem::Keyed(pair, _) => {
                            in_expr(&mut pair.0, visit)?;
                            in_expr(&mut pair.1, visit)?;
                        }
                        TableItem::Integers(_) => {}
                    }
                }
            }
            _ => {}
        }
        match node.left_mut() {
            Some(left) => node = left,
            None => return Ok(()),
        }
    }
}
