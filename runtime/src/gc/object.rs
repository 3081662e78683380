//! Sizes of objects, and how they are freed.

use super::heap::Heap;
use super::{GcHeader, Kind, charge};
use crate::coroutine::Thread;
use crate::error::Result;
use crate::function::{Cell, LuaClosure, NativeClosure, Proto};
use crate::string::LuaString;
use crate::table::Table;
use crate::userdata::{Boxed, Userdata};
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
                    if let Some(value) = Userdata::release(userdata)
                        && value.needs_drop()
                    {
                        self.put_aside(value);
                    }
                    std::ptr::drop_in_place(userdata);
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

    /// Keeps the value of a freed userdata for the next safepoint, since dropping it may run any code.
    pub(crate) fn put_aside(&mut self, value: Boxed) {
        if self.dropped.try_reserve(1).is_ok() {
            self.dropped.push(value);
        } else {
            // Without memory for a list of them it is not dropped at all.
            std::mem::forget(value);
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
            let charged = (*proto).charged;
            let bytes = charged - (*proto).learned + learned;
            self.change_charge(charged, bytes)?;
            (*proto).charged = bytes;
            self.learned = self.learned - (*proto).learned + learned;
            (*proto).learned = learned;
        }
        Ok(())
    }

    /// Charges for a new proto, of whose names this one bears `names` bytes.
    ///
    /// # Errors
    /// Memory; then nothing is charged.
    ///
    /// # Safety
    /// `proto` is a new proto of this heap.
    pub(crate) unsafe fn charge_new_proto(
        &mut self,
        proto: *mut Proto,
        names: usize,
    ) -> Result<()> {
        // SAFETY: the caller's contract.
        unsafe {
            let bytes = proto_bytes(proto, names);
            self.charge(bytes)?;
            (*proto).charged = bytes;
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
        charge::list::<Value>(thread.stack.capacity())
            + charge::list::<crate::frame::Frame>(thread.frames.capacity())
            + charge::list::<u32>(thread.to_be_closed.capacity())
    }
}

/// Bytes that a proto owns for what was learned while its code ran.
unsafe fn learned_bytes(proto: *const Proto) -> usize {
    // SAFETY: the caller passes a live proto.
    unsafe {
        let proto = &*proto;
        let sites = proto.sites.len() * charge::block(size_of::<crate::frame::CallSite>());
        let liveness = proto.liveness.get().map_or(0, |liveness| {
            let lists = liveness.lists().map(charge::block);
            charge::block(size_of_val(&**liveness)) + lists.iter().sum::<usize>()
        });
        sites
            + liveness
            + charge::map::<((u64, u64), usize)>(proto.sites.capacity())
            + charge::list::<crate::ops::cache::CacheRecord>(proto.cache_records.capacity())
    }
}

/// Bytes that a proto owns besides its struct, and besides [`learned_bytes`]; those of its names are
/// `names`.
unsafe fn proto_bytes(proto: *const Proto, names: usize) -> usize {
    // SAFETY: the caller passes a live proto.
    unsafe {
        let proto = &*proto;
        let debug = &*proto.debug;
        charge::block(size_of_val(&*proto.code))
            + charge::block(size_of_val(&*proto.constants))
            + charge::block(size_of_val(&*proto.protos))
            + charge::block(size_of_val(debug))
            + charge::list::<LocalVariable>(debug.locals.capacity())
            + charge::list::<Upvalue>(debug.upvalues.capacity())
            + charge::list::<(u32, u32)>(debug.lines.runs.capacity())
            + names
    }
}
