//! The `io` library (manual §6.8).
//!
//! A file handle is a userdata that holds a [`LuaFile`]; its stream may be shared, as the standard
//! streams are by all states. The default input and output are in a table that is the first
//! upvalue of the functions that use them.
//!
//! Invariants:
//! - A handle without a stream is closed.
//! - A lock of a stream is held for at most one step, and only one at a time.

pub mod device;
pub mod file;
mod lines;
mod numeral;
mod read;
pub mod standard;
mod write;

use crate::support::{check_c_string, exit_result, system_result};
use file::{Mode, Stream};
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{
    Call, Local, LocalView, Native, NativeResult, TableRef, UserdataRef,
};
use perilune_runtime::sys;
use standard::{SharedStream, lock};
use std::cell::RefMut;

/// The name of the metatable of file handles.
const TYPE_NAME: &str = "FILE*";

/// Where a default file is in the table of defaults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
enum Default {
    Input = 1,
    Output = 2,
}

impl Default {
    fn name(self) -> &'static str {
        match self {
            Default::Input => "input",
            Default::Output => "output",
        }
    }
}

/// What kind of file it is decides how it is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A standard stream, which cannot be closed.
    Standard,
    /// A file.
    Regular,
    /// The input or output of a child process.
    Process,
}

/// What a file handle holds.
pub struct LuaFile {
    kind: Kind,
    /// `None` when closed.
    stream: Option<SharedStream>,
}

/// The stream of a handle that is open.
type OpenFile<'c> = RefMut<'c, SharedStream>;

/// The functions that need no default file; [`open`] adds the others.
pub const FUNCTIONS: &[Native] = &[
    native!("open", io_open),
    native!("popen", io_popen),
    native!("tmpfile", io_tmpfile),
    native!("type", io_type),
];

/// The functions that use a default file.
const DEFAULT_FUNCTIONS: &[Native] = &[
    native!("close", io_close, private_upvalues),
    native!("flush", write::io_flush, private_upvalues),
    native!("input", io_input, private_upvalues),
    native!("lines", lines::io_lines, private_upvalues),
    native!("output", io_output, private_upvalues),
    native!("read", read::io_read, private_upvalues),
    native!("write", write::io_write, private_upvalues),
];

const METHODS: &[Native] = &[
    native!("close", file_close),
    native!("flush", write::file_flush),
    native!("lines", lines::file_lines),
    native!("read", read::file_read),
    native!("seek", file_seek),
    native!("setvbuf", write::file_setvbuf),
    native!("write", write::file_write),
];

const METAMETHODS: &[Native] = &[
    native!("__close", file_gc),
    native!("__gc", file_gc),
    native!("__tostring", file_tostring),
];

/// Adds what [`FUNCTIONS`] lacks to the library table.
pub fn open<'c>(call: &mut Call<'c>, library: TableRef<'c>) -> Result<(), LuaError> {
    let (metatable, _) = call.new_metatable(TYPE_NAME)?;
    call.register(metatable, METAMETHODS)?;
    let methods = call.new_table(0, METHODS.len())?;
    call.register(methods, METHODS)?;
    call.table_set_str(metatable, b"__index", methods.into())?;

    let defaults = call.new_table(2, 0)?;
    for (name, stream, default) in [
        ("stdin", standard::standard_input(), Some(Default::Input)),
        ("stdout", standard::standard_output(), Some(Default::Output)),
        ("stderr", standard::standard_error(), None),
    ] {
        let handle = new_handle(call, Kind::Standard, Some(stream.clone()))?;
        call.table_set_str(library, name.as_bytes(), handle)?;
        if let Some(default) = default {
            call.table_set_int(defaults, default as i64, handle)?;
        }
    }
    call.register_with(library, DEFAULT_FUNCTIONS, &[defaults.into()])
}

// --- Handles ---

fn new_handle<'c>(
    call: &mut Call<'c>,
    kind: Kind,
    stream: Option<SharedStream>,
) -> Result<Local<'c>, LuaError> {
    let file = LuaFile { kind, stream };
    Ok(call.new_userdata(file, Some(TYPE_NAME), 0)?.into())
}

/// A handle on a file that was just opened.
fn new_file<'c>(call: &mut Call<'c>, stream: Stream) -> Result<Local<'c>, LuaError> {
    new_handle(call, Kind::Regular, Some(standard::share(stream)))
}

