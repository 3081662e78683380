//! `string.gsub`.
//!
//! A replacement function is called, and a replacement table with `__index` is indexed, by the
//! machine between two steps. What the steps need is then kept in a userdata in slot [`STATE`].

use super::find::{capture_value, check_compiling, push_captures, raise};
use super::matcher::{Capture, Matching};
use super::pattern::Program;
use crate::buffer::{Buffer, append, push_numeral};
use memchr::memchr;
use perilune_frontend::number::Number;
use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native::{Action, Call, Local, LocalView, NativeResult, RETRIED, TableRef};
use std::sync::Arc;

const SUBJECT: u32 = 1;
const PATTERN: u32 = 2;
const REPLACEMENT: u32 = 3;
/// The slot of a userdata with the [`Substitution`], once there was a callback.
const STATE: u32 = 5;
/// The slot of the called function, then of the replacement value.
const VALUE: u32 = 6;

/// A substitution under way.
#[derive(Default, Debug)]
struct Substitution {
    /// The result so far. It stands for the subject up to `copied`.
    output: Buffer,
    copied: usize,
    /// The last match; the search goes on behind it.
    found: Option<(usize, usize)>,
    count: i64,
    limit: i64,
    changed: bool,
    /// The pattern, once there was a callback.
    program: Option<Arc<Program>>,
}

/// What [`Substitution::advance`] needs of the machine: nothing, ...
const NOTHING: u32 = 0;
/// ... the replacement table indexed, or else a call with so many arguments. (A number, since
/// taking apart and putting together actions would cost more than the rest of a step.)
const INDEX: u32 = u32::MAX;

/// The third argument.
#[derive(Clone, Copy)]
enum Replacement<'c> {
    Text(&'c [u8]),
    /// Text in which `%` has a meaning.
    Template(&'c [u8]),
    Function,
    Table(TableRef<'c>),
}

pub(super) fn gsub(call: &mut Call<'_>) -> NativeResult {
    if matches!(call.state(), 0 | RETRIED) {
        return call.retry_with_room(start);
    }
    let LocalView::Userdata(holder) = call.slot(STATE).view() else {
        return Err(call.error("invalid state of 'gsub'"));
    };
    let Some(mut state) = call.userdata_mut::<Substitution>(holder) else {
        return Err(call.error("invalid state of 'gsub'"));
    };
    let needed = state.resume(call);
    state.output.keep_in(call, holder);
    match needed? {
        NOTHING => {
            let results = state.finish(call);
            state.output.release(call, Some(holder));
            results
        }
        needed => Ok(action_for(needed)),
    }
}

/// The action that provides what [`Substitution::advance`] needs.
#[inline]
fn action_for(needed: u32) -> Action {
    if needed == INDEX {
        Action::Index {
            object: REPLACEMENT,
            key: VALUE,
            target: VALUE,
            state: 1,
        }
    } else {
        Action::Call {
            function: VALUE,
            args: needed,
            results: 1,
            state: 1,
        }
    }
}

fn start(call: &mut Call<'_>) -> NativeResult {
    let subject = call.check_string(SUBJECT)?;
    let pattern = call.check_string(PATTERN)?;
    let kind = call.type_name_of(REPLACEMENT);
    let limit = call.opt_integer(4, subject.len() as i64 + 1)?;
    if !matches!(kind, "number" | "string" | "function" | "table") {
        return Err(call.type_error(REPLACEMENT, "string/function/table"));
    }
    if kind == "number" {
        call.check_string(REPLACEMENT)?;
    }
    call.set_top(STATE)?;
    call.set_slot(STATE, Local::NIL);
    let mut state = Substitution {
        limit,
        ..Substitution::default()
    };
    let replacement = replacement(call)?;
    let outcome = begin(call, pattern, replacement, &mut state);
    state.output.release(call, None);
    outcome
}

/// Replaces what needs no callback, and makes the state for what does.
fn begin<'c>(
    call: &mut Call<'c>,
    pattern: &[u8],
    replacement: Replacement<'c>,
    state: &mut Substitution,
) -> NativeResult {
    check_compiling(call, pattern)?;
    let needed = Program::with(pattern, |program| state.advance(call, replacement, program))?;
    if needed == NOTHING {
        return state.finish(call);
    }
    let program = Program::shared(pattern);
    let program_bytes = program.bytes();
    state.program = Some(program);
    let holder = call.new_userdata(Substitution::default(), None, 0)?;
    call.charge(program_bytes)?;
    call.give_charge(holder, program_bytes);
    state.output.keep_in(call, holder);
    if let Some(mut kept) = call.userdata_mut::<Substitution>(holder) {
        *kept = std::mem::take(state);
    }
    call.set_slot(STATE, holder);
    Ok(action_for(needed))
}

fn replacement<'c>(call: &mut Call<'c>) -> Result<Replacement<'c>, LuaError> {
    match call.slot(REPLACEMENT).view() {
        LocalView::String(text) => {
            let text = text.as_bytes();
            Ok(match memchr(b'%', text) {
                Some(_) => Replacement::Template(text),
                None => Replacement::Text(text),
            })
        }
        LocalView::Table(table) => Ok(Replacement::Table(table)),
        _ => Ok(Replacement::Function),
    }
}

