//! The debug library (manual §6.10).

use crate::io::standard::{stderr_write, stdin_read_line};
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{
    Action, Call, CallResult, ChunkMode, FunctionInfo, FunctionRef, Level, Local, LocalView,
    Native, NativeResult, TableRef, ThreadRef,
};

/// The functions of the library.
pub const FUNCTIONS: &[Native] = &[
    native!("debug", debug),
    native!("getuservalue", getuservalue),
    native!("gethook", gethook),
    native!("getinfo", getinfo),
    native!("getlocal", getlocal),
    native!("getregistry", getregistry),
    native!("getmetatable", getmetatable),
    native!("getupvalue", getupvalue),
    native!("upvaluejoin", upvaluejoin),
    native!("upvalueid", upvalueid),
    native!("setuservalue", setuservalue),
    native!("sethook", sethook),
    native!("setlocal", setlocal),
    native!("setmetatable", setmetatable),
    native!("setupvalue", setupvalue),
    native!("traceback", traceback),
    native!("setcstacklimit", setcstacklimit),
];

/// The limit on nested C calls, which cannot be changed.
const C_STACK_LIMIT: i64 = 200;

fn getregistry(call: &mut Call<'_>) -> NativeResult {
    let registry = call.registry();
    Ok(call.return_one(registry))
}

fn getmetatable(call: &mut Call<'_>) -> NativeResult {
    let value = call.check_any(1)?;
    let metatable = call.metatable(value).map_or(Local::NIL, Local::from);
    Ok(call.return_one(metatable))
}

fn setmetatable(call: &mut Call<'_>) -> NativeResult {
    let metatable = call.arg(2).as_table();
    if metatable.is_none() && (call.is_none(2) || !call.arg(2).is_nil()) {
        return Err(call.type_error(2, "nil or table"));
    }
    let value = call.arg(1);
    call.set_metatable(value, metatable)?;
    Ok(call.return_one(value))
}

fn getuservalue(call: &mut Call<'_>) -> NativeResult {
    let n = call.opt_integer(2, 1)? as i32;
    let LocalView::Userdata(userdata) = call.arg(1).view() else {
        return Ok(call.return_one(Local::NIL));
    };
    match call.user_value(userdata, n.into()) {
        Some(value) => call.return_values(&[value, Local::boolean(true)]),
        None => Ok(call.return_one(Local::NIL)),
    }
}

fn setuservalue(call: &mut Call<'_>) -> NativeResult {
    let n = call.opt_integer(3, 1)? as i32;
    let LocalView::Userdata(userdata) = call.arg(1).view() else {
        return Err(call.type_error(1, "userdata"));
    };
    let value = call.check_any(2)?;
    if call.set_user_value(userdata, n.into(), value) {
        Ok(call.return_one(userdata))
    } else {
        Ok(call.return_one(Local::NIL))
    }
}

/// The optional thread argument, and how many arguments it takes up.
fn thread_argument<'c>(call: &Call<'c>) -> (ThreadRef<'c>, u32) {
    match call.arg(1).view() {
        LocalView::Thread(thread) => (thread, 1),
        _ => (call.running().0, 0),
    }
}

/// A level argument, as it is cut to an `int`.
fn level_argument(call: &mut Call<'_>, index: u32) -> Result<i64, LuaError> {
    Ok(i64::from(call.check_integer(index)? as i32))
}

