//! Values as native functions see them: valid for one step.

use crate::coroutine::Thread;
use crate::string::LuaString;
use crate::table::Table;
use crate::userdata::Userdata;
use crate::value::{self, Value};
use std::marker::PhantomData;

/// A value during a step `'c` of a native function.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Local<'c> {
    pub(crate) raw: Value,
    pub(crate) step: PhantomData<&'c ()>,
}

/// A [`Local`] as an ordinary enum.
#[derive(Clone, Copy, Debug)]
pub enum LocalView<'c> {
    /// `nil`
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A light userdata.
    LightUserdata(*mut std::ffi::c_void),
    /// A string.
    String(StringRef<'c>),
    /// A table.
    Table(TableRef<'c>),
    /// A function.
    Function(FunctionRef<'c>),
    /// A full userdata.
    Userdata(UserdataRef<'c>),
    /// A coroutine.
    Thread(ThreadRef<'c>),
}

macro_rules! reference {
    ($(#[$doc:meta])* $name:ident, $object:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(transparent)]
        pub struct $name<'c> {
            pub(crate) raw: *mut $object,
            pub(crate) step: PhantomData<&'c ()>,
        }
        impl<'c> $name<'c> {
            pub(crate) fn new(raw: *mut $object) -> Self {
                Self { raw, step: PhantomData }
            }
            /// The object's address, as `%p` shows it.
            pub fn address(self) -> usize {
                self.raw as usize
            }
        }
    };
}
reference!(
    /// A string during a step.
    StringRef, LuaString);
reference!(
    /// A table during a step.
    TableRef, Table);
reference!(
    /// A full userdata during a step.
    UserdataRef, Userdata);
reference!(
    /// A coroutine during a step.
    ThreadRef, Thread);

/// A function during a step.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct FunctionRef<'c>(pub(crate) Local<'c>);

impl<'c> Local<'c> {
    pub(crate) fn new(raw: Value) -> Self {
        Self {
            raw,
            step: PhantomData,
        }
    }
    /// A value from outside of the step, for the embedding interface.
    ///
    /// # Safety
    /// It is a value of the machine whose step this is, and lives as long as the step.
    pub unsafe fn from_raw(raw: Value) -> Self {
        Self::new(raw)
    }
    /// The value without the step that keeps it alive.
    pub fn raw(self) -> Value {
        self.raw
    }
    /// `nil`
    pub const NIL: Local<'static> = Local {
        raw: Value::NIL,
        step: PhantomData,
    };

    /// A boolean.
    pub fn boolean(b: bool) -> Self {
        Self::new(Value::boolean(b))
    }
    /// An integer.
    pub fn integer(i: i64) -> Self {
        Self::new(Value::integer(i))
    }
    /// A float.
    pub fn float(f: f64) -> Self {
        Self::new(Value::float(f))
    }
    /// Whether it is `nil`.
    pub fn is_nil(self) -> bool {
        self.raw.is_nil()
    }
    /// Whether it is neither `nil` nor `false`.
    pub fn is_truthy(self) -> bool {
        self.raw.is_truthy()
    }
    /// Whether it is a function.
    pub fn is_function(self) -> bool {
        self.raw.is_function()
    }
    /// The name of its basic type.
    pub fn type_name(self) -> &'static str {
        self.raw.type_name()
    }
    /// The table, if it is one.
    pub fn as_table(self) -> Option<TableRef<'c>> {
        self.raw.to_table().map(TableRef::new)
    }
    /// The string, if it is one (numbers are not converted).
    pub fn as_string(self) -> Option<StringRef<'c>> {
        self.raw.to_string_object().map(StringRef::new)
    }
    /// The bytes, if it is a string (numbers are not converted).
    pub fn as_bytes(self) -> Option<&'c [u8]> {
        self.as_string().map(StringRef::as_bytes)
    }
    /// The integer, if it is one (floats are not converted).
    pub fn as_integer(self) -> Option<i64> {
        (self.raw.tag == value::INTEGER).then(|| self.raw.as_integer())
    }
    /// The object's address as `%p` and `tostring` show it; 0 for values without one.
    pub fn address(self) -> usize {
        if self.raw.is_object() || self.raw.tag == value::LIGHT_USERDATA {
            self.raw.payload as usize
        } else {
            0
        }
    }
    /// The value as an enum.
    pub fn view(self) -> LocalView<'c> {
        match self.raw.view() {
            value::View::Nil | value::View::Internal => LocalView::Nil,
            value::View::Boolean(b) => LocalView::Boolean(b),
            value::View::Integer(i) => LocalView::Integer(i),
            value::View::Float(f) => LocalView::Float(f),
            value::View::LightUserdata(p) => LocalView::LightUserdata(p),
            value::View::String(s) => LocalView::String(StringRef::new(s)),
            value::View::Table(t) => LocalView::Table(TableRef::new(t)),
            value::View::LuaClosure(_) | value::View::NativeClosure(_) => {
                LocalView::Function(FunctionRef(self))
            }
            value::View::Userdata(u) => LocalView::Userdata(UserdataRef::new(u)),
            value::View::Thread(t) => LocalView::Thread(ThreadRef::new(t)),
        }
    }
}

impl<'c> StringRef<'c> {
    /// The bytes.
    pub fn as_bytes(self) -> &'c [u8] {
        // SAFETY: no object dies during the step `'c`.
        unsafe { LuaString::as_bytes(self.raw) }
    }
}

impl<'c> From<StringRef<'c>> for Local<'c> {
    fn from(s: StringRef<'c>) -> Self {
        Local::new(Value::string(s.raw))
    }
}
impl<'c> From<TableRef<'c>> for Local<'c> {
    fn from(t: TableRef<'c>) -> Self {
        Local::new(Value::table(t.raw))
    }
}
impl<'c> From<UserdataRef<'c>> for Local<'c> {
    fn from(u: UserdataRef<'c>) -> Self {
        Local::new(Value::userdata(u.raw))
    }
}
impl<'c> From<ThreadRef<'c>> for Local<'c> {
    fn from(t: ThreadRef<'c>) -> Self {
        // SAFETY: threads that natives have are live.
        unsafe { (*t.raw).is_shown = true };
        Local::new(Value::thread(t.raw))
    }
}
impl<'c> From<FunctionRef<'c>> for Local<'c> {
    fn from(f: FunctionRef<'c>) -> Self {
        f.0
    }
}
