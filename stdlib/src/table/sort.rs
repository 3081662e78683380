//! `table.sort`: quicksort with the comparisons of PUC, in the same order.
//!
//! - A list of numbers, or of strings, sorted by `<` is sorted in a copy, by the standard library.
//! - Otherwise every comparison may be a call, so the sort is a state machine: [`Sorter`] runs
//!   from comparison to comparison and sleeps in slots in between.
//! - A value whose elements cannot all be reached raw is left to `sort_proxied`.
//!
//! Invariants: while sleeping, the slots behind [`RIGHT`] hold the intervals still to be sorted,
//! at most one for each halving of the list.

use super::element::{Elements, answered_length, ask_length, check, raw_length};
use super::sort_proxied;
use super::sort_uniform::sort_uniform;
use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native::{Action, Call, Local, NativeResult, TableRef};
use std::hash::{BuildHasher, Hasher, RandomState};

/// The list that is sorted.
pub(super) const LIST: u32 = 1;
pub(super) const COMPARATOR: u32 = 2;

// Slots of a sleeping sorter. Two numbers share a slot where they fit.
pub(super) const BOUNDS: u32 = 3;
pub(super) const SCANS: u32 = 4;
pub(super) const MIDDLE_AND_SEED: u32 = 5;
pub(super) const PIVOT: u32 = 6;
pub(super) const LEFT: u32 = 7;
pub(super) const RIGHT: u32 = 8;

// States. 1 to 5 are those of `Question`; those of `sort_proxied` follow.
const LENGTH_KNOWN: u32 = 10;

/// Intervals larger than this may get a random pivot.
const RANDOM_LIMIT: u32 = 100;

pub(super) fn sort(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        0 => {
            check(call, 1, &[Event::Index, Event::NewIndex, Event::Len])?;
            match raw_length(call) {
                Some(length) => start(call, length),
                None => ask_length(call, LENGTH_KNOWN),
            }
        }
        LENGTH_KNOWN => {
            let length = answered_length(call)?;
            start(call, length)
        }
        state if state >= sort_proxied::FIRST_STATE => sort_proxied::resume(call),
        state => {
            let result = call.top();
            let less = call.slot(result).is_truthy();
            call.set_top(result - 1)?;
            let Some(list) = call.slot(LIST).as_table() else {
                return Err(call.type_error(LIST, "table"));
            };
            Sorter::load(call, list).run(call, Question::from_state(state), less)
        }
    }
}

fn start(call: &mut Call<'_>, length: i64) -> NativeResult {
    if length <= 1 {
        return Ok(call.return_none());
    }
    if length >= i64::from(i32::MAX) {
        return Err(call.arg_error(1, "array too big"));
    }
    if !call.is_none_or_nil(COMPARATOR) {
        call.check_function(COMPARATOR)?;
    }
    call.set_top(COMPARATOR)?;
    let elements = Elements::of(call, call.slot(LIST));
    let raw = elements.plain().is_some()
        || (1..=length).all(|index| elements.get(call, index).is_some_and(|v| !v.is_nil()));
    if raw {
        sort_list(call, length as u32)
    } else {
        sort_proxied::start(call, length as u32)
    }
}

fn sort_list(call: &mut Call<'_>, length: u32) -> NativeResult {
    let Some(list) = call.slot(LIST).as_table() else {
        return Err(call.type_error(LIST, "table"));
    };
    if call.is_none_or_nil(COMPARATOR) && sort_uniform(call, list, length)? {
        return Ok(call.return_none());
    }
    call.set_top(RIGHT)?;
    call.set_slot(MIDDLE_AND_SEED, join(0, 0));
    // The whole list is the first interval that waits.
    call.push(join(1, length))?;
    let sorter = Sorter {
        list,
        low: 0,
        high: 0,
        up: 0,
        down: 0,
    };
    sorter.run(call, Question::Begin, false)
}

// --- The state machine ---

/// The comparison whose answer a sorter waits for. Its number is the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Question {
    /// None yet: an interval is to be begun.
    Begin = 0,
    /// `a[high] < a[low]`: `right < left`
    HighLessThanLow = 1,
    /// `a[middle] < a[low]`: `pivot < left`
    MiddleLessThanLow = 2,
    /// `a[high] < a[middle]`: `right < pivot`
    HighLessThanMiddle = 3,
    /// `a[up] < pivot`: `left < pivot`
    UpLessThanPivot = 4,
    /// `pivot < a[down]`: `pivot < right`
    PivotLessThanDown = 5,
}

impl Question {
    fn from_state(state: u32) -> Self {
        match state {
            0 => Self::Begin,
            1 => Self::HighLessThanLow,
            2 => Self::MiddleLessThanLow,
            3 => Self::HighLessThanMiddle,
            4 => Self::UpLessThanPivot,
            _ => Self::PivotLessThanDown,
        }
    }

