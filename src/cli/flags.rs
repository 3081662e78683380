//! The one table of options, and how a command line is read with it.
//!
//! Usage text, `--help`, the manual page and the shell completions are all derived from
//! [`FLAGS`]; an option that is not in it does not exist. Reading follows the reference
//! implementation exactly: options are single, never bundled (`-vv` is an error), and an option's
//! argument is either attached or the next word, which may not start with `-`. Engine modes may, since
//! `-j -cse` switches an optimisation off, unless the word is an option itself.

use perilune::program::flag::{self, Flag, flag, lookup};

/// What an option does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Runs its argument as a chunk.
    Execute,
    /// Goes on interactively after the script.
    Interactive,
    /// Requires a module into a global.
    Require,
    /// Prints the version and goes on.
    Version,
    /// Ignores environment variables.
    IgnoreEnvironment,
    /// Turns warnings on.
    Warnings,
    /// Chooses engine modes.
    Engine,
    /// Shows source lines with errors, or never does.
    Snippets(bool),
    /// Prints the options and ends.
    Help,
    /// Prints the version and ends.
    VersionOnly,
    /// Prints the manual page's source and ends.
    Manual,
    /// Prints a shell's completion script and ends.
    Completions,
    /// Ends the options.
    EndOfOptions,
    /// Ends the options and reads the script from standard input.
    StandardInput,
}

/// Every option, in the order in which usage lists them.
pub(crate) const FLAGS: &[Flag<Meaning>] = &[
    flag(
        "-e",
        "stat",
        Meaning::Execute,
        "execute string 'stat'",
        "Several are run in the order given, between those of -l. Without a script, the \
         program then ends.",
    )
    .repeated(),
    flag(
        "-i",
        "",
        Meaning::Interactive,
        "enter interactive mode after executing 'script'",
        "Also prints the version.",
    ),
    flag(
        "-l",
        "mod",
        Meaning::Require,
        "require library 'mod' into global 'mod'",
        "A suffix of the name that starts with a hyphen is not part of the global's name. \
         Written as g=mod, the library goes into global g.",
    )
    .repeated(),
    flag("-v", "", Meaning::Version, "show version information", ""),
    flag(
        "-E",
        "",
        Meaning::IgnoreEnvironment,
        "ignore environment variables",
        "None of the variables listed under ENVIRONMENT is read.",
    ),
    flag("-W", "", Meaning::Warnings, "turn warnings on", ""),
    flag(
        "-j",
        "modes",
        Meaning::Engine,
        "choose engine modes: off, on, ... (see the manual)",
        "A list separated by commas. off runs everything in the interpreter; on compiles hot \
         paths. stats[=json] prints at the end what was compiled and where the time went, dump=STAGES what \
         becomes of each chunk and trace, where STAGES are some of these, joined by +: tokens, ast and \
         bytecode of what is loaded; trace (the instructions that were recorded), ir (the trace as \
         recorded), opt (as optimised), snap (its exits) and asm (as machine code). dump-to=FILE \
         writes that to a file. For testing: hot=N and exit=N say after how many \
         rounds of a loop and how many exits there is a trace, maxtrace=N, regs=N and deopt=N limit \
         its length and its registers and make every Nth guard fail, code=N is how many KiB of machine code are kept at most, eval runs traces without machine \
         code, opt=0 and -PASS (fold, cse, \
         guards, memory, peel, alias, bounds, sink, dce) switch optimisations off, record-only and verify record without \
         use and check traces; gc=stress[=N] collects garbage at every Nth safepoint, and \
         alloc=fail=N makes the Nth allocation fail.",
    )
    .repeated(),
    flag(
        "--snippets",
        "",
        Meaning::Snippets(true),
        "show the source line of an error below its message",
        "This is the default where standard error is a terminal.",
    ),
    flag(
        "--no-snippets",
        "",
        Meaning::Snippets(false),
        "show messages only, at a terminal, too",
        "",
    ),
    flag(
        "--help",
        "",
        Meaning::Help,
        "show these options and exit",
        "",
    ),
    flag(
        "--version",
        "",
        Meaning::VersionOnly,
        "show version information and exit",
        "",
    ),
    flag(
        "--man",
        "",
        Meaning::Manual,
        "print the source of the manual page",
        "",
    )
    .hidden(),
    flag(
        "--completions",
        "shell",
        Meaning::Completions,
        "print the completion script for a shell (bash, zsh or fish)",
        "",
    )
    .hidden(),
    flag("--", "", Meaning::EndOfOptions, "stop handling options", ""),
    flag(
        "-",
        "",
        Meaning::StandardInput,
        "stop handling options and execute stdin",
        "",
    ),
];

/// A second usage line for an option with two spellings of its argument.
pub(crate) const VARIANTS: &[(&str, &str)] =
    &[("-l g=mod", "require library 'mod' into global 'g'")];

/// What is done in the order of the command line, before the script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `-e`
    Execute(Vec<u8>),
    /// `-l`
    Require(Vec<u8>),
    /// `-W`
    Warnings,
}

/// A command line that was understood.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// `-v`, or `-i`, which implies it.
    pub(crate) show_version: bool,
    /// `-i`
    pub(crate) interactive: bool,
    /// `-E`
    pub(crate) ignore_environment: bool,
    /// The last of `--snippets` and `--no-snippets`.
    pub(crate) snippets: Option<bool>,
    /// The arguments of `-j`.
    pub(crate) modes: Vec<Vec<u8>>,
    /// What to do before the script.
    pub(crate) steps: Vec<Step>,
    /// Index of the script among the arguments; `None` where there is none.
    pub(crate) script: Option<usize>,
}

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Run Lua.
    Run(Invocation),
    /// An option that prints something and ends the program; with the option's argument.
    Print(PrintRequest),
    /// The index of an argument that is no option, or lacks its argument.
    BadOption(usize),
}

