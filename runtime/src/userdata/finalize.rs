//! Finalisers of userdata: what drops their values.
//!
//! `__gc` of the embedder's types is [`DROP_VALUE`], whose upvalue is the metatable that the userdata
//! has from then on. The collector knows it, and does what it does without calling it.

use super::{Boxed, Userdata};
use crate::function::{Intrinsic, NativeClosure};
use crate::native;
use crate::native::{Call, Local, Native, NativeResult};
use crate::value::{NATIVE_CLOSURE, USERDATA, Value};
use crate::vm::Vm;

/// `__gc` of userdata: drops the value, unless it is in use by a call; answers whether it did.
pub const DROP_VALUE: Native = native!("?", drop_value, private_upvalues, intrinsic DropValue);

fn drop_value(call: &mut Call<'_>) -> NativeResult {
    let (this, metatable) = (call.slot(1), call.upvalue(1).as_table());
    let mut is_done = false;
    if this.raw().tag == USERDATA {
        // SAFETY: the slot keeps the userdata alive.
        let destroyed = unsafe { destroy(this.raw().as_pointer()) };
        if let Some(value) = destroyed {
            call.set_metatable(this, metatable)?;
            // Last, since it may run any code.
            drop(value);
            is_done = true;
        }
    }
    Ok(call.return_one(Local::boolean(is_done)))
}

/// Takes the value out of a userdata for good: what is to be dropped by the caller, if it is not in
/// use by references that outlive calls, the last of which drops it. `None` where a call uses it.
///
/// # Safety
/// The userdata is live.
pub unsafe fn destroy(userdata: *mut Userdata) -> Option<Option<Boxed>> {
    // SAFETY: the caller's contract.
    unsafe {
        if (*userdata).uses.unsigned_abs() != (*userdata).references {
            return None;
        }
        let value = Userdata::take(userdata);
        if (*userdata).uses != 0 {
            (*userdata).doomed = value;
            return Some(None);
        }
        Some(value)
    }
}

/// Does what `finalizer` does to a userdata, if it is [`DROP_VALUE`]; answers the value that is left to
/// drop.
///
/// # Safety
/// The machine is at a safepoint, and both values are live.
pub(crate) unsafe fn drop_at_once(
    vm: *mut Vm,
    object: Value,
    finalizer: Value,
) -> Option<Option<Boxed>> {
    if object.tag != USERDATA || finalizer.tag != NATIVE_CLOSURE {
        return None;
    }
    let closure: *mut NativeClosure = finalizer.as_pointer();
    // SAFETY: the caller's contract; the closure has its upvalue. The barrier follows the store.
    unsafe {
        if (*closure).description.intrinsic != Some(Intrinsic::DropValue) {
            return None;
        }
        let userdata: *mut Userdata = object.as_pointer();
        let Some(value) = destroy(userdata) else {
            return Some(None);
        };
        let metatable = *NativeClosure::upvalue(closure, 0);
        if let Some(table) = metatable.to_table() {
            (*userdata).metatable = table;
            let header = &raw mut (*userdata).header;
            (*vm).heap.barrier_forward(header, metatable);
        }
        Some(value)
    }
}
