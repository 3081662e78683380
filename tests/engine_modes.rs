//! Engine modes seen through the program: what `-j dump=...` and `-j stats` print, and where, and that
//! what is no mode is an error.

#![cfg(all(feature = "cli", feature = "jit"))]

use std::process::{Command, Output};

const PROGRAM: &str = "local list = {}
for i = 1, 1000 do
  list[i] = i * 0.5
end
local sum = 0
for i = 1, #list do
  local p = {x = list[i]}
  if p.x > 2 then sum = sum + p.x end
end
print(sum)";

fn run(modes: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perilune"))
        .args(["-j", modes, "-e", PROGRAM])
        .env_remove("PERILUNE_JIT")
        .output()
        .expect("the program runs")
}

/// What goes to the standard error stream.
fn told(modes: &str) -> String {
    let done = run(modes);
    assert!(done.status.success(), "{modes}");
    assert_eq!(done.stdout, b"250245.0\n", "{modes}");
    String::from_utf8(done.stderr).expect("text")
}

/// What each stage begins with, and something that it tells of the program.
const STAGES: &[(&str, &str, &str)] = &[
    (
        "tokens",
        "-- tokens of =(command line)\n",
        "    3 list [ i ] = i * 0.5\n",
    ),
    (
        "ast",
        "-- syntax tree of =(command line)\n",
        "    3     list[i] = (i Mul 0.5)\n",
    ),
    ("bytecode", "-- bytecode of =(command line)\n", "ForLoop"),
    ("trace", "-- trace 0, loop\n", "SetIndex"),
    ("ir", "-- recorded\n", "GuardQuiet"),
    ("opt", "-- optimised\n", "Loop\n"),
    ("snap", "-- trace 0, exits\nexit 0 (s", "] = 0x"),
    ("asm", "-- trace 0, machine code\n", "mov "),
];

#[test]
fn every_stage_is_printed_when_asked_for() {
    assert_eq!(told("on"), "");
    for (stage, title, content) in STAGES {
        let text = told(&format!("dump={stage}"));
        assert!(text.contains(title), "{stage}:\n{text}");
        assert!(text.contains(content), "{stage}:\n{text}");
        for (other, title, _) in STAGES {
            assert_eq!(text.contains(title), other == stage, "{stage}:\n{text}");
        }
    }
}

#[test]
fn all_stages_are_printed_in_the_order_in_which_they_happen() {
    let stages: Vec<&str> = STAGES.iter().map(|stage| stage.0).collect();
    let text = told(&format!("dump={}", stages.join("+")));
    let title = |at: usize| STAGES[at].1;
    let places: Vec<usize> = (0..STAGES.len())
        .map(|n| text.find(title(n)).expect(STAGES[n].0))
        .collect();
    let chunk = &places[..3];
    assert!(chunk.is_sorted(), "{places:?}");
    assert!(
        places[3..].iter().all(|place| place > &chunk[2]),
        "{places:?}"
    );
}

#[test]
fn a_file_gets_what_is_printed() {
    let file = std::env::temp_dir().join(format!("perilune-dump-{}", std::process::id()));
    let path = file.to_str().expect("a path");
    let text = told(&format!("dump=tokens+opt,dump-to={path}"));
    assert_eq!(text, "");
    let text = std::fs::read_to_string(&file).expect("it was written");
    std::fs::remove_file(&file).expect("it is removed");
    assert!(text.starts_with("-- tokens of =(command line)\n"), "{text}");
    assert!(text.contains("-- optimised\n"), "{text}");
}

#[test]
fn statistics_are_text_or_an_object() {
    let text = told("stats");
    for name in [
        "traces",
        "exits",
        "code bytes",
        "interpreter",
        "native",
        "record",
        "optimise",
        "assemble",
        "aborts",
    ] {
        let line = text.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not in\n{text}"));
        let number = line
            .split_whitespace()
            .find_map(|word| word.parse::<f64>().ok());
        assert!(number.is_some(), "{line}");
    }
    let json = told("stats=json");
    assert_eq!(json.lines().count(), 1, "{json}");
    let inner = json
        .trim()
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    let fields: Vec<(String, u64)> = inner
        .expect("an object")
        .split(',')
        .map(|field| {
            let (name, value) = field.split_once(':').expect("a field");
            let name = name.trim_matches('"').to_owned();
            (name, value.parse().expect("a number"))
        })
        .collect();
    let names: Vec<&str> = fields.iter().map(|field| field.0.as_str()).collect();
    assert_eq!(
        names,
        [
            "traces",
            "aborts",
            "exits",
            "bytecodes",
            "native_ns",
            "record_ns",
            "optimise_ns",
            "assemble_ns",
            "set_up_ns",
            "code_bytes"
        ]
    );
    let value = |name: &str| {
        fields
            .iter()
            .find(|field| field.0 == name)
            .map(|field| field.1)
    };
    for name in [
        "traces",
        "exits",
        "bytecodes",
        "native_ns",
        "record_ns",
        "optimise_ns",
        "code_bytes",
    ] {
        assert!(value(name) > Some(0), "{name}: {json}");
    }
    let off: String = told("off,stats=json");
    assert_eq!(off, "");
}

#[test]
fn what_is_no_mode_is_an_error() {
    for modes in [
        "fast",
        "hot=0",
        "hot=x",
        "hot=",
        "-nothing",
        "+nothing",
        "opt=2",
        "dump=",
        "dump=asn",
        "dump=ir+",
        "stats=xml",
        "regs=2",
        "deopt=0",
        "gc=stress=0",
        "gc",
        "=",
        "dump-to=/no/such/folder/file",
    ] {
        let done = run(modes);
        assert_eq!(done.status.code(), Some(1), "{modes}");
        assert_eq!(done.stdout, b"", "{modes}");
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(errors.contains("engine mode"), "{modes}: {errors}");
    }
    // In the environment, too.
    let done = Command::new(env!("CARGO_BIN_EXE_perilune"))
        .args(["-e", "print(1)"])
        .env("PERILUNE_JIT", "faster")
        .output()
        .expect("the program runs");
    assert_eq!((done.status.code(), &done.stdout[..]), (Some(1), &b""[..]));
}
