//! `table.sort` where elements are read and written by metamethods.
//!
//! Reads, writes and comparisons happen one at a time and in PUC's order, which programs can
//! watch. What is known between two of them is in slots; a [`Step`] is the place in the algorithm,
//! and its number the state of the call.

use super::element::Elements;
use super::sort::{
    BOUNDS, COMPARATOR, LEFT, LIST, MIDDLE_AND_SEED, PIVOT, RIGHT, SCANS, choose_middle,
    invalid_order, join, larger_waits, split,
};
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Action, Call, Local, NativeResult};

/// The slot of the key that is read or written.
const KEY: u32 = RIGHT + 1;
/// The state of the first step.
pub(super) const FIRST_STATE: u32 = 20;

macro_rules! steps {
    ($($name:ident),* $(,)?) => {
        /// What was done last. The names say which elements of the interval were concerned.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        enum Step { $($name),* }

        /// All steps, by number.
        const STEPS: &[Step] = &[$(Step::$name),*];
    };
}
steps! {
    Begin,
    ReadLow,
    ReadHigh,
    ComparedEnds,
    WroteLow,
    EndsOrdered,
    ReadMiddle,
    ReadLowAgain,
    ComparedMiddleWithLow,
    WroteMiddleFromLow,
    ReadHighAgain,
    ComparedHighWithMiddle,
    WroteMiddleFromHigh,
    MiddleOrdered,
    ReadPivot,
    ReadLast,
    WroteMiddle,
    PivotAside,
    ReadUp,
    ComparedUp,
    ReadDown,
    ComparedDown,
    WroteUp,
    Swapped,
    WroteLast,
    Parted,
}

/// What is to be done next, and the step that this is.
enum Next {
    /// Read the element into a slot.
    Read(u32, u32, Step),
    /// Write the element from a slot.
    Write(u32, u32, Step),
    /// Ask whether the first slot's value is less.
    Less(u32, u32, Step),
    /// Nothing: go on from there.
    Go(Step),
    /// All is sorted.
    End,
}

/// Sorts elements 1 to `length` of the list.
pub(super) fn start(call: &mut Call<'_>, length: u32) -> NativeResult {
    call.set_top(KEY)?;
    call.set_slot(MIDDLE_AND_SEED, join(0, 0));
    call.set_slot(SCANS, join(0, 0));
    call.set_slot(BOUNDS, join(1, length));
    run(call, Step::Begin, false)
}

/// Goes on after the action of the state.
pub(super) fn resume(call: &mut Call<'_>) -> NativeResult {
    let step = STEPS[(call.state() - FIRST_STATE) as usize % STEPS.len()];
    let mut less = false;
    if matches!(
        step,
        Step::ComparedEnds
            | Step::ComparedMiddleWithLow
            | Step::ComparedHighWithMiddle
            | Step::ComparedUp
            | Step::ComparedDown
    ) {
        let result = call.top();
        less = call.slot(result).is_truthy();
        call.set_top(result - 1)?;
    }
    run(call, step, less)
}

fn run(call: &mut Call<'_>, mut step: Step, mut less: bool) -> NativeResult {
    loop {
        call.poll()?;
        let elements = Elements::of(call, call.slot(LIST));
        match next(call, step, less)? {
            Next::Go(other) => step = other,
            Next::End => return Ok(call.return_none()),
            Next::Read(index, slot, then) => {
                let index = i64::from(index);
                let Some(value) = elements.get(call, index) else {
                    call.set_slot(KEY, Local::integer(index));
                    return Ok(Action::Index {
                        object: LIST,
                        key: KEY,
                        target: slot,
                        state: FIRST_STATE + then as u32,
                    });
                };
                call.set_slot(slot, value);
                step = then;
            }
            Next::Write(index, slot, then) => {
                let index = i64::from(index);
                let value = call.slot(slot);
                if !elements.set(call, index, value)? {
                    call.set_slot(KEY, Local::integer(index));
                    return Ok(Action::SetIndex {
                        object: LIST,
                        key: KEY,
                        value: slot,
                        state: FIRST_STATE + then as u32,
                    });
                }
                step = then;
            }
            Next::Less(left, right, then) => {
                let comparator = call.slot(COMPARATOR);
                let (left_value, right_value) = (call.slot(left), call.slot(right));
                let state = FIRST_STATE + then as u32;
                if !comparator.is_nil() {
                    return Ok(Action::Call {
                        function: call.push_array([comparator, left_value, right_value])?,
                        args: 2,
                        results: 1,
                        state,
                    });
                }
                let Some(answer) = call.compare_less(left_value, right_value) else {
                    return Ok(Action::Less {
                        left,
                        right,
                        target: call.push(Local::NIL)?,
                        state,
                    });
                };
                less = answer;
                step = then;
            }
        }
    }
}

