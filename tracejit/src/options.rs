//! Parameters of the compiler: the engine modes of `-j` that concern it.

use crate::opt::Passes;
use perilune_runtime::report::Report;

/// Parameters; see [`Options::set`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Rounds of a loop after which it is recorded.
    pub hot: i32,
    /// Times that an exit is taken before a side trace is recorded from it.
    pub exit: u32,
    /// Optimiser passes that run.
    pub passes: Passes,
    /// Bytecode instructions of a trace; a longer one ends early.
    pub max_trace: usize,
    /// Registers of each class that the allocator may use.
    pub registers: usize,
    /// Whether traces are run by an evaluator, and not as machine code.
    pub evaluate: bool,
    /// Whether traces are recorded and thrown away.
    pub record_only: bool,
    /// Make every Nth guard fail.
    pub deopt: Option<u32>,
    /// Whether traces are verified between passes.
    pub verify: bool,
    /// What to print about each trace.
    pub dump: Dump,
    /// Where it is printed.
    pub report: Report,
    /// Whether the time spent in traces is measured.
    pub statistics: bool,
    /// Whether traces are kept in which the runtime does most of the work.
    pub keep_all: bool,
    /// Bytes of machine code kept at most.
    pub code_limit: usize,
}

/// What to print about each trace. Snapshots and steps are part of a trace's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dump {
    /// What is recorded, instruction by instruction, and what becomes of it.
    pub trace: bool,
    /// The trace as recorded.
    pub ir: bool,
    /// The trace as optimised.
    pub opt: bool,
    /// The exits: where the interpreter goes on, and where it finds what memory does not have.
    pub snap: bool,
    /// Machine code.
    pub asm: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            hot: 56,
            exit: 10,
            passes: Passes::default(),
            max_trace: 2000,
            registers: usize::MAX,
            evaluate: false,
            record_only: false,
            deopt: None,
            verify: cfg!(debug_assertions),
            dump: Dump::default(),
            report: Report::default(),
            statistics: false,
            keep_all: false,
            code_limit: 32 << 20,
        }
    }
}

impl Options {
    /// Sets one mode: `hot=N`, `exit=N`, `opt=0`, `-PASS`, `+PASS`, `maxtrace=N`, `regs=N`, `eval`,
    /// `record-only`, `deopt=N`, `code=N`, `verify`. False when there is no such mode.
    pub fn set(&mut self, mode: &str) -> bool {
        let number = |text: &str| text.parse::<u32>().ok().filter(|&n| n > 0);
        if let Some(pass) = mode.strip_prefix('-') {
            return self.passes.set(pass, false);
        }
        if let Some(pass) = mode.strip_prefix('+') {
            return self.passes.set(pass, true);
        }
        match mode.split_once('=') {
            None => match mode {
                "eval" => self.evaluate = true,
                "record-only" => self.record_only = true,
                "verify" => self.verify = true,
                _ => return false,
            },
            Some(("opt", "0")) => self.passes = Passes::none(),
            Some(("opt", "1")) => self.passes = Passes::default(),
            Some((name, value)) => {
                let Some(n) = number(value) else { return false };
                match name {
                    // Who asks for traces wants to see them.
                    "hot" => (self.hot, self.keep_all) = (n.min(1 << 29) as i32, true),
                    "exit" => self.exit = n,
                    "maxtrace" => self.max_trace = n as usize,
                    "regs" if n >= 3 => self.registers = n as usize,
                    "deopt" => self.deopt = Some(n),
                    "code" => self.code_limit = (n as usize).saturating_mul(1024),
                    _ => return false,
                }
            }
        }
        true
    }
}

impl Dump {
    /// Asks for a stage: `trace`, `ir`, `opt`, `snap` or `asm`. False when there is none of that
    /// name.
    pub fn set(&mut self, stage: &str) -> bool {
        match stage {
            "trace" => self.trace = true,
            "ir" => self.ir = true,
            "opt" => self.opt = true,
            "snap" => self.snap = true,
            "asm" => self.asm = true,
            _ => return false,
        }
        true
    }
}