/// The file in `value`, if it is one.
fn as_file(call: &Call<'_>, value: Local<'_>) -> Option<bool> {
    match value.view() {
        LocalView::Userdata(userdata) => {
            let file = call.userdata_mut::<LuaFile>(userdata)?;
            Some(file.stream.is_some())
        }
        _ => None,
    }
}

/// The file handle that must be argument `arg`; it may be closed.
fn check_handle<'c>(call: &mut Call<'c>, arg: u32) -> Result<RefMut<'c, LuaFile>, LuaError> {
    if let LocalView::Userdata(userdata) = call.slot(arg).view()
        && let Some(file) = call.userdata_mut::<LuaFile>(userdata)
    {
        return Ok(file);
    }
    let userdata: UserdataRef<'c> = call.check_userdata::<LuaFile>(arg, TYPE_NAME)?;
    match call.userdata_mut::<LuaFile>(userdata) {
        Some(file) => Ok(file),
        None => Err(call.type_error(arg, TYPE_NAME)),
    }
}

/// The stream of the open file that must be argument `arg`.
fn check_file<'c>(call: &mut Call<'c>, arg: u32) -> Result<OpenFile<'c>, LuaError> {
    let file = check_handle(call, arg)?;
    open_stream(file).ok_or_else(|| call.error("attempt to use a closed file"))
}

/// The stream of a handle, unless it is closed.
fn open_stream(file: RefMut<'_, LuaFile>) -> Option<OpenFile<'_>> {
    RefMut::filter_map(file, |file| file.stream.as_mut()).ok()
}

/// The default file's handle.
fn default_handle<'c>(call: &Call<'c>, default: Default) -> Local<'c> {
    match call.upvalue(1).as_table() {
        Some(defaults) => call.table_get_int(defaults, default as i64),
        None => Local::NIL,
    }
}

/// The stream of the default file, which must be open.
fn default_file<'c>(call: &mut Call<'c>, default: Default) -> Result<OpenFile<'c>, LuaError> {
    if let LocalView::Userdata(userdata) = default_handle(call, default).view()
        && let Some(file) = call.userdata_mut::<LuaFile>(userdata)
        && let Some(stream) = open_stream(file)
    {
        return Ok(stream);
    }
    Err(call.error(format!("default {} file is closed", default.name())))
}

/// Opens a file or raises an error.
fn open_or_error<'c>(call: &mut Call<'c>, name: &[u8], mode: Mode) -> Result<Local<'c>, LuaError> {
    match Stream::open(name, mode) {
        Ok(stream) => new_file(call, stream),
        Err(error) => {
            let mut message = b"cannot open file '".to_vec();
            message.extend_from_slice(name);
            message.extend_from_slice(b"' (");
            message.extend_from_slice(sys::error_text(&error).as_bytes());
            message.push(b')');
            Err(call.error(message))
        }
    }
}

// --- Opening ---

fn io_open(call: &mut Call<'_>) -> NativeResult {
    let name = check_c_string(call, 1)?;
    let mode = call.opt_string(2)?.unwrap_or(b"r");
    let Some(mode) = Mode::parse(crate::support::c_string(mode)) else {
        return Err(call.arg_error(2, "invalid mode"));
    };
    match Stream::open(name, mode) {
        Ok(stream) => {
            let file = new_file(call, stream)?;
            Ok(call.return_one(file))
        }
        Err(error) => call.os_fail(error, Some(name)),
    }
}

fn io_popen(call: &mut Call<'_>) -> NativeResult {
    let command = check_c_string(call, 1)?;
    let mode = call.opt_string(2)?.unwrap_or(b"r");
    let write = match crate::support::c_string(mode) {
        b"r" => false,
        b"w" => true,
        _ => return Err(call.arg_error(2, "invalid mode")),
    };
    // The child's output must come after ours.
    standard::flush_all();
    match device::open_process(command, write) {
        None => Err(call.error("'popen' not supported")),
        Some(Ok(device)) => {
            let stream = standard::share(Stream::new(device, !write, write));
            let file = new_handle(call, Kind::Process, Some(stream))?;
            Ok(call.return_one(file))
        }
        Some(Err(error)) => call.os_fail(error, Some(command)),
    }
}

