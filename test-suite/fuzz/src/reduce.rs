//! The reducer: makes a program on which two implementations differ smaller, by removing lines
//! and whole blocks as long as they still differ (delta debugging over the indented text).

use crate::campaign::{Comparison, differ};
use crate::engine::Outcome;

/// The smallest program found that still shows a difference.
///
/// # Errors
/// When an engine does not start.
pub(crate) fn reduce(comparison: &Comparison, program: &[u8]) -> Result<Vec<u8>, String> {
    let text = String::from_utf8_lossy(program).into_owned();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // Large pieces first: halves, quarters... then blocks and single lines.
    let mut size = lines.len() / 2;
    while size > 1 {
        while let Some(smaller) = first_that_differs(comparison, &chunks(&lines, size))? {
            lines = smaller;
        }
        size /= 2;
    }
    while let Some(smaller) = first_that_differs(comparison, &blocks(&lines))? {
        lines = smaller;
    }
    Ok(join(&lines))
}

fn join(lines: &[String]) -> Vec<u8> {
    let mut text = lines.join("\n").into_bytes();
    text.push(b'\n');
    text
}

fn without(lines: &[String], start: usize, end: usize) -> Vec<String> {
    lines[..start]
        .iter()
        .chain(&lines[end..])
        .cloned()
        .collect()
}

/// The program without each run of `size` lines.
fn chunks(lines: &[String], size: usize) -> Vec<Vec<String>> {
    (0..lines.len())
        .step_by(size)
        .map(|start| without(lines, start, lines.len().min(start + size)))
        .collect()
}

/// The program without each line and what is nested in it, without each line alone, and with each
/// block's inside alone.
fn blocks(lines: &[String]) -> Vec<Vec<String>> {
    let indent = |line: &String| line.len() - line.trim_start().len();
    let mut candidates = Vec::new();
    for start in 0..lines.len() {
        let depth = indent(&lines[start]);
        let mut end = start + 1;
        while end < lines.len() && indent(&lines[end]) > depth {
            end += 1;
        }
        if end > start + 1 && end < lines.len() {
            candidates.push(without(lines, start, end + 1));
            let mut inside = without(lines, end, end + 1);
            inside.remove(start);
            candidates.push(inside);
        }
        candidates.push(without(lines, start, start + 1));
    }
    candidates
}

fn first_that_differs(
    comparison: &Comparison,
    candidates: &[Vec<String>],
) -> Result<Option<Vec<String>>, String> {
    for group in candidates.chunks(50) {
        let programs: Vec<Vec<u8>> = group.iter().map(|lines| join(lines)).collect();
        for (lines, (expected, actual)) in group.iter().zip(comparison.run(&programs)?) {
            let is_valid = match &expected {
                Outcome::Report(report) => !report.starts_with(b"syntax:"),
                Outcome::Died(_) => false,
            };
            if is_valid && differ(&expected, &actual) {
                return Ok(Some(lines.clone()));
            }
        }
    }
    Ok(None)
}