impl Substitution {
    /// Takes the value that a callback gave, and goes on as [`Substitution::advance`].
    fn resume(&mut self, call: &mut Call<'_>) -> Result<u32, LuaError> {
        let subject = call.slot(SUBJECT).as_bytes().unwrap_or(b"");
        let value = call.slot(VALUE);
        self.replace(call, subject, value)?;
        let replacement = replacement(call)?;
        // Lent for the step: the state itself is changed.
        let Some(program) = self.program.take() else {
            return Err(call.error("invalid state of 'gsub'"));
        };
        let needed = self.advance(call, replacement, &program)?;
        self.program = Some(program);
        Ok(needed)
    }

    /// Replaces matches until all is done ([`NOTHING`]) or the machine is needed for a value.
    fn advance(
        &mut self,
        call: &mut Call<'_>,
        replacement: Replacement<'_>,
        program: &Program,
    ) -> Result<u32, LuaError> {
        let subject = call.slot(SUBJECT).as_bytes().unwrap_or(b"");
        if program.anchored && self.found.is_some() {
            return Ok(NOTHING);
        }
        let mut matching = Matching::new(subject, program);
        let outcome = self.advance_with(call, replacement, &mut matching);
        call.burn_steps(matching.unpaid_steps());
        outcome
    }

    fn advance_with<'s>(
        &mut self,
        call: &mut Call<'_>,
        replacement: Replacement<'_>,
        matching: &mut Matching<'s, '_>,
    ) -> Result<u32, LuaError> {
        let subject = matching.subject();
        while self.count < self.limit {
            let last_end = self.found.map(|(_, end)| end);
            let found = matching.find(last_end.unwrap_or(0), last_end, || call.poll_computation());
            let Some(bounds) = found.map_err(|failure| raise(call, failure))? else {
                break;
            };
            self.found = Some(bounds);
            self.count += 1;
            match replacement {
                Replacement::Text(text) => {
                    self.copy_to(call, subject, bounds)?;
                    append(call, &mut self.output, text)?;
                }
                Replacement::Template(template) => {
                    self.copy_to(call, subject, bounds)?;
                    expand(call, &mut self.output, template, matching, bounds)?;
                }
                Replacement::Function => return prepare_call(call, matching, bounds),
                Replacement::Table(table) => {
                    let key = capture_value(call, matching, bounds, 0)?;
                    let value = call.table_get(table, key);
                    let has_index = |call: &Call<'_>| {
                        call.metatable(table.into()).is_some()
                            && !call.metamethod(table.into(), Event::Index).is_nil()
                    };
                    if value.is_nil() && has_index(call) {
                        call.set_top(STATE)?;
                        call.push(key)?;
                        return Ok(INDEX);
                    }
                    self.replace(call, subject, value)?;
                }
            }
            if matching.is_anchored() {
                break;
            }
        }
        Ok(NOTHING)
    }

    /// Copies the subject up to the match, and goes behind the match.
    fn copy_to(
        &mut self,
        call: &mut Call<'_>,
        subject: &[u8],
        (start, end): (usize, usize),
    ) -> Result<(), LuaError> {
        append(call, &mut self.output, &subject[self.copied..start])?;
        self.copied = end;
        self.changed = true;
        Ok(())
    }

    /// Replaces the last match by `value`; `nil` and `false` keep it.
    fn replace(
        &mut self,
        call: &mut Call<'_>,
        subject: &[u8],
        value: Local<'_>,
    ) -> Result<(), LuaError> {
        let bounds = self.found.unwrap_or_default();
        match value.view() {
            LocalView::Nil | LocalView::Boolean(false) => Ok(()),
            LocalView::String(text) => {
                self.copy_to(call, subject, bounds)?;
                append(call, &mut self.output, text.as_bytes())
            }
            LocalView::Integer(integer) => {
                self.copy_to(call, subject, bounds)?;
                push_numeral(call, &mut self.output, Number::Integer(integer))
            }
            LocalView::Float(float) => {
                self.copy_to(call, subject, bounds)?;
                push_numeral(call, &mut self.output, Number::Float(float))
            }
            _ => {
                let kind = value.type_name();
                Err(call.error(format!("invalid replacement value (a {kind})")))
            }
        }
    }

    /// Returns the result and the number of matches.
    fn finish(&mut self, call: &mut Call<'_>) -> NativeResult {
        let count = Local::integer(self.count);
        if !self.changed {
            let original = call.slot(SUBJECT);
            return call.return_values(&[original, count]);
        }
        let subject = call.slot(SUBJECT).as_bytes().unwrap_or(b"");
        append(call, &mut self.output, &subject[self.copied..])?;
        let result = call.new_string(&self.output)?;
        call.return_values(&[result, count])
    }
}

