//! Every offset and number of the runtime's data that machine code relies on, in one place.
//!
//! Offsets are in bytes; all are computed by the compiler from the types themselves.

use crate::coroutine::Thread;
use crate::frame::{CallSite, Frame};
use crate::function::{Cell, LuaClosure};
use crate::gc::{GcHeader, Heap, charge};
use crate::string::LuaString;
use crate::table::{Node, Table};
use crate::userdata::Userdata;
use crate::value::Value;
use crate::vm::Vm;
use std::mem::offset_of;

/// Size of a value.
pub const VALUE_SIZE: i32 = size_of::<Value>() as i32;
/// Payload within a value.
pub const VALUE_PAYLOAD: i32 = offset_of!(Value, payload) as i32;
/// Tag within a value.
pub const VALUE_TAG: i32 = offset_of!(Value, tag) as i32;
/// The running frame.
pub const VM_FRAME_TOP: i32 = offset_of!(Vm, frame_top) as i32;
/// Frames up to this one may be pushed.
pub const VM_FRAME_LIMIT: i32 = offset_of!(Vm, frame_limit) as i32;
/// The stack's limit for new frames.
pub const VM_STACK_LIMIT: i32 = offset_of!(Vm, stack_limit) as i32;
/// One past the last value of a list of any length.
pub const VM_TOP: i32 = offset_of!(Vm, top) as i32;
/// The saved base.
pub const VM_BASE: i32 = offset_of!(Vm, base) as i32;
/// Pending events (32 bits).
pub const VM_PENDING: i32 = offset_of!(Vm, pending) as i32;
/// The instructions that may still be executed.
pub const VM_FUEL: i32 = offset_of!(Vm, fuel) as i32;
/// What a helper found: a key and a value.
pub const VM_FOUND: i32 = offset_of!(Vm, found) as i32;
/// Metatables of the basic types.
pub const VM_TYPE_METATABLES: i32 = offset_of!(Vm, type_metatables) as i32;
/// The heap's address.
pub const VM_HEAP: i32 = offset_of!(Vm, heap) as i32;
/// Bytes in use.
pub const HEAP_USED: i32 = offset_of!(Heap, used) as i32;
/// Bytes in use above which the collector is due.
pub const HEAP_THRESHOLD: i32 = offset_of!(Heap, threshold) as i32;
/// The running thread.
pub const VM_THREAD: i32 = offset_of!(Vm, thread) as i32;
/// A thread's count of C calls (32 bits).
pub const THREAD_C_CALLS: i32 = offset_of!(Thread, c_calls) as i32;
/// Size of a frame.
pub const FRAME_SIZE: i32 = size_of::<Frame>() as i32;
/// A frame's call site.
pub const FRAME_SITE: i32 = offset_of!(Frame, site) as i32;
/// A frame's `varargs`, and its flags in the upper half of the same 64 bits.
pub const FRAME_VARARGS: i32 = offset_of!(Frame, varargs) as i32;
/// A call site's base delta.
pub const SITE_DELTA: i32 = offset_of!(CallSite, delta) as i32;
/// An object's mark byte.
pub const OBJECT_MARK: i32 = offset_of!(GcHeader, mark) as i32;
/// An object's flag byte.
pub const OBJECT_FLAGS: i32 = offset_of!(GcHeader, flags) as i32;
/// An object's `extra` (32 bits): a table's shape id.
pub const OBJECT_EXTRA: i32 = offset_of!(GcHeader, extra) as i32;
/// A table's record slots.
pub const TABLE_SLOTS: i32 = offset_of!(Table, slots) as i32;
/// A table's array payloads.
pub const TABLE_ARRAY: i32 = offset_of!(Table, array) as i32;
/// A table's array tags.
pub const TABLE_TAGS: i32 = offset_of!(Table, tags) as i32;
/// A table's hash part, or null.
pub const TABLE_HASH: i32 = offset_of!(Table, hash) as i32;
/// A table's border (32 bits).
pub const TABLE_BORDER: i32 = offset_of!(Table, border) as i32;
/// A table's array capacity (32 bits).
pub const TABLE_CAPACITY: i32 = offset_of!(Table, capacity) as i32;
/// A table's slot capacity (32 bits).
pub const TABLE_SLOT_CAPACITY: i32 = offset_of!(Table, slot_capacity) as i32;
/// What a table without its parts is charged.
pub const TABLE_CHARGE: i32 = charge::block(size_of::<Table>()) as i32;
/// What a cell is charged.
pub const CELL_CHARGE: i32 = charge::block(size_of::<Cell>()) as i32;
/// What a closure without upvalues is charged.
pub const CLOSURE_CHARGE: i32 = charge::block(size_of::<LuaClosure>()) as i32;
/// A closure's proto.
pub const CLOSURE_PROTO: i32 = offset_of!(LuaClosure, proto) as i32;
/// A closure's first upvalue.
pub const CLOSURE_UPVALUES: i32 = offset_of!(LuaClosure, upvalues) as i32;
/// A cell's value.
pub const CELL_VALUE: i32 = offset_of!(Cell, value) as i32;
/// A userdata's metatable.
pub const USERDATA_METATABLE: i32 = offset_of!(Userdata, metatable) as i32;
/// A userdata's value.
pub const USERDATA_VALUE: i32 = offset_of!(Userdata, value) as i32;
/// The description of the type of a userdata's value.
pub const USERDATA_CONTENTS: i32 = offset_of!(Userdata, contents) as i32;
/// How a userdata's value is in use (32 bits).
pub const USERDATA_USES: i32 = offset_of!(Userdata, uses) as i32;
/// Whose a userdata's value is (a byte).
pub const USERDATA_ACCESS: i32 = offset_of!(Userdata, access) as i32;
/// A string's length.
pub const STRING_LENGTH: i32 = offset_of!(LuaString, len) as i32;
/// A string's first byte.
pub const STRING_BYTES: i32 = offset_of!(LuaString, bytes) as i32;
/// Payload of a node's value.
pub const NODE_VALUE: i32 = offset_of!(Node, value) as i32;
/// Tag of a node's value.
pub const NODE_VALUE_TAG: i32 = offset_of!(Node, value_tag) as i32;
