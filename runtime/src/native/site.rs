//! Call sites of calls that are not made by an instruction: those of native functions, of Rust, and
//! of `__close` handlers while an error unwinds.
//!
//! Invariant: sites are interned, so that there are few of them, and live as long as the machine:
//! frames point at them.

use crate::frame::{CallSite, Continuation};
use crate::value::Value;
use crate::vm::{Vm, native_site_index};

/// The interned call site of a call made by a native function or by Rust.
///
/// # Safety
/// The running frame is native.
pub(crate) unsafe fn native_site(
    vm: *mut Vm,
    function: *mut Value,
    wanted: i32,
    continuation: Continuation,
    state: u32,
) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe { make_native_site(vm, function, wanted, continuation, 0, state) }
}

/// Likewise for a metamethod called for a native function; its result goes to slot `destination`.
///
/// # Safety
/// As [`native_site`].
pub(crate) unsafe fn native_store_site(
    vm: *mut Vm,
    function: *mut Value,
    continuation: Continuation,
    destination: u32,
    state: u32,
) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe { make_native_site(vm, function, 0, continuation, destination, state) }
}

/// Likewise for a `__close` handler called while an error unwinds; `wanted` says on whose behalf,
/// `slot` where the error will go.
///
/// # Safety
/// As [`native_site`].
pub(crate) unsafe fn close_error_site(
    vm: *mut Vm,
    function: *mut Value,
    wanted: i32,
    continuation: Continuation,
    slot: u32,
    state: u32,
) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe { make_native_site(vm, function, wanted, continuation, slot, state) }
}

unsafe fn make_native_site(
    vm: *mut Vm,
    function: *mut Value,
    wanted: i32,
    continuation: Continuation,
    destination: u32,
    state: u32,
) -> *const CallSite {
    // SAFETY: `function` lies above the base.
    unsafe {
        let delta = function.add(1).offset_from((*vm).base) as u32 * size_of::<Value>() as u32;
        let key = (delta, wanted, continuation as u8, destination, state);
        let recent = &raw mut (*vm).recent_native_sites[native_site_index(key)];
        if (*recent).0 == key && !(*recent).1.is_null() {
            return (*recent).1;
        }
        let site = (*vm).native_sites.entry(key).or_insert_with(|| {
            Box::new(CallSite {
                instruction: std::ptr::null(),
                return_pc: std::ptr::null(),
                constants: std::ptr::null(),
                proto: std::ptr::null_mut(),
                delta,
                wanted,
                key: 0,
                continuation,
                condition: false,
                destination,
                target: std::ptr::null(),
                state,
            })
        });
        let site = &raw const **site;
        *recent = (key, site);
        site
    }
}
