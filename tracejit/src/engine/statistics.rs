//! What was traced, and the time that it took.

use crate::abort::Abort;
use rustc_hash::FxHashMap;
use std::fmt::Write;
use std::time::Instant;

/// Counters of one engine; times are in nanoseconds, and none of them is part of another: what traces
/// are recorded and run inside of a recording, or of a trace's step, is taken from it.
#[derive(Debug)]
pub(super) struct Statistics {
    pub(super) traces: u64,
    pub(super) entries: u64,
    pub(super) exits: u64,
    pub(super) flushes: u64,
    /// Bytecode instructions recorded, also by recordings that were given up.
    pub(super) bytecodes: u64,
    /// Bytes of all machine code that was made.
    pub(super) code_bytes: usize,
    aborts: FxHashMap<Abort, u64>,
    started: Instant,
    native_ns: u64,
    record_ns: u64,
    optimise_ns: u64,
    assemble_ns: u64,
    /// What it took to make the code generator and its memory, once.
    set_up_ns: u64,
}

/// When something began, and how much other work had been done by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Began {
    at: Instant,
    before: u64,
}

impl Default for Statistics {
    fn default() -> Statistics {
        Statistics {
            traces: 0,
            entries: 0,
            exits: 0,
            flushes: 0,
            bytecodes: 0,
            code_bytes: 0,
            aborts: FxHashMap::default(),
            started: Instant::now(),
            native_ns: 0,
            record_ns: 0,
            optimise_ns: 0,
            assemble_ns: 0,
            set_up_ns: 0,
        }
    }
}

impl Statistics {
    pub(super) fn abort(&mut self, abort: Abort) {
        *self.aborts.entry(abort).or_default() += 1;
    }
    /// Something begins.
    pub(super) fn begin(&self) -> Began {
        Began {
            at: Instant::now(),
            before: self.known_ns(),
        }
    }
    pub(super) fn ran(&mut self, began: Began) {
        self.native_ns += self.own_ns(began);
    }
    pub(super) fn recorded(&mut self, began: Began, instructions: usize) {
        self.record_ns += self.own_ns(began);
        self.bytecodes += instructions as u64;
    }
    pub(super) fn optimised(&mut self, since: Instant) {
        self.optimise_ns += elapsed(since);
    }
    pub(super) fn set_up(&mut self, since: Instant) {
        self.set_up_ns += elapsed(since);
    }
    pub(super) fn assembled(&mut self, since: Instant) {
        self.assemble_ns += elapsed(since);
    }

    /// What is none of the interpreter's time.
    fn known_ns(&self) -> u64 {
        self.native_ns + self.record_ns + self.optimise_ns + self.assemble_ns + self.set_up_ns
    }

    fn own_ns(&self, began: Began) -> u64 {
        let others = self.known_ns() - began.before;
        elapsed(began.at).saturating_sub(others)
    }

    pub(super) fn report(&self, json: bool) -> String {
        let aborts: u64 = self.aborts.values().sum();
        let mut out = String::new();
        if json {
            let _ = write!(
                out,
                "{{\"traces\":{},\"aborts\":{aborts},\"exits\":{},\"bytecodes\":{},\"native_ns\":{},\"record_ns\":{},\"optimise_ns\":{},\"assemble_ns\":{},\"set_up_ns\":{},\"code_bytes\":{}}}",
                self.traces,
                self.exits,
                self.bytecodes,
                self.native_ns,
                self.record_ns,
                self.optimise_ns,
                self.assemble_ns,
                self.set_up_ns,
                self.code_bytes
            );
            return out;
        }
        let _ = writeln!(out, "traces        {}", self.traces);
        let _ = writeln!(out, "entries       {}", self.entries);
        let _ = writeln!(out, "exits         {}", self.exits);
        let _ = writeln!(out, "flushes       {}", self.flushes);
        let _ = writeln!(out, "bytecodes     {}", self.bytecodes);
        let _ = writeln!(out, "code bytes    {}", self.code_bytes);
        let interpreter_ns = elapsed(self.started).saturating_sub(self.known_ns());
        for (name, ns) in [
            ("interpreter", interpreter_ns),
            ("native", self.native_ns),
            ("record", self.record_ns),
            ("optimise", self.optimise_ns),
            ("assemble", self.assemble_ns),
            ("set up", self.set_up_ns),
        ] {
            let _ = writeln!(out, "{name:<13} {:.3} ms", ns as f64 / 1e6);
        }
        let _ = writeln!(out, "aborts        {aborts}");
        for &abort in Abort::ALL {
            if let Some(count) = self.aborts.get(&abort) {
                let _ = writeln!(out, "  {count:>6}  {}", abort.text());
            }
        }
        out
    }
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
