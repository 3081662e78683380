//! The 16-byte value, and its tags.
//!
//! Invariants:
//! - `payload` is meaningful only together with `tag`: an `i64`, the bits of an `f64`, a pointer
//!   to the object kind that the tag names, or 0 for nil and booleans.
//! - A value is copied field by field ([`Value::copy_to`], plain struct copies of the two fields):
//!   a 16-byte vector copy right after two narrower stores defeats store forwarding.
//! - A `Value` keeps nothing alive. It may be held across code that cannot reach a VM safepoint;
//!   else it must be in a place that the collector visits (stack, object, registry, handle).

use crate::coroutine::Thread;
use crate::function::{Cell, LuaClosure, NativeClosure};
use crate::gc::GcHeader;
use crate::string::LuaString;
use crate::table::Table;
use crate::userdata::Userdata;

/// What a value is. Numbers come first (`tag <= FLOAT`), then `false` and `nil` side by side
/// (falsy: `tag - FALSE <= 1`), then other plain values, then heap objects (`tag >= STRING`).
pub type Tag = u8;
/// An integer.
pub const INTEGER: Tag = 0;
/// A float.
pub const FLOAT: Tag = 1;
/// `false`.
pub const FALSE: Tag = 2;
/// `nil`.
pub const NIL: Tag = 3;
/// `true`.
pub const TRUE: Tag = 4;
/// A light userdata: a bare pointer.
pub const LIGHT_USERDATA: Tag = 5;
/// A key whose object was collected; only ever in a key of a table's hash part.
pub const DEAD_KEY: Tag = 6;
/// A string. The first tag of a heap object.
pub const STRING: Tag = 7;
/// A table.
pub const TABLE: Tag = 8;
/// A function written in Lua.
pub const LUA_CLOSURE: Tag = 9;
/// A function written in Rust.
pub const NATIVE_CLOSURE: Tag = 10;
/// A full userdata.
pub const USERDATA: Tag = 11;
/// A coroutine.
pub const THREAD: Tag = 12;
/// A captured local's cell; only ever in a register, never visible to a program.
pub const CELL: Tag = 13;

/// A Lua value; see the module's text.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Value {
    /// What the tag says.
    pub payload: u64,
    /// What the value is.
    pub tag: Tag,
}

/// A value as an ordinary enum, for code that is not performance-critical.
#[derive(Clone, Copy, Debug)]
pub enum View {
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
    String(*mut LuaString),
    /// A table.
    Table(*mut Table),
    /// A Lua function.
    LuaClosure(*mut LuaClosure),
    /// A native function.
    NativeClosure(*mut NativeClosure),
    /// A full userdata.
    Userdata(*mut Userdata),
    /// A coroutine.
    Thread(*mut Thread),
    /// A cell (in registers only) or a dead key (in tables only).
    Internal,
}

impl Value {
    /// `nil`
    pub const NIL: Value = Value {
        payload: 0,
        tag: NIL,
    };
    /// `true`
    pub const TRUE: Value = Value {
        payload: 0,
        tag: TRUE,
    };
    /// `false`
    pub const FALSE: Value = Value {
        payload: 0,
        tag: FALSE,
    };

    /// An integer.
    #[inline(always)]
    pub const fn integer(i: i64) -> Value {
        Value {
            payload: i as u64,
            tag: INTEGER,
        }
    }
    /// A float.
    #[inline(always)]
    pub const fn float(f: f64) -> Value {
        Value {
            payload: f.to_bits(),
            tag: FLOAT,
        }
    }
    /// A boolean.
    #[inline(always)]
    pub const fn boolean(b: bool) -> Value {
        if b { Value::TRUE } else { Value::FALSE }
    }
    /// A light userdata.
    pub fn light_userdata(p: *mut std::ffi::c_void) -> Value {
        Value {
            payload: p as u64,
            tag: LIGHT_USERDATA,
        }
    }
    /// A string.
    #[inline(always)]
    pub fn string(s: *mut LuaString) -> Value {
        Value {
            payload: s as u64,
            tag: STRING,
        }
    }
    /// A table.
    #[inline(always)]
    pub fn table(t: *mut Table) -> Value {
        Value {
            payload: t as u64,
            tag: TABLE,
        }
    }
    /// A Lua function.
    #[inline(always)]
    pub fn lua_closure(c: *mut LuaClosure) -> Value {
        Value {
            payload: c as u64,
            tag: LUA_CLOSURE,
        }
    }
    /// A native function.
    #[inline(always)]
    pub fn native_closure(c: *mut NativeClosure) -> Value {
        Value {
            payload: c as u64,
            tag: NATIVE_CLOSURE,
        }
    }
    /// A full userdata.
    #[inline(always)]
    pub fn userdata(u: *mut Userdata) -> Value {
        Value {
            payload: u as u64,
            tag: USERDATA,
        }
    }
    /// A coroutine.
    #[inline(always)]
    pub fn thread(t: *mut Thread) -> Value {
        Value {
            payload: t as u64,
            tag: THREAD,
        }
    }
    /// A cell, for a register.
    #[inline(always)]
    pub fn cell(c: *mut Cell) -> Value {
        Value {
            payload: c as u64,
            tag: CELL,
        }
    }

