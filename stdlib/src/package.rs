//! `require` and the `package` library (manual §6.3).
//!
//! `package` is the first upvalue of `require` and of the searchers. C modules cannot be loaded:
//! their searchers look for files as the manual says and then fail, as in a Lua built without
//! dynamic libraries.
//!
//! `require` runs in steps: it calls one searcher after the other, then the loader. Meanwhile its
//! slots are the name, `package.loaded`, `package.searchers`, the message so far, and the number
//! of the searcher; calls are made above them.

mod path;

use crate::support::{c_string, check_c_string, may_go_on, read_chunk};
use path::{default_path, environment_path, search};
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{
    Action, Call, ChunkMode, Local, LocalView, Native, NativeResult, TableRef,
};
use perilune_runtime::sys;

/// The functions in the table `package`; [`open`] adds the rest.
pub const FUNCTIONS: &[Native] = &[
    native!("loadlib", loadlib),
    native!("searchpath", searchpath),
];

const REQUIRE: Native = native!("require", require);

const SEARCHERS: [Native; 4] = [
    native!("preload searcher", search_preload),
    native!("Lua searcher", search_lua),
    native!("C searcher", search_c),
    native!("C root searcher", search_c_root),
];

/// Why no C module can be loaded.
const NO_LIBRARIES: &[u8] = b"dynamic libraries not enabled; check your Lua installation";

/// Adds what [`FUNCTIONS`] lacks to the library table, and `require` to the globals.
pub fn open<'c>(call: &mut Call<'c>, library: TableRef<'c>) -> Result<(), LuaError> {
    let searchers = call.new_table(SEARCHERS.len(), 0)?;
    for (index, searcher) in (1..).zip(SEARCHERS) {
        let searcher = call.new_closure(searcher, &[library.into()])?;
        call.table_set_int(searchers, index, searcher)?;
    }
    call.table_set_str(library, b"searchers", searchers.into())?;

    let registry = call.registry();
    let no_environment = call.table_get_str(registry, b"LUA_NOENV").is_truthy();
    for (field, variable) in [("path", "LUA_PATH"), ("cpath", "LUA_CPATH")] {
        let default = default_path(field == "cpath");
        let path = if no_environment {
            default.into_bytes()
        } else {
            environment_path(variable, &default)
        };
        let path = call.new_string(&path)?;
        call.table_set_str(library, field.as_bytes(), path)?;
    }
    let config = format!("{}\n;\n?\n!\n-\n", sys::DIRECTORY_SEPARATOR);
    let config = call.new_string(config.as_bytes())?;
    call.table_set_str(library, b"config", config)?;

    let loaded = call.loaded()?;
    call.table_set_str(library, b"loaded", loaded.into())?;
    let preload = preload_table(call)?;
    call.table_set_str(library, b"preload", preload.into())?;

    let require = call.new_closure(REQUIRE, &[library.into()])?;
    let globals = call.globals();
    call.table_set_str(globals, b"require", require)
}

/// The registry's table of preloaded modules, made when needed.
fn preload_table<'c>(call: &mut Call<'c>) -> Result<TableRef<'c>, LuaError> {
    let registry = call.registry();
    if let Some(table) = call.table_get_str(registry, b"_PRELOAD").as_table() {
        return Ok(table);
    }
    let table = call.new_table(0, 0)?;
    call.table_set_str(registry, b"_PRELOAD", table.into())?;
    Ok(table)
}

fn loadlib(call: &mut Call<'_>) -> NativeResult {
    check_c_string(call, 1)?;
    check_c_string(call, 2)?;
    let message = call.new_string(NO_LIBRARIES)?;
    let place = call.new_string(b"absent")?;
    call.return_values(&[Local::NIL, message, place])
}

fn searchpath(call: &mut Call<'_>) -> NativeResult {
    // Checked from the last to the first, as the reference implementation happens to do.
    let mut directory = [0; 4];
    let directory = sys::DIRECTORY_SEPARATOR.encode_utf8(&mut directory);
    let replacement = call.opt_string(4)?.map_or(directory.as_bytes(), c_string);
    let separator = call.opt_string(3)?.map_or(&b"."[..], c_string);
    let path = check_c_string(call, 2)?;
    let name = check_c_string(call, 1)?;
    let found = search(name, path, separator, replacement, &mut |bytes| {
        may_go_on(call, bytes)
    });
    match found? {
        Ok(file) => {
            let file = call.new_string(&file)?;
            Ok(call.return_one(file))
        }
        Err(message) => call.fail(&message),
    }
}

// --- Searchers ---

/// A string or number as bytes.
fn text_of<'c>(call: &mut Call<'c>, value: Local<'c>) -> Result<Option<Vec<u8>>, LuaError> {
    match value.view() {
        LocalView::String(string) => Ok(Some(string.as_bytes().to_vec())),
        LocalView::Integer(_) | LocalView::Float(_) => call.to_display(value).map(Some),
        _ => Ok(None),
    }
}

