//! Text and bytes: Rust's own strings, those of C and of the system, paths, characters.
//!
//! Lua strings are bytes. What is not UTF-8 becomes no `String`; what the system's strings can't hold
//! becomes none of those.

use super::{FromLua, IntoLua};
use crate::names::type_name;
use crate::stack::{Slot, Stack};
use crate::{Error, Lua, LuaString, Result, Value};
use bstr::{BStr, BString, ByteVec};
use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::{Path, PathBuf};

/// Types that are text or bytes: by an expression that shows them.
macro_rules! to_strings {
    ($($kind:ty, $value:ident => $bytes:expr;)*) => {$(
        impl IntoLua for $kind {
            fn into_lua(self, lua: &Lua) -> Result<Value> {
                let $value = self;
                lua.create_string($bytes).map(Value::String)
            }

            #[inline]
            fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
                let $value = self;
                stack.push_string($bytes.as_ref())
            }
        }
    )*};
}
to_strings! {
    &str, text => text.as_bytes();
    &mut str, text => text.as_bytes();
    String, text => text.as_bytes();
    &String, text => text.as_bytes();
    Box<str>, text => text.as_bytes();
    Cow<'_, str>, text => text.as_bytes();
    char, c => c.encode_utf8(&mut [0; 4]).as_bytes();
    CString, text => text.as_bytes();
    &CStr, text => text.to_bytes();
    Cow<'_, CStr>, text => text.to_bytes();
    BString, bytes => &bytes[..];
    &BStr, bytes => bytes;
    OsString, text => system_bytes(&text);
    &OsStr, text => system_bytes(text);
    PathBuf, path => system_bytes(path.as_os_str());
    &Path, path => system_bytes(path.as_os_str());
}

/// The bytes of a string of the system; where those are not bytes, as UTF-8, with replacement
/// characters for what has no such form.
#[cfg(unix)]
fn system_bytes(text: &OsStr) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(text)
}
#[cfg(not(unix))]
fn system_bytes(text: &OsStr) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}

/// The string that a value is or becomes.
fn string(value: Value, to: &str, lua: &Lua) -> Result<LuaString> {
    let from = value.type_name();
    let text = lua.coerce_string(value)?;
    text.ok_or_else(|| Error::from_lua(from, to, Some("expected string or number")))
}

/// Bytes as text.
fn text(bytes: &[u8], to: &str) -> Result<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(Error::from_lua("string", to, Some(&error.to_string()))),
    }
}

/// Whether bytes are UTF-8.
fn is_text(bytes: &[u8]) -> bool {
    // The usual case is found out faster than by decoding.
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

impl FromLua for String {
    fn from_lua(value: Value, lua: &Lua) -> Result<String> {
        text(&string(value, "String", lua)?.as_bytes(), "String")
    }

    // The text is made here, in registers: a whole result that a function had written to memory would be
    // read again before it is there, in words of another size, for which the processor waits.
    #[inline]
    fn from_slot(slot: Slot<'_>) -> Result<String> {
        let text = slot.with_bytes(|bytes| {
            // SAFETY: it was just asked whether they are UTF-8.
            is_text(bytes).then(|| unsafe { std::str::from_utf8_unchecked(bytes) }.to_owned())
        });
        match text {
            Some(Some(text)) => Ok(text),
            _ => no_text(slot),
        }
    }
}

/// The string that a value becomes which is none, or is not UTF-8.
#[cold]
#[inline(never)]
fn no_text(slot: Slot<'_>) -> Result<String> {
    String::from_lua(slot.value(), slot.lua())
}
impl FromLua for Box<str> {
    fn from_lua(value: Value, lua: &Lua) -> Result<Box<str>> {
        let text = text(&string(value, "Box<str>", lua)?.as_bytes(), "Box<str>");
        text.map(String::into_boxed_str)
    }
}

impl FromLua for BString {
    fn from_lua(value: Value, lua: &Lua) -> Result<BString> {
        string(value, "BString", lua).map(|s| BString::from(s.to_bytes()))
    }

    #[inline]
    fn from_slot(slot: Slot<'_>) -> Result<BString> {
        match slot.with_bytes(|bytes| BString::from(bytes)) {
            Some(bytes) => Ok(bytes),
            None => BString::from_lua(slot.value(), slot.lua()),
        }
    }
}

impl FromLua for CString {
    fn from_lua(value: Value, lua: &Lua) -> Result<CString> {
        let from = value.type_name();
        let bytes = string(value, "CString", lua)?.to_bytes();
        CString::new(bytes)
            .map_err(|error| Error::from_lua(from, "CString", Some(&error.to_string())))
    }
}
impl FromLua for OsString {
    fn from_lua(value: Value, lua: &Lua) -> Result<OsString> {
        let from = value.type_name();
        let bytes = string(value, "OsString", lua)?.to_bytes();
        bytes
            .into_os_string()
            .map_err(|error| Error::from_lua(from, "OsString", Some(&error.to_string())))
    }
}
impl FromLua for PathBuf {
    fn from_lua(value: Value, lua: &Lua) -> Result<PathBuf> {
        OsString::from_lua(value, lua).map(PathBuf::from)
    }
}

impl FromLua for char {
    fn from_lua(value: Value, _: &Lua) -> Result<char> {
        let from = value.type_name();
        let refused = |why| Err(Error::from_lua(from, &type_name::<char>(), Some(why)));
        match value {
            Value::Integer(i) => match u32::try_from(i).ok().and_then(char::from_u32) {
                Some(c) => Ok(c),
                None => refused("integer out of range when converting to char"),
            },
            Value::String(s) => {
                let text = s.to_str()?;
                let mut characters = text.chars();
                match (characters.next(), characters.next()) {
                    (Some(c), None) => Ok(c),
                    _ => {
                        refused("expected string to have exactly one char when converting to char")
                    }
                }
            }
            _ => refused("expected string or integer"),
        }
    }
}
