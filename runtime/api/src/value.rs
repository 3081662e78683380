//! Lua values on the Rust side, and conversion to them.

use crate::handle::Handle;
use crate::lock::Shared;
use crate::state::State;
use crate::{
    AnyUserData, Error, Function, Integer, LightUserData, Lua, LuaString, Number, Result, Table,
    Thread, failure,
};
use perilune_runtime::value as raw;
use std::cmp::Ordering;
use std::ffi::c_void;
use std::fmt;

pub use Value::Nil;

/// A Lua value.
///
/// ```
/// use perilune::Value;
/// let lua = perilune::Lua::new();
/// let describe = |value: Value| match value {
///     Value::Integer(i) => format!("the integer {i}"),
///     Value::String(s) => format!("the string {}", s.display()),
///     other => format!("a {}", other.type_name()),
/// };
/// assert_eq!(describe(lua.load("7").eval()?), "the integer 7");
/// assert_eq!(describe(lua.load("'x'").eval()?), "the string x");
/// assert_eq!(describe(lua.load("{}").eval()?), "a table");
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Default)]
pub enum Value {
    /// `nil`
    #[default]
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// A light userdata.
    LightUserData(LightUserData),
    /// An integer.
    Integer(Integer),
    /// A float.
    Number(Number),
    /// A string.
    String(LuaString),
    /// A table.
    Table(Table),
    /// A function.
    Function(Function),
    /// A coroutine.
    Thread(Thread),
    /// A full userdata.
    UserData(AnyUserData),
    /// A Rust error that has passed, or will pass, through Lua.
    Error(Box<Error>),
}

impl Value {
    /// What stands for "no value" where `nil` can't: in tables, for instance. It is a light userdata.
    ///
    /// ```
    /// use perilune::Value;
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_sequence_from([Value::NULL, Value::Nil])?;
    /// assert_eq!(list.len()?, 1);
    /// assert!(list.get::<Value>(1)?.is_null() && list.get::<Value>(2)?.is_nil());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub const NULL: Value = Value::LightUserData(LightUserData(std::ptr::null_mut()));

