//! The compiler as the interpreter sees it: decides when to record, enters traces, leaves them.
//!
//! Invariants:
//! - `state` is never borrowed while Lua code may run (recording, executing): those re-enter.
//! - An exit's number names its trace; nothing is looked up in "the current trace".
//! - When anything dies that a trace relies on, all traces are dropped; those that are running see
//!   `invalidated` after the step in which it happened, and are left. Their code stays until no
//!   trace runs.
//! - What a recording relies on is held by no trace yet: a recording is compiled only if there was no
//!   disturbance (a collection that frees, say) since it began, whatever was recorded in between.

mod cache;
mod compile;
mod dump;
mod exit;
mod objects;
mod statistics;
mod trace;
mod versions;
mod worth;

use crate::abort::Abort;
use crate::backend::{Backend, Location};
use crate::ir::Finished;
use crate::opt::Workspace;
use crate::options::Options;
use crate::record::{Dependencies, Limits, Outcome, Recording, Start, Surroundings};
use cache::Reason;
use perilune_runtime::function::{LuaClosure, Proto};
use perilune_runtime::gc::GcHeader;
use perilune_runtime::hot::{self, TraceHook};
use perilune_runtime::interp::portable;
use perilune_runtime::vm::Vm;
use rustc_hash::FxHashMap;
use statistics::Statistics;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// Counter of a location that has a trace: always hot.
const HAS_TRACE: i32 = 1 << 30;
/// Counter of a location that is not to be recorded again.
const BLACKLISTED: i32 = i32::MIN;
/// Recordings given up before a location is blacklisted.
const MAX_ABORTS: u32 = 5;
/// Recordings given up before an exit gets no side trace.
const MAX_SIDE_ABORTS: u32 = 3;
/// How often a trace may be entered in vain before it is asked whether that is usual.
const MAX_IN_VAIN: u32 = 200;
/// Side traces of one root, in all.
const MAX_SIDE_TRACES: usize = 400;
/// How many recordings may be active, each in a step of the one before. Each takes some KiB of the
/// native stack, on which two hundred calls from Rust may nest; and the outer ones fail anyway when
/// an inner one makes a trace.
const MAX_RECORDINGS: u32 = 4;

/// The compiler of one state.
#[derive(Debug)]
pub struct Engine {
    options: Options,
    state: RefCell<State>,
    /// Traces running, innermost last counted.
    depth: Cell<u32>,
    /// Recordings that are active.
    recordings: Cell<u32>,
    /// The exit by which the last trace was left.
    last_exit: Cell<Option<u32>>,
    /// Whether the last trace that was left after a step had done little by then.
    left_early: Cell<bool>,
    /// Whether running traces must be left after their step.
    invalidated: Cell<bool>,
    /// Counts what recordings may not survive.
    disturbances: Cell<u64>,
    /// Guards until the next one that is made to fail.
    countdown: Cell<u32>,
}

#[derive(Debug, Default)]
struct State {
    /// Made for the first trace; refused for good if that fails.
    backend: Option<Backend>,
    traces: Vec<CompiledTrace>,
    exits: Vec<ExitRecord>,
    /// Locations with a trace or with aborts.
    locations: FxHashMap<usize, LocationRecord>,
    statistics: Statistics,
    /// Code is to be freed when no trace runs.
    stale: bool,
    /// Memory for compiling.
    workspace: Workspace,
    /// Bytes that traces take, but for the lists of them.
    footprint: usize,
}

/// A trace with its machine code.
#[derive(Debug)]
struct CompiledTrace {
    trace: Finished,
    entry: *const u8,
    /// Where exits find their values.
    values: Box<[Location]>,
    dependencies: Dependencies,
    /// The root of its tree.
    root: u32,
    /// Side traces of the tree, if it is a root.
    side_traces: usize,
    /// Whether it starts at a function's entry.
    is_function: bool,
    /// How often it was entered from the interpreter.
    entries: u32,
    /// How often that was in vain.
    in_vain: u32,
    /// The loop's location, if it is one.
    location: Option<usize>,
    /// The first version of the loop, if this is another one.
    first_version: Option<u32>,
    /// The version that its first round's exits go to.
    next_version: Option<u32>,
}

/// An exit of a trace.
#[derive(Debug)]
struct ExitRecord {
    trace: u32,
    snapshot: u32,
    /// Where its values are, among those of its trace.
    values: Range<u32>,
    stub: usize,
    count: u32,
    aborts: u32,
    has_trace: bool,
    /// Whether it is taken only when a helper declines.
    is_rare: bool,
    /// Whether it leaves a root trace in its first round.
    is_early: bool,
}