    /// The slots of the two values compared.
    fn operands(self) -> (u32, u32) {
        match self {
            Self::Begin | Self::HighLessThanLow => (RIGHT, LEFT),
            Self::MiddleLessThanLow => (PIVOT, LEFT),
            Self::HighLessThanMiddle => (RIGHT, PIVOT),
            Self::UpLessThanPivot => (LEFT, PIVOT),
            Self::PivotLessThanDown => (PIVOT, RIGHT),
        }
    }
}

/// A sort under way. The values it works with (pivot, left, right) stay in their slots.
struct Sorter<'c> {
    list: TableRef<'c>,
    /// The interval being sorted.
    low: u32,
    high: u32,
    /// The scans of the partition, from both ends.
    up: u32,
    down: u32,
}

pub(super) fn join(high: u32, low: u32) -> Local<'static> {
    Local::integer((u64::from(high) << 32 | u64::from(low)) as i64)
}

#[inline]
pub(super) fn split(call: &Call<'_>, slot: u32) -> (u32, u32) {
    let joined = call.slot(slot).as_integer().unwrap_or(0) as u64;
    ((joined >> 32) as u32, joined as u32)
}

impl<'c> Sorter<'c> {
    /// The sorter that sleeps in the slots.
    #[inline]
    fn load(call: &Call<'c>, list: TableRef<'c>) -> Self {
        let (low, high) = split(call, BOUNDS);
        let (up, down) = split(call, SCANS);
        Sorter {
            list,
            low,
            high,
            up,
            down,
        }
    }