    /// The name of its kind: that of the type in Lua, where this interface does not distinguish more.
    ///
    /// ```
    /// use perilune::Value;
    /// let lua = perilune::Lua::new();
    /// let value: Value = lua.load("{ name = 'Io' }").eval()?;
    /// assert!(value.is_table() && !value.is_string() && !value.is_function());
    /// assert_eq!(value.type_name(), "table");
    /// let name: Value = value.as_table().map_or(Ok(Value::Nil), |table| table.get("name"))?;
    /// assert_eq!(name.as_string().map(|name| name.to_bytes()), Some(b"Io".to_vec()));
    /// assert!(name.as_function().is_none() && name.as_thread().is_none() && name.as_userdata().is_none());
    /// let (flag, number) = (Value::Boolean(true), Value::Number(0.5));
    /// assert!(flag.is_boolean() && number.is_number() && !number.is_integer());
    /// assert_eq!((flag.as_boolean(), number.as_number(), number.as_integer()), (Some(true), Some(0.5), None));
    /// assert!(!flag.is_thread() && !flag.is_userdata() && Value::NULL.is_light_userdata());
    /// assert!(Value::NULL.as_light_userdata().is_some_and(|address| address.0.is_null()));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Boolean(_) => "boolean",
            Value::LightUserData(_) => "lightuserdata",
            Value::Integer(_) => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Table(_) => "table",
            Value::Function(_) => "function",
            Value::Thread(_) => "thread",
            Value::UserData(_) => "userdata",
            Value::Error(_) => "error",
        }
    }

    /// Whether the values are equal as `==` in Lua has it, `__eq` included. The operator of Rust leaves
    /// that out.
    ///
    /// ```
    /// use perilune::Value;
    /// let lua = perilune::Lua::new();
    /// let (a, b): (Value, Value) = lua.load("1, 1.0").eval()?;
    /// assert!(a.equals(&b)? && a == b);
    /// let t: Value = lua.load("setmetatable({}, {__eq = function() return true end})").eval()?;
    /// let other = Value::Table(lua.create_table()?);
    /// assert!(t.equals(&other)? && t != other);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `__eq` raises.
    pub fn equals(&self, other: &Value) -> Result<bool> {
        if self == other {
            return Ok(true);
        }
        match (self, other) {
            (Value::Table(a), Value::Table(b)) => a.equals(b),
            (Value::UserData(AnyUserData(a)), Value::UserData(AnyUserData(b))) => a.equals(b),
            _ => Ok(false),
        }
    }

    /// The address of the object, for comparing and debugging; null for what is no object.
    ///
    /// ```
    /// use perilune::Value;
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table()?;
    /// assert_eq!(Value::Table(table.clone()).to_pointer(), table.to_pointer());
    /// assert!(Value::Integer(1).to_pointer().is_null());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn to_pointer(&self) -> *const c_void {
        match self {
            Value::LightUserData(data) => data.0,
            _ => self.handle().map_or(std::ptr::null(), Handle::to_pointer),
        }
    }

    /// The value as text: what `tostring` makes of an object; `null` for [`Value::NULL`].
    ///
    /// ```
    /// use perilune::Value;
    /// let lua = perilune::Lua::new();
    /// let value: Value = lua.load("setmetatable({}, {__tostring = function() return 'mine' end})").eval()?;
    /// assert_eq!(value.to_string()?, "mine");
    /// assert_eq!((Value::Number(0.5).to_string()?, Value::NULL.to_string()?), ("0.5".into(), "null".into()));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `__tostring` raises; a string that is not UTF-8.
    pub fn to_string(&self) -> Result<String> {
        match self {
            Value::LightUserData(data) if data.0.is_null() => Ok("null".to_owned()),
            Value::LightUserData(data) => Ok(format!("lightuserdata: {:p}", data.0)),
            Value::Nil => Ok("nil".to_owned()),
            Value::Boolean(b) => Ok(b.to_string()),
            Value::Integer(i) => Ok(i.to_string()),
            Value::Number(n) => Ok(n.to_string()),
            Value::String(s) => Ok(s.to_str()?.to_owned()),
            Value::Error(error) => Ok(error.to_string()),
            Value::Table(Table(handle))
            | Value::Function(Function(handle))
            | Value::Thread(Thread(handle))
            | Value::UserData(AnyUserData(handle)) => handle.display_text(),
        }
    }

    /// The handle within, if it has one.
    fn handle(&self) -> Option<&Handle> {
        match self {
            Value::String(LuaString(handle))
            | Value::Table(Table(handle))
            | Value::Function(Function(handle))
            | Value::Thread(Thread(handle))
            | Value::UserData(AnyUserData(handle)) => Some(handle),
            _ => None,
        }
    }

    /// Whether it is [`Value::NULL`].
    pub fn is_null(&self) -> bool {
        matches!(self, Value::LightUserData(data) if data.0.is_null())
    }

    /// Whether it is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// The integer as an `i32`, if it is one and fits.
    ///
    /// ```
    /// use perilune::Value;
    /// let value = Value::Integer(-1);
    /// assert_eq!((value.as_i32(), value.as_u32()), (Some(-1), None));
    /// assert_eq!((value.as_i64(), value.as_u64()), (Some(-1), None));
    /// assert_eq!((value.as_isize(), value.as_usize()), (Some(-1), None));
    /// assert_eq!(Value::Number(1.0).as_i32(), None);
    /// ```
    pub fn as_i32(&self) -> Option<i32> {
        self.as_integer()?.try_into().ok()
    }

    /// The integer as a `u32`, if it is one and fits.
    pub fn as_u32(&self) -> Option<u32> {
        self.as_integer()?.try_into().ok()
    }

    /// The integer, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_integer()
    }

    /// The integer as a `u64`, if it is one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_integer()?.try_into().ok()
    }

    /// The integer as an `isize`, if it is one and fits.
    pub fn as_isize(&self) -> Option<isize> {
        self.as_integer()?.try_into().ok()
    }

    /// The integer as a `usize`, if it is one and fits.
    pub fn as_usize(&self) -> Option<usize> {
        self.as_integer()?.try_into().ok()
    }

    /// The float as an `f32`, if it is one.
    ///
    /// ```
    /// use perilune::Value;
    /// assert_eq!((Value::Number(0.5).as_f32(), Value::Number(0.5).as_f64()), (Some(0.5), Some(0.5)));
    /// assert_eq!(Value::Integer(1).as_f64(), None);
    /// ```
    pub fn as_f32(&self) -> Option<f32> {
        self.as_number().map(|n| n as f32)
    }

    /// The float, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()
    }

    /// The error, if it is one.
    ///
    /// ```
    /// use perilune::{Error, Value};
    /// let lua = perilune::Lua::new();
    /// let fail = lua.create_function(|_, ()| Err::<(), _>(Error::runtime("no")))?;
    /// let (_, error): (bool, Value) = lua.globals().get::<perilune::Function>("pcall")?.call(fail)?;
    /// assert!(error.is_error());
    /// assert!(matches!(error.as_error(), Some(Error::CallbackError { .. })));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn as_error(&self) -> Option<&Error> {
        match self {
            Value::Error(error) => Some(error),
            _ => None,
        }
    }

    /// Whether it is a Rust error.
    pub fn is_error(&self) -> bool {
        self.as_error().is_some()
    }

    /// The value of a live object, which the caller has from its state.
    #[inline]
    pub(crate) fn from_raw(state: &Shared<State>, value: raw::Value) -> Value {
        let handle = || Handle::new(state, value);
        match value.view() {
            raw::View::Nil | raw::View::Internal => Value::Nil,
            raw::View::Boolean(b) => Value::Boolean(b),
            raw::View::Integer(i) => Value::Integer(i),
            raw::View::Float(f) => Value::Number(f),
            raw::View::LightUserdata(p) => Value::LightUserData(LightUserData(p)),
            raw::View::String(_) => Value::String(LuaString(handle())),
            raw::View::Table(_) => Value::Table(Table(handle())),
            raw::View::LuaClosure(_) | raw::View::NativeClosure(_) => {
                Value::Function(Function(handle()))
            }
            raw::View::Userdata(_) => match failure::error_of(value) {
                Some(error) => Value::Error(Box::new(error)),
                None => Value::UserData(AnyUserData(handle())),
            },
            raw::View::Thread(_) => Value::Thread(Thread(handle())),
        }
    }

    /// The raw value, for use in `state` before anything else happens there.
    ///
    /// # Errors
    /// The value is of another state; memory for an error object.
    pub(crate) fn to_raw(&self, state: &Shared<State>) -> Result<raw::Value> {
        Ok(match self {
            Value::Nil => raw::Value::NIL,
            Value::Boolean(b) => raw::Value::boolean(*b),
            Value::Integer(i) => raw::Value::integer(*i),
            Value::Number(f) => raw::Value::float(*f),
            Value::LightUserData(p) => raw::Value::light_userdata(p.0),
            Value::String(LuaString(h))
            | Value::Table(Table(h))
            | Value::Function(Function(h))
            | Value::Thread(Thread(h))
            | Value::UserData(AnyUserData(h)) => {
                if !Shared::ptr_eq(&h.state, state) {
                    return Err(Error::runtime("value of another state"));
                }
                h.raw()
            }
            Value::Error(error) => Lua::of(state)?.error_object((**error).clone())?,
        })
    }
}