/// What follows `step`; `less` is the answer if it was a comparison.
fn next(call: &mut Call<'_>, step: Step, less: bool) -> Result<Next, LuaError> {
    use Next::{Go, Less, Read, Write};
    use Step::*;
    let (low, high) = split(call, BOUNDS);
    let (up, down) = split(call, SCANS);
    let (middle, seed) = split(call, MIDDLE_AND_SEED);
    Ok(match step {
        Begin if low >= high => next_interval(call)?,
        Begin => Read(low, LEFT, ReadLow),
        ReadLow => Read(high, RIGHT, ReadHigh),
        ReadHigh => Less(RIGHT, LEFT, ComparedEnds),
        ComparedEnds if less => Write(low, RIGHT, WroteLow),
        WroteLow => Write(high, LEFT, EndsOrdered),
        ComparedEnds | EndsOrdered if high - low == 1 => next_interval(call)?,
        ComparedEnds | EndsOrdered => {
            let middle = choose_middle(low, high, seed);
            call.set_slot(MIDDLE_AND_SEED, join(middle, seed));
            Read(middle, PIVOT, ReadMiddle)
        }
        ReadMiddle => Read(low, LEFT, ReadLowAgain),
        ReadLowAgain => Less(PIVOT, LEFT, ComparedMiddleWithLow),
        ComparedMiddleWithLow if less => Write(middle, LEFT, WroteMiddleFromLow),
        WroteMiddleFromLow => Write(low, PIVOT, MiddleOrdered),
        ComparedMiddleWithLow => Read(high, RIGHT, ReadHighAgain),
        ReadHighAgain => Less(RIGHT, PIVOT, ComparedHighWithMiddle),
        ComparedHighWithMiddle if less => Write(middle, RIGHT, WroteMiddleFromHigh),
        WroteMiddleFromHigh => Write(high, PIVOT, MiddleOrdered),
        ComparedHighWithMiddle | MiddleOrdered if high - low == 2 => next_interval(call)?,
        ComparedHighWithMiddle | MiddleOrdered => Read(middle, PIVOT, ReadPivot),
        ReadPivot => Read(high - 1, RIGHT, ReadLast),
        ReadLast => Write(middle, RIGHT, WroteMiddle),
        WroteMiddle => Write(high - 1, PIVOT, PivotAside),
        PivotAside => scan_up(call, low, high - 1),
        ReadUp => Less(LEFT, PIVOT, ComparedUp),
        ComparedUp if less && up == high - 1 => return Err(invalid_order(call)),
        ComparedUp if less => scan_up(call, up, down),
        ComparedUp => scan_down(call, up, down),
        ReadDown => Less(PIVOT, RIGHT, ComparedDown),
        ComparedDown if less && down < up => return Err(invalid_order(call)),
        ComparedDown if less => scan_down(call, up, down),
        ComparedDown if down < up => Write(high - 1, LEFT, WroteLast),
        WroteLast => Write(up, PIVOT, Parted),
        ComparedDown => Write(up, RIGHT, WroteUp),
        WroteUp => Write(down, LEFT, Swapped),
        Swapped => scan_up(call, up, down),
        Parted => {
            let smaller = larger_waits(call, (low, high), up)?;
            call.set_slot(BOUNDS, join(smaller.0, smaller.1));
            Go(Begin)
        }
    })
}

fn scan_up(call: &mut Call<'_>, up: u32, down: u32) -> Next {
    call.set_slot(SCANS, join(up + 1, down));
    Next::Read(up + 1, LEFT, Step::ReadUp)
}

fn scan_down(call: &mut Call<'_>, up: u32, down: u32) -> Next {
    call.set_slot(SCANS, join(up, down - 1));
    Next::Read(down - 1, RIGHT, Step::ReadDown)
}

/// Takes the next interval from the slots behind the key.
fn next_interval(call: &mut Call<'_>) -> Result<Next, LuaError> {
    let slot = call.top();
    if slot <= KEY {
        return Ok(Next::End);
    }
    let bounds = call.slot(slot);
    call.set_slot(BOUNDS, bounds);
    call.set_top(slot - 1)?;
    Ok(Next::Go(Step::Begin))
}
