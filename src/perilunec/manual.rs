//! What the manual page of `perilunec` says besides the options.

use perilune::program::manual::{Manual, Section};

use super::flags::{FLAGS, Meaning};

const DESCRIPTION: &str = "\
perilunec compiles files written in Lua 5.4, and does not run them. The compiled form, a binary \
chunk, is what string.dump gives and what perilune runs in place of a source file; it loads \
faster and need not hold the names of variables. Several files become one chunk, which runs them \
in the order given. A hyphen stands for standard input. Files that are compiled already may be \
named, too, to be listed, stripped or combined.";

const COMPATIBILITY: &str = "\
Binary chunks are read by the version of Perilune that wrote them, on any machine. They are not \
those of the reference implementation, and neither are the instructions in listings.";

/// The manual.
pub(crate) const MANUAL: Manual<Meaning> = Manual {
    name: "perilunec",
    purpose: "compile Lua 5.4 programs",
    synopsis: "[\\fIoptions\\fR] [\\fIfilenames\\fR]",
    description: DESCRIPTION,
    flags: FLAGS,
    sections: &[("COMPATIBILITY", Section::Text(COMPATIBILITY))],
    exit_status: "0 when every file was compiled, 1 after an error, which is reported on standard \
                  error.",
};
