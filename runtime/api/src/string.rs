//! Strings: any bytes, and views into them.
//!
//! A view owns a handle, so the collector leaves the string alone while the view lives, and an owner
//! of the state, so that the memory does. Strings neither move nor change.

use crate::handle::Handle;
use crate::{Error, IntoLua, Lua, Result, Value};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ffi::c_void;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

pub use crate::handle::LuaString;

impl LuaString {
    /// The bytes; nothing when the state is gone.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let s = lua.create_string(b"a\xffb")?;
    /// assert_eq!(s.as_bytes(), b"a\xffb");
    /// assert!(s.to_str().is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn as_bytes(&self) -> BorrowedBytes {
        let _entered = self.0.state.enter();
        let lua = Lua::of(&self.0.state).ok();
        let bytes: *const [u8] = match lua {
            // SAFETY: the handle keeps the string alive, the owner the state.
            Some(_) => unsafe {
                perilune_runtime::string::LuaString::as_bytes(self.0.raw().as_pointer())
            },
            None => &[],
        };
        BorrowedBytes {
            bytes,
            _copy: None,
            _handle: self.0.clone(),
            _lua: lua,
        }
    }

    /// The bytes and a null byte behind them, for C functions. A string has none of its own here, so the
    /// bytes are copied.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let s = lua.create_string("ab")?;
    /// assert_eq!(s.as_bytes_with_nul(), b"ab\0");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn as_bytes_with_nul(&self) -> BorrowedBytes {
        let mut bytes = self.as_bytes();
        let copy: Box<[u8]> = bytes.iter().copied().chain([0]).collect();
        bytes.bytes = &raw const *copy;
        bytes._copy = Some(copy);
        bytes
    }

    /// The text.
    ///
    /// # Errors
    /// [`Error::FromLuaConversionError`] when it is not UTF-8.
    pub fn to_str(&self) -> Result<BorrowedStr> {
        let bytes = self.as_bytes();
        match std::str::from_utf8(&bytes) {
            Ok(_) => Ok(BorrowedStr { bytes }),
            Err(error) => Err(Error::from_lua("string", "&str", Some(&error.to_string()))),
        }
    }

    /// The bytes as text, with replacement characters for what is not UTF-8.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let s = lua.create_string(b"a\xff")?;
    /// assert_eq!(s.to_string_lossy(), "a\u{fffd}");
    /// assert_eq!(format!("{:>3}", s.display()), " a\u{fffd}");
    /// assert_eq!(s.to_bytes(), b"a\xff");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn to_string_lossy(&self) -> String {
        String::from_utf8_lossy(&self.as_bytes()).into_owned()
    }

    /// The string for a format, with replacement characters for what is not UTF-8.
    pub fn display(&self) -> impl fmt::Display + '_ {
        Display(self)
    }

    /// The bytes, copied.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    /// The address of the string, for comparing and debugging. Equal short strings have one address,
    /// equal long strings need not.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let (a, b) = (lua.create_string("key")?, lua.create_string("key")?);
    /// assert_eq!(a.to_pointer(), b.to_pointer());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn to_pointer(&self) -> *const c_void {
        self.0.to_pointer()
    }

    /// Bytes as a string that is made where it is wanted.
    ///
    /// ```
    /// use perilune::{Lua, LuaString};
    /// let lua = Lua::new();
    /// lua.globals().set("bytes", LuaString::wrap(b"\x00\xff"))?;
    /// lua.load(r"assert(bytes == '\x00\xff')").exec()?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn wrap(data: impl AsRef<[u8]>) -> impl IntoLua {
        Wrapped(data)
    }
}

struct Wrapped<T>(T);

impl<T: AsRef<[u8]>> IntoLua for Wrapped<T> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_string(self.0).map(Value::String)
    }
}

struct Display<'a>(&'a LuaString);

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string_lossy())
    }
}

/// As text where it is UTF-8; otherwise as bytes.
impl fmt::Debug for LuaString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.as_bytes();
        match std::str::from_utf8(&bytes) {
            Ok(text) => write!(f, "{text:?}"),
            Err(_) => write!(f, "b\"{}\"", bytes.escape_ascii()),
        }
    }
}