/// Pushes the replacement function and the captures; how many they are.
fn prepare_call(
    call: &mut Call<'_>,
    matching: &Matching<'_, '_>,
    bounds: (usize, usize),
) -> Result<u32, LuaError> {
    call.set_top(STATE)?;
    let function = call.slot(REPLACEMENT);
    call.push(function)?;
    let args = matching.capture_count().max(1);
    push_captures(call, matching, bounds, args)?;
    Ok(args as u32)
}

/// Appends `template` with captures in place of `%0` to `%9`.
fn expand(
    call: &mut Call<'_>,
    output: &mut Buffer,
    template: &[u8],
    matching: &Matching<'_, '_>,
    bounds: (usize, usize),
) -> Result<(), LuaError> {
    let mut rest = template;
    while let Some(position) = memchr(b'%', rest) {
        append(call, output, &rest[..position])?;
        let escaped = rest.get(position + 1).copied();
        rest = rest.get(position + 2..).unwrap_or(b"");
        match escaped {
            Some(b'%') => append(call, output, b"%")?,
            Some(b'0') => append(call, output, matching.text(bounds))?,
            Some(digit @ b'1'..=b'9') => {
                match matching.capture(usize::from(digit - b'1'), bounds) {
                    Ok(Capture::Text(text)) => append(call, output, text)?,
                    Ok(Capture::Position(position)) => {
                        push_numeral(call, output, Number::Integer(position))?;
                    }
                    Err(error) => return Err(call.error(error.message())),
                }
            }
            _ => return Err(call.error("invalid use of '%' in replacement string")),
        }
    }
    append(call, output, rest)
}
