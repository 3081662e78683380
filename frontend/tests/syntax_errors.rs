//! Syntax errors against messages recorded from PUC Lua 5.4.8.
//!
//! `syntax_errors.txt` holds programs, each followed by a line `#### message`; further lines of
//! the message start with `#+++ `. The chunk's name is `@case`.

use perilune_frontend::parse;

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The message of a program that must be wrong.
fn message(program: &[u8]) -> String {
    match parse(program, b"@case") {
        Ok(_) => "(no error)".to_owned(),
        Err(error) => lossy(&error.message),
    }
}

#[test]
fn recorded_messages() {
    let text = include_str!("syntax_errors.txt");
    let mut cases = 0;
    let mut wrong = Vec::new();
    let mut program: Vec<&str> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = line.strip_prefix("#### ") else {
            program.push(line);
            continue;
        };
        let mut expected = first.to_owned();
        while let Some(more) = lines.peek().and_then(|line| line.strip_prefix("#+++ ")) {
            expected.push('\n');
            expected.push_str(more);
            lines.next();
        }
        let source = program.join("\n");
        program.clear();
        cases += 1;
        let actual = message(source.as_bytes());
        if actual != expected {
            wrong.push(format!("{source}\n  PUC:  {expected}\n  here: {actual}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(cases >= 150, "only {cases} cases");
}

/// Programs that are tedious to write down, with PUC's message.
#[test]
fn limits() {
    let names = |count| {
        let names: Vec<String> = (1..=count).map(|n| format!("a{n}")).collect();
        names.join(",")
    };
    let locals = "too many local variables (limit is 200) in";
    for (program, expected) in [
        (format!("local {}", names(200)), "(no error)".to_owned()),
        (
            format!("local {}", names(201)),
            format!("case:1: {locals} main function near <eof>"),
        ),
        (
            format!("local {}\nlocal b = 1", names(200)),
            format!("case:2: {locals} main function near '='"),
        ),
        (
            format!("\nfunction f() local {} end", names(201)),
            format!("case:2: {locals} function at line 2 near 'end'"),
        ),
        (
            format!("function f({}) end", names(201)),
            format!("case:1: {locals} function at line 1 near ')'"),
        ),
        (
            format!("local {} for i = 1, 2 do end", names(196)),
            "(no error)".to_owned(),
        ),
        (
            format!("local {} for i = 1, 2 do end", names(197)),
            format!("case:1: {locals} main function near '='"),
        ),
        (
            format!("local {} for i in x do end", names(195)),
            "(no error)".to_owned(),
        ),
        (
            format!("local {} for i in x do end", names(196)),
            format!("case:1: {locals} main function near 'in'"),
        ),
        (upvalues(255), "(no error)".to_owned()),
        (
            upvalues(256),
            "case:1: too many upvalues (limit is 255) in function at line 1 near 'end'".to_owned(),
        ),
        (
            upvalues(257),
            "case:1: too many upvalues (limit is 255) in function at line 1 near '+'".to_owned(),
        ),
    ] {
        assert_eq!(message(program.as_bytes()), expected, "{program}");
    }
}

/// A function that uses `count` variables of two enclosing ones.
fn upvalues(count: usize) -> String {
    let names = |prefix: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| format!("{prefix}{n}")).collect()
    };
    let (outer, inner) = (names("v", 150), names("w", 150));
    let mut used = outer.clone();
    used.extend_from_slice(&inner[..count - 150]);
    format!(
        "local {} local function f() local {} local function g() return {} end end",
        outer.join(","),
        inner.join(","),
        used.join("+")
    )
}

/// Runs `test` with the stack of a small thread.
fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let result = thread.spawn(test).map(|handle| handle.join().is_ok());
    assert!(matches!(result, Ok(true)));
}

/// What nests: prefix, what is inside, suffix, and the deepest nesting that PUC accepts.
const NESTING: &[(&str, &str, &str, &str, usize)] = &[
    ("return ", "(", "1", ")", 195),
    ("", "do ", "", "end ", 197),
    ("return ", "a..", "a", "", 195),
    ("return ", "a^", "a", "", 195),
    ("return ", "- ", "a", "", 195),
    ("return ", "not ", "a", "", 195),
    ("", "a,", "a = 1", "", 195),
    ("return ", "{", "", "}", 196),
    ("", "function f() ", "", "end ", 197),
    ("return ", "f(", "", ")", 196),
    ("return ", "a[", "1", "]", 195),
    ("", "while a do ", "", "end ", 196),
    ("", "repeat ", "", "until a ", 196),
    ("return ", "function() return ", "1", " end", 97),
    ("return ", "a..b+c*", "1", "", 193),
    ("return ", "-a^", "1", "", 97),
];

#[test]
fn nesting_is_limited_as_in_puc() {
    on_small_stack(|| {
        for &(prefix, open, inside, close, limit) in NESTING {
            for depth in [limit, limit + 1, 1000, 100_000] {
                let program = [prefix, &open.repeat(depth), inside, &close.repeat(depth)].concat();
                let expected = match depth <= limit {
                    true => "(no error)",
                    false => "C stack overflow",
                };
                assert_eq!(message(program.as_bytes()), expected, "{depth} x {open}");
            }
        }
        let unclosed = format!("return {}", "(".repeat(195));
        let expected = "case:1: unexpected symbol near <eof>";
        assert_eq!(message(unclosed.as_bytes()), expected);
    });
}

#[test]
fn chains_are_not_limited() {
    on_small_stack(|| {
        for (prefix, repeated, suffix) in [
            ("return ", "1+", "1"),
            ("local x <const> = ", "1+", "1"),
            ("return ", "a and b or ", "c"),
            ("return a", ".b", ""),
            ("return a", "[1]", ""),
            ("return f", "()", ""),
            ("return f", "''", ""),
            ("return a", ":b()", ""),
            ("a", ".b", " = 1"),
            ("a", ":b()", ""),
            ("function a", ".b", "() end"),
            ("if a then ", "elseif b then ", "end"),
            ("x = {", "1,", "}"),
            ("f(", "1,", "1)"),
            ("", ";", ""),
        ] {
            let program = [prefix, &repeated.repeat(100_000), suffix].concat();
            assert_eq!(message(program.as_bytes()), "(no error)", "{repeated}");
        }
    });
}

#[test]
fn control_bytes_and_line_breaks() {
    for (program, expected) in [
        (&b"x = \x01"[..], "case:1: unexpected symbol near '<\\1>'"),
        (b"x = \x7f", "case:1: unexpected symbol near '<\\127>'"),
        (b"x = \xc8", "case:1: unexpected symbol near '<\\200>'"),
        (b"x\0 = 1", "case:1: syntax error"),
        (b"\0", "case:1: unexpected symbol"),
        (b"x = 'a\0b", "case:1: unfinished string near <eof>"),
        (b"x = 'a\0b\n", "case:1: unfinished string near ''a'"),
        (
            b"x = 'a\0b\\q'",
            "case:1: invalid escape sequence near ''a'",
        ),
        (b"a\r\n\n\r\r= =", "case:4: unexpected symbol near '='"),
        (
            b"x = '\\\r\n\\q",
            "case:2: invalid escape sequence near ''\n\\q'",
        ),
        (
            b"x = [[\r\n\r\n",
            "case:3: unfinished long string (starting at line 1) near '<eof>'",
        ),
    ] {
        // PUC has no quotes around the end of the text.
        let expected = expected.replace("'<eof>'", "<eof>");
        assert_eq!(message(program), expected, "{}", lossy(program));
    }
}
