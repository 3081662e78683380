//! The one table of options of `perilunec`, and how a command line is read with it.

use perilune::program::flag::{self, Flag, flag, lookup};

/// What an option does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Lists; given twice, in full.
    List,
    /// Names the output.
    Output,
    /// Writes no output.
    ParseOnly,
    /// Leaves debug information out.
    Strip,
    /// Prints the version and goes on.
    Version,
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
    /// Ends the options and compiles standard input.
    StandardInput,
}

/// Where output goes unless an option says so; and what is listed when no file is named.
const DEFAULT_OUTPUT: &str = "luac.out";

/// Every option, in the order in which usage lists them.
pub(crate) const FLAGS: &[Flag<Meaning>] = &[
    flag(
        "-l",
        "",
        Meaning::List,
        "list (use -l -l for full listing)",
        "The listing shows the instructions of each function; a full one also its constants, \
         local variables and upvalues. Without a file the output's default name is listed, and \
         nothing is written.",
    )
    .repeated(),
    flag(
        "-o",
        "name",
        Meaning::Output,
        "output to file 'name' (default is \"luac.out\")",
        "A hyphen stands for standard output.",
    ),
    flag(
        "-p",
        "",
        Meaning::ParseOnly,
        "parse only",
        "Nothing is written, so only errors are told.",
    ),
    flag(
        "-s",
        "",
        Meaning::Strip,
        "strip debug information",
        "Messages of the program will then name neither lines nor variables.",
    ),
    flag("-v", "", Meaning::Version, "show version information", ""),
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
        "stop handling options and process stdin",
        "",
    ),
];

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// It is wrong.
    Complain(Complaint),
    /// Print something and end.
    Print(PrintRequest),
    /// Compile.
    Compile(Invocation),
}

/// What is wrong with a command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// There is no such option.
    Unrecognized(Vec<u8>),
    /// An option's argument is missing.
    NeedsArgument(&'static str),
    /// No file is named.
    NoInput,
}

impl Complaint {
    /// The message.
    pub(crate) fn message(&self) -> Vec<u8> {
        match self {
            Complaint::Unrecognized(option) => {
                [b"unrecognized option '", option.as_slice(), b"'"].concat()
            }
            Complaint::NeedsArgument(option) => format!("'{option}' needs argument").into_bytes(),
            Complaint::NoInput => b"no input files given".to_vec(),
        }
    }
}

/// What to print.
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

/// What to compile, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// How often `-l` was given.
    pub(crate) listings: usize,
    /// Whether a binary chunk is written.
    pub(crate) writes: bool,
    /// Whether it lacks debug information.
    pub(crate) strip: bool,
    /// Whether the version is printed first.
    pub(crate) show_version: bool,
    /// The last of `--snippets` and `--no-snippets`.
    pub(crate) snippets: Option<bool>,
    /// Where the binary chunk goes; `-` is standard output.
    pub(crate) output: Vec<u8>,
    /// The files; `-` is standard input. Without any there is nothing to do but to print the
    /// version.
    pub(crate) inputs: Vec<Vec<u8>>,
}