    #[inline(always)]
    fn get(&self, call: &Call<'c>, index: u32) -> Local<'c> {
        call.table_get_int(self.list, i64::from(index))
    }

    #[inline]
    fn set(&self, call: &mut Call<'c>, index: u32, value: Local<'c>) -> Result<(), LuaError> {
        call.table_set_int(self.list, i64::from(index), value)
    }

    /// Goes on with the answer to `question` until a call is needed or all is sorted.
    fn run(mut self, call: &mut Call<'c>, mut question: Question, mut less: bool) -> NativeResult {
        loop {
            // The values of the scans stay in registers; what happens once per interval fetches
            // them from their slots.
            let (left, right);
            match (question, less) {
                (Question::UpLessThanPivot, true) => {
                    if self.up == self.high - 1 {
                        return Err(invalid_order(call));
                    }
                    (question, left, right) = self.scan_up(call);
                }
                (Question::UpLessThanPivot, false) => {
                    (question, left, right) = self.scan_down(call);
                }
                (Question::PivotLessThanDown, true) => {
                    if self.down < self.up {
                        return Err(invalid_order(call));
                    }
                    (question, left, right) = self.scan_down(call);
                }
                (Question::PivotLessThanDown, false) if self.down >= self.up => {
                    let (low_value, high_value) = (call.slot(LEFT), call.slot(RIGHT));
                    self.set(call, self.up, high_value)?;
                    self.set(call, self.down, low_value)?;
                    (question, left, right) = self.scan_up(call);
                }
                _ => match self.answer(call, question, less)? {
                    Some(next) => {
                        let (left_slot, right_slot) = next.operands();
                        (left, right) = (call.slot(left_slot), call.slot(right_slot));
                        question = next;
                    }
                    None => return Ok(call.return_none()),
                },
            }
            let comparator = call.slot(COMPARATOR);
            if comparator.is_nil()
                && let Some(answer) = call.compare_less(left, right)
            {
                less = answer;
                continue;
            }
            call.set_slot(BOUNDS, join(self.low, self.high));
            call.set_slot(SCANS, join(self.up, self.down));
            if comparator.is_nil() {
                let (left, right) = question.operands();
                return Ok(Action::Less {
                    left,
                    right,
                    target: call.push(Local::NIL)?,
                    state: question as u32,
                });
            }
            return Ok(Action::Call {
                function: call.push_array([comparator, left, right])?,
                args: 2,
                results: 1,
                state: question as u32,
            });
        }
    }

    /// What to compare after a `question` outside the scans, or at their end; `None` when all is
    /// sorted.
    fn answer(
        &mut self,
        call: &mut Call<'c>,
        question: Question,
        less: bool,
    ) -> Result<Option<Question>, LuaError> {
        match question {
            Question::Begin => self.next_interval(call),
            Question::PivotLessThanDown => self.split_interval(call),
            _ => self.order_ends(call, question, less),
        }
    }

    /// Puts the ends and the middle of the interval in order, with the answer to `question`.
    fn order_ends(
        &mut self,
        call: &mut Call<'c>,
        question: Question,
        less: bool,
    ) -> Result<Option<Question>, LuaError> {
        let (left, right) = (call.slot(LEFT), call.slot(RIGHT));
        if question == Question::HighLessThanLow {
            if less {
                self.set(call, self.low, right)?;
                self.set(call, self.high, left)?;
            }
            if self.high - self.low == 1 {
                return self.next_interval(call);
            }
            let (_, seed) = split(call, MIDDLE_AND_SEED);
            let middle = choose_middle(self.low, self.high, seed);
            call.set_slot(MIDDLE_AND_SEED, join(middle, seed));
            let pivot = self.get(call, middle);
            let left = self.get(call, self.low);
            call.set_slot(PIVOT, pivot);
            call.set_slot(LEFT, left);
            return Ok(Some(Question::MiddleLessThanLow));
        }
        let (middle, _) = split(call, MIDDLE_AND_SEED);
        let pivot = call.slot(PIVOT);
        if question == Question::MiddleLessThanLow {
            if !less {
                let right = self.get(call, self.high);
                call.set_slot(RIGHT, right);
                return Ok(Some(Question::HighLessThanMiddle));
            }
            self.set(call, middle, left)?;
            self.set(call, self.low, pivot)?;
        } else if less {
            self.set(call, middle, right)?;
            self.set(call, self.high, pivot)?;
        }
        self.begin_partition(call, middle)
    }

    fn begin_interval(&mut self, call: &mut Call<'c>) -> Result<Option<Question>, LuaError> {
        if self.low >= self.high {
            return self.next_interval(call);
        }
        let left = self.get(call, self.low);
        let right = self.get(call, self.high);
        call.set_slot(LEFT, left);
        call.set_slot(RIGHT, right);
        Ok(Some(Question::HighLessThanLow))
    }

    /// Takes the next interval from the slots.
    fn next_interval(&mut self, call: &mut Call<'c>) -> Result<Option<Question>, LuaError> {
        loop {
            let slot = call.top();
            if slot <= RIGHT {
                return Ok(None);
            }
            (self.low, self.high) = split(call, slot);
            call.set_top(slot - 1)?;
            if self.low < self.high {
                return self.begin_interval(call);
            }
        }
    }

    /// The ends and the middle are in order; puts the pivot aside.
    fn begin_partition(
        &mut self,
        call: &mut Call<'c>,
        middle: u32,
    ) -> Result<Option<Question>, LuaError> {
        if self.high - self.low == 2 {
            return self.next_interval(call);
        }
        let pivot = self.get(call, middle);
        let last = self.get(call, self.high - 1);
        self.set(call, middle, last)?;
        self.set(call, self.high - 1, pivot)?;
        call.set_slot(PIVOT, pivot);
        self.up = self.low;
        self.down = self.high - 1;
        self.scan_up(call);
        Ok(Some(Question::UpLessThanPivot))
    }

    #[inline(always)]
    fn scan_up(&mut self, call: &mut Call<'c>) -> (Question, Local<'c>, Local<'c>) {
        self.up += 1;
        let left = self.get(call, self.up);
        call.set_slot(LEFT, left);
        (Question::UpLessThanPivot, left, call.slot(PIVOT))
    }

    #[inline(always)]
    fn scan_down(&mut self, call: &mut Call<'c>) -> (Question, Local<'c>, Local<'c>) {
        self.down -= 1;
        let right = self.get(call, self.down);
        call.set_slot(RIGHT, right);
        (Question::PivotLessThanDown, call.slot(PIVOT), right)
    }

    /// The scans have met: puts the pivot between the two parts and goes on with the smaller one;
    /// the larger one waits in a slot.
    fn split_interval(&mut self, call: &mut Call<'c>) -> Result<Option<Question>, LuaError> {
        let pivot = self.up;
        let (left, pivot_value) = (call.slot(LEFT), call.slot(PIVOT));
        self.set(call, self.high - 1, left)?;
        self.set(call, pivot, pivot_value)?;
        let smaller = larger_waits(call, (self.low, self.high), pivot)?;
        (self.low, self.high) = smaller;
        self.begin_interval(call)
    }
}

/// The smaller part of an interval that was parted at `pivot`; the larger one waits in a slot.
pub(super) fn larger_waits(
    call: &mut Call<'_>,
    (low, high): (u32, u32),
    pivot: u32,
) -> Result<(u32, u32), LuaError> {
    call.poll()?;
    let lower = (low, pivot - 1);
    let upper = (pivot + 1, high);
    let (smaller, larger, size) = if pivot - low < high - pivot {
        (lower, upper, pivot - low)
    } else {
        (upper, lower, high - pivot)
    };
    if larger.1.saturating_sub(larger.0) / 128 > size {
        // Badly balanced: perhaps somebody means it.
        let seed = RandomState::new().build_hasher().finish() as u32 | 1;
        call.set_slot(MIDDLE_AND_SEED, join(0, seed));
    }
    call.push(join(larger.0, larger.1))?;
    Ok(smaller)
}

/// Where the pivot is taken from: the middle, or (`seed` not 0) somewhere around it.
pub(super) fn choose_middle(low: u32, high: u32, seed: u32) -> u32 {
    if high - low < RANDOM_LIMIT || seed == 0 {
        return low.midpoint(high);
    }
    let quarter = (high - low) / 4;
    seed % (quarter * 2) + low + quarter
}

#[cold]
pub(super) fn invalid_order(call: &mut Call<'_>) -> LuaError {
    call.error("invalid order function for sorting")
}
