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
        name: "short-traces",
        arguments: &["-j", "hot=1,exit=2,maxtrace=8,verify"],
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
        name: "all-objects-made",
        arguments: &["-j", "hot=1,exit=1,-sink,verify"],
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