fn getinfo(call: &mut Call<'_>) -> NativeResult {
    let (thread, shift) = thread_argument(call);
    let options = call.opt_string(shift + 2)?.unwrap_or(b"flnSrtu");
    let end = options.iter().position(|&b| b == 0);
    let options = &options[..end.unwrap_or(options.len())];
    if options.first() == Some(&b'>') {
        return Err(call.arg_error(shift + 2, "invalid option '>'"));
    }
    let (function, level) = match call.arg(shift + 1).view() {
        LocalView::Function(function) => (function, None),
        _ => {
            let number = level_argument(call, shift + 1)?;
            let Some(level) = call.level(thread, number) else {
                return Ok(call.return_one(Local::NIL));
            };
            (call.level_function(level), Some(level))
        }
    };
    if options.iter().any(|option| !b"SlnrutLf".contains(option)) {
        return Err(call.arg_error(shift + 2, "invalid option"));
    }
    let table = call.new_table(0, 16)?;
    let about = call.function_info(function);
    if options.contains(&b'S') {
        set_source(call, table, &about)?;
    }
    if options.contains(&b'u') {
        set(
            call,
            table,
            "nups",
            Local::integer(about.upvalue_count.into()),
        )?;
        let parameters = Local::integer(about.parameter_count.into());
        set(call, table, "nparams", parameters)?;
        set(call, table, "isvararg", Local::boolean(about.is_vararg))?;
    }
    set_activation(call, table, level, options)?;
    if options.contains(&b'L') {
        set_lines(call, table, function)?;
    }
    if options.contains(&b'f') {
        set(call, table, "func", function.into())?;
    }
    Ok(call.return_one(table))
}

fn set<'c>(
    call: &mut Call<'c>,
    table: TableRef<'c>,
    key: &str,
    value: Local<'c>,
) -> Result<(), LuaError> {
    call.table_set_str(table, key.as_bytes(), value)
}

fn set_text<'c>(
    call: &mut Call<'c>,
    table: TableRef<'c>,
    key: &str,
    text: &[u8],
) -> Result<(), LuaError> {
    let text = call.new_string(text)?;
    set(call, table, key, text)
}

/// Option `S`.
fn set_source<'c>(
    call: &mut Call<'c>,
    table: TableRef<'c>,
    about: &FunctionInfo,
) -> Result<(), LuaError> {
    set_text(call, table, "source", &about.source)?;
    set_text(call, table, "short_src", &about.short_source)?;
    let line = Local::integer(about.line_defined);
    set(call, table, "linedefined", line)?;
    let line = Local::integer(about.last_line_defined);
    set(call, table, "lastlinedefined", line)?;
    set_text(call, table, "what", about.what.as_bytes())
}

/// Options `l`, `n`, `r` and `t`, which are about an activation.
fn set_activation<'c>(
    call: &mut Call<'c>,
    table: TableRef<'c>,
    level: Option<Level<'c>>,
    options: &[u8],
) -> Result<(), LuaError> {
    let about = level.map(|level| call.level_info(level));
    if options.contains(&b'l') {
        let line = about.as_ref().map_or(-1, |about| about.current_line);
        set(call, table, "currentline", Local::integer(line))?;
    }
    if options.contains(&b'n') {
        match about.as_ref().and_then(|about| about.name.as_ref()) {
            Some(name) => {
                set_text(call, table, "name", &name.name)?;
                set_text(call, table, "namewhat", name.kind.as_bytes())?;
            }
            None => set_text(call, table, "namewhat", b"")?,
        }
    }
    if options.contains(&b'r') {
        let (first, count) = level.map_or((0, 0), |level| call.level_transfer(level));
        set(call, table, "ftransfer", Local::integer(first.into()))?;
        set(call, table, "ntransfer", Local::integer(count.into()))?;
    }
    if options.contains(&b't') {
        let is_tail_call = about.is_some_and(|about| about.is_tail_call);
        set(call, table, "istailcall", Local::boolean(is_tail_call))?;
    }
    Ok(())
}

/// Option `L`.
fn set_lines<'c>(
    call: &mut Call<'c>,
    table: TableRef<'c>,
    function: FunctionRef<'c>,
) -> Result<(), LuaError> {
    let Some(lines) = call.active_lines(function) else {
        return Ok(());
    };
    let active = call.new_table(0, 0)?;
    for line in lines {
        call.table_set_int(active, line.into(), Local::boolean(true))?;
    }
    set(call, table, "activelines", active.into())
}