/// `is_...` and `as_...` for variants; those of objects give references.
macro_rules! accessors {
    (copied: $($is:ident $as:ident $variant:ident $kind:ty;)*) => {
        impl Value {$(
            #[doc = concat!("Whether it is a [`Value::", stringify!($variant), "`].")]
            pub fn $is(&self) -> bool {
                matches!(self, Value::$variant(_))
            }

            #[doc = concat!("What is in a [`Value::", stringify!($variant), "`], if it is one.")]
            pub fn $as(&self) -> Option<$kind> {
                match self {
                    Value::$variant(value) => Some(*value),
                    _ => None,
                }
            }
        )*}
    };
    (borrowed: $($is:ident $as:ident $variant:ident $kind:ty;)*) => {
        impl Value {$(
            #[doc = concat!("Whether it is a [`Value::", stringify!($variant), "`].")]
            pub fn $is(&self) -> bool {
                matches!(self, Value::$variant(_))
            }

            #[doc = concat!("What is in a [`Value::", stringify!($variant), "`], if it is one.")]
            pub fn $as(&self) -> Option<&$kind> {
                match self {
                    Value::$variant(value) => Some(value),
                    _ => None,
                }
            }
        )*}
    };
}
accessors! { copied:
    is_boolean as_boolean Boolean bool;
    is_light_userdata as_light_userdata LightUserData LightUserData;
    is_integer as_integer Integer Integer;
    is_number as_number Number Number;
}
accessors! { borrowed:
    is_string as_string String LuaString;
    is_table as_table Table Table;
    is_function as_function Function Function;
    is_thread as_thread Thread Thread;
    is_userdata as_userdata UserData AnyUserData;
}

