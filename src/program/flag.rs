//! Tables of options: what an option is, how a word of the command line is found in a table, and
//! the usage text. Each program has one table; its manual page and completions come from the same
//! (see `manual`).
//!
//! Reading follows the reference implementation: options are single, never bundled.

/// One option of a program; `M` is what its options mean.
#[derive(Debug)]
pub struct Flag<M> {
    /// As it is typed, dashes included.
    pub name: &'static str,
    /// The name of its argument; empty where it takes none.
    pub argument: &'static str,
    /// One line for usage and completions.
    pub summary: &'static str,
    /// The manual page's paragraph; empty where the summary says all.
    pub details: &'static str,
    /// Kept out of usage, manual and completions.
    pub hidden: bool,
    /// It means something to give it more than once.
    pub repeats: bool,
    /// What it does.
    pub meaning: M,
}

/// An option that may be given once.
pub const fn flag<M: Copy>(
    name: &'static str,
    argument: &'static str,
    meaning: M,
    summary: &'static str,
    details: &'static str,
) -> Flag<M> {
    Flag {
        name,
        argument,
        summary,
        details,
        hidden: false,
        repeats: false,
        meaning,
    }
}

impl<M: Copy> Flag<M> {
    /// The same, hidden.
    #[must_use]
    pub const fn hidden(self) -> Flag<M> {
        Flag {
            hidden: true,
            ..self
        }
    }

    /// The same, to be given as often as wanted.
    #[must_use]
    pub const fn repeated(self) -> Flag<M> {
        Flag {
            repeats: true,
            ..self
        }
    }
}

/// Finds the option that `word` spells, and an argument attached to it.
pub fn lookup<'w, M>(
    flags: &'static [Flag<M>],
    word: &'w [u8],
) -> Option<(&'static Flag<M>, Option<&'w [u8]>)> {
    for flag in flags {
        if word == flag.name.as_bytes() {
            return Some((flag, None));
        }
        if flag.argument.is_empty() {
            continue;
        }
        if let Some(attached) = word.strip_prefix(flag.name.as_bytes()) {
            if !flag.name.starts_with("--") {
                return Some((flag, Some(attached)));
            }
            if let Some(value) = attached.strip_prefix(b"=") {
                return Some((flag, Some(value)));
            }
        }
    }
    None
}

/// The usage text: `synopsis` follows the program's name, `variants` are second lines for options
/// with two spellings of their argument, and `width` is the width of the column of options.
pub fn usage<M>(
    flags: &[Flag<M>],
    program: &str,
    synopsis: &str,
    variants: &[(&str, &str)],
    width: usize,
) -> String {
    let mut text = format!("usage: {program} {synopsis}\nAvailable options are:\n");
    let mut row = |left: &str, summary: &str| {
        text.push_str(&format!("  {left:<width$} {summary}\n"));
    };
    for flag in flags.iter().filter(|flag| !flag.hidden) {
        let left = format!("{} {}", flag.name, flag.argument);
        row(left.trim_end(), flag.summary);
        for (spelling, summary) in variants {
            if spelling.split(' ').next() == Some(flag.name) {
                row(spelling, summary);
            }
        }
    }
    text
}
