//! `collectgarbage`.

use perilune_runtime::native::{Action, Call, CallResult, Local, NativeResult};

const OPTIONS: &[&str] = &[
    "stop",
    "restart",
    "collect",
    "count",
    "step",
    "setpause",
    "setstepmul",
    "isrunning",
    "generational",
    "incremental",
];

/// The state in which `collectgarbage("collect")` ends.
const COLLECTED: u32 = 1;
/// The state in which `collectgarbage("step")` ends.
const STEPPED: u32 = 2;
/// The state in which a change of mode ends.
const MODE_SET: u32 = 3;

/// `collectgarbage([option [, arg]])`
pub(super) fn collectgarbage(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        COLLECTED => return Ok(call.return_one(Local::integer(0))),
        STEPPED => {
            let ended = call.result() == CallResult::Returned(1);
            return Ok(call.return_one(Local::boolean(ended)));
        }
        MODE_SET => {
            let name: &[u8] = match call.result() {
                CallResult::Returned(0) => b"incremental",
                _ => b"generational",
            };
            let name = call.new_string(name)?;
            return Ok(call.return_one(name));
        }
        _ => {}
    }
    let option = OPTIONS[call.check_option(1, Some("collect"), OPTIONS)?];
    let first = match option {
        "step" | "setpause" | "setstepmul" | "generational" | "incremental" => {
            call.opt_integer(2, 0)?
        }
        _ => 0,
    };
    let second = match option {
        "generational" | "incremental" => call.opt_integer(3, 0)?,
        _ => 0,
    };
    let third = match option {
        "incremental" => call.opt_integer(4, 0)?,
        _ => 0,
    };
    if call.is_collector_busy() {
        // Within a finaliser.
        return Ok(call.return_one(Local::NIL));
    }
    let result = match option {
        "stop" => {
            call.stop_collector();
            Local::integer(0)
        }
        "restart" => {
            call.restart_collector();
            Local::integer(0)
        }
        "collect" => {
            return Ok(Action::Collect {
                full: true,
                step: 0,
                state: COLLECTED,
            });
        }
        "count" => Local::float(call.memory_used() as f64 / 1024.0),
        "step" => {
            return Ok(Action::Collect {
                full: false,
                step: first as u32,
                state: STEPPED,
            });
        }
        "setpause" => Local::integer(call.set_collector_pause(first)),
        "setstepmul" => Local::integer(call.set_collector_step_multiplier(first)),
        "isrunning" => Local::boolean(call.is_collector_running()),
        mode => {
            return Ok(Action::SetCollectorMode {
                generational: mode == "generational",
                parameters: [first, second, third],
                state: MODE_SET,
            });
        }
    };
    Ok(call.return_one(result))
}