fn io_tmpfile(call: &mut Call<'_>) -> NativeResult {
    match sys::temporary_file() {
        Ok(file) => {
            let file = new_file(call, Stream::new(Box::new(file), true, true))?;
            Ok(call.return_one(file))
        }
        Err(error) => call.os_fail(error, None),
    }
}

// --- Default files ---

fn io_input(call: &mut Call<'_>) -> NativeResult {
    default_access(call, Default::Input, Mode::READ)
}

fn io_output(call: &mut Call<'_>) -> NativeResult {
    default_access(call, Default::Output, Mode::WRITE)
}

fn default_access(call: &mut Call<'_>, default: Default, mode: Mode) -> NativeResult {
    if !call.is_none_or_nil(1) {
        let is_name = matches!(
            call.slot(1).view(),
            LocalView::String(_) | LocalView::Integer(_) | LocalView::Float(_)
        );
        let file = if is_name {
            let name = check_c_string(call, 1)?;
            open_or_error(call, name, mode)?
        } else {
            check_file(call, 1)?;
            call.slot(1)
        };
        if let Some(defaults) = call.upvalue(1).as_table() {
            call.table_set_int(defaults, default as i64, file)?;
        }
    }
    let file = default_handle(call, default);
    Ok(call.return_one(file))
}

// --- Closing ---

fn io_close(call: &mut Call<'_>) -> NativeResult {
    if call.is_none(1) {
        let file = default_handle(call, Default::Output);
        call.push(file)?;
    }
    file_close(call)
}

fn file_close(call: &mut Call<'_>) -> NativeResult {
    check_file(call, 1)?;
    close(call, 1)
}

/// Closes the open file in slot `slot` and returns what closing gives.
fn close(call: &mut Call<'_>, slot: u32) -> NativeResult {
    let (kind, stream) = {
        let mut file = check_handle(call, slot)?;
        let stream = match file.kind {
            Kind::Standard => None,
            Kind::Regular | Kind::Process => file.stream.take(),
        };
        (file.kind, stream)
    };
    let Some(stream) = stream else {
        return call.fail(b"cannot close standard file");
    };
    let result = lock(&stream).close();
    match (kind, result) {
        (Kind::Process, Ok(Some(outcome))) => exit_result(call, Ok(outcome)),
        (_, Ok(_)) => system_result(call, Ok(()), None),
        (_, Err(error)) => call.os_fail(error, None),
    }
}

/// `__gc` and `__close`: closes the file unless it is closed.
fn file_gc(call: &mut Call<'_>) -> NativeResult {
    let open = check_handle(call, 1)?.stream.is_some();
    if open {
        close(call, 1)?;
    }
    Ok(call.return_none())
}

// --- The rest ---

fn io_type(call: &mut Call<'_>) -> NativeResult {
    call.check_any(1)?;
    let result = match as_file(call, call.slot(1)) {
        None => Local::NIL,
        Some(true) => call.new_string(b"file")?,
        Some(false) => call.new_string(b"closed file")?,
    };
    Ok(call.return_one(result))
}

fn file_tostring(call: &mut Call<'_>) -> NativeResult {
    let open = check_handle(call, 1)?.stream.is_some();
    let text = if open {
        format!("file ({:#x})", call.slot(1).address())
    } else {
        "file (closed)".to_string()
    };
    let text = call.new_string(text.as_bytes())?;
    Ok(call.return_one(text))
}

fn file_seek(call: &mut Call<'_>) -> NativeResult {
    use std::io::SeekFrom;
    let stream = check_file(call, 1)?;
    let whence = call.check_option(2, Some("cur"), &["set", "cur", "end"])?;
    let offset = call.opt_integer(3, 0)?;
    let position = match (whence, u64::try_from(offset)) {
        (0, Ok(offset)) => Ok(SeekFrom::Start(offset)),
        (0, Err(_)) => Err(sys::invalid_argument()),
        (1, _) => Ok(SeekFrom::Current(offset)),
        _ => Ok(SeekFrom::End(offset)),
    };
    let result = position.and_then(|position| lock(&stream).seek(position));
    match result {
        Ok(position) => {
            let position = Local::integer(i64::try_from(position).unwrap_or(i64::MAX));
            Ok(call.return_one(position))
        }
        Err(error) => call.os_fail(error, None),
    }
}
