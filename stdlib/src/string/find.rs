//! `string.find`, `string.match` and `string.gmatch`.

use super::matcher::{Capture, Failure, Matching};
use super::pattern::{LONGEST_CACHED, Program, is_plain};
use super::start_position;
use memchr::{memchr, memmem};
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{Call, Local, LocalView, NativeResult};
use std::sync::Arc;

pub(super) fn find(call: &mut Call<'_>) -> NativeResult {
    let subject = call.check_string(1)?;
    let pattern = call.check_string(2)?;
    let start = start_position(call.opt_integer(3, 1)?, subject.len()) - 1;
    if start > subject.len() {
        return Ok(call.return_one(Local::NIL));
    }
    if call.arg(4).is_truthy() || is_plain(pattern) {
        return match find_plain(&subject[start..], pattern) {
            Some(offset) => {
                let first = start + offset;
                call.return_values(&[
                    Local::integer(first as i64 + 1),
                    Local::integer((first + pattern.len()) as i64),
                ])
            }
            None => Ok(call.return_one(Local::NIL)),
        };
    }
    check_compiling(call, pattern)?;
    Program::with(pattern, |program| {
        let mut matching = Matching::new(subject, program);
        let found = matching.find(start, None, || call.poll_computation());
        call.burn_steps(matching.unpaid_steps());
        let Some(bounds) = found.map_err(|failure| raise(call, failure))? else {
            return Ok(call.return_one(Local::NIL));
        };
        let first = Local::integer(bounds.0 as i64 + 1);
        let last = Local::integer(bounds.1 as i64);
        if matching.capture_count() == 0 {
            return call.return_values(&[first, last]);
        }
        let slot = call.push(first)?;
        call.push(last)?;
        push_captures(call, &matching, bounds, matching.capture_count())?;
        Ok(call.return_from(slot))
    })
}

/// `string.match`
pub(super) fn match_(call: &mut Call<'_>) -> NativeResult {
    let subject = call.check_string(1)?;
    let pattern = call.check_string(2)?;
    let start = start_position(call.opt_integer(3, 1)?, subject.len()) - 1;
    if start > subject.len() {
        return Ok(call.return_one(Local::NIL));
    }
    check_compiling(call, pattern)?;
    Program::with(pattern, |program| {
        let mut matching = Matching::new(subject, program);
        let found = matching.find(start, None, || call.poll_computation());
        call.burn_steps(matching.unpaid_steps());
        match found.map_err(|failure| raise(call, failure))? {
            Some(bounds) => return_captures(call, &matching, bounds),
            None => Ok(call.return_one(Local::NIL)),
        }
    })
}

/// Upvalues of the iterator of `gmatch`.
const SUBJECT: u32 = 1;
const ITERATION: u32 = 3;

/// What the iterator of `gmatch` keeps.
#[derive(Debug)]
struct Iteration {
    program: Arc<Program>,
    /// Where to go on.
    position: usize,
    last_end: Option<usize>,
}

pub(super) fn gmatch(call: &mut Call<'_>) -> NativeResult {
    let subject = call.check_string(1)?;
    let pattern = call.check_string(2)?;
    let start = start_position(call.opt_integer(3, 1)?, subject.len()) - 1;
    // There are no anchors here: they would never match a second time.
    check_compiling(call, pattern)?;
    let program = if pattern.first() == Some(&b'^') {
        Arc::new(Program::compile(pattern, false))
    } else {
        Program::shared(pattern)
    };
    let program_bytes = program.bytes();
    let iteration = Iteration {
        program,
        position: start.min(subject.len() + 1),
        last_end: None,
    };
    let iteration = call.new_userdata(iteration, None, 0)?;
    call.charge(program_bytes)?;
    call.give_charge(iteration, program_bytes);
    // The pattern is there for the debug interface only, as it shows PUC's.
    let upvalues = [call.slot(1), call.slot(2), iteration.into()];
    let iterator = call.new_closure(native!("gmatch_iterator", gmatch_next), &upvalues)?;
    Ok(call.return_one(iterator))
}

fn gmatch_next(call: &mut Call<'_>) -> NativeResult {
    let subject = call.upvalue(SUBJECT).as_bytes().unwrap_or(b"");
    let iteration = match call.upvalue(ITERATION).view() {
        LocalView::Userdata(iteration) => call.userdata_mut::<Iteration>(iteration),
        _ => None,
    };
    let Some(mut iteration) = iteration else {
        return Ok(call.return_none());
    };
    let Iteration {
        program,
        position,
        last_end,
    } = &mut *iteration;
    let mut matching = Matching::new(subject, program);
    let found = matching.find(*position, *last_end, || call.poll_computation());
    call.burn_steps(matching.unpaid_steps());
    let Some(bounds) = found.map_err(|failure| raise(call, failure))? else {
        return Ok(call.return_none());
    };
    *position = bounds.1;
    *last_end = Some(bounds.1);
    return_captures(call, &matching, bounds)
}

/// Where `wanted` first occurs in `text`.
fn find_plain(text: &[u8], wanted: &[u8]) -> Option<usize> {
    /// Preparing a fast search is worth it behind so many bytes.
    const NEAR: usize = 256;
    let Some((&first, rest)) = wanted.split_first() else {
        return Some(0);
    };
    let near = text.len().min(NEAR);
    let mut start = 0;
    while let Some(offset) = memchr(first, &text[start..near]) {
        let position = start + offset;
        if text[position + 1..].starts_with(rest) {
            return Some(position);
        }
        start = position + 1;
    }
    let found = memmem::find(&text[near..], wanted);
    found.map(|offset| near + offset)
}

/// Makes sure that there is memory for the program of a long pattern.
#[inline]
pub(super) fn check_compiling(call: &Call<'_>, pattern: &[u8]) -> Result<(), LuaError> {
    if pattern.len() <= LONGEST_CACHED {
        return Ok(());
    }
    call.check_memory(Program::most_bytes(pattern.len()))
}

/// The error for a failed search.
#[cold]
pub(super) fn raise(call: &mut Call<'_>, failure: Failure<LuaError>) -> LuaError {
    match failure {
        Failure::Pattern(error) => call.error(error.message()),
        Failure::Interrupted(error) => error,
    }
}

/// The value of a capture of the match at `bounds`.
pub(super) fn capture_value<'c>(
    call: &mut Call<'c>,
    matching: &Matching<'_, '_>,
    bounds: (usize, usize),
    index: usize,
) -> Result<Local<'c>, LuaError> {
    match matching.capture(index, bounds) {
        Ok(Capture::Text(text)) => call.new_string(text),
        Ok(Capture::Position(position)) => Ok(Local::integer(position)),
        Err(error) => Err(call.error(error.message())),
    }
}

/// Pushes the first `count` captures.
pub(super) fn push_captures(
    call: &mut Call<'_>,
    matching: &Matching<'_, '_>,
    bounds: (usize, usize),
    count: usize,
) -> Result<(), LuaError> {
    call.ensure_slots(count as u32, "too many captures")?;
    for index in 0..count {
        let value = capture_value(call, matching, bounds, index)?;
        call.push(value)?;
    }
    Ok(())
}

/// Returns all captures, or the whole match if there are none.
fn return_captures(
    call: &mut Call<'_>,
    matching: &Matching<'_, '_>,
    bounds: (usize, usize),
) -> NativeResult {
    let count = matching.capture_count().max(1);
    if count == 1 {
        let value = capture_value(call, matching, bounds, 0)?;
        return Ok(call.return_one(value));
    }
    let first = call.top() + 1;
    push_captures(call, matching, bounds, count)?;
    Ok(call.return_from(first))
}
