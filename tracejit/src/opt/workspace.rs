//! Memory that optimising a trace needs, and the next one can use again.
//!
//! Invariant: what was left in the lists means nothing; each user fills them anew.

use super::guards;
use crate::ir::{Lists, Ref};
use perilune_runtime::gc::charge;

/// Elements that a list may have room for to be kept: most traces are shorter, and one that is long
/// shall not cost memory for ever.
const KEPT: usize = 4096;
/// Lists of traces kept: one is recorded while another one is optimised.
const TRACES: usize = 2;

/// The memory of one compiler.
#[derive(Debug, Default)]
pub struct Workspace {
    traces: Vec<Lists>,
    pub(super) facts: Vec<guards::Value>,
    pub(super) expressions: Vec<u32>,
    pub(super) map: Vec<Ref>,
    pub(super) snapshots: Vec<u32>,
}

impl Workspace {
    /// Lists for a trace.
    pub fn take(&mut self) -> Lists {
        self.traces.pop().unwrap_or_default()
    }

    /// Keeps the lists of a trace that is no more.
    pub fn give(&mut self, lists: Lists) {
        if self.traces.len() < TRACES && lists.longest() <= KEPT {
            self.traces.push(lists);
        }
    }

    /// Keeps a list for the next user.
    pub(super) fn keep<T>(place: &mut Vec<T>, list: Vec<T>) {
        if list.capacity() <= KEPT {
            *place = list;
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.traces.iter().map(Lists::bytes).sum::<usize>()
            + charge::list::<guards::Value>(self.facts.capacity())
            + charge::list::<u32>(self.expressions.capacity())
            + charge::list::<Ref>(self.map.capacity())
            + charge::list::<u32>(self.snapshots.capacity())
    }
}
