//! Arithmetic metamethods of strings: strings that look like numbers are converted (§3.4.3).

use perilune_frontend::number::{
    Number, float_floor_div, float_mod, float_pow, int_floor_div, int_floor_mod,
};
use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, Native, NativeResult};

/// The metamethods, by name.
pub(super) const METAMETHODS: &[Native] = &[
    native!("__add", |call| arithmetic(call, Event::Add)),
    native!("__sub", |call| arithmetic(call, Event::Sub)),
    native!("__mul", |call| arithmetic(call, Event::Mul)),
    native!("__mod", |call| arithmetic(call, Event::Mod)),
    native!("__pow", |call| arithmetic(call, Event::Pow)),
    native!("__div", |call| arithmetic(call, Event::Div)),
    native!("__idiv", |call| arithmetic(call, Event::IDiv)),
    native!("__unm", |call| arithmetic(call, Event::Unm)),
];

fn arithmetic(call: &mut Call<'_>, event: Event) -> NativeResult {
    if call.state() != 0 {
        // Slot 3: what the other operand's metamethod returned.
        return Ok(Action::Return { first: 3, count: 1 });
    }
    let operands = (call.to_number(call.arg(1)), call.to_number(call.arg(2)));
    let (Some(left), Some(right)) = operands else {
        return try_metamethod(call, event);
    };
    match compute(event, left, right) {
        Ok(Number::Integer(integer)) => Ok(call.return_one(native::Local::integer(integer))),
        Ok(Number::Float(float)) => Ok(call.return_one(native::Local::float(float))),
        Err(message) => Err(raise_plain(call, message)),
    }
}

/// Raises an error without a position, as errors in an operation itself have in a C function.
fn raise_plain(call: &mut Call<'_>, message: &str) -> LuaError {
    match call.new_string(message.as_bytes()) {
        Ok(value) => call.error_value(value),
        Err(error) => error,
    }
}

/// Leaves the operation to the metamethod of the second operand.
fn try_metamethod(call: &mut Call<'_>, event: Event) -> NativeResult {
    call.set_top(2)?;
    let (left, right) = (call.arg(1), call.arg(2));
    let metamethod = call.metamethod(right, event);
    if right.as_string().is_some() || metamethod.is_nil() {
        let message = format!(
            "attempt to {} a '{}' with a '{}'",
            &event.name()[2..],
            left.type_name(),
            right.type_name()
        );
        return Err(call.error(message));
    }
    let function = call.push(metamethod)?;
    call.push(left)?;
    call.push(right)?;
    Ok(Action::Call {
        function,
        args: 2,
        results: 1,
        state: 1,
    })
}

fn compute(event: Event, left: Number, right: Number) -> Result<Number, &'static str> {
    use Number::{Float, Integer};
    if let (Integer(a), Integer(b)) = (left, right) {
        let integer = match event {
            Event::Add => Some(a.wrapping_add(b)),
            Event::Sub => Some(a.wrapping_sub(b)),
            Event::Mul => Some(a.wrapping_mul(b)),
            Event::Unm => Some(a.wrapping_neg()),
            Event::Mod => {
                let result = int_floor_mod(a, b);
                Some(result.ok_or("attempt to perform 'n%0'")?)
            }
            Event::IDiv => {
                let result = int_floor_div(a, b);
                Some(result.ok_or("attempt to divide by zero")?)
            }
            // Division and power are always of floats.
            _ => None,
        };
        if let Some(integer) = integer {
            return Ok(Integer(integer));
        }
    }
    let (a, b) = (left.to_float(), right.to_float());
    Ok(Float(match event {
        Event::Add => a + b,
        Event::Sub => a - b,
        Event::Mul => a * b,
        Event::Mod => float_mod(a, b),
        Event::Pow => float_pow(a, b),
        Event::Div => a / b,
        Event::IDiv => float_floor_div(a, b),
        _ => -a,
    }))
}
