//! From a recording to a trace that runs: policy, optimiser, code generator.

use super::{CompiledTrace, Engine, ExitRecord, State, exit, trace};
use crate::abort::Abort;
use crate::backend::{Assembled, Backend, Location, Refusal, Request};
use crate::ir::frames;
use crate::ir::verify::{verify, verify_side};
use crate::ir::{End, Finished, Instruction, Op, Ref, Snapshot, Trace};
use crate::opt::{Passes, Workspace, optimise_observed};
use crate::record::{Dependencies, Outcome, Recording, Start};
use perilune_runtime::gc::charge;
use std::time::Instant;

impl Engine {
    /// Optimises and assembles a recording; answers the number of the trace.
    pub(super) fn finish(
        &self,
        passes: &Passes,
        mut recording: Recording,
        outcome: Outcome,
        number: u32,
        parent: Option<u32>,
    ) -> Result<u32, Abort> {
        let log = recording.log.take();
        let (start, end) = (recording.start, recording.trace.end);
        if let Some(log) = &log {
            let what = match (start, parent) {
                (_, Some(exit)) => format!("from exit {exit}"),
                (Start::Entry, None) => "function".to_owned(),
                _ => "loop".to_owned(),
            };
            self.tell(&format!("-- trace {number}, {what}\n{log}"));
        }
        let result = self.compile(passes, recording, outcome, number, parent);
        if log.is_some() {
            match (&result, end) {
                (Err(abort), _) => self.tell(&format!(
                    "-- trace {number} is given up: {}\n\n",
                    abort.text()
                )),
                (Ok(_), End::Round(_) | End::Loop) => {
                    self.tell(&format!("-- trace {number} is a loop\n\n"))
                }
                (Ok(_), End::Link { trace, .. }) => {
                    self.tell(&format!("-- trace {number} goes on to trace {trace}\n\n"));
                }
                (Ok(_), End::Exit(_)) => {
                    self.tell(&format!("-- trace {number} ends in the interpreter\n\n"))
                }
            }
        }
        result
    }

    fn compile(
        &self,
        passes: &Passes,
        recording: Recording,
        outcome: Outcome,
        number: u32,
        parent: Option<u32>,
    ) -> Result<u32, Abort> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        // Nested recordings may have finished first. And since this one ended, while another one was made,
        // a collection may have freed what it relies on: no trace stands for that yet.
        let is_late = state.traces.len() as u32 != number
            || self.invalidated.get()
            || self.disturbances.get() != recording.disturbances;
        let verdict = match outcome {
            Outcome::Aborted(abort) => Err(abort),
            Outcome::Complete if is_late => Err(Abort::Collection),
            Outcome::Complete => self.check_worth(&recording),
        };
        if let Err(abort) = verdict {
            state.workspace.give(recording.trace.into_lists());
            return Err(abort);
        }
        if self.options.dump.ir {
            self.tell(&format!("-- recorded\n{}\n", recording.trace));
        }
        let started = Instant::now();
        let dependencies = recording.dependencies;
        let exit = parent.map(|exit| &state.exits[exit as usize]);
        let parent_trace = exit.map(|exit| {
            let parent = &state.traces[exit.trace as usize].trace;
            (parent, parent.snapshot(exit.snapshot))
        });
        let workspace = &mut state.workspace;
        let mut trace = self.optimise(recording.trace, parent_trace, passes, workspace);
        if parent.is_none() {
            mark_early_steps(&mut trace);
        }
        state.statistics.optimised(started);
        if self.options.dump.opt {
            self.tell(&format!("-- optimised\n{trace}\n"));
        }
        if self.options.record_only {
            return Err(Abort::NotAssembled);
        }
        let started = Instant::now();
        let assembled = self.assemble(state, &trace, parent);
        state.statistics.assembled(started);
        let first = state.exits.len();
        state.keep(trace, assembled?, dependencies, parent.is_none());
        if self.options.dump.snap {
            self.tell_exits(state, number, first);
        }
        Ok(number)
    }

    /// Makes the code generator, and the memory that compiling takes, before anything is recorded for the
    /// first time.
    pub(super) fn set_up(&self, state: &mut State) {
        if state.backend.is_some() {
            return;
        }
        let started = Instant::now();
        state.workspace = Workspace::usual();
        state.backend = if self.options.evaluate {
            Some(Backend::evaluator(exit::restore, trace::step))
        } else {
            let limit = self.options.code_limit;
            Backend::machine_code(limit, exit::restore, trace::step).ok()
        };
        state.statistics.set_up(started);
    }

    fn assemble(
        &self,
        state: &mut State,
        trace: &Trace,
        parent: Option<u32>,
    ) -> Result<Assembled, Abort> {
        let first_exit = state.exits.len() as u32;
        let inherited = parent.map(|exit| state.values_of(&state.exits[exit as usize]).to_vec());
        let traces = &state.traces;
        let Some(backend) = &mut state.backend else {
            return Err(Abort::CodeFull);
        };
        let assembled = backend.assemble(&Request {
            trace,
            first_exit,
            inherited: inherited.as_deref().unwrap_or(&[]),
            entry_of: &|n| traces.get(n as usize).map(|t| t.entry),
            registers: self.options.registers,
            verify: self.options.verify,
            deopt: self.options.deopt.map(|n| (n, self.countdown.as_ptr())),
        });
        let assembled = match assembled {
            Ok(assembled) => assembled,
            Err(Refusal::Full) => return Err(Abort::CodeFull),
            Err(refusal) => {
                let is_wanted = self.options.verify && refusal == Refusal::Malformed;
                assert!(!is_wanted, "a trace's allocation is not well formed");
                return Err(Abort::NotAssembled);
            }
        };
        if self.options.dump.asm {
            let code = backend.code(assembled.entry, assembled.code_bytes);
            let listing = crate::backend::listing(assembled.entry as usize, code);
            self.tell(&format!(
                "-- trace {}, machine code\n{listing}\n",
                trace.number
            ));
        }
        Ok(assembled)
    }

    /// Optimises a trace; verifies it as it was recorded and after every pass, if that is wanted.
    fn optimise(
        &self,
        trace: Trace,
        parent: Option<(&Finished, Snapshot<'_>)>,
        passes: &Passes,
        workspace: &mut Workspace,
    ) -> Trace {
        if !self.options.verify {
            return optimise_observed(trace, passes, workspace, None);
        }
        let mut is_well_formed = true;
        let mut check = |stage: &str, trace: &Trace| {
            let verdict = match parent {
                Some((parent, exit)) => {
                    let given = exit.values().map(|r| parent.type_of(r)).collect();
                    verify_side(trace, given)
                }
                None => verify(trace),
            };
            let at_start = parent.map_or(0, |(_, exit)| frames::height(exit));
            let verdict = verdict.and_then(|()| frames::verify_frames(trace, at_start));
            if let Err(problem) = verdict {
                is_well_formed = false;
                eprintln!("not well formed after {stage}: {problem}\n{trace}");
            }
        };
        check("recording", &trace);
        let trace = optimise_observed(trace, passes, workspace, Some(&mut check));
        // Who asks for `verify` wants to know: tests, and fuzzers that look at the exit code.
        assert!(is_well_formed, "a trace is not well formed: see above");
        trace
    }
}

