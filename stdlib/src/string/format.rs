//! `string.format`.
//!
//! An argument with `__tostring` is converted by the machine between two steps: the result takes
//! its place, and formatting starts again. Formatting has no effects, and what was converted is
//! not converted a second time. Behind the arguments is then a mask of those that `%q` had converted:
//! they are not quoted any more.

use super::conversion::{
    FLOAT_FLAGS, HEXADECIMAL_FLAGS, INTEGER_FLAGS, Spec, TEXT_FLAGS, UNSIGNED_FLAGS,
    push_character, push_float, push_integer, push_quoted, push_quoted_number, push_text, shown,
    specification,
};
use crate::buffer::{Buffer, append, with_buffer};
use memchr::memchr;
use perilune_frontend::number::{Number, push_number};
use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native::{Action, Call, Local, LocalView, NativeResult};

pub(super) fn format(call: &mut Call<'_>) -> NativeResult {
    let converted = call.state();
    if converted != 0 {
        // The result of __tostring is behind the arguments.
        let last = call.top();
        let text = call.slot(last);
        if !matches!(text.type_name(), "string" | "number") {
            return Err(call.error("'__tostring' must return a string"));
        }
        call.set_slot(converted, text);
        call.set_top(last - 1)?;
    }
    with_buffer(call, |call, out| match format_into(call, out)? {
        Some(argument) => call_tostring(call, argument),
        None => {
            let result = call.new_string(out)?;
            Ok(call.return_one(result))
        }
    })
}

/// Has `__tostring` of an argument called; formatting goes on in the state of its number.
fn call_tostring(call: &mut Call<'_>, argument: u32) -> NativeResult {
    let value = call.slot(argument);
    if call.state() == 0 {
        call.push(Local::integer(0))?;
    }
    if value.is_nil() || matches!(value.view(), LocalView::Boolean(_)) {
        // Set for `%s` too, where it does no harm.
        let mask = call.top();
        let marked = call.slot(mask).as_integer().unwrap_or(0) | bit(argument);
        call.set_slot(mask, Local::integer(marked));
    }
    let metamethod = call.metamethod(value, Event::ToString);
    let function = call.push(metamethod)?;
    call.push(value)?;
    Ok(Action::Call {
        function,
        args: 1,
        results: 1,
        state: argument,
    })
}

/// The bit of an argument in the mask; those far behind have none.
fn bit(argument: u32) -> i64 {
    1i64.checked_shl(argument).unwrap_or(0)
}

/// Formats all arguments. The number of an argument that has to be converted by `__tostring`
/// first, if there is one.
fn format_into(call: &mut Call<'_>, out: &mut Buffer) -> Result<Option<u32>, LuaError> {
    let mut rest = call.check_string(1)?;
    let count = call.top() - u32::from(call.state() != 0);
    let mut argument = 1;
    while let Some(position) = memchr(b'%', rest) {
        append(call, out, &rest[..position])?;
        rest = &rest[position + 1..];
        if let [b'%', tail @ ..] = rest {
            out.push(b'%');
            rest = tail;
            continue;
        }
        argument += 1;
        if argument > count {
            return Err(call.arg_error(argument, "no value"));
        }
        let Some(item) = specification(rest) else {
            return Err(call.error("invalid format (too long)"));
        };
        rest = &rest[item.len()..];
        if !push_item(call, out, item, argument)? {
            return Ok(Some(argument));
        }
    }
    append(call, out, rest)?;
    Ok(None)
}