/// Looks for the file of module `name` in the path `package[field]`.
fn find_file(
    call: &mut Call<'_>,
    name: &[u8],
    field: &str,
) -> Result<Result<Vec<u8>, Vec<u8>>, LuaError> {
    let path = match call.upvalue(1).as_table() {
        Some(package) => call.table_get_str(package, field.as_bytes()),
        None => Local::NIL,
    };
    let Some(path) = text_of(call, path)? else {
        return Err(call.error(format!("'package.{field}' must be a string")));
    };
    let mut directory = [0; 4];
    let directory = sys::DIRECTORY_SEPARATOR.encode_utf8(&mut directory);
    let path = c_string(&path);
    search(name, path, b".", directory.as_bytes(), &mut |bytes| {
        may_go_on(call, bytes)
    })
}

/// Returns why a searcher found nothing.
fn not_found(call: &mut Call<'_>, message: &[u8]) -> NativeResult {
    let message = call.new_string(message)?;
    Ok(call.return_one(message))
}

/// The error of a module that was found but cannot be loaded.
fn loading_error(call: &mut Call<'_>, file: &[u8], reason: &[u8]) -> LuaError {
    let name = call.slot(1).as_bytes().map_or(&b""[..], c_string);
    let message = [
        b"error loading module '",
        name,
        b"' from file '",
        file,
        b"':\n\t",
        reason,
    ]
    .concat();
    call.error(message)
}

fn search_preload(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return preload_answer(call, call.slot(2));
    }
    let name = check_c_string(call, 1)?;
    let preload = preload_table(call)?;
    let loader = call.table_get_str(preload, name);
    if loader.is_nil() && call.metatable(preload.into()).is_some() {
        let name = call.new_string(name)?;
        call.set_top(1)?;
        let object = call.push(preload)?;
        let key = call.push(name)?;
        return Ok(Action::Index {
            object,
            key,
            target: object,
            state: 1,
        });
    }
    preload_answer(call, loader)
}

fn preload_answer<'c>(call: &mut Call<'c>, loader: Local<'c>) -> NativeResult {
    if loader.is_nil() {
        let name = check_c_string(call, 1)?;
        let message = [&b"no field package.preload['"[..], name, b"']"].concat();
        return not_found(call, &message);
    }
    let data = call.new_string(b":preload:")?;
    call.return_values(&[loader, data])
}

fn search_lua(call: &mut Call<'_>) -> NativeResult {
    let name = check_c_string(call, 1)?;
    let file = match find_file(call, name, "path")? {
        Ok(file) => file,
        Err(message) => return not_found(call, &message),
    };
    let source = match read_chunk(&file, &mut |bytes| may_go_on(call, bytes))? {
        Ok(source) => source,
        Err(reason) => return Err(loading_error(call, &file, &reason)),
    };
    let chunk_name = [b"@", &file[..]].concat();
    match call.load(&source, &chunk_name, ChunkMode::Both, None)? {
        Ok(loader) => {
            let file = call.new_string(&file)?;
            call.return_values(&[loader, file])
        }
        Err(reason) => {
            let reason = text_of(call, reason)?.unwrap_or_default();
            Err(loading_error(call, &file, &reason))
        }
    }
}

fn search_c(call: &mut Call<'_>) -> NativeResult {
    let name = check_c_string(call, 1)?;
    search_library(call, name)
}

fn search_c_root(call: &mut Call<'_>) -> NativeResult {
    let name = check_c_string(call, 1)?;
    match name.iter().position(|&byte| byte == b'.') {
        Some(dot) => search_library(call, &name[..dot]),
        None => Ok(call.return_none()),
    }
}

/// Looks for the library of a C module; finding it is an error, because it cannot be loaded.
fn search_library(call: &mut Call<'_>, name: &[u8]) -> NativeResult {
    match find_file(call, name, "cpath")? {
        Ok(file) => Err(loading_error(call, &file, NO_LIBRARIES)),
        Err(message) => not_found(call, &message),
    }
}

// --- require ---

const NAME: u32 = 1;
const LOADED: u32 = 2;
const SEARCHERS_SLOT: u32 = 3;
const MESSAGE: u32 = 4;
const NUMBER: u32 = 5;
/// The first slot above those that are kept while searchers run.
const CALL: u32 = 6;
/// While the loader runs and after, slot 3 holds the loader data and slot 4 its result.
const DATA: u32 = 3;
const RESULT: u32 = 4;
/// Where the key of a table access is meanwhile.
const KEY: u32 = 5;

const START: u32 = 0;
const CHECKED_LOADED: u32 = 1;
const GOT_SEARCHERS: u32 = 2;
const SEARCHED: u32 = 3;
const LOADED_MODULE: u32 = 4;
const STORED_RESULT: u32 = 5;
const GOT_RESULT: u32 = 6;
const STORED_TRUE: u32 = 7;

