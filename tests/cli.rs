//! The `perilune` program as a process: command lines against what the reference implementation
//! did with them, the files derived from the table of options, and interruption.

#![cfg(all(unix, feature = "cli"))]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perilune"));
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn finish(command: &mut Command, input: &[u8]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A program that ends without reading closes the pipe; that is its right.
    child.stdin.take().expect("piped").write_all(input).ok();
    child.wait_with_output().expect("the program ends")
}

/// One block of `lines.txt`.
#[derive(Default)]
struct Case {
    name: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    input: String,
    output: String,
    errors: String,
    only_first_error_line: bool,
    status: i32,
}

fn add_line(text: &mut String, line: &str) {
    match line.strip_suffix('\\') {
        Some(unfinished) => text.push_str(unfinished),
        None => {
            text.push_str(line);
            text.push('\n');
        }
    }
}

fn read_cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).expect("the case file is there");
    let mut cases: Vec<Case> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix("=== ") {
            cases.push(Case {
                name: name.to_owned(),
                ..Case::default()
            });
            continue;
        }
        let case = cases.last_mut().expect("a name comes first");
        let (key, value) = line.split_once(':').expect("a key and a colon");
        let value = value.strip_prefix(' ').unwrap_or(value);
        match key {
            "arg" => case.arguments.push(value.to_owned()),
            "env" => {
                let (name, value) = value.split_once('=').expect("NAME=value");
                case.environment.push((name.to_owned(), value.to_owned()));
            }
            "in" => case.input.push_str(&format!("{value}\n")),
            "out" => add_line(&mut case.output, value),
            "err" => add_line(&mut case.errors, value),
            "only-first-err" => case.only_first_error_line = true,
            "status" => case.status = value.parse().expect("a number"),
            _ => panic!("unknown key {key}"),
        }
    }
    cases
}

fn check(case: &Case, folder: &Path) -> Result<(), String> {
    let mut command = program();
    command
        .arg0("lua")
        .current_dir(folder)
        .args(&case.arguments);
    command
        .env("LUA_PATH", "./?.lua")
        .env("LUA_CPATH", "./?.so");
    command.envs(case.environment.iter().map(|(name, value)| (name, value)));
    let done = finish(&mut command, case.input.as_bytes());
    let mut output = String::from_utf8_lossy(&done.stdout).into_owned();
    if output
        .lines()
        .next()
        .is_some_and(|line| line.ends_with("PUC-Rio"))
    {
        // The one line that is meant to differ.
        let end = output.find('\n').unwrap_or(output.len());
        output.replace_range(..end, "VERSION");
    }
    let mut errors = String::from_utf8_lossy(&done.stderr).into_owned();
    if case.only_first_error_line {
        errors.truncate(errors.find('\n').map_or(errors.len(), |end| end + 1));
    }
    let expected = (&case.output, &case.errors, Some(case.status));
    let actual = (&output, &errors, done.status.code());
    if expected == actual {
        return Ok(());
    }
    Err(format!(
        "{}:\n  expected {expected:?}\n  actual   {actual:?}\n",
        case.name
    ))
}

#[test]
fn command_lines_do_what_the_reference_does() {
    let folder = root().join("tests").join("command-lines");
    let cases = read_cases(&folder.join("lines.txt"));
    assert!(cases.len() > 50);
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case, &folder).err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.concat()
    );
}

fn derived(program: &str, arguments: &[&str]) -> String {
    let done = finish(Command::new(program).args(arguments), b"");
    assert!(done.status.success());
    String::from_utf8(done.stdout).expect("text")
}

/// Compares a committed file with what the program generates; with `PERILUNE_BLESS` set, writes it.
fn compare_with_file(path: &str, generated: &str) {
    let path: PathBuf = root().join(path);
    if std::env::var_os("PERILUNE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("in a folder")).expect("a folder");
        std::fs::write(&path, generated).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is out of date: PERILUNE_BLESS=1 cargo test --test cli",
        path.display()
    );
}

#[test]
fn manual_and_completions_are_up_to_date() {
    let programs = [
        ("perilune", env!("CARGO_BIN_EXE_perilune")),
        ("perilunec", env!("CARGO_BIN_EXE_perilunec")),
    ];
    for (name, path) in programs {
        for (file, option) in [
            (format!("doc/{name}.1"), "--man"),
            (format!("completions/{name}.bash"), "--completions=bash"),
            (format!("completions/_{name}"), "--completions=zsh"),
            (format!("completions/{name}.fish"), "--completions=fish"),
        ] {
            compare_with_file(&file, &derived(path, &[option]));
        }
    }
}

