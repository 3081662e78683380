//! Matching without a machine; the expected results are PUC 5.4.8's.

use super::*;
use std::cell::Cell;

type Outcome = Result<Option<(usize, usize, Vec<String>)>, String>;

fn matching(subject: &str, pattern: &str, start: usize) -> Outcome {
    let program = Program::compile(pattern.as_bytes(), true);
    let mut matcher = Matching::new(subject.as_bytes(), &program);
    let found = matcher.find(start, None, || Ok::<(), ()>(()));
    let found = found.map_err(|failure| match failure {
        Failure::Pattern(error) => error.message(),
        Failure::Interrupted(()) => "interrupted".into(),
    })?;
    let Some(bounds) = found else {
        return Ok(None);
    };
    let mut values = Vec::new();
    for index in 0..matcher.capture_count().max(1) {
        let value = matcher
            .capture(index, bounds)
            .map_err(PatternError::message)?;
        values.push(match value {
            Capture::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Capture::Position(position) => position.to_string(),
        });
    }
    Ok(Some((bounds.0 + 1, bounds.1, values)))
}

/// The bounds of the first match as `string.find` gives them.
fn find(subject: &str, pattern: &str) -> Option<(usize, usize)> {
    let found = matching(subject, pattern, 0).unwrap();
    found.map(|(start, end, _)| (start, end))
}

/// The captures as `string.match` gives them.
fn captures(subject: &str, pattern: &str) -> Vec<String> {
    let found = matching(subject, pattern, 0).unwrap();
    found.map(|(_, _, values)| values).unwrap_or_default()
}

fn error(subject: &str, pattern: &str) -> String {
    matching(subject, pattern, 0).unwrap_err()
}

#[test]
fn repetitions() {
    assert_eq!(captures("aaab", ".*b"), ["aaab"]);
    assert_eq!(captures("aaa", ".*a"), ["aaa"]);
    assert_eq!(find("aaa", ".*b"), None);
    assert_eq!(captures("aaab", ".+b"), ["aaab"]);
    assert_eq!(captures("alo xo", ".o$"), ["xo"]);
    assert_eq!(captures(" \n isto é assim", "%S%S*"), ["isto"]);
    assert_eq!(captures(" \n isto é assim", "[a-z]*$"), ["assim"]);
    assert_eq!(captures("um caracter ? extra", "[^%sa-z]"), ["?"]);
    assert_eq!(captures("", "a?"), [""]);
    assert_eq!(captures("á", "á?"), ["á"]);
    assert_eq!(captures("ábl", "á?b?l?"), ["ábl"]);
    assert_eq!(captures("  ybl", "y?b?l?"), [""]);
    assert_eq!(captures("aa", "^aa?a?a"), ["aa"]);
    assert_eq!(captures("0alo alo", "%x*"), ["0a"]);
    assert_eq!(captures("alo alo", "%C+"), ["alo alo"]);
    assert_eq!(captures("aaabbb", "a-b"), ["aaab"]);
    assert_eq!(captures("<<a>>", "<(.-)>"), ["<a"]);
    assert_eq!(captures("ab,cd;", "([^,]-),(.-);"), ["ab", "cd"]);
    assert_eq!(captures("aXbXc", "(.*)X(.-)$"), ["aXb", "c"]);
    assert_eq!(captures("a**", "a**"), ["a*"]);
    assert_eq!(find("aab", "-"), None);
    assert_eq!(captures("x-y", "%-"), ["-"]);
}

#[test]
fn bounds() {
    assert_eq!(find("", ""), Some((1, 0)));
    assert_eq!(find("alo", ""), Some((1, 0)));
    assert_eq!(find("alo123alo", "12"), Some((4, 5)));
    assert_eq!(find("alo123alo", "^12"), None);
    assert_eq!(find("a$a", "$a"), Some((2, 3)));
    assert_eq!(find("a$", "a$"), None);
    assert_eq!(find("abc", "b()"), Some((2, 2)));
    assert_eq!(find("alo^", "o^"), Some((3, 4)));
    assert_eq!(matching("aXa", "a", 1).unwrap().map(|m| m.0), Some(3));
    assert_eq!(find("a\0\0b", "%z+"), Some((2, 3)));
}

#[test]
fn sets() {
    assert_eq!(captures("alo]1", "[]1]+"), ["]1"]);
    assert_eq!(captures("alo]", "[^]]+"), ["alo"]);
    assert_eq!(captures("a-b", "[a-]+"), ["a-"]);
    assert_eq!(captures("a-b", "[%a-z]+"), ["a-b"]);
    assert_eq!(captures("]x", "[a%]]"), ["]"]);
    assert_eq!(captures("abc^d", "[c^]+"), ["c^"]);
    assert_eq!(captures("a%", "[%%]"), ["%"]);
    assert_eq!(captures("0123456789", "[0-57-9]+"), ["012345"]);
    assert_eq!(captures("-", "[%--z]"), ["-"]);
    assert_eq!(captures("éa", "[\u{e9}]+"), ["é"]);
}

