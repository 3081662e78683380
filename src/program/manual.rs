//! Manual pages and shell completions, derived from a table of options.
//!
//! The results are committed (`doc/`, `completions/`); a test compares them with what these
//! functions give, so that neither can fall behind the table.

use super::flag::Flag;

/// What a program's manual page says besides its options.
#[derive(Debug)]
pub struct Manual<M: 'static> {
    /// The program's name.
    pub name: &'static str,
    /// One line on what it does.
    pub purpose: &'static str,
    /// What follows the name on the command line, in the man macros' notation.
    pub synopsis: &'static str,
    /// The description.
    pub description: &'static str,
    /// The table of options.
    pub flags: &'static [Flag<M>],
    /// Sections between the options and the exit status.
    pub sections: &'static [(&'static str, Section)],
    /// The exit status.
    pub exit_status: &'static str,
}

/// The text of a section.
#[derive(Clone, Copy, Debug)]
pub enum Section {
    /// A paragraph.
    Text(&'static str),
    /// Terms and what they mean.
    Terms(&'static [(&'static str, &'static str)]),
}

/// Escapes text for roff: hyphens are meant literally, and a line may not start with a control
/// character.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) {
        format!("\\&{escaped}")
    } else {
        escaped
    }
}

/// Words of a paragraph, filled to lines of a readable length.
fn filled(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.len() + word.len() > 78 {
            lines.push(roff(word));
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&roff(word));
    }
    lines.join("\n") + "\n"
}

/// Words to complete an option's argument with; `None` where it is a file.
fn choices<M>(flag: &Flag<M>) -> Option<&'static str> {
    match flag.argument {
        "modes" => Some("off on"),
        "name" => None,
        _ => Some(""),
    }
}

impl<M> Manual<M> {
    fn visible(&self) -> impl Iterator<Item = &'static Flag<M>> {
        self.flags.iter().filter(|flag| !flag.hidden)
    }

    /// The manual page, in the man macros.
    pub fn page(&self) -> String {
        let (name, version) = (self.name, env!("CARGO_PKG_VERSION"));
        let mut page = format!(
            ".TH {} 1 \"\" \"Perilune {version}\" \"User Commands\"\n\
             .SH NAME\n{name} \\- {}\n\
             .SH SYNOPSIS\n.B {name}\n{}\n\
             .SH DESCRIPTION\n{}.SH OPTIONS\n",
            name.to_uppercase(),
            self.purpose,
            self.synopsis,
            filled(self.description)
        );
        for flag in self.visible() {
            page.push_str(&format!(".TP\n.B {}", roff(flag.name)));
            if !flag.argument.is_empty() {
                page.push_str(&format!(" \\fI{}\\fR", roff(flag.argument)));
            }
            page.push('\n');
            let mut sentence = flag.summary.to_owned();
            sentence[..1].make_ascii_uppercase();
            page.push_str(&filled(&format!("{sentence}. {}", flag.details)));
        }
        for (title, section) in self.sections {
            page.push_str(&format!(".SH {title}\n"));
            match section {
                Section::Text(text) => page.push_str(&filled(text)),
                Section::Terms(terms) => {
                    for (names, text) in *terms {
                        page.push_str(&format!(".TP\n.B {}\n{}", roff(names), filled(text)));
                    }
                }
            }
        }
        page.push_str(&format!(".SH EXIT STATUS\n{}", filled(self.exit_status)));
        page
    }

    /// The completion script for a shell, `None` for a shell that has none.
    pub fn completions(&self, shell: &[u8]) -> Option<String> {
        match shell {
            b"bash" => Some(self.bash()),
            b"zsh" => Some(self.zsh()),
            b"fish" => Some(self.fish()),
            _ => None,
        }
    }

    fn bash(&self) -> String {
        let name = self.name;
        let names: Vec<&str> = self.visible().map(|flag| flag.name).collect();
        let mut cases = String::new();
        for flag in self.visible().filter(|flag| !flag.argument.is_empty()) {
            let reply = match choices(flag) {
                None => String::from("COMPREPLY=($(compgen -f -- \"$current\")); return"),
                Some("") => String::from("return"),
                Some(words) => {
                    format!("COMPREPLY=($(compgen -W \"{words}\" -- \"$current\")); return")
                }
            };
            cases.push_str(&format!("        {}) {reply} ;;\n", flag.name));
        }
        format!(
            r#"# Completion of {name}'s options for bash.
_{name}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    case $previous in
{cases}    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "{}" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -o filenames -F _{name} {name}
"#,
            names.join(" ")
        )
    }

    fn zsh(&self) -> String {
        let name = self.name;
        let mut text = format!(
            "#compdef {name}\n# Completion of {name}'s options for zsh.\n_arguments -A '-*' \\\n"
        );
        for flag in self.visible() {
            let summary = flag.summary.replace('\'', "'\\''").replace(':', "\\:");
            let repeat = if flag.repeats { "*" } else { "" };
            let argument = match (flag.argument, choices(flag)) {
                ("", _) => String::new(),
                (argument, None) => format!(":{argument}:_files"),
                (argument, Some("")) => format!(":{argument}: "),
                (argument, Some(words)) => format!(":{argument}:({words})"),
            };
            let glue = if flag.argument.is_empty() { "" } else { "+" };
            text.push_str(&format!(
                "  '{repeat}{}{glue}[{summary}]{argument}' \\\n",
                flag.name
            ));
        }
        text.push_str("  '1:script:_files' \\\n  '*:argument:_files'\n");
        text
    }

    fn fish(&self) -> String {
        let name = self.name;
        let mut text = format!("# Completion of {name}'s options for fish.\n");
        for flag in self.visible() {
            let option = match flag.name.strip_prefix("--") {
                Some("") => continue,
                Some(long) => format!("-l {long}"),
                None if flag.name == "-" => continue,
                None => format!("-s {}", &flag.name[1..]),
            };
            let argument = match (flag.argument, choices(flag)) {
                ("", _) => String::new(),
                (_, None) => String::from(" -r"),
                (_, Some("")) => String::from(" -x"),
                (_, Some(words)) => format!(" -x -a '{words}'"),
            };
            let summary = flag.summary.replace('\'', "\\'");
            text.push_str(&format!(
                "complete -c {name} {option}{argument} -d '{summary}'\n"
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::flag::flag;
    use super::*;

    const MANUAL: Manual<()> = Manual {
        name: "moon",
        purpose: "shine",
        synopsis: "",
        description: "It shines.",
        flags: &[
            flag("-b", "", (), "brightly", ""),
            flag("-w", "name", (), "with this", ""),
            flag("--secret", "", (), "not told", "").hidden(),
        ],
        sections: &[],
        exit_status: "0.",
    };

    #[test]
    fn every_visible_option_is_in_everything_derived() {
        let (page, bash, zsh) = (MANUAL.page(), MANUAL.bash(), MANUAL.zsh());
        for flag in MANUAL.visible() {
            let name = flag.name;
            assert!(page.contains(&format!(".B {}", roff(name))), "{name}");
            assert!(bash.contains(name) && zsh.contains(name), "{name}");
        }
        assert!(MANUAL.fish().contains("-s w -r"));
        assert!(MANUAL.completions(b"ksh").is_none());
        assert!(!page.contains("secret"));
    }

    #[test]
    fn text_is_literal_in_roff() {
        assert_eq!(roff(".a-b\\"), "\\&.a\\-b\\e");
    }
}
