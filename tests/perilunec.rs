//! The `perilunec` program as a process: messages and exit statuses are those of `luac`, and what
//! it writes runs as the source does.

#![cfg(all(unix, feature = "cli"))]

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a process did: standard output, standard error, exit status.
type Outcome = (String, String, Option<i32>);

/// A folder for one test, with the files given.
fn folder(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("written");
    }
    folder
}

fn run(program: &str, name: &str, folder: &Path, arguments: &[&str], input: &str) -> Outcome {
    let mut child = Command::new(program)
        .arg0(name)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that ends without reading closes the pipe; that is its right.
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    let done = child.wait_with_output().expect("the program ends");
    (
        String::from_utf8_lossy(&done.stdout).into_owned(),
        String::from_utf8_lossy(&done.stderr).into_owned(),
        done.status.code(),
    )
}

fn luac(folder: &Path, arguments: &[&str], input: &str) -> Outcome {
    let program = env!("CARGO_BIN_EXE_perilunec");
    run(program, "luac", folder, arguments, input)
}

fn lua(folder: &Path, arguments: &[&str]) -> Outcome {
    run(env!("CARGO_BIN_EXE_perilune"), "lua", folder, arguments, "")
}

fn output(text: &str) -> Outcome {
    (text.to_owned(), String::new(), Some(0))
}

#[test]
fn messages_are_those_of_luac() {
    let folder = folder("messages", &[("bad.lua", "x =\n"), ("good.lua", "x = 1")]);
    // Recorded from luac 5.4: arguments, input, first line of standard error.
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "", "luac: no input files given"),
        (&["-v", "-s"], "", "luac: no input files given"),
        (&["-h"], "", "luac: unrecognized option '-h'"),
        (&["-vv"], "", "luac: unrecognized option '-vv'"),
        (
            &["-ofile", "good.lua"],
            "",
            "luac: unrecognized option '-ofile'",
        ),
        (&["-o"], "", "luac: '-o' needs argument"),
        (&["-o", "-x", "good.lua"], "", "luac: '-o' needs argument"),
        (&["-o", "", "good.lua"], "", "luac: '-o' needs argument"),
        (
            &["none.lua"],
            "",
            "luac: cannot open none.lua: No such file or directory",
        ),
        (
            &["--", "-p"],
            "",
            "luac: cannot open -p: No such file or directory",
        ),
        (
            &["-l"],
            "",
            "luac: cannot open luac.out: No such file or directory",
        ),
        (
            &["-p", "bad.lua"],
            "",
            "luac: bad.lua:2: unexpected symbol near <eof>",
        ),
        (
            &["-p", "-"],
            "x = = 1",
            "luac: stdin:1: unexpected symbol near '='",
        ),
        (
            &["-o", "none/out", "good.lua"],
            "",
            "luac: cannot open none/out: No such file or directory",
        ),
    ];
    for (arguments, input, expected) in cases {
        let (output, errors, status) = luac(&folder, arguments, input);
        assert_eq!(errors.lines().next(), Some(*expected), "{arguments:?}");
        assert_eq!(status, Some(1), "{arguments:?}");
        assert!(!output.contains("main"), "{arguments:?}");
    }
    assert!(!folder.join("luac.out").exists());
    let usage = luac(&folder, &[], "").1;
    assert!(usage.contains("usage: luac [options] [filenames]\nAvailable options are:\n"));
    assert!(usage.contains("  -o name  output to file 'name' (default is \"luac.out\")\n"));
}

#[test]
fn what_it_writes_runs() {
    let script = "#!/usr/bin/lua\nlocal t = {...}\nprint(#t, t[1])\nerror('at the end')";
    let folder = folder("runs", &[("script.lua", script)]);
    assert_eq!(luac(&folder, &["script.lua"], ""), output(""));
    let from_source = lua(&folder, &["script.lua", "x"]);
    assert_eq!(from_source.0, "1\tx\n");
    assert_eq!(lua(&folder, &["luac.out", "x"]), from_source);

    assert_eq!(
        luac(&folder, &["-s", "-o", "stripped", "script.lua"], ""),
        output("")
    );
    let (printed, errors, status) = lua(&folder, &["stripped", "x"]);
    assert_eq!((printed.as_str(), status), ("1\tx\n", Some(1)));
    assert!(errors.starts_with("lua: at the end\n"), "{errors}");

    // Compiled input is as good as source.
    assert_eq!(
        luac(&folder, &["-s", "-o", "again", "luac.out"], ""),
        output("")
    );
    let read = |name: &str| std::fs::read(folder.join(name)).expect("written");
    assert_eq!(read("again"), read("stripped"));
}

