//! Copying runs of elements from a table to a table, through metamethods where needed.
//!
//! A transfer that the machine has to help with keeps its position in slots, so that it goes on
//! in the next step.

use super::element::Elements;
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Action, Call, Local};

/// Elements between two polls.
const ELEMENTS_PER_POLL: i64 = 4096;

/// A run of elements still to be copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    /// The slot of the table to read.
    pub(super) source: u32,
    /// The slot of the table to write.
    pub(super) target: u32,
    /// The next element to read.
    pub(super) from: i64,
    /// Where it goes.
    pub(super) to: i64,
    /// How many are left.
    pub(super) left: i64,
    /// 1 or -1: the direction.
    pub(super) step: i64,
}

/// Slots that a suspended transfer uses, from its first on.
const FROM: u32 = 0;
const TO: u32 = 1;
const LEFT: u32 = 2;
const STEP: u32 = 3;
const KEY: u32 = 4;
const VALUE: u32 = 5;
/// How many they are.
const SLOTS: u32 = 6;

impl Transfer {
    /// Copies until all is done (`None`) or the machine has to help. The transfer then uses slots
    /// from `first` on, and goes on with [`Transfer::resume`] in `state` (a value was read) or
    /// `state + 1` (a value was written).
    pub(super) fn run(
        mut self,
        call: &mut Call<'_>,
        first: u32,
        state: u32,
    ) -> Result<Option<Action>, LuaError> {
        let source = Elements::of(call, call.slot(self.source));
        let target = Elements::of(call, call.slot(self.target));
        while self.left > 0 {
            let Some(value) = source.get(call, self.from) else {
                self.save(call, first)?;
                call.set_slot(first + KEY, Local::integer(self.from));
                return Ok(Some(Action::Index {
                    object: self.source,
                    key: first + KEY,
                    target: first + VALUE,
                    state,
                }));
            };
            if !target.set(call, self.to, value)? {
                return self.ask_to_write(call, first, value, state).map(Some);
            }
            self.advance();
            if self.left % ELEMENTS_PER_POLL == 0 {
                call.poll()?;
            }
        }
        Ok(None)
    }

    /// Goes on after the machine has read (`state`) or written (`state + 1`) a value.
    pub(super) fn resume(
        call: &mut Call<'_>,
        (source, target): (u32, u32),
        first: u32,
        state: u32,
    ) -> Result<Option<Action>, LuaError> {
        let saved = |slot| call.slot(first + slot).as_integer().unwrap_or(0);
        let mut transfer = Transfer {
            source,
            target,
            from: saved(FROM),
            to: saved(TO),
            left: saved(LEFT),
            step: saved(STEP),
        };
        if call.state() == state {
            let value = call.slot(first + VALUE);
            let target = Elements::of(call, call.slot(target));
            if !target.set(call, transfer.to, value)? {
                return transfer.ask_to_write(call, first, value, state).map(Some);
            }
        }
        transfer.advance();
        call.poll()?;
        transfer.run(call, first, state)
    }

    fn advance(&mut self) {
        // Only steps behind the last element can wrap.
        self.from = self.from.wrapping_add(self.step);
        self.to = self.to.wrapping_add(self.step);
        self.left -= 1;
    }

    fn save(&self, call: &mut Call<'_>, first: u32) -> Result<(), LuaError> {
        call.set_top(first + SLOTS - 1)?;
        for (slot, value) in [
            (FROM, self.from),
            (TO, self.to),
            (LEFT, self.left),
            (STEP, self.step),
        ] {
            call.set_slot(first + slot, Local::integer(value));
        }
        Ok(())
    }

    fn ask_to_write<'c>(
        &self,
        call: &mut Call<'c>,
        first: u32,
        value: Local<'c>,
        state: u32,
    ) -> Result<Action, LuaError> {
        self.save(call, first)?;
        call.set_slot(first + KEY, Local::integer(self.to));
        call.set_slot(first + VALUE, value);
        Ok(Action::SetIndex {
            object: self.target,
            key: first + KEY,
            value: first + VALUE,
            state: state + 1,
        })
    }
}