/// Raw equality, as `rawequal` has it. Errors are equal to nothing.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Nil, Value::Nil) => true,
            (Value::Boolean(a), Value::Boolean(b)) => a == b,
            (Value::LightUserData(a), Value::LightUserData(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Integer(i), Value::Number(f)) | (Value::Number(f), Value::Integer(i)) => {
                use perilune_frontend::number::{Rounding, float_to_integer};
                float_to_integer(*f, Rounding::Exact) == Some(*i)
            }
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Table(a), Value::Table(b)) => a == b,
            (Value::Function(a), Value::Function(b)) => a == b,
            (Value::Thread(a), Value::Thread(b)) => a == b,
            (Value::UserData(AnyUserData(a)), Value::UserData(AnyUserData(b))) => a == b,
            _ => false,
        }
    }
}

/// `{:?}` names the variant; `{:#?}` shows tables with what is in them, in an order of their keys.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.show(f, 0, &mut Vec::new());
        }
        match self {
            Value::Nil => write!(f, "Nil"),
            Value::Boolean(b) => write!(f, "Boolean({b})"),
            Value::LightUserData(data) => data.fmt(f),
            Value::Integer(i) => write!(f, "Integer({i})"),
            Value::Number(n) => write!(f, "Number({n})"),
            Value::String(s) => write!(f, "String({s:?})"),
            Value::Table(t) => t.fmt(f),
            Value::Function(function) => function.fmt(f),
            Value::Thread(thread) => thread.fmt(f),
            Value::UserData(data) => data.fmt(f),
            Value::Error(error) => write!(f, "Error({error:?})"),
        }
    }
}

impl Value {
    /// Writes the value as `{:#?}` shows it, `indent` steps in, within the tables `outer`.
    pub(crate) fn show(
        &self,
        f: &mut fmt::Formatter<'_>,
        indent: usize,
        outer: &mut Vec<*const c_void>,
    ) -> fmt::Result {
        match self {
            Value::Nil => write!(f, "nil"),
            Value::Boolean(b) => write!(f, "{b}"),
            Value::LightUserData(data) if data.0.is_null() => write!(f, "null"),
            Value::Integer(i) => write!(f, "{i}"),
            Value::Number(n) => write!(f, "{n}"),
            Value::String(s) => write!(f, "{s:?}"),
            Value::Table(table) if !outer.contains(&table.to_pointer()) => {
                table.show(f, indent, outer)
            }
            Value::UserData(data) => f.write_str(&data.0.plain_text()),
            Value::Error(error) => write!(f, "{error:?}"),
            other => write!(f, "{}: {:?}", other.type_name(), other.to_pointer()),
        }
    }

    /// An order of values in which tables are shown: nil, null, booleans, numbers, strings, others by
    /// address.
    pub(crate) fn order(&self, other: &Value) -> Ordering {
        fn class(value: &Value) -> u8 {
            match value {
                Value::Nil => 0,
                Value::LightUserData(data) if data.0.is_null() => 1,
                Value::Boolean(_) => 2,
                Value::Integer(_) | Value::Number(_) => 3,
                Value::String(_) => 4,
                _ => 5,
            }
        }
        let float = |value: &Value| match *value {
            Value::Integer(i) => i as f64,
            Value::Number(n) => n,
            _ => 0.0,
        };
        class(self)
            .cmp(&class(other))
            .then_with(|| match (self, other) {
                (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
                (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
                (Value::String(a), Value::String(b)) => a.cmp(b),
                _ if class(self) == 3 => float(self).total_cmp(&float(other)),
                _ => self.to_pointer().cmp(&other.to_pointer()),
            })
    }
}