fn require(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        START => start(call),
        CHECKED_LOADED => {
            if call.slot(LOADED + 1).is_truthy() {
                let module = call.slot(LOADED + 1);
                return Ok(call.return_one(module));
            }
            get_searchers(call)
        }
        GOT_SEARCHERS => {
            if call.slot(SEARCHERS_SLOT).as_table().is_none() {
                return Err(call.error("'package.searchers' must be a table"));
            }
            call.set_top(SEARCHERS_SLOT)?;
            let message = call.new_string(b"")?;
            call.push(message)?;
            call.push(Local::integer(0))?;
            next_searcher(call)
        }
        SEARCHED => searched(call),
        LOADED_MODULE => loaded_module(call),
        STORED_RESULT => get_result(call),
        GOT_RESULT => check_result(call),
        _ => finish(call),
    }
}

fn start(call: &mut Call<'_>) -> NativeResult {
    let name = check_c_string(call, NAME)?;
    let loaded = call.loaded()?;
    let module = call.table_get_str(loaded, name);
    if module.is_truthy() {
        return Ok(call.return_one(module));
    }
    let name = call.new_string(name)?;
    call.set_top(1)?;
    call.set_slot(NAME, name);
    call.push(loaded)?;
    if module.is_nil() && call.metatable(loaded.into()).is_some() {
        let target = call.push(name)?;
        return Ok(Action::Index {
            object: LOADED,
            key: target,
            target,
            state: CHECKED_LOADED,
        });
    }
    get_searchers(call)
}

fn get_searchers(call: &mut Call<'_>) -> NativeResult {
    call.set_top(LOADED)?;
    let package = call.upvalue(1);
    call.push(package)?;
    let key = call.new_string(b"searchers")?;
    let key = call.push(key)?;
    Ok(Action::Index {
        object: SEARCHERS_SLOT,
        key,
        target: SEARCHERS_SLOT,
        state: GOT_SEARCHERS,
    })
}

/// Calls the next searcher, or raises the error with the collected messages.
fn next_searcher(call: &mut Call<'_>) -> NativeResult {
    let number = call.slot(NUMBER).as_integer().unwrap_or(0) + 1;
    let searcher = match call.slot(SEARCHERS_SLOT).as_table() {
        Some(searchers) => call.table_get_int(searchers, number),
        None => Local::NIL,
    };
    let name = call.slot(NAME);
    if searcher.is_nil() {
        let name = name.as_bytes().unwrap_or_default();
        let message = call.slot(MESSAGE).as_bytes().unwrap_or_default();
        // The message is a C string.
        let message = [b"module '", name, b"' not found:", c_string(message)].concat();
        return Err(call.error(message));
    }
    call.set_slot(NUMBER, Local::integer(number));
    call.set_top(NUMBER)?;
    call.push(searcher)?;
    call.push(name)?;
    Ok(Action::Call {
        function: CALL,
        args: 1,
        results: 2,
        state: SEARCHED,
    })
}

/// A searcher has answered: with a loader and its data, with a message, or with nothing.
fn searched(call: &mut Call<'_>) -> NativeResult {
    let answer = call.slot(CALL);
    if answer.is_function() {
        let data = call.slot(CALL + 1);
        let name = call.slot(NAME);
        call.set_slot(DATA, data);
        call.set_top(DATA)?;
        call.push(answer)?;
        call.push(name)?;
        call.push(data)?;
        return Ok(Action::Call {
            function: RESULT,
            args: 2,
            results: 1,
            state: LOADED_MODULE,
        });
    }
    if let Some(text) = text_of(call, answer)? {
        let message = call.slot(MESSAGE).as_bytes().unwrap_or_default();
        let message = [message, b"\n\t", &text].concat();
        let message = call.new_string(&message)?;
        call.set_slot(MESSAGE, message);
    }
    next_searcher(call)
}

/// The loader has returned: a result that is not nil becomes the module.
fn loaded_module(call: &mut Call<'_>) -> NativeResult {
    if call.slot(RESULT).is_nil() {
        return get_result(call);
    }
    store(call, STORED_RESULT)
}

/// `loaded[name] := result`
fn store(call: &mut Call<'_>, state: u32) -> NativeResult {
    call.set_top(RESULT)?;
    let name = call.slot(NAME);
    call.push(name)?;
    Ok(Action::SetIndex {
        object: LOADED,
        key: KEY,
        value: RESULT,
        state,
    })
}

/// Gets what is in `loaded` now: the loader may have put it there.
fn get_result(call: &mut Call<'_>) -> NativeResult {
    call.set_top(RESULT)?;
    let name = call.slot(NAME);
    call.push(name)?;
    Ok(Action::Index {
        object: LOADED,
        key: KEY,
        target: KEY,
        state: GOT_RESULT,
    })
}

fn check_result(call: &mut Call<'_>) -> NativeResult {
    let module = call.slot(KEY);
    if module.is_nil() {
        call.set_slot(RESULT, Local::boolean(true));
        return store(call, STORED_TRUE);
    }
    call.set_slot(RESULT, module);
    finish(call)
}

fn finish(call: &mut Call<'_>) -> NativeResult {
    let module = call.slot(RESULT);
    let data = call.slot(DATA);
    call.return_values(&[module, data])
}