fn getlocal(call: &mut Call<'_>) -> NativeResult {
    let (thread, shift) = thread_argument(call);
    let n = i64::from(call.check_integer(shift + 2)? as i32);
    if let LocalView::Function(function) = call.arg(shift + 1).view() {
        let name = match call.parameter_name(function, n) {
            Some(name) => call.new_string(&name)?,
            None => Local::NIL,
        };
        return Ok(call.return_one(name));
    }
    let number = level_argument(call, shift + 1)?;
    let Some(level) = call.level(thread, number) else {
        return Err(call.arg_error(shift + 1, "level out of range"));
    };
    match call.local(level, n) {
        Some((name, value)) => {
            let name = call.new_string(&name)?;
            call.return_values(&[name, value])
        }
        None => Ok(call.return_one(Local::NIL)),
    }
}

fn setlocal(call: &mut Call<'_>) -> NativeResult {
    let (thread, shift) = thread_argument(call);
    let number = level_argument(call, shift + 1)?;
    let n = i64::from(call.check_integer(shift + 2)? as i32);
    let Some(level) = call.level(thread, number) else {
        return Err(call.arg_error(shift + 1, "level out of range"));
    };
    let value = call.check_any(shift + 3)?;
    let name = match call.set_local(level, n, value) {
        Some(name) => call.new_string(&name)?,
        None => Local::NIL,
    };
    Ok(call.return_one(name))
}

/// The arguments (function, index) of the upvalue functions.
fn upvalue_arguments<'c>(
    call: &mut Call<'c>,
    function: u32,
    index: u32,
) -> Result<(FunctionRef<'c>, i64), LuaError> {
    let n = i64::from(call.check_integer(index)? as i32);
    Ok((call.check_function(function)?, n))
}

fn getupvalue(call: &mut Call<'_>) -> NativeResult {
    let (function, n) = upvalue_arguments(call, 1, 2)?;
    match call.function_upvalue(function, n) {
        Some((name, value)) => {
            let name = call.new_string(&name)?;
            call.return_values(&[name, value])
        }
        None => Ok(call.return_none()),
    }
}

fn setupvalue(call: &mut Call<'_>) -> NativeResult {
    let value = call.check_any(3)?;
    let (function, n) = upvalue_arguments(call, 1, 2)?;
    match call.set_function_upvalue(function, n, value) {
        Some(name) => {
            let name = call.new_string(&name)?;
            Ok(call.return_one(name))
        }
        None => Ok(call.return_none()),
    }
}

fn upvalueid(call: &mut Call<'_>) -> NativeResult {
    let (function, n) = upvalue_arguments(call, 1, 2)?;
    let identity = call.upvalue_identity(function, n);
    Ok(call.return_one(identity.unwrap_or(Local::NIL)))
}

fn upvaluejoin(call: &mut Call<'_>) -> NativeResult {
    let (function, n) = upvalue_arguments(call, 1, 2)?;
    if call.upvalue_identity(function, n).is_none() {
        return Err(call.arg_error(2, "invalid upvalue index"));
    }
    let (from, from_n) = upvalue_arguments(call, 3, 4)?;
    if call.upvalue_identity(from, from_n).is_none() {
        return Err(call.arg_error(4, "invalid upvalue index"));
    }
    for (index, function) in [(1, function), (3, from)] {
        if call.function_info(function).what == "C" {
            return Err(call.arg_error(index, "Lua function expected"));
        }
    }
    call.join_upvalues(function, n, from, from_n);
    Ok(call.return_none())
}

/// The letters of hook masks and their bits.
const HOOK_LETTERS: [(u8, u8); 3] = [
    (b'c', perilune_runtime::hook::HOOK_CALL),
    (b'r', perilune_runtime::hook::HOOK_RETURN),
    (b'l', perilune_runtime::hook::HOOK_LINE),
];