/// A back-edge, or a function's entry.
#[derive(Debug)]
struct LocationRecord {
    proto: *mut Proto,
    aborts: u32,
    trace: Option<u32>,
    /// Whether the optimiser has lost a bet here.
    is_careful: bool,
}

impl Engine {
    /// A compiler for a state.
    pub fn new(options: Options) -> Rc<Engine> {
        Rc::new(Engine {
            countdown: Cell::new(options.deopt.unwrap_or(0)),
            options,
            state: RefCell::default(),
            depth: Cell::new(0),
            recordings: Cell::new(0),
            last_exit: Cell::new(None),
            left_early: Cell::new(false),
            invalidated: Cell::new(false),
            disturbances: Cell::new(0),
        })
    }

    /// The number of rounds after which a loop is hot: for
    /// [`Vm::hot_limit`](perilune_runtime::vm::Vm).
    pub fn hot_limit(&self) -> i32 {
        self.options.hot
    }

    /// The compiler of a state that has one.
    ///
    /// # Safety
    /// `vm` is live, and its tracer is an `Engine`: nothing else implements the hook.
    unsafe fn of<'a>(vm: *mut Vm) -> Option<&'a Engine> {
        // SAFETY: the caller's contract; the state keeps its tracer as long as it lives.
        unsafe {
            let tracer = (*vm).tracer.as_ref()?;
            Some(&*(Rc::as_ptr(tracer) as *const Engine))
        }
    }

    /// Runs the trace whose number stands at the location, then what follows its exit.
    unsafe fn enter(&self, vm: *mut Vm, number: u32, location: *const u64) -> u64 {
        // SAFETY: the saved state is that of the trace's start.
        unsafe {
            let (trampoline, entry) = {
                let mut state = self.state.borrow_mut();
                state.statistics.entries += 1;
                let compiled = &mut state.traces[number as usize];
                compiled.entries = compiled.entries.saturating_add(1);
                let entry = compiled.entry;
                let Some(backend) = &state.backend else {
                    return portable::single_step(vm);
                };
                (backend.trampoline(), entry)
            };
            let wanted = self.options.statistics;
            let began = wanted.then(|| self.state.borrow().statistics.begin());
            self.depth.set(self.depth.get() + 1);
            let guard = Leaving(self);
            let code = trampoline(vm, (*vm).base, entry);
            drop(guard);
            if let Some(began) = began {
                self.state.borrow_mut().statistics.ran(began);
            }
            let exit = self.last_exit.take();
            if self.was_in_vain(code, exit) {
                self.count_in_vain(number, location);
            }
            match (code, exit) {
                (0, Some(exit)) => self.after_exit(vm, exit),
                (trace::LEFT, _) => 0,
                (code, _) => code,
            }
        }
    }

    /// Whether a trace was entered for little: left near its start by an exit that gets no side trace,
    /// or by a step that did not go as recorded.
    fn was_in_vain(&self, code: u64, exit: Option<u32>) -> bool {
        match (code, exit) {
            (trace::LEFT, _) => self.left_early.get(),
            (0, Some(exit)) => {
                let state = self.state.borrow();
                let record = state.exits.get(exit as usize);
                record.is_some_and(|exit| exit.is_early && exit.aborts >= MAX_SIDE_ABORTS)
            }
            _ => false,
        }
    }

    /// Counts that a trace was entered in vain; one for which that is usual is not entered any more.
    fn count_in_vain(&self, number: u32, location: *const u64) {
        if self.options.keep_all {
            return;
        }
        let mut state = self.state.borrow_mut();
        // The traces may have been dropped meanwhile.
        let Some(compiled) = state.traces.get_mut(number as usize) else {
            return;
        };
        compiled.in_vain += 1;
        if compiled.in_vain < MAX_IN_VAIN || compiled.in_vain < compiled.entries / 10 * 9 {
            return;
        }
        if let Some(record) = state.locations.get_mut(&(location as usize))
            && record.trace.take() == Some(number)
        {
            if self.options.dump.trace {
                self.tell(&format!(
                    "-- trace {number} is not entered any more: that is mostly in vain\n\n"
                ));
            }
            // SAFETY: the record is there as long as the proto with the location.
            unsafe {
                hot::set_trace_at(location, 0);
                hot::set_counter(location, BLACKLISTED);
            }
        }
    }

