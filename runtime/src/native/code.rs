//! Loading and dumping of code for native functions.

use super::{Call, FunctionRef, Local};
use crate::error::Result;
use crate::function::{LuaClosure, Proto};
use crate::value::{LUA_CLOSURE, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::proto as compiled;
use perilune_frontend::bytecode::{dump, undump};

/// What a chunk may be (manual §6.1, `load`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChunkMode {
    /// Source text only.
    Text,
    /// A binary chunk only.
    Binary,
    /// Either.
    Both,
}

/// Why a chunk could not be loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadError {
    /// The message, with its position.
    pub message: Vec<u8>,
    /// Whether more text might mend it.
    pub incomplete: bool,
}

/// How many bytes of a string are made in the time that a byte of a chunk takes.
const COMPILING_FUEL: usize = 16;

/// What compiling is charged with per byte of source, while it lasts: the compiler does not know
/// the state, and its syntax tree is the largest where the source is dense (`a()a()a()`).
const COMPILING_BYTES_PER_BYTE: usize = 24;
/// The same for reading binary chunks, whose lists are written compactly.
const UNDUMPING_BYTES_PER_BYTE: usize = 4;

/// The main function of a chunk, with `environment` as its first upvalue.
///
/// # Errors
/// Inner: syntax errors and bad binary chunks. Outer: memory.
pub fn load_chunk(
    vm: &mut Vm,
    source: &[u8],
    name: &[u8],
    mode: ChunkMode,
    environment: Value,
) -> Result<std::result::Result<*mut LuaClosure, LoadError>> {
    let is_binary = source.first() == Some(&0x1b);
    let refused = match mode {
        ChunkMode::Text if is_binary => Some(("binary", "t")),
        ChunkMode::Binary if !is_binary => Some(("text", "b")),
        _ => None,
    };
    if let Some((kind, mode)) = refused {
        let message = format!("attempt to load a {kind} chunk (mode is '{mode}')").into_bytes();
        return Ok(Err(LoadError {
            message,
            incomplete: false,
        }));
    }
    let working = source.len().saturating_mul(if is_binary {
        UNDUMPING_BYTES_PER_BYTE
    } else {
        COMPILING_BYTES_PER_BYTE
    });
    vm.heap.charge(working)?;
    // SAFETY: the machine is live; traces leave this to the runtime.
    unsafe { crate::limit::charge_bytes(vm, source.len().saturating_mul(COMPILING_FUEL)) };
    let proto = if is_binary {
        undump::undump(source, name).map_err(|error| LoadError {
            message: error.message,
            incomplete: false,
        })
    } else {
        perilune_frontend::compile(source, name).map_err(|error| LoadError {
            incomplete: error.is_incomplete,
            message: error.message,
        })
    };
    if let (Some(observe), Ok(proto)) = (&vm.observer, &proto) {
        observe(source, name, proto);
    }
    let result = match proto {
        Ok(proto) => instantiate(vm, proto, environment).map(Ok),
        Err(error) => Ok(Err(error)),
    };
    vm.heap.discharge(working);
    result
}

/// A closure of a main function: fresh cells as upvalues, the first one holding `environment`.
fn instantiate(vm: &mut Vm, proto: compiled::Proto, environment: Value) -> Result<*mut LuaClosure> {
    let upvalues = proto.upvalues.len();
    let proto = vm.heap.new_proto(proto)?;
    // SAFETY: nothing collects here; the closure's upvalues are all set at once.
    unsafe {
        let closure = vm.heap.new_lua_closure(proto, upvalues)?;
        for n in 0..upvalues {
            let value = if n == 0 { environment } else { Value::NIL };
            let cell = vm.heap.new_cell(value)?;
            LuaClosure::set_upvalue(closure, n, cell);
        }
        Ok(closure)
    }
}

impl<'c> Call<'c> {
    /// Loads a chunk. `environment` replaces the globals as the value of its first upvalue.
    ///
    /// # Errors
    /// Inner: the message of a syntax error or bad binary chunk. Outer: memory.
    pub fn load(
        &mut self,
        source: &[u8],
        chunk_name: &[u8],
        mode: ChunkMode,
        environment: Option<Local<'c>>,
    ) -> Result<std::result::Result<Local<'c>, Local<'c>>> {
        let globals = Value::table(self.vm_ref().globals);
        let environment = environment.map_or(globals, |e| e.raw);
        match load_chunk(self.vm(), source, chunk_name, mode, environment)? {
            Ok(closure) => Ok(Ok(Local::new(Value::lua_closure(closure)))),
            Err(error) => Ok(Err(self.new_string(&error.message)?)),
        }
    }

    /// The binary form of a Lua function; `None` for a native one.
    pub fn dump(&mut self, function: FunctionRef<'c>, strip: bool) -> Option<Vec<u8>> {
        let raw = function.0.raw;
        if raw.tag != LUA_CLOSURE {
            return None;
        }
        // SAFETY: the function is live during the step.
        unsafe {
            let closure: *mut LuaClosure = raw.as_pointer();
            Some(dump::dump(&compiled_form((*closure).proto), strip))
        }
    }
}

/// The frontend's form of a proto.
///
/// # Safety
/// `proto` is live.
unsafe fn compiled_form(proto: *const Proto) -> compiled::Proto {
    use crate::string::LuaString;
    use crate::value::View;
    // SAFETY: the caller's contract; constants and inner protos live as long as the proto.
    unsafe {
        let mut form: compiled::Proto = (*(*proto).debug).clone();
        form.code = (*proto).code.to_vec();
        form.constants = (*proto)
            .constants
            .iter()
            .map(|v| match v.view() {
                View::Boolean(b) => compiled::Constant::Boolean(b),
                View::Integer(i) => compiled::Constant::Integer(i),
                View::Float(f) => compiled::Constant::Float(f),
                View::String(s) => compiled::Constant::String(LuaString::as_bytes(s).into()),
                _ => compiled::Constant::Nil,
            })
            .collect();
        form.protos = (*proto)
            .protos
            .iter()
            .map(|&inner| Box::new(compiled_form(inner)))
            .collect();
        form
    }
}
