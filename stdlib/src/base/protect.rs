//! `pcall` and `xpcall`.

use perilune_runtime::native::{Action, Call, CallResult, Local, NativeResult};

/// `pcall(f, ...)`: slots are `true`, the function, its arguments.
pub(super) fn pcall(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return Ok(finish(call, 1));
    }
    call.check_any(1)?;
    let args = call.arg_count() - 1;
    call.shift_slots(1, 1)?;
    call.set_slot(1, Local::boolean(true));
    Ok(Action::ProtectedCall {
        function: 2,
        args,
        handler: 0,
        state: 1,
    })
}

/// `xpcall(f, handler, ...)`: slots are the function, the handler, `true`, the function, its
/// arguments.
pub(super) fn xpcall(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return Ok(finish(call, 3));
    }
    let count = call.arg_count();
    call.check_function(2)?;
    call.shift_slots(3, 2)?;
    call.set_slot(3, Local::boolean(true));
    let function = call.slot(1);
    call.set_slot(4, function);
    Ok(Action::ProtectedCall {
        function: 4,
        args: count - 2,
        handler: 2,
        state: 1,
    })
}

/// Returns what lies from the slot of the success flag on.
fn finish(call: &mut Call<'_>, flag: u32) -> Action {
    match call.result() {
        CallResult::Returned(count) => Action::Return {
            first: flag,
            count: count + 1,
        },
        CallResult::Failed => {
            call.set_slot(flag, Local::boolean(false));
            Action::Return {
                first: flag,
                count: 2,
            }
        }
    }
}
