//! Memory that optimising a trace needs, and the next one can use again.
//!
//! Invariant: what was left in the lists means nothing; each user fills them anew.

use super::{dce, guards};
use crate::ir::{KEPT, Lists, Ref, USUAL_LENGTH, touch};
use perilune_runtime::gc::charge;

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
    pub(super) dce: dce::Lists,
}

impl Workspace {
    /// Memory for usual traces.
    pub fn usual() -> Workspace {
        let mut workspace = Workspace {
            traces: vec![Lists::usual(), Lists::usual()],
            dce: dce::Lists::usual(),
            ..Workspace::default()
        };
        touch(&mut workspace.facts, 2 * USUAL_LENGTH, || {
            guards::Value::UNKNOWN
        });
        touch(&mut workspace.expressions, 2 * USUAL_LENGTH, || 0);
        touch(&mut workspace.map, USUAL_LENGTH, || Ref::NONE);
        touch(&mut workspace.snapshots, USUAL_LENGTH / 4, || 0);
        workspace
    }

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
            + self.dce.bytes()
    }
}
