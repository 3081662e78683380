//! From the resolved syntax tree to bytecode, one pass per function.
//!
//! The code generator works with *operands*: descriptions of where the value of an expression is
//! or how it can be had (`operand.rs`). Code is emitted as late as possible, so that
//! `local x = a + b` adds right into the register of `x` and a comparison becomes one fused jump.
//! Registers are a stack: the active locals, then temporaries.
//!
//! Files: `function` (state, emission, registers), `constants`, `operand` (discharging), `jump`
//! (lists of jumps and where they go), `condition` (comparisons, `and`, `or`, `not`),
//! `expression` (dispatch, arithmetic, names, indexing), `call`, `table`, `assign`, `statement`,
//! `scope` (blocks, labels, locals), `loops`, `finish` (encoding of jumps).
//!
//! Invariants:
//! - A captured local's register holds a cell from its declaration to the end of its scope.
//! - A register is read only where every path has written it (`bytecode::verify` proves it).
//! - Every backward jump is a `Loop`, `ForLoop` or `GenericForLoop`.

mod assign;
mod buffers;
mod call;
mod condition;
mod constants;
mod expression;
mod finish;
mod function;
mod jump;
mod loops;
mod operand;
mod scope;
mod statement;
mod table;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use crate::ast::{
    Attrib, Chunk, ConstantValue, Function, Interner, Line, Tree, UpvalueInfo, UpvalueSource,
};
use crate::bytecode::proto::{Proto, Upvalue};
pub(crate) use buffers::BufferPool;
use function::FunctionState;

/// A limit of the virtual machine that a function exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitError {
    /// What is wrong, in the reference implementation's words.
    pub(crate) message: &'static str,
    /// The line where it went wrong.
    pub(crate) line: Line,
}

/// Some limit is exceeded; [`Shared::limit_error`] tells which. (Results of this type fit in
/// registers.)
#[derive(Debug, Clone, Copy)]
struct Exceeded;

/// The result of compiling something.
type Result<T> = std::result::Result<T, Exceeded>;

/// What all functions of a chunk share.
pub(crate) struct Shared<'a> {
    /// The nodes of the functions in the main function.
    inner: &'a Tree,
    /// The chunk's strings.
    interner: &'a Interner,
    /// The values of compile-time constants.
    constants: &'a [ConstantValue],
    /// The chunk's name.
    source: Rc<[u8]>,
    /// How far a conditional jump may go.
    reach: i64,
    /// The limit that is exceeded, once one is.
    limit_error: Option<LimitError>,
    /// Buffers for functions.
    buffers: BufferPool,
}

/// Compiles a resolved chunk.
pub(crate) fn compile_chunk(
    chunk: &Chunk,
    interner: &Interner,
    name: &[u8],
) -> std::result::Result<Proto, LimitError> {
    compile_with_reach(chunk, interner, name, i16::MAX as i64)
}

/// Compiles a resolved chunk; conditional jumps beyond `reach` are expanded.
fn compile_with_reach(
    chunk: &Chunk,
    interner: &Interner,
    name: &[u8],
    reach: i64,
) -> std::result::Result<Proto, LimitError> {
    let trees = &chunk.trees;
    let mut shared = Shared::new(&trees.inner, interner, &chunk.constants, name.into(), reach);
    let main = &chunk.main;
    let upvalues = describe_upvalues(&shared, main, None);
    let proto = compile_function(&mut shared, main, &trees.main, upvalues);
    proto.map_err(|Exceeded| shared.exceeded())
}

/// Compiles a resolved function of the main function before the rest of the chunk is known; `tree`
/// is that of its body. Its upvalues are described when the main function is compiled.
pub(crate) fn compile_inner(
    function: &Function,
    tree: &Tree,
    interner: &Interner,
    constants: &[ConstantValue],
    name: &Rc<[u8]>,
    buffers: &mut BufferPool,
) -> std::result::Result<Proto, LimitError> {
    let mut shared = Shared::new(tree, interner, constants, name.clone(), i16::MAX as i64);
    shared.buffers = std::mem::take(buffers);
    let upvalues = describe_upvalues(&shared, function, None);
    let proto = compile_function(&mut shared, function, tree, upvalues);
    *buffers = std::mem::take(&mut shared.buffers);
    proto.map_err(|Exceeded| shared.exceeded())
}

impl<'a> Shared<'a> {
    fn new(
        inner: &'a Tree,
        interner: &'a Interner,
        constants: &'a [ConstantValue],
        source: Rc<[u8]>,
        reach: i64,
    ) -> Self {
        Self {
            inner,
            interner,
            constants,
            source,
            reach,
            limit_error: None,
            buffers: BufferPool::default(),
        }
    }

    /// The limit that is exceeded.
    #[cold]
    fn exceeded(&self) -> LimitError {
        // Set wherever `Exceeded` comes from.
        self.limit_error.unwrap_or(LimitError {
            message: "function too large",
            line: 1,
        })
    }
}

/// The descriptions of a function's upvalues; `parent` has the registers of the enclosing one.
fn describe_upvalues(
    shared: &Shared<'_>,
    function: &Function,
    parent: Option<&[u8]>,
) -> Vec<Upvalue> {
    let upvalues = function.info.upvalues.iter();
    upvalues
        .map(|upvalue| describe_upvalue(shared, upvalue, parent))
        .collect()
}

/// Tells the functions inside `proto` what is now known about the variables that `proto` itself
/// has as upvalues.
fn pass_on_upvalues(proto: &mut Proto) {
    for inner in &mut proto.protos {
        for upvalue in inner
            .upvalues
            .iter_mut()
            .filter(|upvalue| !upvalue.in_stack)
        {
            upvalue.is_constant = proto.upvalues[usize::from(upvalue.index)].is_constant;
        }
        pass_on_upvalues(inner);
    }
}

/// The description of an upvalue of an inner function; `parent` is the enclosing function.
fn describe_upvalue(shared: &Shared<'_>, info: &UpvalueInfo, parent: Option<&[u8]>) -> Upvalue {
    let (in_stack, index) = match info.source {
        UpvalueSource::Local(id) => {
            let registers = parent.unwrap_or(&[]);
            (true, registers.get(id.0 as usize).copied().unwrap_or(0))
        }
        UpvalueSource::Upvalue(index) => (false, index),
        UpvalueSource::Environment => (true, 0),
    };
    Upvalue {
        name: Some(shared.interner.shared(info.name)),
        in_stack,
        index,
        is_constant: info.attrib != Attrib::None || !info.reassigned.get(),
    }
}

/// Compiles one function, whose body is in `tree`, and those inside it.
fn compile_function(
    shared: &mut Shared<'_>,
    function: &Function,
    tree: &Tree,
    upvalues: Vec<Upvalue>,
) -> Result<Proto> {
    let mut state = FunctionState::new(shared, function, tree, upvalues);
    state.function_body(function)?;
    FunctionState::finish(state, function)
}
