//! The optimiser: passes over traces, each of which can be switched off by its name.

mod alias;
mod bounds;
mod dce;
mod elements;
mod expressions;
mod fold;
mod guards;
mod memory;
mod peel;
mod pending;
mod rebuild;
mod rewrite;
mod sink;
mod workspace;

pub use workspace::Workspace;

use peel::{Attempt, Failure};
use rebuild::Edit;
use rewrite::{Escaped, Rewriter};

use crate::ir::{End, Instruction, KEPT, Op, Ref, SnapshotSlot, Trace, Type};

macro_rules! passes {
    ($($name:ident: $doc:literal,)*) => {
        /// Which passes run.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct Passes { $(#[doc = $doc] pub $name: bool),* }

        impl Passes {
            /// None of them.
            pub fn none() -> Passes {
                Passes { $($name: false),* }
            }
            /// Those that bet on nothing: see [`Snapshot`](crate::ir::Snapshot).
            pub fn without_bets(self) -> Passes {
                Passes { alias: false, bounds: false, ..self }
            }
            /// Switches a pass; false when there is none of that name.
            pub fn set(&mut self, name: &str, on: bool) -> bool {
                match name {
                    $(stringify!($name) => self.$name = on,)*
                    _ => return false,
                }
                true
            }
        }

        impl Default for Passes {
            /// All of them.
            fn default() -> Passes {
                Passes { $($name: true),* }
            }
        }
    };
}
passes! {
    fold: "Computes what is known, and simplifies.",
    cse: "Computes the same thing once.",
    guards: "Drops guards that others imply, and uses what guards establish.",
    memory: "Loads what was loaded or stored before from there.",
    peel: "Runs what a loop does in every round once, before it.",
    alias: "Bets that what a loop writes is not what it only reads.",
    bounds: "Checks the indices of a counted loop once, before it, for all rounds.",
    sink: "Does not make objects that only the trace and its exits see.",
    dce: "Drops what nobody uses.",
}

/// Looks at a trace after a pass: the pass's name, and the trace.
pub type Observer<'a> = &'a mut dyn FnMut(&str, &Trace);

/// Optimises a trace as it was recorded: it has no loop's head yet.
pub fn optimise(old: Trace, passes: &Passes) -> Trace {
    optimise_observed(old, passes, &mut Workspace::default(), None)
}

/// Optimises a trace in memory that was used before; the observer sees it after every pass.
pub fn optimise_observed(
    mut old: Trace,
    passes: &Passes,
    workspace: &mut Workspace,
    mut observer: Option<Observer>,
) -> Trace {
    let (mut new, mut edit) = rewritten(&old, passes, workspace, &mut observer);
    new.steps = std::mem::take(&mut old.steps);
    if let Some(observer) = &mut observer {
        std::mem::take(&mut edit).apply(&mut new);
        observer("peel", &new);
    }
    if passes.dce {
        dce::eliminate(&mut new, &edit, &mut workspace.dce);
        workspace.dce.trim(KEPT);
        if let Some(observer) = &mut observer {
            observer("dce", &new);
        }
    } else {
        edit.apply(&mut new);
    }
    workspace.give(old.into_lists());
    new
}

/// Writes a trace anew, until no object that it does not make was found to be needed, and what was tried
/// with its loop could be done. Answers what is to be changed in it, too.
fn rewritten(
    old: &Trace,
    passes: &Passes,
    workspace: &mut Workspace,
    observer: &mut Option<Observer>,
) -> (Trace, Edit) {
    /// Times that objects may be found to be needed: each time what the last ones lead to.
    const MOST_ESCAPES: usize = 8;
    let mut passes = *passes;
    let mut escaped = Escaped::default();
    let mut escapes = 0;
    let mut attempt = Attempt::new(&passes);
    loop {
        passes.sink &= escapes < MOST_ESCAPES;
        let copies = if attempt.is_loop { 2 } else { 1 };
        let mut w = Rewriter::new(old, passes, escaped.clone(), copies, workspace);
        w.sweep();
        let swept = observer.is_some().then(|| w.as_it_is());
        let failure = end(&mut w, &attempt).err();
        if failure.is_none() && w.escaped.count() == escaped.count() {
            if let (Some(observer), Some(swept)) = (observer, &swept) {
                observer("sweep", swept);
            }
            return w.into_trace(workspace);
        }
        attempt = match failure {
            Some(failure) if w.escaped.count() == escaped.count() => attempt.without(failure),
            // With what they need made, everything may turn out differently.
            _ => {
                escapes += 1;
                Attempt::new(&passes)
            }
        };
        escaped = w.escaped.clone();
        let (dropped, _) = w.into_trace(workspace);
        workspace.give(dropped.into_lists());
    }
}

/// Writes what comes behind the first copy of a trace.
fn end(w: &mut Rewriter, attempt: &Attempt) -> Result<(), Failure> {
    match w.old.end {
        End::Round(snapshot) => {
            let first = w.mapped_slots(snapshot);
            if attempt.is_loop {
                return peel::peel(w, snapshot, &first, attempt);
            }
            first.iter().for_each(|s| w.escape(s.payload));
            close_through_memory(&mut w.new, &first);
        }
        End::Exit(snapshot) => {
            // What is needed there for sure is made where it was: that is faster.
            let slots = w.mapped_slots(snapshot);
            slots.iter().for_each(|s| w.escape(s.payload));
            w.new.end = End::Exit(w.snapshot(snapshot));
        }
        end => w.new.end = end,
    }
    Ok(())
}

/// Ends an iteration by bringing everything into memory, and going on at the trace's start.
fn close_through_memory(trace: &mut Trace, slots: &[SnapshotSlot]) {
    for s in slots {
        trace.push(Instruction::new(Op::StoreSlotTag, s.slot, &[s.tag]));
        if s.payload != Ref::NONE {
            let op = match trace.type_of(s.payload) {
                Type::Float => Op::StoreSlotFloat,
                _ => Op::StoreSlotInt,
            };
            trace.push(Instruction::new(op, s.slot, &[s.payload]));
        }
    }
    trace.end = End::Link {
        trace: trace.number,
        base: 0,
    };
}
