//! The table of engine modes that every case runs in.

/// One way to set up the engine.
pub struct Mode {
    /// Its name, as `-- skip:` lines and failure reports use it.
    pub name: &'static str,
    /// What it puts on the command line.
    pub arguments: &'static [&'static str],
}

/// Every mode. A mode that is added here is run by every runner.
pub const MODES: &[Mode] = &[
    Mode {
        name: "default",
        arguments: &[],
    },
    Mode {
        name: "interpreter",
        arguments: &["-j", "off"],
    },
    Mode {
        name: "gc-stress",
        arguments: &["-j", "gc=stress=7"],
    },
    Mode {
        name: "traces",
        arguments: &["-j", "hot=1,exit=1,verify"],
    },
    Mode {
        name: "traces-and-collections",
        arguments: &["-j", "hot=1,exit=1,gc=stress=1,verify"],
    },
    Mode {
        name: "traces-of-one",
        arguments: &["-j", "hot=1,exit=1,maxtrace=1,verify"],
    },
    Mode {
        name: "short-traces",
        arguments: &["-j", "hot=1,exit=2,maxtrace=8,verify"],
    },
    Mode {
        name: "traces-of-64",
        arguments: &["-j", "hot=1,exit=1,maxtrace=64,verify"],
    },
    Mode {
        name: "traces-of-200",
        arguments: &["-j", "hot=2,exit=1,maxtrace=200,verify"],
    },
    Mode {
        name: "few-registers",
        arguments: &["-j", "hot=2,exit=1,regs=3,verify"],
    },
    Mode {
        name: "plain-traces",
        arguments: &["-j", "hot=1,exit=1,opt=0,verify"],
    },
    Mode {
        name: "without-fold",
        arguments: &["-j", "hot=1,exit=1,-fold,verify"],
    },
    Mode {
        name: "without-cse",
        arguments: &["-j", "hot=1,exit=1,-cse,verify"],
    },
    Mode {
        name: "without-guards",
        arguments: &["-j", "hot=1,exit=1,-guards,verify"],
    },
    Mode {
        name: "without-memory",
        arguments: &["-j", "hot=1,exit=1,-memory,verify"],
    },
    Mode {
        name: "without-peel",
        arguments: &["-j", "hot=1,exit=1,-peel,verify"],
    },
    Mode {
        name: "without-alias",
        arguments: &["-j", "hot=1,exit=1,-alias,verify"],
    },
    Mode {
        name: "without-bounds",
        arguments: &["-j", "hot=1,exit=1,-bounds,verify"],
    },
    Mode {
        name: "without-sink",
        arguments: &["-j", "hot=1,exit=1,-sink,verify"],
    },
    Mode {
        name: "without-dce",
        arguments: &["-j", "hot=1,exit=1,-dce,verify"],
    },
    Mode {
        name: "small-cache",
        arguments: &["-j", "hot=1,exit=1,code=16,verify"],
    },
    Mode {
        name: "evaluated-traces",
        arguments: &["-j", "eval,hot=1,exit=1,verify"],
    },
    Mode {
        name: "failing-guards",
        arguments: &["-j", "hot=1,exit=1,deopt=7,verify"],
    },
];