    /// An exit has been restored: records a side trace if it is hot, else executes one instruction,
    /// so that no exit can be taken twice without progress.
    unsafe fn after_exit(&self, vm: *mut Vm, exit: u32) -> u64 {
        // SAFETY: the saved state is that of an instruction's start.
        unsafe {
            if (*vm).pending.load(Ordering::Relaxed) != 0 {
                return 0;
            }
            if self.is_hot_exit(exit) && !self.has_lost_bet(exit) {
                return self.record_side(vm, exit);
            }
            portable::single_step(vm)
        }
    }

    fn is_hot_exit(&self, exit: u32) -> bool {
        let mut state = self.state.borrow_mut();
        state.statistics.exits += 1;
        let Some(record) = state.exits.get_mut(exit as usize) else {
            return false;
        };
        record.count += 1;
        if record.count < self.options.exit
            || self.recordings.get() >= MAX_RECORDINGS
            || record.has_trace
            || record.is_rare
            || record.aborts >= MAX_SIDE_ABORTS
            || self.depth.get() > 0 && self.invalidated.get()
        {
            return false;
        }
        let root = state.traces[state.exits[exit as usize].trace as usize].root;
        state.traces[root as usize].side_traces < MAX_SIDE_TRACES
    }

    /// Whether a hot exit is one at which the optimiser has bet, for the first time: the loop is then
    /// recorded anew, without bets.
    fn has_lost_bet(&self, exit: u32) -> bool {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let record = &mut state.exits[exit as usize];
        let trace = &state.traces[record.trace as usize].trace;
        let mut locations = state.locations.iter_mut();
        let of_trace = locations.find(|(_, l)| l.trace == Some(record.trace));
        match of_trace {
            Some((&location, known)) if trace.snapshot(record.snapshot).is_speculative => {
                (known.is_careful, known.trace) = (true, None);
                if self.options.dump.trace {
                    let number = record.trace;
                    self.tell(&format!(
                        "-- trace {number} is to be replaced: exit {exit} was a lost bet\n\n"
                    ));
                }
                record.count = 0;
                // SAFETY: the location is in the code of a live proto, which the trace relies on.
                unsafe {
                    hot::set_trace_at(location as *const u64, 0);
                    hot::set_counter(location as *const u64, self.options.hot);
                }
                true
            }
            _ => false,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            instructions: self.options.max_trace,
            code: 12_000,
            unrolled: 16,
        }
    }

    /// Records, and takes the time. A recording during which all traces were dropped is given up:
    /// numbers of traces and exits mean others since.
    ///
    /// # Safety
    /// The recording's state is the machine's.
    unsafe fn record(&self, recording: &mut Recording, start: Start) -> (Outcome, u64) {
        let (began, flushes) = {
            let statistics = &self.state.borrow().statistics;
            (statistics.begin(), statistics.flushes)
        };
        recording.log = self.options.dump.trace.then(String::new);
        // SAFETY: the caller's contract.
        let (outcome, code) = unsafe { recording.run(start, &self.limits(), self) };
        let mut state = self.state.borrow_mut();
        state.statistics.recorded(began, recording.instructions);
        if state.statistics.flushes != flushes {
            return (Outcome::Aborted(Abort::Collection), code);
        }
        (outcome, code)
    }

    /// The recording of the next trace, at the machine's state.
    ///
    /// # Safety
    /// As [`Recording::new`].
    unsafe fn new_recording(&self, vm: *mut Vm) -> Recording {
        let mut state = self.state.borrow_mut();
        self.set_up(&mut state);
        let (number, lists) = (state.traces.len() as u32, state.workspace.take());
        // SAFETY: the caller's contract.
        unsafe { Recording::new(vm, number, lists) }
    }

    /// Records the loop or function whose back-edge or start is at the saved state.
    unsafe fn record_root(&self, vm: *mut Vm, start: Start, location: *const u64) -> u64 {
        // SAFETY: the saved state is that of the location.
        unsafe {
            if self.recordings.get() >= MAX_RECORDINGS {
                hot::set_counter(location, self.later(1));
                return portable::single_step(vm);
            }
            let proto = running_proto(vm);
            if start == Start::Entry && self.is_too_short(location, proto) {
                return portable::single_step(vm);
            }
            let _active = Active::new(self);
            // Not again while this one is being recorded.
            hot::set_counter(location, -self.options.hot);
            let mut recording = self.new_recording(vm);
            let number = recording.trace.number;
            let (outcome, code) = self.record(&mut recording, start);
            let passes = {
                let state = self.state.borrow();
                let known = state.locations.get(&(location as usize));
                match known {
                    Some(known) if known.is_careful => self.options.passes.without_bets(),
                    _ => self.options.passes,
                }
            };
            let result = self.finish(&passes, recording, outcome, number, None);
            match result {
                Ok(number) => {
                    {
                        let compiled = &mut self.state.borrow_mut().traces[number as usize];
                        compiled.is_function = start == Start::Entry;
                        compiled.location = (start == Start::Loop).then_some(location as usize);
                    }
                    hot::set_trace_at(location, number + 1);
                    hot::set_counter(location, HAS_TRACE);
                    let mut state = self.state.borrow_mut();
                    let record = state.location(location, proto);
                    record.trace = Some(number);
                }
                // Again, once there is room.
                Err(Abort::CodeFull) if !self.state.borrow().is_empty() => {
                    self.state.borrow_mut().statistics.abort(Abort::CodeFull);
                    hot::set_counter(location, self.later(0));
                    self.make_room(vm);
                }
                Err(abort) => self.penalise(location, proto, abort),
            }
            // For the liveness that was needed. A refusal is the collector's concern.
            let _ = (*vm).heap.update_proto_charge(proto);
            self.settle(vm);
            code
        }
    }

