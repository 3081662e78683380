//! Sizes of objects, and how they are freed.

use super::heap::Heap;
use super::{GcHeader, Kind};
use crate::coroutine::Thread;
use crate::error::Result;
use crate::function::{Cell, LuaClosure, NativeClosure, Proto};
use crate::string::LuaString;
use crate::table::Table;
use crate::userdata::Userdata;
use crate::value::{self, Value};
use perilune_frontend::bytecode::proto::{LocalVariable, Upvalue};
use std::alloc::Layout;
use std::ptr::NonNull;

/// The value that refers to `object`; `None` for kinds that are not values (protos).
///
/// # Safety
/// `object` is not freed.
pub unsafe fn value_of(object: *mut GcHeader) -> Option<Value> {
    // SAFETY: the caller's contract.
    let tag = match unsafe { (*object).kind } {
        Kind::String => value::STRING,
        Kind::Table => value::TABLE,
        Kind::LuaClosure => value::LUA_CLOSURE,
        Kind::NativeClosure => value::NATIVE_CLOSURE,
        Kind::Userdata => value::USERDATA,
        Kind::Thread => value::THREAD,
        Kind::Cell => value::CELL,
        Kind::Proto => return None,
    };
    Some(Value {
        payload: object as u64,
        tag,
    })
}

/// The layout with which an object was allocated.
///
/// # Safety
/// `object` is not freed.
pub(crate) unsafe fn layout_of(object: *const GcHeader) -> Layout {
    // SAFETY: the caller's contract; the kind names the type.
    let (size, align) = unsafe {
        let extra = (*object).extra as usize;
        match (*object).kind {
            Kind::String => (
                size_of::<LuaString>() + (*object.cast::<LuaString>()).len,
                align_of::<LuaString>(),
            ),
            Kind::Table => (size_of::<Table>(), align_of::<Table>()),
            Kind::LuaClosure => (
                size_of::<LuaClosure>() + extra * size_of::<*mut Cell>(),
                align_of::<LuaClosure>(),
            ),
            Kind::NativeClosure => (
                size_of::<NativeClosure>() + extra * size_of::<Value>(),
                align_of::<NativeClosure>(),
            ),
            Kind::Userdata => (size_of::<Userdata>(), align_of::<Userdata>()),
            Kind::Thread => (size_of::<Thread>(), align_of::<Thread>()),
            Kind::Cell => (size_of::<Cell>(), align_of::<Cell>()),
            Kind::Proto => (size_of::<Proto>(), align_of::<Proto>()),
        }
    };
    // SAFETY: the object was allocated with this layout, so it is a valid one.
    unsafe { Layout::from_size_align_unchecked(size, align) }
}

impl Heap {
    /// Frees an object and all that it owns.
    ///
    /// # Safety
    /// `object` is in no list any more, and nothing refers to it.
    pub(crate) unsafe fn free_object(&mut self, object: *mut GcHeader) {
        // SAFETY: the caller's contract; the kind names the type. What an object owns is dropped
        // once, and its memory is freed with the layout it was allocated with.
        unsafe {
            let layout = layout_of(object);
            match (*object).kind {
                Kind::String | Kind::LuaClosure | Kind::NativeClosure | Kind::Cell => {}
                Kind::Table => Table::free_parts(object.cast(), self),
                Kind::Userdata => {
                    let userdata = object.cast::<Userdata>();
                    self.discharge((*userdata).charged);
                    // Dropping the data may run any code, which finds the heap in order only after the
                    // collector's step.
                    self.garbage_data.push((&raw const (*userdata).data).read());
                    std::ptr::drop_in_place(&raw mut (*userdata).user_values);
                }
                Kind::Thread => {
                    let thread = object.cast::<Thread>();
                    self.discharge((*thread).charged);
                    std::ptr::drop_in_place(thread);
                }
                Kind::Proto => {
                    let proto = object.cast::<Proto>();
                    self.discharge((*proto).charged);
                    self.learned -= (*proto).learned;
                    std::ptr::drop_in_place(proto);
                }
            }
            self.free_buffer(NonNull::new_unchecked(object.cast()), layout);
        }
    }

    /// Brings what is charged for a thread's stack and frames up to date; to be called after they
    /// have grown or shrunk. On an error the growth is not charged. The collector calls it too.
    ///
    /// # Safety
    /// `thread` is a live thread of this heap.
    pub unsafe fn update_thread_charge(&mut self, thread: *mut Thread) -> Result<()> {
        // SAFETY: the caller's contract.
        unsafe {
            let bytes = thread_bytes(thread);
            let charged = (*thread).charged;
            self.change_charge(charged, bytes)?;
            (*thread).charged = bytes;
        }
        Ok(())
    }

    /// Brings what is charged for a proto up to date; to be called after its call sites or cache
    /// records have grown. On an error the growth is not charged. The collector calls it too.
    ///
    /// # Safety
    /// `proto` is a live proto of this heap.
    pub unsafe fn update_proto_charge(&mut self, proto: *mut Proto) -> Result<()> {
        // SAFETY: the caller's contract.
        unsafe {
            let learned = learned_bytes(proto);
            let bytes = proto_bytes(proto) + learned;
            let charged = (*proto).charged;
            self.change_charge(charged, bytes)?;
            (*proto).charged = bytes;
            self.learned = self.learned - (*proto).learned + learned;
            (*proto).learned = learned;
        }
        Ok(())
    }

    fn change_charge(&mut self, from: usize, to: usize) -> Result<()> {
        if to > from {
            self.charge(to - from)
        } else {
            self.discharge(from - to);
            Ok(())
        }
    }
}

/// Bytes that a thread owns besides its struct.
unsafe fn thread_bytes(thread: *const Thread) -> usize {
    // SAFETY: the caller passes a live thread.
    unsafe {
        let thread = &*thread;
        thread.stack.capacity() * size_of::<Value>()
            + thread.frames.capacity() * size_of::<crate::frame::Frame>()
            + thread.to_be_closed.capacity() * size_of::<u32>()
    }
}

/// Bytes that a proto owns for what was learned while its code ran.
unsafe fn learned_bytes(proto: *const Proto) -> usize {
    // SAFETY: the caller passes a live proto.
    unsafe {
        let proto = &*proto;
        // A map entry is a key and a box; the site itself is behind the box.
        let site = size_of::<crate::frame::CallSite>() + 2 * size_of::<u64>();
        proto.sites.capacity().saturating_mul(site)
            + proto.cache_records.capacity() * size_of::<crate::ops::cache::CacheRecord>()
    }
}

/// Bytes that a proto owns besides its struct, and besides [`learned_bytes`].
unsafe fn proto_bytes(proto: *const Proto) -> usize {
    // SAFETY: the caller passes a live proto.
    unsafe {
        let proto = &*proto;
        let debug = &*proto.debug;
        // Names are shared by all protos of a chunk: they are not counted one by one.
        let names = debug.locals.len() * (size_of::<LocalVariable>() + size_of::<usize>());
        size_of_val(&*proto.code)
            + size_of_val(&*proto.constants)
            + size_of_val(&*proto.protos)
            + size_of_val(debug)
            + names
            + debug.upvalues.len() * size_of::<Upvalue>()
            + debug.lines.runs.len() * size_of::<(u32, u32)>()
    }
}