fn sethook(call: &mut Call<'_>) -> NativeResult {
    let (thread, shift) = thread_argument(call);
    if call.is_none_or_nil(shift + 1) {
        remember_hook(call, thread, Local::NIL)?;
        call.set_hook(thread, Local::NIL, 0, 0);
        return Ok(call.return_none());
    }
    let letters = call.check_string(shift + 2)?;
    let function = call.check_function(shift + 1)?;
    let count = call.opt_integer(shift + 3, 0)? as i32;
    let mut mask = 0;
    for (letter, bit) in HOOK_LETTERS {
        if letters.contains(&letter) {
            mask |= bit;
        }
    }
    if count > 0 {
        mask |= perilune_runtime::hook::HOOK_COUNT;
    }
    remember_hook(call, thread, function.into())?;
    call.set_hook(thread, function.into(), mask, count.max(0) as u32);
    Ok(call.return_none())
}

/// Notes a thread's hook function in the registry's table of hooks, which has weak keys. Programs
/// can see it; the hook itself is in the thread.
fn remember_hook<'c>(
    call: &mut Call<'c>,
    thread: ThreadRef<'c>,
    function: Local<'c>,
) -> Result<(), LuaError> {
    let registry = call.registry();
    let hooks = match call.table_get_str(registry, b"_HOOKKEY").as_table() {
        Some(hooks) => hooks,
        None => {
            let hooks = call.new_table(0, 1)?;
            let mode = call.new_string(b"k")?;
            call.table_set_str(hooks, b"__mode", mode)?;
            call.set_metatable(hooks.into(), Some(hooks))?;
            call.table_set_str(registry, b"_HOOKKEY", hooks.into())?;
            hooks
        }
    };
    call.table_set(hooks, thread.into(), function)
}

fn gethook(call: &mut Call<'_>) -> NativeResult {
    let (thread, _) = thread_argument(call);
    let (function, mask, count) = call.hook(thread);
    if mask == 0 {
        return Ok(call.return_one(Local::NIL));
    }
    let letters: Vec<u8> = HOOK_LETTERS
        .iter()
        .filter(|(_, bit)| mask & bit != 0)
        .map(|&(letter, _)| letter)
        .collect();
    let letters = call.new_string(&letters)?;
    call.return_values(&[function, letters, Local::integer(count.into())])
}

fn traceback(call: &mut Call<'_>) -> NativeResult {
    let (thread, shift) = thread_argument(call);
    let message = call.arg(shift + 1);
    let text = match message.view() {
        LocalView::Nil => None,
        LocalView::String(text) => Some(text.as_bytes()),
        LocalView::Integer(_) | LocalView::Float(_) => Some(call.check_string(shift + 1)?),
        _ => return Ok(call.return_one(message)),
    };
    let default = i64::from(thread == call.running().0);
    let level = i64::from(call.opt_integer(shift + 2, default)? as i32);
    let trace = call.traceback(thread, text, level);
    let trace = call.new_string(&trace)?;
    Ok(call.return_one(trace))
}

fn setcstacklimit(call: &mut Call<'_>) -> NativeResult {
    call.check_integer(1)?;
    Ok(call.return_one(Local::integer(C_STACK_LIMIT)))
}

/// `debug.debug()`: runs lines from the standard input until one says `cont`.
fn debug(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 && call.result() == CallResult::Failed {
        let error = call.slot(1);
        report(call, error)?;
    }
    loop {
        // There is nowhere to report that the prompt cannot be written.
        let _ = stderr_write(b"lua_debug> ");
        let line = match stdin_read_line() {
            Ok(Some(line)) if line != b"cont\n" => line,
            _ => return Ok(call.return_none()),
        };
        call.set_top(0)?;
        match call.load(&line, b"=(debug command)", ChunkMode::Both, None)? {
            Ok(function) => {
                call.push(function)?;
                return Ok(Action::ProtectedCall {
                    function: 1,
                    args: 0,
                    handler: 0,
                    state: 1,
                });
            }
            Err(message) => report(call, message)?,
        }
    }
}

/// Writes an error message to the standard error stream.
fn report<'c>(call: &mut Call<'c>, error: Local<'c>) -> Result<(), LuaError> {
    let mut text = call.to_display(error)?;
    text.push(b'\n');
    // There is nowhere to report that the message cannot be written.
    let _ = stderr_write(&text);
    Ok(())
}
