//! Loads that only a guard wants: the guard compares memory then, and the load needs no register.
//!
//! Invariant: between a fused load and its guard nothing writes memory or calls, so the guard sees what the
//! load would have seen; what the load is computed from lives until the guard.

use super::lives::is_call;
use crate::ir::verify::is_write;
use crate::ir::{Op, Ref, Trace, touch};
use perilune_runtime::gc::charge;

/// How far behind its load a guard may be: the load's operands live that much longer.
const FARTHEST: usize = 16;

/// By guard: the load that is a part of it.
#[derive(Debug, Default)]
pub(crate) struct Fused {
    /// By instruction: for a guard its load, for such a load itself, else [`NOTHING`].
    load_of: Vec<u32>,
    /// The loads with their guards.
    pairs: Vec<(u32, u32)>,
}

const NOTHING: u32 = u32::MAX;

impl Fused {
    /// Finds the loads of a trace that guards can do. `is_used_once`: whether a single instruction,
    /// snapshot, phi or end names the result of an instruction.
    pub(crate) fn find(&mut self, trace: &Trace, is_used_once: impl Fn(usize) -> bool) {
        self.load_of.clear();
        self.load_of.resize(trace.code.len(), NOTHING);
        self.pairs.clear();
        // The first instruction behind the last one that no load may be moved over.
        let mut movable_from = 0;
        for (n, i) in trace.code.iter().enumerate() {
            if matches!(i.op, Op::GuardEq | Op::GuardNe) {
                let Some(load) = i.args[0].as_instruction() else {
                    continue;
                };
                if load >= movable_from
                    && n - load <= FARTHEST
                    && is_used_once(load)
                    && can_compare(trace, load, i.args[1])
                {
                    self.load_of[n] = load as u32;
                    self.load_of[load] = load as u32;
                    self.pairs.push((load as u32, n as u32));
                }
            } else if is_write(i) || is_call(i.op) || i.op == Op::Loop {
                movable_from = n + 1;
            }
        }
    }

    /// Makes room for so many instructions.
    pub(crate) fn reserve(&mut self, length: usize) {
        touch(&mut self.load_of, length, || NOTHING);
        touch(&mut self.pairs, length / 8, || (0, 0));
    }

    /// Bytes that its lists take.
    pub(crate) fn bytes(&self) -> usize {
        charge::list::<u32>(self.load_of.capacity())
            + charge::list::<(u32, u32)>(self.pairs.capacity())
    }

    /// The loads that are parts of guards, each with its guard.
    pub(crate) fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    /// The load that a guard does itself.
    pub(crate) fn load_of(&self, guard: usize) -> Option<usize> {
        let load = self.load_of[guard];
        (load != NOTHING).then_some(load as usize)
    }

    /// Whether an instruction is done by a guard.
    pub(crate) fn is_fused(&self, n: usize) -> bool {
        self.load_of[n] as usize == n
    }

    /// Calls `take` for what an instruction reads: nothing if it is done elsewhere, and for a guard with
    /// a load what that reads too.
    #[inline]
    pub(crate) fn for_each_operand(&self, trace: &Trace, n: usize, mut take: impl FnMut(Ref)) {
        if self.is_fused(n) {
            return;
        }
        let i = &trace.code[n];
        let Some(load) = self.load_of(n) else {
            return i.args.iter().for_each(|&r| take(r));
        };
        i.args[1..].iter().for_each(|&r| take(r));
        trace.code[load].args.iter().for_each(|&r| take(r));
    }
}

/// Whether one instruction can compare what a load loads with a value.
fn can_compare(trace: &Trace, load: usize, with: Ref) -> bool {
    match trace.code[load].op {
        Op::SlotTag | Op::Load8 | Op::Load8At => {
            trace.int_of(with).is_some_and(|i| u8::try_from(i).is_ok())
        }
        Op::Load32 => trace
            .int_of(with)
            .is_some_and(|i| (0..1 << 31).contains(&i)),
        Op::SlotInt | Op::Load64 | Op::Load64At => true,
        _ => false,
    }
}
