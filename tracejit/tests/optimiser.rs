//! The optimiser by examples: each case in `tests/opt` is a trace, the passes that run, and what
//! becomes of the trace. Both are verified, and evaluated in many worlds, where they must agree.
//!
//! `PERILUNE_BLESS=1` writes what comes out into the files: read the difference before keeping it.

use perilune_tracejit::ir::eval::{self, agree};
use perilune_tracejit::ir::parse::parse;
use perilune_tracejit::ir::verify::verify;
use perilune_tracejit::ir::world::World;
use perilune_tracejit::opt::{Passes, Workspace, optimise, optimise_observed};
use std::fs;
use std::path::Path;

/// Worlds in which each case is evaluated.
const WORLDS: u64 = 200;

struct Case {
    title: String,
    passes: String,
    input: String,
    expected: String,
}

/// The cases of a file: `== title`, `passes: ...`, a trace, `--`, the trace that comes out.
fn cases(text: &str) -> Vec<Case> {
    let mut found = Vec::new();
    for case in text.split("== ").skip(1) {
        let (title, rest) = case.split_once('\n').expect("a title");
        let (passes, rest) = rest.split_once('\n').expect("a list of passes");
        let passes = passes.strip_prefix("passes:").expect("a list of passes");
        let (input, expected) = rest.split_once("--\n").unwrap_or((rest, ""));
        found.push(Case {
            title: title.to_owned(),
            passes: passes.trim().to_owned(),
            input: input.to_owned(),
            expected: expected.trim_end().to_owned() + "\n",
        });
    }
    found
}

/// Runs a case; what the optimiser made of the trace.
fn outcome(case: &Case) -> Result<String, String> {
    let mut passes = Passes::none();
    for pass in case.passes.split_whitespace() {
        if !passes.set(pass, true) {
            return Err(format!("there is no pass {pass}"));
        }
    }
    let input = parse(&case.input)?;
    verify(&input).map_err(|problem| format!("the input is not well formed: {problem}"))?;
    let mut problem = None;
    let mut check = |pass: &str, trace: &_| {
        if let Err(what) = verify(trace) {
            problem.get_or_insert(format!("after {pass}: {what}\n{trace}"));
        }
    };
    let output = optimise_observed(
        input.clone(),
        &passes,
        &mut Workspace::default(),
        Some(&mut check),
    );
    if let Some(problem) = problem {
        return Err(problem);
    }
    // An observer sees the changes of each pass made, which else are made together.
    let unobserved = optimise(input.clone(), &passes).to_string();
    if unobserved != output.to_string() {
        return Err(format!("{output}\nbut without an observer\n{unobserved}"));
    }
    for seed in 0..WORLDS {
        let world = world(seed, &passes);
        let before = eval::run(&input, world.clone(), 8, may_leave_early(&passes));
        let after = eval::run(&output, world, 8, false);
        agree(&before, &after, may_leave_early(&passes))
            .map_err(|what| format!("in world {seed} {what}\n{output}"))?;
    }
    Ok(output.to_string())
}

fn world(seed: u64, passes: &Passes) -> World {
    let world = World::new(seed, 1 + seed as u32 % 5);
    if passes.sink {
        world.with_memory()
    } else {
        world
    }
}

/// Whether passes ran that may leave a trace before they must.
fn may_leave_early(passes: &Passes) -> bool {
    passes.guards || passes.alias || passes.bounds || passes.sink
}

#[test]
fn cases_come_out_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/opt");
    let bless = std::env::var_os("PERILUNE_BLESS").is_some();
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    let (mut count, mut problems) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).expect("a text file");
        let mut blessed = text.split("== ").next().unwrap_or("").to_owned();
        for case in cases(&text) {
            count += 1;
            let name = format!("{}: {}", file.display(), case.title);
            let actual = match outcome(&case) {
                Ok(actual) if actual == case.expected => actual,
                Ok(actual) if bless => actual,
                Ok(actual) => {
                    problems.push(format!(
                        "{name}\nexpected\n{}\nbut is\n{actual}",
                        case.expected
                    ));
                    continue;
                }
                Err(problem) => {
                    problems.push(format!("{name}\n{problem}"));
                    case.expected.clone()
                }
            };
            blessed += &format!(
                "== {}\npasses: {}\n{}--\n{actual}\n",
                case.title, case.passes, case.input
            );
        }
        if bless {
            fs::write(&file, blessed).expect("written");
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n\n"));
    assert!(count >= 40, "only {count} cases");
}