#[test]
fn several_files_become_one_chunk() {
    let folder = folder(
        "several",
        &[
            (
                "first.lua",
                "_ENV = setmetatable({}, {__index = _ENV}); shared = 'seen'",
            ),
            (
                "second.lua",
                "local function f() return shared end print(f(), ...)",
            ),
            (
                "third.lua",
                "local up <const> = 1; return up, nothing.field",
            ),
        ],
    );
    let files = ["-o", "all", "first.lua", "second.lua", "third.lua"];
    assert_eq!(luac(&folder, &files, ""), output(""));
    let (printed, errors, status) = lua(&folder, &["all", "argument"]);
    // An assignment to `_ENV` in one file reaches the others, arguments reach none.
    assert_eq!((printed.as_str(), status), ("seen\n", Some(1)));
    // Recorded from luac 5.4 and lua 5.4.
    let expected = "lua: third.lua:1: attempt to index a nil value (global 'nothing')\n\
                    stack traceback:\n\
                    \tthird.lua:1: in main chunk\n\
                    \t(luac): in main chunk\n\
                    \t[C]: in ?\n";
    assert_eq!(errors, expected);
}

#[test]
fn listings() {
    let text = "local up = 1.5\nreturn function(a, ...) return up + a, 'text' end\n";
    let folder = folder("listings", &[("f.lua", text)]);
    let (brief, errors, status) = luac(&folder, &["-l", "-p", "f.lua"], "");
    assert_eq!((errors.as_str(), status), ("", Some(0)));
    assert!(!folder.join("luac.out").exists());
    assert!(brief.starts_with("\nmain <f.lua:0,0> ("), "{brief}");
    assert!(brief.contains("\n\nfunction <f.lua:2,2> ("), "{brief}");
    assert!(
        !brief.contains("constants (") && !brief.contains("upvalues ("),
        "{brief}"
    );
    let (full, _, _) = luac(&folder, &["-l", "-l", "f.lua"], "");
    for part in [
        "constants (",
        "\"text\"",
        "locals (",
        "upvalues (",
        "\tup\t",
    ] {
        assert!(full.contains(part), "{part}\n{full}");
    }
    // Without a file, what was written is listed.
    assert_eq!(luac(&folder, &["-l", "-l"], "").0, full);
}

#[test]
fn standard_streams() {
    let folder = folder("streams", &[]);
    let (binary, errors, status) = luac(&folder, &["-s", "-o", "-", "-"], "print 'piped'");
    assert_eq!((errors.as_str(), status), ("", Some(0)));
    assert!(binary.starts_with('\u{1b}'));
    let (version, _, status) = luac(&folder, &["-v"], "");
    assert!(
        version.ends_with("PUC-Rio\n") && status == Some(0),
        "{version}"
    );
    assert_eq!(luac(&folder, &["-v", "--"], "").0, version);
    let (all, _, _) = luac(&folder, &["-v", "-l", "-p", "-"], "return");
    assert!(
        all.starts_with(&version) && all.contains("main <stdin:0,0>"),
        "{all}"
    );
}

#[test]
fn snippets() {
    let folder = folder("snippets", &[("bad.lua", "local x = 1\nlocal y == x\n")]);
    let message = "luac: bad.lua:2: unexpected symbol near '=='\n";
    let plain = luac(&folder, &["-p", "bad.lua"], "");
    assert_eq!(plain, (String::new(), message.to_owned(), Some(1)));
    let (_, errors, status) = luac(&folder, &["--snippets", "-p", "bad.lua"], "");
    let snippet = " --> bad.lua:2:9\n  |\n2 | local y == x\n  |         ^^\n";
    assert_eq!((errors, status), (format!("{message}{snippet}"), Some(1)));
}
