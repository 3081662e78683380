//! What the manual page of `perilune` says besides the options.

use perilune::program::manual::{Manual, Section};

use super::flags::{FLAGS, Meaning};

const DESCRIPTION: &str = "\
perilune runs programs written in Lua 5.4. Options are handled in the order given; then the \
script is run, with the remaining words as its arguments, in the global table arg and in the \
main chunk's variable arguments. The script's name is at arg[0], options and the program's name \
at negative indices. Without a script, and without -e and -v, the program is interactive when \
standard input is a terminal, and otherwise runs standard input as a script.";

const INTERACTION: &str = "\
In interactive mode each line is tried as an expression, whose values are printed, and then as a \
statement; an incomplete statement goes on over the following lines. The globals _PROMPT and \
_PROMPT2 replace the prompts. Ctrl-C interrupts what is running with an error that the program \
may catch. At a terminal the Tab key completes names, and lines are kept in \
$XDG_STATE_HOME/perilune/history.";

const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "LUA_INIT_5_4, LUA_INIT",
        "A chunk run before anything else, or, with @ in front, the name of a file to run. Only \
         the first that is set counts.",
    ),
    (
        "LUA_PATH_5_4, LUA_PATH",
        "The initial value of package.path; two semicolons in a row stand for the default.",
    ),
    ("LUA_CPATH_5_4, LUA_CPATH", "The same for package.cpath."),
    (
        "NO_COLOR",
        "If it is set and not empty, source lines are shown without colours.",
    ),
    (
        "PERILUNE_JIT",
        "Engine modes, as for -j, which overrides them.",
    ),
];

/// The manual.
pub(crate) const MANUAL: Manual<Meaning> = Manual {
    name: "perilune",
    purpose: "run Lua 5.4 programs",
    synopsis: "[\\fIoptions\\fR] [\\fIscript\\fR [\\fIargs\\fR]]",
    description: DESCRIPTION,
    flags: FLAGS,
    sections: &[
        ("INTERACTIVE MODE", Section::Text(INTERACTION)),
        ("ENVIRONMENT", Section::Terms(ENVIRONMENT)),
    ],
    exit_status: "\
0 when everything ran, 1 after an error, which is reported on standard error with a traceback, or \
the status given to os.exit.",
};