#[test]
fn capture_kinds() {
    assert_eq!(captures("alo  mundo", "()(%w+)()"), ["1", "alo", "4"]);
    assert_eq!(
        captures("0123456789", "(.+(.?)())"),
        ["0123456789", "", "11"]
    );
    assert_eq!(captures("alo xyzK", "(%w+)K"), ["xyz"]);
    assert_eq!(captures("254 K", "(%d*)K"), [""]);
    assert_eq!(captures("alo", "(%w*)$"), ["alo"]);
    assert_eq!(captures("alo", "(%W*)$"), [""]);
    assert_eq!(
        captures("clo alo", "^(((.).).* (%w*))$"),
        ["clo alo", "cl", "c", "alo"]
    );
    assert_eq!(captures("=[[x]]", "^(=?)%[([^]]*)"), ["=", "[x"]);
    assert_eq!(captures("'a\"b'", "(['\"])(.-)%1"), ["'", "a\"b"]);
    assert_eq!(find("aa", "()%1"), None);
    assert_eq!(captures("hello hello", "(h.-o) %1"), ["hello"]);
}

#[test]
fn balance_and_frontier() {
    assert_eq!(find("alo (mundo (x)) y)", "%b()"), Some((5, 15)));
    assert_eq!(find("((", "%b()"), None);
    assert_eq!(captures("x'y'z", "%b''"), ["'y'"]);
    assert_eq!(captures("THE (quick) fox", "%f[%a]%a+%f[%A]"), ["THE"]);
    assert_eq!(find("aba", "%f[a%z]"), Some((3, 2)));
    assert_eq!(find("aba", "%f[%z]"), Some((4, 3)));
    assert_eq!(find("aba", "%f[%l%z]"), None);
    assert_eq!(find("aba", "%f[^%z]"), Some((1, 0)));
    assert_eq!(find("alo", "%f[x]"), None);
}

#[test]
fn errors() {
    assert_eq!(error("a", "%"), "malformed pattern (ends with '%')");
    assert_eq!(error("a", "[a"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "[]"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "[^]"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "[a%]"), "malformed pattern (missing ']')");
    assert_eq!(error("a", "[a%"), "malformed pattern (missing ']')");
    assert_eq!(
        error("a", "%b"),
        "malformed pattern (missing arguments to '%b')"
    );
    assert_eq!(
        error("a", "%ba"),
        "malformed pattern (missing arguments to '%b')"
    );
    assert_eq!(error("a", "%f"), "missing '[' after '%f' in pattern");
    assert_eq!(error("alo", "(%0)"), "invalid capture index %0");
    assert_eq!(error("alo", "(%1)"), "invalid capture index %1");
    assert_eq!(error("alo", ".%3"), "invalid capture index %3");
    assert_eq!(error("alo", "a)"), "invalid pattern capture");
    assert_eq!(error("alo", "(a"), "unfinished capture");
    assert_eq!(error("alo", &"(".repeat(33)), "too many captures");
    assert_eq!(captures("a", &"()".repeat(32)).len(), 32);
    // Errors behind what does not match are not seen.
    assert_eq!(find("b", "a%"), None);
    assert_eq!(find("b", "a["), None);
}

#[test]
fn depth() {
    let subject = "a".repeat(80);
    assert_eq!(captures(&subject, &".?".repeat(80))[0].len(), 80);
    let subject = "a".repeat(2000);
    assert_eq!(error(&subject, &".?".repeat(2000)), "pattern too complex");
}

#[test]
fn pathological_patterns_poll() {
    let polls = Cell::new(0);
    let poll = || {
        polls.set(polls.get() + 1);
        if polls.get() == 10 {
            Err("stop")
        } else {
            Ok(())
        }
    };
    let subject = "a".repeat(1000);
    for pattern in [
        ".-.-.-.-.-.-b$x",
        "(.-)(.-)(.-)(.-)(.-)%1b?$x",
        "a*a*a*a*a*a*a?b",
        "%b()%b()(.*)%f[b]x",
    ] {
        polls.set(0);
        let subject = subject.clone() + "b" + &"(".repeat(10);
        let program = Program::compile(pattern.as_bytes(), true);
        let mut matcher = Matching::new(subject.as_bytes(), &program);
        let result = matcher.find(0, None, poll);
        let stopped = Err(Failure::Interrupted("stop"));
        assert!(result == stopped || polls.get() < 10, "{pattern}");
    }
}