/// Reads a command line. `arguments[0]` is the program's name.
pub(crate) fn parse(arguments: &[Vec<u8>]) -> Request {
    let mut invocation = Invocation {
        listings: 0,
        writes: true,
        strip: false,
        show_version: false,
        snippets: None,
        output: DEFAULT_OUTPUT.into(),
        inputs: Vec::new(),
    };
    let mut versions = 0;
    let mut index = 1;
    while index < arguments.len() {
        let word = arguments[index].as_slice();
        if word.first() != Some(&b'-') {
            break;
        }
        // As in `luac`, the argument of a short option is a word of its own.
        let Some((flag, attached)) = lookup(FLAGS, word)
            .filter(|(flag, attached)| attached.is_none() || flag.name.starts_with("--"))
        else {
            return Request::Complain(Complaint::Unrecognized(word.to_vec()));
        };
        let mut value = attached.unwrap_or_default().to_vec();
        if !flag.argument.is_empty() && attached.is_none() {
            index += 1;
            let given = arguments.get(index).filter(|next| is_file_name(next));
            match given {
                Some(given) => value = given.clone(),
                None => return Request::Complain(Complaint::NeedsArgument(flag.name)),
            }
        }
        match flag.meaning {
            Meaning::List => invocation.listings += 1,
            Meaning::Output => invocation.output = value,
            Meaning::ParseOnly => invocation.writes = false,
            Meaning::Strip => invocation.strip = true,
            Meaning::Version => versions += 1,
            Meaning::Snippets(wanted) => invocation.snippets = Some(wanted),
            Meaning::Help => return Request::Print(PrintRequest::Help),
            Meaning::VersionOnly => return Request::Print(PrintRequest::Version),
            Meaning::Manual => return Request::Print(PrintRequest::Manual),
            Meaning::Completions => return Request::Print(PrintRequest::Completions(value)),
            Meaning::EndOfOptions => {
                index += 1;
                versions += usize::from(versions > 0);
                break;
            }
            Meaning::StandardInput => break,
        }
        index += 1;
    }
    invocation.show_version = versions > 0;
    invocation.inputs = arguments.get(index..).unwrap_or_default().to_vec();
    if invocation.inputs.is_empty() {
        if invocation.listings > 0 || !invocation.writes {
            invocation.writes = false;
            invocation.inputs.push(DEFAULT_OUTPUT.into());
        } else if versions == 0 || versions + 1 != arguments.len() {
            return Request::Complain(Complaint::NoInput);
        }
    }
    Request::Compile(invocation)
}

/// Whether a word can be the argument of an option.
fn is_file_name(word: &[u8]) -> bool {
    !word.is_empty() && (word == b"-" || word[0] != b'-')
}

/// The usage text.
pub(crate) fn usage(program: &str) -> String {
    flag::usage(FLAGS, program, "[options] [filenames]", &[], 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Request {
        let words = std::iter::once("perilunec").chain(line.iter().copied());
        parse(&words.map(|word| word.into()).collect::<Vec<Vec<u8>>>())
    }

    fn compile(line: &[&str]) -> Invocation {
        match read(line) {
            Request::Compile(invocation) => invocation,
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    #[test]
    fn files_follow_options() {
        let invocation = compile(&["-s", "-l", "-l", "-o", "-", "a", "-p"]);
        assert_eq!(invocation.inputs, [b"a".to_vec(), b"-p".to_vec()]);
        assert_eq!(invocation.output, b"-");
        assert!(invocation.strip && invocation.writes && invocation.listings == 2);
        assert_eq!(compile(&["--", "-p"]).inputs, [b"-p".to_vec()]);
        assert_eq!(compile(&["-"]).inputs, [b"-".to_vec()]);
    }

    #[test]
    fn without_files_the_default_output_is_the_input() {
        for option in ["-l", "-p"] {
            let invocation = compile(&[option]);
            assert_eq!(invocation.inputs, [DEFAULT_OUTPUT.as_bytes().to_vec()]);
            assert!(!invocation.writes);
        }
        assert_eq!(read(&[]), Request::Complain(Complaint::NoInput));
        assert_eq!(read(&["-s"]), Request::Complain(Complaint::NoInput));
        assert_eq!(read(&["-v", "-s"]), Request::Complain(Complaint::NoInput));
        assert!(compile(&["-v", "--"]).inputs.is_empty());
    }

    #[test]
    fn complaints() {
        for bad in ["-h", "-vv", "-ofile", "---", "--nothing"] {
            let complaint = Complaint::Unrecognized(bad.into());
            assert_eq!(read(&[bad]), Request::Complain(complaint), "{bad}");
        }
        for line in [&["-o"][..], &["-o", ""], &["-o", "-x", "a"]] {
            let complaint = Complaint::NeedsArgument("-o");
            assert_eq!(read(line), Request::Complain(complaint), "{line:?}");
        }
    }
}