    /// Whether it is `nil`.
    #[inline(always)]
    pub fn is_nil(self) -> bool {
        self.tag == NIL
    }
    /// Whether it is neither `nil` nor `false`.
    #[inline(always)]
    pub fn is_truthy(self) -> bool {
        self.tag.wrapping_sub(FALSE) > 1
    }
    /// Whether it is an integer or a float.
    #[inline(always)]
    pub fn is_number(self) -> bool {
        self.tag <= FLOAT
    }
    /// Whether it refers to a heap object.
    #[inline(always)]
    pub fn is_object(self) -> bool {
        self.tag >= STRING
    }
    /// Whether it is a Lua or native function.
    #[inline(always)]
    pub fn is_function(self) -> bool {
        self.tag == LUA_CLOSURE || self.tag == NATIVE_CLOSURE
    }
    /// The payload as an integer; meaningful for [`INTEGER`].
    #[inline(always)]
    pub fn as_integer(self) -> i64 {
        self.payload as i64
    }
    /// The payload as a float; meaningful for [`FLOAT`].
    #[inline(always)]
    pub fn as_float(self) -> f64 {
        f64::from_bits(self.payload)
    }
    /// The payload as a pointer to the object that the tag names.
    #[inline(always)]
    pub fn as_pointer<T>(self) -> *mut T {
        self.payload as *mut T
    }
    /// The heap object's header; meaningful when [`Value::is_object`].
    #[inline(always)]
    pub fn as_header(self) -> *mut GcHeader {
        self.payload as *mut GcHeader
    }
    /// The string, if it is one.
    #[inline(always)]
    pub fn to_string_object(self) -> Option<*mut LuaString> {
        (self.tag == STRING).then_some(self.payload as *mut LuaString)
    }
    /// The table, if it is one.
    #[inline(always)]
    pub fn to_table(self) -> Option<*mut Table> {
        (self.tag == TABLE).then_some(self.payload as *mut Table)
    }
    /// Whether both are the same bits: primitive equality for everything but floats, mixed
    /// numbers and long strings.
    #[inline(always)]
    pub fn is_identical(self, other: Value) -> bool {
        self.tag == other.tag && self.payload == other.payload
    }

    /// The value as an enum.
    pub fn view(self) -> View {
        match self.tag {
            INTEGER => View::Integer(self.payload as i64),
            FLOAT => View::Float(self.as_float()),
            FALSE => View::Boolean(false),
            TRUE => View::Boolean(true),
            NIL => View::Nil,
            LIGHT_USERDATA => View::LightUserdata(self.as_pointer()),
            STRING => View::String(self.as_pointer()),
            TABLE => View::Table(self.as_pointer()),
            LUA_CLOSURE => View::LuaClosure(self.as_pointer()),
            NATIVE_CLOSURE => View::NativeClosure(self.as_pointer()),
            USERDATA => View::Userdata(self.as_pointer()),
            THREAD => View::Thread(self.as_pointer()),
            _ => View::Internal,
        }
    }

    /// The name of its type as `type` gives it (manual §6.1).
    pub fn type_name(self) -> &'static str {
        match self.tag {
            INTEGER | FLOAT => "number",
            FALSE | TRUE => "boolean",
            NIL => "nil",
            LIGHT_USERDATA | USERDATA => "userdata",
            STRING => "string",
            TABLE => "table",
            LUA_CLOSURE | NATIVE_CLOSURE => "function",
            THREAD => "thread",
            _ => "internal",
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.view() {
            View::Nil => write!(f, "nil"),
            View::Boolean(b) => write!(f, "{b}"),
            View::Integer(i) => write!(f, "{i}"),
            View::Float(x) => write!(f, "{x:?}"),
            _ => write!(f, "{}:{:#x}", self.type_name(), self.payload),
        }
    }
}