#[test]
fn version_line_names_the_language_and_its_home() {
    for option in ["-v", "--version"] {
        let line = derived(env!("CARGO_BIN_EXE_perilune"), &[option]);
        assert!(
            line.starts_with(concat!("Perilune ", env!("CARGO_PKG_VERSION"))),
            "{line}"
        );
        assert!(line.contains("Lua 5.4.8"), "{line}");
        assert!(line.ends_with("Lua.org, PUC-Rio\n"), "{line}");
    }
    let help = derived(env!("CARGO_BIN_EXE_perilune"), &["--help"]);
    assert!(help.contains("-e stat   execute string 'stat'\n"), "{help}");
}

#[test]
fn unknown_engine_modes_are_refused() {
    let done = finish(program().args(["-j", "warp", "-e", "print(1)"]), b"");
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stdout.is_empty());
    assert!(String::from_utf8_lossy(&done.stderr).contains("'warp'"));
    let done = finish(program().args(["-joff", "-e", "print(1)"]), b"");
    assert_eq!(done.stdout, b"1\n");
}

/// Runs `script` until it has printed a line, then interrupts it and returns the rest of its
/// output.
fn interrupt(script: &str) -> (String, Output) {
    interrupt_in("on", script)
}

fn interrupt_in(modes: &str, script: &str) -> (String, Output) {
    let mut command = program();
    command
        .args(["-j", modes, "-e", script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    output.read_line(&mut first).expect("a line");
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).expect("text");
    (rest, child.wait_with_output().expect("the program ends"))
}

#[test]
fn interruption_is_an_error_that_can_be_caught() {
    let (rest, done) = interrupt(
        "io.stdout:setvbuf('line') local ok, message = pcall(function () \
         print('ready') while true do end end) print(ok, message) print('goes on')",
    );
    assert_eq!(rest, "false\tinterrupted!\ngoes on\n");
    assert!(done.status.success());
}

#[test]
fn interruption_ends_a_script_that_does_not_catch_it() {
    let (rest, done) = interrupt(
        "io.stdout:setvbuf('line') print('ready') \
         local n = 0 repeat n = n + 1 until false",
    );
    assert_eq!(rest, "");
    assert_eq!(done.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        errors.contains(": interrupted!\nstack traceback:\n"),
        "{errors}"
    );
}

#[test]
fn interruption_stops_compiled_loops() {
    for modes in ["off", "on", "hot=1,exit=1", "eval,hot=1"] {
        for endless in [
            "while true do end",
            "local n = 0 while true do n = n + 1 end",
            "while true do local s = ('x'):rep(1000) end",
            "local t = {3, 1, 2} while true do table.sort(t) end",
            "local p = {n = 0} while true do p = {n = p.n + 1} end",
        ] {
            let script = format!(
                "io.stdout:setvbuf('line') local ok, message = pcall(function() \
                 print('ready') {endless} end) print(ok, message)"
            );
            let (rest, done) = interrupt_in(modes, &script);
            assert_eq!(rest, "false\tinterrupted!\n", "{modes}: {endless}");
            assert!(done.status.success(), "{modes}: {endless}");
        }
    }
}

/// With `--snippets` the source line follows a message that is otherwise as ever.
#[test]
fn snippets_follow_messages() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snippets");
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
    write("wrong.lua", "local t = {}\nfor i = 1, 2 od\n");
    write("fails.lua", "local t = {}\nprint(t.first.second)\n");
    write("module.lua", "return nothing + 1\n");
    let cases: &[(&[&str], &str)] = &[
        (
            &["wrong.lua"],
            " --> wrong.lua:2:14\n  |\n2 | for i = 1, 2 od\n  |              ^^\n",
        ),
        (
            &["fails.lua"],
            " --> fails.lua:2:9\n  |\n2 | print(t.first.second)\n  |         ^^^^^\n",
        ),
        (
            &["-l", "module"],
            " --> ./module.lua:1:8\n  |\n1 | return nothing + 1\n  |        ^^^^^^^\n",
        ),
        (
            &["-e", "x = nothing.field"],
            " --> (command line):1:5\n  |\n1 | x = nothing.field\n  |     ^^^^^^^\n",
        ),
        // Nothing is known of these.
        (&["-e", "error()"], ""),
        (&["-e", "error('elsewhere:7: broken', 0)"], ""),
        (&["none.lua"], ""),
    ];
    for (arguments, snippet) in cases {
        let run = |option: &str| {
            let mut command = program();
            command.current_dir(&folder).env("LUA_PATH", "./?.lua");
            let done = finish(command.arg(option).args(*arguments), b"");
            assert_eq!(done.status.code(), Some(1), "{arguments:?}");
            String::from_utf8(done.stderr).expect("text")
        };
        let plain = run("-W");
        assert_eq!(run("--no-snippets"), plain, "{arguments:?}");
        assert_eq!(
            run("--snippets"),
            format!("{plain}{snippet}"),
            "{arguments:?}"
        );
    }
}
