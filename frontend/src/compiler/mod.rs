//! From the resolved syntax tree to bytecode, one pass per function.
//!
//! The code generator works with *operands*: descriptions of where the value of an expression is
//! or how it can be had (`operand.rs`). Code is emitted as late as possible, so that
//! `local x = a + b` adds right into the register of `x` and a comparison becomes one fused jump.
//! Registers are a stack: the active locals, then temporaries.
//!
//! Files: `function` (state, emission, constants, registers), `operand` (discharging), `jump`
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
    Attrib, Chunk, ConstantValue, Function, Interner, Line, UpvalueInfo, UpvalueSource,
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

/// The result of compiling something.
pub(crate) type Result<T> = std::result::Result<T, LimitError>;

/// What all functions of a chunk share.
pub(crate) struct Shared<'a> {
    /// The chunk's strings.
    interner: &'a Interner,
    /// The values of compile-time constants.
    constants: &'a [ConstantValue],
    /// The chunk's name.
    source: Rc<[u8]>,
    /// The name of the hidden variables of loops.
    for_state: Rc<[u8]>,
    /// How far a conditional jump may go.
    reach: i64,
    /// Buffers for functions.
    buffers: BufferPool,
}

/// Compiles a resolved chunk.
pub(crate) fn compile_chunk(chunk: &Chunk, interner: &Interner, name: &[u8]) -> Result<Proto> {
    compile_with_reach(chunk, interner, name, i16::MAX as i64)
}

/// Compiles a resolved chunk; conditional jumps beyond `reach` are expanded.
fn compile_with_reach(
    chunk: &Chunk,
    interner: &Interner,
    name: &[u8],
    reach: i64,
) -> Result<Proto> {
    let mut shared = Shared::new(interner, &chunk.constants, name.into(), reach);
    let main = &chunk.main;
    let upvalues = describe_upvalues(&shared, main, None);
    compile_function(&mut shared, main, upvalues)
}

/// Compiles a resolved function of the main function before the rest of the chunk is known. Its
/// upvalues are described when the main function is compiled.
pub(crate) fn compile_inner(
    function: &Function,
    interner: &Interner,
    constants: &[ConstantValue],
    name: &Rc<[u8]>,
    buffers: &mut BufferPool,
) -> Result<Proto> {
    let mut shared = Shared::new(interner, constants, name.clone(), i16::MAX as i64);
    shared.buffers = std::mem::take(buffers);
    let upvalues = describe_upvalues(&shared, function, None);
    let proto = compile_function(&mut shared, function, upvalues);
    *buffers = shared.buffers;
    proto
}

impl<'a> Shared<'a> {
    fn new(
        interner: &'a Interner,
        constants: &'a [ConstantValue],
        source: Rc<[u8]>,
        reach: i64,
    ) -> Self {
        Self {
            interner,
            constants,
            source,
            for_state: b"(for state)".as_slice().into(),
            reach,
            buffers: BufferPool::default(),
        }
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

/// Compiles one function, and those inside it.
fn compile_function(
    shared: &mut Shared<'_>,
    function: &Function,
    upvalues: Vec<Upvalue>,
) -> Result<Proto> {
    let mut state = FunctionState::new(shared, function, upvalues);
    state.function_body(function)?;
    FunctionState::finish(state, function)
}