    /// A recording failed: tries again later, and later still, and then no more.
    unsafe fn penalise(&self, location: *const u64, proto: *mut Proto, abort: Abort) {
        let mut state = self.state.borrow_mut();
        state.statistics.abort(abort);
        let record = state.location(location, proto);
        record.aborts += 1;
        let counter = if record.aborts >= MAX_ABORTS || abort == Abort::MostlySteps {
            BLACKLISTED
        } else {
            self.later(2 * record.aborts)
        };
        // SAFETY: the location's proto is running.
        unsafe { hot::set_counter(location, counter) }
    }

    /// The counter of a location that is to be recorded later, by the power of two.
    fn later(&self, power: u32) -> i32 {
        let rounds = i64::from(self.options.hot) << power.min(16);
        -i32::try_from(rounds).unwrap_or(i32::MAX / 2)
    }

    /// Records a side trace from an exit that was just restored.
    unsafe fn record_side(&self, vm: *mut Vm, exit: u32) -> u64 {
        // SAFETY: the saved state is that of the exit's snapshot.
        unsafe {
            let _active = Active::new(self);
            let lists = self.state.borrow_mut().workspace.take();
            let (root, is_function, recording) = {
                let state = self.state.borrow();
                let record = &state.exits[exit as usize];
                let parent = &state.traces[record.trace as usize];
                let number = state.traces.len() as u32;
                let mut recording = Recording::new(vm, number, lists);
                recording.inherit(&parent.trace, parent.trace.snapshot(record.snapshot));
                if let Some(location) = parent.location {
                    recording.watch_loop(location as *const u64);
                }
                let is_function = state.traces[parent.root as usize].is_function;
                (parent.root, is_function, recording)
            };
            let mut recording = recording;
            let start = if is_function {
                Start::FunctionExit
            } else {
                Start::Exit
            };
            let (mut outcome, mut code) = self.record(&mut recording, start);
            if code == 0 {
                (outcome, code) = self.choose_version(vm, exit, &mut recording, outcome);
            }
            // A version may have been recorded in between.
            let number = self.state.borrow().traces.len() as u32;
            recording.trace.number = number;
            let result = self.finish(&self.options.passes, recording, outcome, number, Some(exit));
            if result == Err(Abort::CodeFull) {
                self.state.borrow_mut().statistics.abort(Abort::CodeFull);
                self.make_room(vm);
                return code;
            }
            let mut state = self.state.borrow_mut();
            match result {
                Ok(number) => {
                    state.traces[number as usize].root = root;
                    state.traces[root as usize].side_traces += 1;
                    let entry = state.traces[number as usize].entry;
                    let record = &mut state.exits[exit as usize];
                    record.has_trace = true;
                    let stub = record.stub;
                    // SAFETY: the exit was left to come here, so its stub is not running.
                    if let Some(backend) = &mut state.backend {
                        backend.patch(stub, entry);
                    }
                }
                Err(abort) => {
                    state.statistics.abort(abort);
                    if let Some(record) = state.exits.get_mut(exit as usize) {
                        record.aborts += 1;
                        record.count = 0;
                        if matches!(abort, Abort::MostlySteps | Abort::Returns) {
                            record.aborts = MAX_SIDE_ABORTS;
                        }
                    }
                }
            }
            drop(state);
            self.settle(vm);
            code
        }
    }
}

impl State {
    /// Where an exit has its values.
    fn values_of(&self, exit: &ExitRecord) -> &[Location] {
        let values = &self.traces[exit.trace as usize].values;
        &values[exit.values.start as usize..exit.values.end as usize]
    }