/// Appends an argument as `item` says; false if it has to be converted by `__tostring` first.
fn push_item(
    call: &mut Call<'_>,
    out: &mut Buffer,
    item: &[u8],
    argument: u32,
) -> Result<bool, LuaError> {
    match item.last().copied().unwrap_or(0) {
        b's' => return push_string(call, out, item, argument),
        b'd' | b'i' => {
            let value = call.check_integer(argument)?;
            if item.len() == 1 {
                push_number(out, Number::Integer(value));
            } else {
                let spec = parse(call, item, INTEGER_FLAGS, true)?;
                push_integer(out, &spec, value);
            }
        }
        conversion @ (b'u' | b'o' | b'x' | b'X') => {
            let value = call.check_integer(argument)?;
            let flags = match conversion {
                b'u' => UNSIGNED_FLAGS,
                _ => HEXADECIMAL_FLAGS,
            };
            let spec = parse(call, item, flags, true)?;
            push_integer(out, &spec, value);
        }
        b'c' => {
            let spec = parse(call, item, TEXT_FLAGS, false)?;
            let value = call.check_integer(argument)?;
            push_character(out, &spec, value);
        }
        b'a' | b'A' => {
            let spec = parse(call, item, FLOAT_FLAGS, true)?;
            let value = call.check_number(argument)?;
            push_float(out, &spec, value);
        }
        b'e' | b'E' | b'f' | b'g' | b'G' => {
            let value = call.check_number(argument)?;
            let spec = parse(call, item, FLOAT_FLAGS, true)?;
            push_float(out, &spec, value);
        }
        b'p' => {
            let spec = parse(call, item, TEXT_FLAGS, false)?;
            match call.slot(argument).address() {
                0 => push_text(out, &spec, b"(null)"),
                address => push_text(out, &spec, format!("{address:#x}").as_bytes()),
            }
        }
        b'q' => {
            if item.len() > 1 {
                return Err(call.error("specifier '%q' cannot have modifiers"));
            }
            return push_literal(call, out, argument);
        }
        _ => {
            let message = [b"invalid conversion '", &shown(item)[..], b"' to 'format'"].concat();
            return Err(call.error(message));
        }
    }
    Ok(true)
}

fn parse(
    call: &mut Call<'_>,
    item: &[u8],
    flags: &[u8],
    has_precision: bool,
) -> Result<Spec, LuaError> {
    Spec::parse(item, flags, has_precision).ok_or_else(|| {
        let shown = shown(item);
        call.error([b"invalid conversion specification: '", &shown[..], b"'"].concat())
    })
}

/// `%s`; false if the argument has to be converted by `__tostring` first.
fn push_string(
    call: &mut Call<'_>,
    out: &mut Buffer,
    item: &[u8],
    argument: u32,
) -> Result<bool, LuaError> {
    let value = call.slot(argument);
    let bare = item.len() == 1;
    // Numbers and strings may have one too. In the state of its number an argument is what
    // `__tostring` gave.
    let is_converted = argument <= call.state();
    if !is_converted && !call.metamethod(value, Event::ToString).is_nil() {
        return Ok(false);
    }
    match value.view() {
        LocalView::String(text) if bare => append(call, out, text.as_bytes())?,
        LocalView::Integer(integer) if bare => push_number(out, Number::Integer(integer)),
        LocalView::String(text) => push_formatted(call, out, item, argument, text.as_bytes())?,
        _ => {
            let text = call.to_display(value)?;
            if bare {
                append(call, out, &text)?;
            } else {
                push_formatted(call, out, item, argument, &text)?;
            }
        }
    }
    Ok(true)
}

/// `%s` with modifiers.
fn push_formatted(
    call: &mut Call<'_>,
    out: &mut Buffer,
    item: &[u8],
    argument: u32,
    text: &[u8],
) -> Result<(), LuaError> {
    // A text of this length is longer than any width.
    const LONG: usize = 100;
    if memchr(0, text).is_some() {
        return Err(call.arg_error(argument, "string contains zeros"));
    }
    let spec = parse(call, item, TEXT_FLAGS, true)?;
    if spec.precision.is_none() && text.len() >= LONG {
        return append(call, out, text);
    }
    push_text(out, &spec, text);
    Ok(())
}

/// `%q`; false if the argument has to be converted by `__tostring` first.
fn push_literal(call: &mut Call<'_>, out: &mut Buffer, argument: u32) -> Result<bool, LuaError> {
    let value: Local<'_> = call.slot(argument);
    match value.view() {
        LocalView::String(text) => {
            let text = text.as_bytes();
            crate::buffer::grow(call, out, text.len())?;
            let mask = call.slot(call.top()).as_integer().unwrap_or(0);
            if call.state() != 0 && mask & bit(argument) != 0 {
                out.extend_from_slice(text);
            } else {
                push_quoted(out, text);
            }
        }
        LocalView::Integer(integer) => push_quoted_number(out, Number::Integer(integer)),
        LocalView::Float(float) => push_quoted_number(out, Number::Float(float)),
        LocalView::Nil | LocalView::Boolean(_) => {
            if !call.metamethod(value, Event::ToString).is_nil() {
                return Ok(false);
            }
            let text = call.to_display(value)?;
            append(call, out, &text)?;
        }
        _ => return Err(call.arg_error(argument, "value has no literal form")),
    }
    Ok(true)
}
