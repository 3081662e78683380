//! `collectgarbage`.

use perilune_runtime::native::{Action, Call, CollectorMode, Local, NativeResult};

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

/// `collectgarbage([option [, arg]])`
pub(super) fn collectgarbage(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        COLLECTED => return Ok(call.return_one(Local::integer(0))),
        STEPPED => {
            let ended = call.collector_cycle_ended();
            return Ok(call.return_one(Local::boolean(ended)));
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
            let before = if mode == "generational" {
                call.set_generational(first, second)
            } else {
                call.set_incremental(first, second, third)
            };
            let name = match before {
                CollectorMode::Incremental => "incremental",
                CollectorMode::Generational => "generational",
            };
            call.new_string(name.as_bytes())?
        }
    };
    Ok(call.return_one(result))
}
