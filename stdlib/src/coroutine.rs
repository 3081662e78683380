//! The coroutine library (manual §6.2).

use perilune_runtime::native;
use perilune_runtime::native::{
    Action, Call, CallResult, Local, LocalView, Native, NativeResult, ThreadRef,
};

/// The functions of the library.
pub const FUNCTIONS: &[Native] = &[
    native!("create", create),
    native!("resume", resume),
    native!("running", running),
    native!("status", status),
    native!("wrap", wrap),
    native!("yield", yield_values, yieldable),
    native!("isyieldable", isyieldable),
    native!("close", close),
];

const WRAPPED: Native = native!("wrapped", wrapped);

fn create(call: &mut Call<'_>) -> NativeResult {
    let function = call.check_function(1)?;
    let thread = call.new_thread(function.into())?;
    Ok(call.return_one(thread))
}

/// `resume(co, ...)`: slots are `true`, the coroutine, the arguments.
fn resume(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 0 {
        call.check_thread(1)?;
        let args = call.arg_count() - 1;
        call.shift_slots(1, 1)?;
        call.set_slot(1, Local::boolean(true));
        return Ok(Action::Resume {
            thread: 2,
            args,
            state: 1,
        });
    }
    Ok(match call.result() {
        CallResult::Returned(count) => Action::Return {
            first: 1,
            count: count + 1,
        },
        CallResult::Failed => {
            call.set_slot(1, Local::boolean(false));
            Action::Return { first: 1, count: 2 }
        }
    })
}

fn wrap(call: &mut Call<'_>) -> NativeResult {
    let function = call.check_function(1)?;
    let thread = call.new_thread(function.into())?;
    let function = call.new_closure(WRAPPED, &[thread.into()])?;
    Ok(call.return_one(function))
}

/// What `wrap` returns; the coroutine is its upvalue.
fn wrapped(call: &mut Call<'_>) -> NativeResult {
    match (call.state(), call.result()) {
        (0, _) => {
            let args = call.arg_count();
            call.shift_slots(1, 1)?;
            let thread = call.upvalue(1);
            call.set_slot(1, thread);
            Ok(Action::Resume {
                thread: 1,
                args,
                state: 1,
            })
        }
        (1, CallResult::Returned(count)) => Ok(Action::Return { first: 1, count }),
        (1, CallResult::Failed) => {
            let thread = call.upvalue(1);
            if let LocalView::Thread(failed) = thread.view()
                && call.thread_status(failed) == "dead"
            {
                // Its to-be-closed variables are closed, and may replace the error.
                call.set_top(2)?;
                call.set_slot(2, thread);
                return Ok(Action::CloseThread {
                    thread: 2,
                    state: 2,
                });
            }
            propagate(call, 1)
        }
        (_, CallResult::Failed) => propagate(call, 2),
        (_, CallResult::Returned(_)) => propagate(call, 1),
    }
}

/// Raises the error in `slot`, with the caller's position in front if it is a string.
fn propagate(call: &mut Call<'_>, slot: u32) -> NativeResult {
    let mut error = call.slot(slot);
    if let Some(text) = error.as_bytes()
        && text != b"not enough memory"
    {
        let mut message = call.position(1);
        message.extend_from_slice(text);
        error = call.new_string(&message)?;
    }
    Err(call.error_value(error))
}

fn yield_values(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 0 {
        return Ok(Action::Yield {
            first: 1,
            count: call.arg_count(),
            state: 1,
        });
    }
    Ok(call.return_from(1))
}

fn status(call: &mut Call<'_>) -> NativeResult {
    let thread = call.check_thread(1)?;
    let name = call.thread_status(thread);
    let name = call.new_string(name.as_bytes())?;
    Ok(call.return_one(name))
}

fn isyieldable(call: &mut Call<'_>) -> NativeResult {
    let thread: ThreadRef<'_> = if call.is_none(1) {
        call.running().0
    } else {
        call.check_thread(1)?
    };
    let yieldable = call.is_yieldable(thread);
    Ok(call.return_one(Local::boolean(yieldable)))
}

fn running(call: &mut Call<'_>) -> NativeResult {
    let (thread, is_main) = call.running();
    call.return_values(&[thread.into(), Local::boolean(is_main)])
}

fn close(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        return Ok(match call.result() {
            CallResult::Returned(_) => call.return_one(Local::boolean(true)),
            CallResult::Failed => {
                let error = call.slot(1);
                return call.return_values(&[Local::boolean(false), error]);
            }
        });
    }
    let thread = call.check_thread(1)?;
    let status = call.thread_status(thread);
    if !matches!(status, "dead" | "suspended") {
        return Err(call.error(format!("cannot close a {status} coroutine")));
    }
    call.set_top(1)?;
    Ok(Action::CloseThread {
        thread: 1,
        state: 1,
    })
}
