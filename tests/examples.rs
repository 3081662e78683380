//! The examples run, and print what their readers are led to expect.
//!
//! `cargo test` without a choice of targets builds the examples; they lie in a folder next to that of the
//! tests.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where an example's program is.
fn program(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("this test is a program");
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    path
}

/// Runs an example with this text as its input, and checks its whole output.
fn check(name: &str, input: &str, expected: &str) {
    let mut child = Command::new(program(name))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example is built");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{name}: {}", output.status);
    let printed = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    assert_eq!(printed, expected, "{name}");
}

#[test]
fn hello() {
    check(
        "hello",
        "",
        "1 + 2 + 3 = 6\n\
         Hello, Lua!\n\
         17 = 5 * 3 + 2\n\
         runtime error: faulty:2: attempt to index a nil value (local 'list')\n",
    );
}

#[test]
fn userdata() {
    check(
        "userdata",
        "",
        "length\t5.0\n\
         sum\t(4, 6)\n\
         here\t(100002, -49996)\n\
         in Rust Vector { x: 100002.0, y: -49996.0 }\n",
    );
}

#[test]
fn sandbox() {
    check(
        "sandbox",
        "",
        "honest:\n\
        \x20 The Quick Brown Fox\n\
        \x20 ended well\n\
         endless:\n\
        \x20 stopped: limit reached: out of fuel\n\
         stubborn:\n\
        \x20 stopped: limit reached: out of fuel\n\
         greedy:\n\
        \x20 stopped: limit reached: not enough memory\n\
         deep:\n\
        \x20 stopped: limit reached: not enough memory\n\
         curious:\n\
        \x20 nil\tnil\tnil\tnil\tload\n\
        \x20 ended well\n\
         vandal:\n\
        \x20 failed: runtime error: attempt to modify a read-only table\n\
         slow pattern:\n\
        \x20 stopped: limit reached: deadline passed\n",
    );
}

#[test]
fn game_loop() {
    check(
        "game_loop",
        "",
        "broken is out of order: runtime error: broken:4: attempt to index a nil value (field 'target')\n\
         patrol finished lap 1\n\
         patrol finished lap 2\n\
         patrol finished lap 3\n\
         patrol: x 0, switches 0\n\
         beacon: x 0, switches 8\n\
         broken: x 0, switches 0\n",
    );
}

#[test]
fn plugins() {
    check(
        "plugins",
        "",
        "loaded 'shout'\n\
         loaded 'count'\n\
         loaded 'faulty'\n\
         plugin 'faulty' failed: runtime error: faulty:2: attempt to add a 'string' with a 'number'\n\
         HELLO [1]\n\
         plugin 'faulty' failed: runtime error: faulty:2: attempt to add a 'string' with a 'number'\n\
         AGAIN [2]\n\
         global 'seen' is nil\n",
    );
}

#[test]
fn repl() {
    check(
        "repl",
        "1 + 1\nx = 5\nx *\n2\nfor i = 1, 2 do\nprint(i)\nend\n\"a\", nil\n",
        "> 2\n> > >> 10\n> >> >> 1\n2\n> a\tnil\n> \n",
    );
}

#[cfg(feature = "async")]
#[test]
fn async_server() {
    check(
        "async_server",
        "",
        "GET /: HTTP/1.0 200: welcome\n\
         GET /visits: HTTP/1.0 200: visit 1\n\
         GET /visits: HTTP/1.0 200: visit 2\n\
         PUT /visits: HTTP/1.0 405: only GET\n\
         GET /nowhere: HTTP/1.0 404: no /nowhere here\n\
         GET /broken: HTTP/1.0 500: runtime error: handler:19: attempt to index a nil value (local 'missing')\n\
         GET /slow: HTTP/1.0 200: worth waiting for\n",
    );
}