    fn location(&mut self, location: *const u64, proto: *mut Proto) -> &mut LocationRecord {
        self.locations
            .entry(location as usize)
            .or_insert(LocationRecord {
                proto,
                aborts: 0,
                trace: None,
                is_careful: false,
            })
    }
}

/// Counts an active recording, whichever way it ends.
struct Active<'a>(&'a Engine);

impl Active<'_> {
    fn new(engine: &Engine) -> Active<'_> {
        engine.recordings.set(engine.recordings.get() + 1);
        Active(engine)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.recordings.set(self.0.recordings.get() - 1);
    }
}

/// Counts down the running traces, whichever way one is left.
struct Leaving<'a>(&'a Engine);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let depth = self.0.depth.get() - 1;
        self.0.depth.set(depth);
        if depth == 0 && self.0.invalidated.replace(false) {
            self.0.last_exit.set(None);
            self.0.state.borrow_mut().free_stale();
        }
    }
}

impl Surroundings for Engine {
    fn trace_at(&self, location: *const u64) -> Option<u32> {
        let state = self.state.borrow();
        state.locations.get(&(location as usize))?.trace
    }
    fn disturbances(&self) -> u64 {
        self.disturbances.get()
    }
}

impl TraceHook for Engine {
    unsafe fn hot(&self, vm: *mut Vm) -> u64 {
        // SAFETY: the saved state is that of a back-edge instruction.
        unsafe {
            let location = (*vm).pc.add(1);
            if self.invalidated.get() {
                return portable::single_step(vm);
            }
            match hot::trace_at(location) {
                0 => self.record_root(vm, Start::Loop, location),
                number => {
                    // Counting must not wrap around.
                    hot::set_counter(location, HAS_TRACE);
                    self.enter(vm, number - 1, location)
                }
            }
        }
    }

    unsafe fn hot_entry(&self, vm: *mut Vm) -> u64 {
        // SAFETY: the saved state is that of a function's start.
        unsafe {
            let location = hot::entry_location(running_proto(vm));
            if self.invalidated.get() {
                return portable::single_step(vm);
            }
            match hot::trace_at(location) {
                0 => self.record_root(vm, Start::Entry, location),
                number => {
                    hot::set_counter(location, HAS_TRACE);
                    self.enter(vm, number - 1, location)
                }
            }
        }
    }

    fn visit_shapes(&self, visit: &mut dyn FnMut(u32)) {
        let state = self.state.borrow();
        if !state.stale {
            let shapes = state.traces.iter().flat_map(|t| &t.dependencies.shapes);
            shapes.for_each(|&id| visit(id));
        }
    }

    fn forget_dead(
        &self,
        is_live_shape: &dyn Fn(u32) -> bool,
        is_live_object: &dyn Fn(*const GcHeader) -> bool,
    ) {
        self.disturbances.set(self.disturbances.get() + 1);
        let any_dead = {
            let mut state = self.state.borrow_mut();
            state
                .locations
                .retain(|_, record| record.trace.is_some() || is_live_object(record.proto.cast()));
            state.traces.iter().any(|compiled| {
                let deps = &compiled.dependencies;
                deps.objects
                    .iter()
                    .any(|&o| !is_live_object(o as *const GcHeader))
                    || deps.shapes.iter().any(|&id| !is_live_shape(id))
            })
        };
        if any_dead && !self.state.borrow().stale {
            self.drop_traces(is_live_object, Reason::Pressure);
        }
    }

    fn invalidate(&self) {
        self.disturbances.set(self.disturbances.get() + 1);
        if self.depth.get() > 0 {
            self.invalidated.set(true);
        }
    }

    fn drop_all(&self) {
        self.disturbances.set(self.disturbances.get() + 1);
        if !self.state.borrow().is_empty() {
            self.drop_traces(&|_| true, Reason::Full);
        }
    }

    fn compiled_bytes(&self) -> usize {
        self.state.borrow().bytes()
    }

    fn relieve(&self) {
        if !self.state.borrow().is_empty() {
            self.drop_traces(&|_| true, Reason::Pressure);
        }
    }

    fn statistics(&self, json: bool) -> String {
        let state = self.state.borrow();
        state.statistics.report(json)
    }
}

/// The proto of the running Lua function.
unsafe fn running_proto(vm: *mut Vm) -> *mut Proto {
    // SAFETY: the saved state is that of a Lua function, which stands at base - 1.
    unsafe {
        let closure: *mut LuaClosure = (*(*vm).base.sub(1)).as_pointer();
        (*closure).proto
    }
}
