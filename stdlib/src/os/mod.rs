//! The `os` library (manual §6.9).
//!
//! - `os.exit` ends the process, after flushing all streams: a program that embeds Lua and does
//!   not want that removes or replaces the function.
//! - `os.setlocale` knows the locale "C" (also by the names "" and "POSIX") and nothing else:
//!   strings, numbers and dates mean the same everywhere.
//! - Without a time zone database (not on unix) local time is UTC.

mod date;
mod time;

use crate::io::standard;
use crate::support::{c_string, check_c_string, exit_result, system_result};
use perilune_runtime::native;
use perilune_runtime::native::{Call, Local, LocalView, Native, NativeResult};
use perilune_runtime::sys;
use std::path::Path;

/// The library's functions.
pub const FUNCTIONS: &[Native] = &[
    native!("clock", os_clock),
    native!("date", date::os_date),
    native!("difftime", time::os_difftime),
    native!("execute", os_execute),
    native!("exit", os_exit),
    native!("getenv", os_getenv),
    native!("remove", os_remove),
    native!("rename", os_rename),
    native!("setlocale", os_setlocale),
    native!("time", time::os_time),
    native!("tmpname", os_tmpname),
];

fn os_clock(call: &mut Call<'_>) -> NativeResult {
    Ok(call.return_one(Local::float(sys::process_time())))
}

fn os_execute(call: &mut Call<'_>) -> NativeResult {
    let Some(command) = call.opt_string(1)? else {
        return Ok(call.return_one(Local::boolean(sys::has_shell())));
    };
    let Some(mut process) = sys::shell_command(c_string(command)) else {
        return call.os_fail(std::io::ErrorKind::Unsupported.into(), None);
    };
    let result = process.spawn().and_then(|mut child| {
        let _ignored = sys::IgnoreInterrupts::new();
        child.wait()
    });
    exit_result(call, result.map(sys::exit_outcome))
}

fn os_exit(call: &mut Call<'_>) -> NativeResult {
    let code = match call.slot(1).view() {
        LocalView::Boolean(success) => i64::from(!success),
        _ => call.opt_integer(1, 0)?,
    };
    if call.slot(2).is_truthy() {
        call.close_state();
    }
    standard::flush_all();
    std::process::exit(code as i32)
}

fn os_getenv(call: &mut Call<'_>) -> NativeResult {
    let name = check_c_string(call, 1)?;
    let value = match sys::environment_variable(name) {
        Some(value) => call.new_string(&value)?,
        None => Local::NIL,
    };
    Ok(call.return_one(value))
}

/// Removes a file or an empty directory.
fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(_) if path.symlink_metadata().is_ok_and(|data| data.is_dir()) => {
            std::fs::remove_dir(path)
        }
        result => result,
    }
}

fn os_remove(call: &mut Call<'_>) -> NativeResult {
    let name = check_c_string(call, 1)?;
    let result = remove(&sys::path_from_bytes(name));
    system_result(call, result, Some(name))
}

fn os_rename(call: &mut Call<'_>) -> NativeResult {
    let from = check_c_string(call, 1)?;
    let to = check_c_string(call, 2)?;
    let result = std::fs::rename(sys::path_from_bytes(from), sys::path_from_bytes(to));
    system_result(call, result, None)
}

fn os_setlocale(call: &mut Call<'_>) -> NativeResult {
    const CATEGORIES: &[&str] = &["all", "collate", "ctype", "monetary", "numeric", "time"];
    let locale = call.opt_string(1)?.map(c_string);
    call.check_option(2, Some("all"), CATEGORIES)?;
    let result = match locale {
        None | Some(b"" | b"C" | b"POSIX") => call.new_string(b"C")?,
        Some(_) => Local::NIL,
    };
    Ok(call.return_one(result))
}

fn os_tmpname(call: &mut Call<'_>) -> NativeResult {
    match sys::temporary_name() {
        Ok(name) => {
            let name = call.new_string(&name)?;
            Ok(call.return_one(name))
        }
        Err(_) => Err(call.error("unable to generate a unique filename")),
    }
}
