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

/// Compiles a function of the main function; the tree is that of its body.
pub(crate) type CompileInner<'h> =
    dyn FnMut(&Function, &Tree, &Interner, &[ConstantValue]) -> Result<Proto, LimitError> + 'h;

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
    /// How many functions of the main function's tree have been dealt with.
    functions: usize,
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
            functions: 0,
            failure: None,
        }
    }

    /// Adds a complete statement.
    pub(crate) fn add(&mut self, stat: Stat, trees: &mut Trees, interner: &Interner) {
        if self.failure.is_none() {
            self.failure = self.process(stat, trees, interner).err();
        }
        if self.compile.is_some() {
            trees.inner.clear();
        }
    }

    fn process(
        &mut self,
        stat: Stat,
        trees: &mut Trees,
        interner: &Interner,
    ) -> Result<(), Failure> {
        let is_label = matches!(stat.kind, StatKind::Label(_));
        if !is_label {
            self.labels(trees, false)?;
        }
        self.stats.push(stat);
        if is_label {
            return Ok(());
        }
        self.first_label = self.stats.len();
        self.resolver
            .statement(&stat, trees)
            .map_err(|_| Failure::Scope)?;
        if let Some(compile) = &mut self.compile {
            let constants = self.resolver.constants();
            for function in trees.main.from_mut::<Function>(self.functions) {
                let proto =
                    compile(function, &trees.inner, interner, constants).map_err(Failure::Limit)?;
                function.compiled.set(Some(Box::new(proto)));
                function.body = Block::default();
                self.functions += 1;
            }
        }
        Ok(())
    }

    /// Resolves the labels at the end of the statements; `last` tells whether the function ends.
    fn labels(&mut self, trees: &Trees, last: bool) -> Result<(), Failure> {
        let labels = &self.stats[self.first_label..];
        self.resolver
            .labels(labels, trees, last)
            .map_err(|_| Failure::Scope)
    }

    /// Ends the function. The final return belongs to `last_line`.
    pub(crate) fn finish(mut self, mut trees: Trees, last_line: Line) -> Result<Chunk, Failure> {
        match self.failure {
            Some(failure) => return Err(failure),
            None => self.labels(&trees, true)?,
        }
        let (info, constants) = self.resolver.finish().map_err(|_| Failure::Scope)?;
        let main = Function {
            is_vararg: true,
            body: Block {
                stats: trees.main.add_list(&mut self.stats, 0),
                last_line,
            },
            ..Function::default()
        };
        main.info.set(info);
        Ok(Chunk {
            main,
            constants,
            trees,
        })
    }
}