impl State {
    /// Takes a new trace in.
    fn keep(
        &mut self,
        trace: Trace,
        assembled: Assembled,
        dependencies: Dependencies,
        is_root: bool,
    ) {
        self.statistics.traces += 1;
        self.statistics.code_bytes += assembled.code_bytes;
        let rare = exits_of_helpers(&trace);
        // Who leaves a side trace may have gone round the root's loop before.
        let early = is_root.then(|| early_exits(&trace));
        self.exits.reserve(assembled.exits.len());
        for exit in assembled.exits {
            self.exits.push(ExitRecord {
                trace: trace.number,
                snapshot: exit.snapshot,
                values: exit.values,
                stub: exit.stub,
                count: 0,
                aborts: 0,
                has_trace: false,
                is_rare: rare[exit.snapshot as usize],
                is_early: early
                    .as_ref()
                    .is_some_and(|early| early[exit.snapshot as usize]),
            });
        }
        let (trace, lists) = Finished::of(trace);
        self.workspace.give(lists);
        // Machine code is seen twice, to be written and to be executed, and the system counts both.
        self.footprint += 2 * assembled.code_bytes
            + trace.bytes()
            + charge::block(assembled.values.len() * size_of::<Location>())
            + charge::list::<usize>(dependencies.objects.capacity())
            + charge::list::<u32>(dependencies.shapes.capacity());
        self.traces.push(CompiledTrace {
            root: trace.number,
            trace,
            entry: assembled.entry,
            values: assembled.values.into(),
            dependencies,
            side_traces: 0,
            is_function: false,
            entries: 0,
            in_vain: 0,
            location: None,
            first_version: None,
            next_version: None,
        });
    }
}

/// The snapshots of guards on the answers of helpers that may decline, and of those that what is left
/// is enough.
fn exits_of_helpers(trace: &Trace) -> Vec<bool> {
    let is_call = |r: Ref| {
        let call = r.as_instruction().map(|n| &trace.code[n]);
        call.filter(|call| call.op == Op::CallInt)
            .and_then(Instruction::helper)
            .is_some_and(|helper| helper.effect().may_decline())
    };
    let is_answer = |i: &Instruction| i.op == Op::GuardNe && is_call(i.args[0]);
    let is_meant = |i: &&Instruction| matches!(i.op, Op::GuardPaid | Op::GuardFuel) || is_answer(i);
    snapshots_of(trace, trace.code.iter().filter(is_meant))
}

/// By snapshot: whether some guards leave through it.
fn snapshots_of<'a>(trace: &Trace, guards: impl Iterator<Item = &'a Instruction>) -> Vec<bool> {
    let mut marks = vec![false; trace.snapshots.len()];
    guards.for_each(|guard| marks[guard.snapshot as usize] = true);
    marks
}

/// Instructions of a trace that do little.
const FEW: usize = 64;

/// Marks the steps near the start of a trace.
fn mark_early_steps(trace: &mut Trace) {
    let steps = trace.code.iter().take(FEW).filter(|i| i.op == Op::Step);
    for i in steps {
        trace.steps[i.imm as usize].is_early = true;
    }
}

/// The snapshots of guards near the start of a trace: what is left there has done little.
fn early_exits(trace: &Trace) -> Vec<bool> {
    let end = trace.loop_start().unwrap_or(FEW).min(FEW);
    let guards = trace.code.iter().take(end).filter(|i| i.op.is_guard());
    snapshots_of(trace, guards)
}
