//! The manual page and the shell completions, derived from the table of options.
//!
//! The results are committed (`doc/perilune.1`, `completions/`); a test compares them with what
//! these functions give, so that neither can fall behind the table.

use super::flags::{FLAGS, Flag};

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
        "PERILUNE_JIT",
        "Engine modes, as for -j, which overrides them.",
    ),
];

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

fn visible() -> impl Iterator<Item = &'static Flag> {
    FLAGS.iter().filter(|flag| !flag.hidden)
}

/// The manual page, in the man macros.
pub(crate) fn page() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".TH PERILUNE 1 \"\" \"Perilune {version}\" \"User Commands\"\n\
         .SH NAME\nperilune \\- run Lua 5.4 programs\n\
         .SH SYNOPSIS\n.B perilune\n[\\fIoptions\\fR] [\\fIscript\\fR [\\fIargs\\fR]]\n\
         .SH DESCRIPTION\n{}.SH OPTIONS\n",
        filled(DESCRIPTION)
    );
    for flag in visible() {
        page.push_str(&format!(".TP\n.B {}", roff(flag.name)));
        if !flag.argument.is_empty() {
            page.push_str(&format!(" \\fI{}\\fR", roff(flag.argument)));
        }
        page.push('\n');
        let mut sentence = flag.summary.to_owned();
        sentence[..1].make_ascii_uppercase();
        page.push_str(&filled(&format!("{sentence}. {}", flag.details)));
    }
    page.push_str(&format!(
        ".SH INTERACTIVE MODE\n{}.SH ENVIRONMENT\n",
        filled(INTERACTION)
    ));
    for (names, text) in ENVIRONMENT {
        page.push_str(&format!(".TP\n.B {}\n{}", roff(names), filled(text)));
    }
    page.push_str(&format!(
        ".SH EXIT STATUS\n{}",
        filled(
            "0 when everything ran, 1 after an error, which is reported on standard error with \
             a traceback, or the status given to os.exit."
        )
    ));
    page
}

/// The completion script for a shell, `None` for a shell that has none.
pub(crate) fn completions(shell: &[u8]) -> Option<String> {
    match shell {
        b"bash" => Some(bash()),
        b"zsh" => Some(zsh()),
        b"fish" => Some(fish()),
        _ => None,
    }
}

fn bash() -> String {
    let names: Vec<&str> = visible().map(|flag| flag.name).collect();
    format!(
        r#"# Completion of perilune's options for bash.
_perilune() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    case $previous in
        -e|-l) return ;;
        -j) COMPREPLY=($(compgen -W "off on" -- "$current")); return ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "{}" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -o filenames -F _perilune perilune
"#,
        names.join(" ")
    )
}

fn zsh() -> String {
    let mut text = String::from(
        "#compdef perilune\n# Completion of perilune's options for zsh.\n_arguments -A '-*' \\\n",
    );
    for flag in visible() {
        let summary = flag.summary.replace('\'', "'\\''").replace(':', "\\:");
        let repeat = if matches!(flag.name, "-e" | "-l" | "-j") {
            "*"
        } else {
            ""
        };
        let argument = match flag.argument {
            "" => String::new(),
            "modes" => ":modes:(off on)".to_owned(),
            name => format!(":{name}: "),
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

fn fish() -> String {
    let mut text = String::from("# Completion of perilune's options for fish.\n");
    for flag in visible() {
        let option = match flag.name.strip_prefix("--") {
            Some("") => continue,
            Some(long) => format!("-l {long}"),
            None if flag.name == "-" => continue,
            None => format!("-s {}", &flag.name[1..]),
        };
        let argument = match flag.argument {
            "" => "",
            "modes" => " -x -a 'off on'",
            _ => " -x",
        };
        let summary = flag.summary.replace('\'', "\\'");
        text.push_str(&format!(
            "complete -c perilune {option}{argument} -d '{summary}'\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_visible_option_is_in_everything_derived() {
        let page = page();
        for flag in visible() {
            assert!(
                page.contains(&format!(".B {}", roff(flag.name))),
                "{}",
                flag.name
            );
            assert!(bash().contains(flag.name), "{}", flag.name);
            assert!(zsh().contains(flag.name), "{}", flag.name);
        }
        assert!(completions(b"fish").is_some());
        assert!(completions(b"ksh").is_none());
        assert!(!page.contains("\\-\\-man"));
    }

    #[test]
    fn text_is_literal_in_roff() {
        assert_eq!(roff(".a-b\\"), "\\&.a\\-b\\e");
    }
}