/// The options that only print.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PrintRequest {
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// `--man`
    Manual,
    /// `--completions`, with the shell's name.
    Completions(Vec<u8>),
}

/// Whether the option spelt by the start of `word` is one that takes an argument, in which case
/// the complaint is that the argument is missing.
pub(crate) fn needs_argument(word: &[u8]) -> bool {
    lookup(FLAGS, word).is_some_and(|(flag, _)| !flag.argument.is_empty())
}

/// Reads a command line. `arguments[0]` is the program's name.
pub(crate) fn parse(arguments: &[Vec<u8>]) -> Request {
    let mut invocation = Invocation::default();
    let mut index = 1;
    while index < arguments.len() {
        let word = &arguments[index];
        if word.first() != Some(&b'-') {
            invocation.script = Some(index);
            break;
        }
        let Some((flag, attached)) = lookup(FLAGS, word) else {
            return Request::BadOption(index);
        };
        let mut value = Vec::new();
        if !flag.argument.is_empty() {
            let is_argument = |next: &&Vec<u8>| {
                let may_start_so = flag.meaning == Meaning::Engine && lookup(FLAGS, next).is_none();
                next.first() != Some(&b'-') || may_start_so
            };
            let next = arguments.get(index + 1).filter(is_argument);
            match (attached, next) {
                (Some(attached), _) => value = attached.to_vec(),
                (None, Some(next)) => {
                    value = next.clone();
                    index += 1;
                }
                (None, None) => return Request::BadOption(index),
            }
        }
        match flag.meaning {
            Meaning::Execute => invocation.steps.push(Step::Execute(value)),
            Meaning::Require => invocation.steps.push(Step::Require(value)),
            Meaning::Warnings => invocation.steps.push(Step::Warnings),
            Meaning::Version => invocation.show_version = true,
            Meaning::Interactive => {
                invocation.interactive = true;
                invocation.show_version = true;
            }
            Meaning::IgnoreEnvironment => invocation.ignore_environment = true,
            Meaning::Snippets(wanted) => invocation.snippets = Some(wanted),
            Meaning::Engine => invocation.modes.push(value),
            Meaning::Help => return Request::Print(PrintRequest::Help),
            Meaning::VersionOnly => return Request::Print(PrintRequest::Version),
            Meaning::Manual => return Request::Print(PrintRequest::Manual),
            Meaning::Completions => return Request::Print(PrintRequest::Completions(value)),
            Meaning::EndOfOptions => {
                invocation.script = Some(index + 1).filter(|&script| script < arguments.len());
                break;
            }
            Meaning::StandardInput => {
                invocation.script = Some(index);
                break;
            }
        }
        index += 1;
    }
    Request::Run(invocation)
}

/// The usage text, which follows a complaint about an option and makes up most of `--help`.
pub(crate) fn usage(program: &str) -> String {
    flag::usage(FLAGS, program, "[options] [script [args]]", VARIANTS, 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[&str]) -> Vec<Vec<u8>> {
        std::iter::once("perilune")
            .chain(line.iter().copied())
            .map(|w| w.into())
            .collect()
    }

    fn run(line: &[&str]) -> Invocation {
        match parse(&words(line)) {
            Request::Run(invocation) => invocation,
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    #[test]
    fn arguments_may_be_attached_or_follow() {
        let invocation = run(&["-eprint(1)", "-e", "a", "-lm=math", "-W", "script", "-v"]);
        assert_eq!(
            invocation.steps,
            [
                Step::Execute(b"print(1)".to_vec()),
                Step::Execute(b"a".to_vec()),
                Step::Require(b"m=math".to_vec()),
                Step::Warnings,
            ]
        );
        assert_eq!(invocation.script, Some(6));
        assert!(!invocation.show_version);
    }

    #[test]
    fn an_argument_that_looks_like_an_option_is_refused() {
        assert_eq!(parse(&words(&["-v", "-e", "-x"])), Request::BadOption(2));
        assert_eq!(parse(&words(&["-l"])), Request::BadOption(1));
        assert!(needs_argument(b"-e"));
        assert!(!needs_argument(b"-vv"));
    }

    #[test]
    fn engine_modes_may_start_with_a_hyphen() {
        let invocation = run(&["-j", "-cse", "-j", "-fold,hot=1", "-W", "script"]);
        assert_eq!(invocation.modes, [&b"-cse"[..], b"-fold,hot=1"]);
        assert_eq!(invocation.script, Some(6));
        for option in ["-e", "-ex", "-W", "-", "--", "--help", "-j"] {
            assert_eq!(parse(&words(&["-j", option])), Request::BadOption(1));
        }
    }

    #[test]
    fn options_are_not_bundled() {
        for bad in ["-h", "---", "-Ex", "-vv", "-iv", "--helpme", "-Wx"] {
            assert_eq!(parse(&words(&[bad])), Request::BadOption(1), "{bad}");
        }
    }

    #[test]
    fn dashes_end_options() {
        assert_eq!(run(&["--", "-e"]).script, Some(2));
        assert_eq!(run(&["--"]).script, None);
        assert_eq!(run(&["-", "-h"]).script, Some(1));
        assert_eq!(run(&["-i"]).script, None);
    }

    #[test]
    fn long_options_take_values_after_an_equals_sign() {
        let wanted = Request::Print(PrintRequest::Completions(b"bash".to_vec()));
        assert_eq!(parse(&words(&["--completions=bash"])), wanted);
        assert_eq!(parse(&words(&["--completions", "bash"])), wanted);
        assert_eq!(
            run(&["-joff", "-j", "on"]).modes,
            [b"off".to_vec(), b"on".to_vec()]
        );
    }
}
