//! The Lua 5.4 standard library: one module per library of the manual's chapter 6.
//!
//! Each library exports its plain functions as `FUNCTIONS` and adds the rest in `open`.
#![forbid(unsafe_code)]

pub mod base;
mod buffer;
pub mod coroutine;
pub mod debug;
pub mod io;
pub mod math;
pub mod os;
pub mod package;
pub mod string;
mod support;
pub mod table;
pub mod utf8;

use perilune_runtime::error::Result;
use perilune_runtime::native::{Call, Native, TableRef};

/// What opens a library beyond its plain functions.
type Open = for<'a, 'c> fn(&'a mut Call<'c>, TableRef<'c>) -> Result<()>;

/// The libraries besides the basic one, in the order in which they are opened.
const LIBRARIES: &[(&str, &[Native], Option<Open>)] = &[
    ("package", package::FUNCTIONS, Some(package::open)),
    ("coroutine", coroutine::FUNCTIONS, None),
    ("io", io::FUNCTIONS, Some(io::open)),
    ("os", os::FUNCTIONS, None),
    ("string", string::FUNCTIONS, Some(string::open)),
    ("math", math::FUNCTIONS, Some(math::open)),
    ("utf8", utf8::FUNCTIONS, Some(utf8::open)),
    ("table", table::FUNCTIONS, None),
    ("debug", debug::FUNCTIONS, None),
];

/// Opens all libraries (as `luaL_openlibs`).
///
/// # Errors
/// Memory.
pub fn open_all(call: &mut Call<'_>) -> Result<()> {
    open_base(call)?;
    open_some(call, |_| true)
}

/// Opens the basic library.
///
/// # Errors
/// Memory.
pub fn open_base(call: &mut Call<'_>) -> Result<()> {
    let globals = call.globals();
    let loaded = call.loaded()?;
    // The places at which C code finds the main thread and the globals (manual §4.3).
    let registry = call.registry();
    let thread = call.running().0;
    call.table_set_int(registry, 1, thread.into())?;
    call.table_set_int(registry, 2, globals.into())?;
    call.register(globals, base::FUNCTIONS)?;
    base::open(call, globals)?;
    call.table_set_str(loaded, b"_G", globals.into())
}

/// Opens those of the other libraries whose names are wanted.
///
/// # Errors
/// Memory.
pub fn open_some(call: &mut Call<'_>, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let globals = call.globals();
    let loaded = call.loaded()?;
    for &(name, functions, open) in LIBRARIES {
        if !wanted(name) {
            continue;
        }
        let library = call.new_table(0, functions.len())?;
        call.register(library, functions)?;
        call.table_set_str(loaded, name.as_bytes(), library.into())?;
        call.table_set_str(globals, name.as_bytes(), library.into())?;
        if let Some(open) = open {
            open(call, library)?;
        }
    }
    Ok(())
}