/// The bytes of a string; see [`LuaString::as_bytes`].
///
/// ```
/// use perilune::BorrowedBytes;
/// let lua = perilune::Lua::new();
/// let count = lua.create_function(|_, bytes: BorrowedBytes| Ok(bytes.iter().filter(|&&b| b > 127).count()))?;
/// assert_eq!(count.call::<i64>(lua.create_string(b"a\xff\xfe")?)?, 2);
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct BorrowedBytes {
    bytes: *const [u8],
    /// What `bytes` are if they are not the string's.
    _copy: Option<Box<[u8]>>,
    _handle: Handle,
    _lua: Option<Lua>,
}

// SAFETY: the bytes do not change, and the handle and the owner, which keep them, may be sent and shared.
#[cfg(feature = "send")]
unsafe impl Send for BorrowedBytes {}
// SAFETY: likewise.
#[cfg(feature = "send")]
unsafe impl Sync for BorrowedBytes {}

impl Deref for BorrowedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the module's header: the bytes live and stay as they are while this does.
        unsafe { &*self.bytes }
    }
}

impl fmt::Debug for BorrowedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'a> IntoIterator for &'a BorrowedBytes {
    type Item = &'a u8;
    type IntoIter = std::slice::Iter<'a, u8>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<&LuaString> for BorrowedBytes {
    fn from(string: &LuaString) -> BorrowedBytes {
        string.as_bytes()
    }
}

/// The text of a string; see [`LuaString::to_str`].
///
/// ```
/// use perilune::BorrowedStr;
/// let lua = perilune::Lua::new();
/// let upper = lua.create_function(|_, text: BorrowedStr| Ok(text.to_uppercase()))?;
/// assert_eq!(upper.call::<String>("straße")?, "STRASSE");
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct BorrowedStr {
    /// They are UTF-8.
    bytes: BorrowedBytes,
}

impl Deref for BorrowedStr {
    type Target = str;

    fn deref(&self) -> &str {
        // SAFETY: what made this has looked.
        unsafe { std::str::from_utf8_unchecked(&self.bytes) }
    }
}

impl fmt::Debug for BorrowedStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Display for BorrowedStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl TryFrom<&LuaString> for BorrowedStr {
    type Error = Error;

    fn try_from(string: &LuaString) -> Result<BorrowedStr> {
        string.to_str()
    }
}

impl IntoLua for BorrowedBytes {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        (&self).into_lua(lua)
    }
}
impl IntoLua for &BorrowedBytes {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::String(LuaString(self._handle.clone())))
    }
}
impl IntoLua for BorrowedStr {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        (&self.bytes).into_lua(lua)
    }
}
impl IntoLua for &BorrowedStr {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        (&self.bytes).into_lua(lua)
    }
}

/// Views are compared, ordered and hashed as what they show.
macro_rules! views {
    ($($view:ty => $shown:ty;)*) => {$(
        impl Borrow<$shown> for $view {
            fn borrow(&self) -> &$shown {
                self
            }
        }

        impl AsRef<$shown> for $view {
            fn as_ref(&self) -> &$shown {
                self
            }
        }

        impl<T: AsRef<$shown> + ?Sized> PartialEq<T> for $view {
            fn eq(&self, other: &T) -> bool {
                **self == *other.as_ref()
            }
        }

        impl Eq for $view {}

        impl<T: AsRef<$shown> + ?Sized> PartialOrd<T> for $view {
            fn partial_cmp(&self, other: &T) -> Option<Ordering> {
                Some((**self).cmp(other.as_ref()))
            }
        }

        impl Ord for $view {
            fn cmp(&self, other: &$view) -> Ordering {
                (**self).cmp(&**other)
            }
        }

        impl Hash for $view {
            fn hash<H: Hasher>(&self, state: &mut H) {
                (**self).hash(state);
            }
        }
    )*};
}
views! {
    BorrowedBytes => [u8];
    BorrowedStr => str;
}

impl PartialEq for LuaString {
    fn eq(&self, other: &LuaString) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for LuaString {
    fn eq(&self, other: &T) -> bool {
        *self.as_bytes() == *other.as_ref()
    }
}

impl Eq for LuaString {}

impl PartialOrd for LuaString {
    fn partial_cmp(&self, other: &LuaString) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialOrd<T> for LuaString {
    fn partial_cmp(&self, other: &T) -> Option<Ordering> {
        Some((*self.as_bytes()).cmp(other.as_ref()))
    }
}

/// By their bytes.
impl Ord for LuaString {
    fn cmp(&self, other: &LuaString) -> Ordering {
        (*self.as_bytes()).cmp(&*other.as_bytes())
    }
}

impl Hash for LuaString {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (*self.as_bytes()).hash(state);
    }
}
