//! Every opcode runs on a second machine, and every handler and slow path ends in a tail jump.
//!
//! A handler that called the next one instead of jumping to it would use native stack for every
//! instruction: a million rounds on a small stack would overflow it.

use perilune_api::{Error, Lua, MultiValue, Value};
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_runtime::machine::Primitive;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, NativeResult};

const PROGRAM: &[u8] = include_bytes!("opcodes.lua");
/// Native stack of the thread that runs the program.
const STACK_BYTES: usize = 256 * 1024;

fn next(call: &mut Call<'_>) -> NativeResult {
    let table = call.check_table(1)?;
    let key = call.arg(2);
    match call.table_next(table, key)? {
        Some((key, value)) => call.return_values(&[key, value]),
        None => Ok(call.return_none()),
    }
}

fn setmetatable(call: &mut Call<'_>) -> NativeResult {
    let (value, metatable) = (call.arg(1), call.arg(2).as_table());
    call.set_metatable(value, metatable)?;
    Ok(call.return_one(value))
}

fn rawset(call: &mut Call<'_>) -> NativeResult {
    let table = call.check_table(1)?;
    let (key, value) = (call.arg(2), call.arg(3));
    call.table_set(table, key, value)?;
    Ok(Action::Return { first: 1, count: 1 })
}

fn select(call: &mut Call<'_>) -> NativeResult {
    let count = i64::from(call.arg_count()) - 1;
    Ok(call.return_one(perilune_runtime::native::Local::integer(count)))
}

/// What the string library's arithmetic would do for the one sum of the program.
fn string_add(call: &mut Call<'_>) -> NativeResult {
    Ok(call.return_one(perilune_runtime::native::Local::integer(11)))
}

fn state() -> Result<Lua, Error> {
    let lua = Lua::without_libraries()?;
    lua.with_call(|call| {
        let globals = call.globals();
        call.register(
            globals,
            &[
                native!("next", next),
                native!("setmetatable", setmetatable),
                native!("rawset", rawset),
                native!("select", select),
            ],
        )?;
        let metatable = call.new_table(0, 2)?;
        let add = call.new_function(native!("__add", string_add))?;
        call.table_set_str(metatable, b"__add", add)?;
        let methods = call.new_table(0, 1)?;
        let add = call.new_function(native!("add", string_add))?;
        call.table_set_str(methods, b"add", add)?;
        call.table_set_str(metatable, b"__index", methods.into())?;
        let text = call.new_string(b"")?;
        call.set_metatable(text, Some(metatable))
    })?;
    Ok(lua)
}

fn run(lua: &Lua, count: i64) -> Result<Vec<Value>, Error> {
    let chunk = lua.load(PROGRAM).set_name("=opcodes.lua");
    let results: MultiValue = chunk.call(count)?;
    Ok(results.into_vec())
}

fn integers(values: &[Value]) -> Vec<i64> {
    let as_integer = |v: &Value| match v {
        Value::Integer(i) => *i,
        Value::Number(f) => *f as i64,
        other => panic!("a {}", other.type_name()),
    };
    values.iter().map(as_integer).collect()
}

#[test]
fn every_opcode_runs_on_the_counting_machine() {
    let lua = state().expect("a state");
    let plain = integers(&run(&lua, 3).expect("the program runs"));
    let lua = state().expect("a state");
    lua.start_counting();
    let counted = integers(&run(&lua, 3).expect("the program runs"));
    let counts = lua.stop_counting().expect("counts");
    assert_eq!(plain, counted);
    let names = |missing: Vec<&'static str>| missing.join(" ");
    let opcodes = Opcode::ALL
        .iter()
        .filter(|&&op| counts.opcodes[op as usize] == 0);
    assert_eq!(names(opcodes.map(|op| op.name()).collect()), "");
    let primitives = Primitive::ALL
        .iter()
        .filter(|&&p| counts.primitives[p as usize] == 0);
    assert_eq!(names(primitives.map(|p| p.name()).collect()), "");
}

#[test]
fn every_handler_ends_in_a_tail_jump() {
    let rounds = if cfg!(debug_assertions) {
        100_000
    } else {
        1_000_000
    };
    let body = move || {
        let lua = state().expect("a state");
        let first = integers(&run(&lua, 1).expect("the program runs"));
        let all = integers(&run(&lua, rounds).expect("the program runs"));
        assert_eq!(all[1], rounds, "after {} in one round", first[1]);
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(body);
    thread
        .expect("a thread")
        .join()
        .expect("no overflow, no failed assertion");
}
