//! Operations without effect that were computed already, for the sweep to find them again.
//!
//! They are chained by operation, the latest first. What computes from the same operands stands behind
//! these, so that a search ends where the last operand is defined: it is short, and nothing is hashed.

use super::fold::commutes;
use crate::ir::{Instruction, Op, Ref, Trace};

/// The chains. They hold instructions of the trace that is being written, by index.
#[derive(Clone, Debug)]
pub(super) struct Expressions {
    /// The latest expression of each operation, plus one; zero for none.
    latest: [u32; Op::ALL.len()],
    /// The expression before each expression of the same operation, likewise; by index.
    before: Vec<u32>,
}

impl Expressions {
    /// None, for a trace that may become so long; the list is used for them.
    pub(super) fn new(length: usize, mut list: Vec<u32>) -> Expressions {
        list.clear();
        list.reserve(length);
        Expressions {
            latest: [0; Op::ALL.len()],
            before: list,
        }
    }

    /// The list, for others to use.
    pub(super) fn into_list(self) -> Vec<u32> {
        self.before
    }

    /// The value of an operation, if it was computed already.
    pub(super) fn find(&self, trace: &Trace, i: &Instruction) -> Option<Ref> {
        let operands = i.args.iter().filter_map(|r| r.as_instruction());
        // Constants are there from the start.
        let oldest = operands.max().map_or(0, |last| last + 1);
        let [a, b, c] = i.args;
        let mut next = self.latest[i.op as usize] as usize;
        while next > oldest {
            let known = &trace.code[next - 1];
            let is_same = known.args == i.args || known.args == [b, a, c] && commutes(i.op);
            if is_same && known.imm == i.imm {
                return Some(Ref::instruction(next - 1));
            }
            next = self.before[next - 1] as usize;
        }
        None
    }

    /// Notes an operation that was just written.
    pub(super) fn add(&mut self, op: Op, r: Ref) {
        let Some(n) = r.as_instruction() else {
            return;
        };
        let latest = std::mem::replace(&mut self.latest[op as usize], n as u32 + 1);
        self.before.resize(n, 0);
        self.before.push(latest);
    }
}
