//! The table of `cases/hard/README.md` says which case exercises what: it must be true.

use perilune_test_suite::case;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_table_names_every_case_and_none_that_is_not_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/hard");
    let table = std::fs::read_to_string(folder.join("README.md")).expect("the table");
    let cases: BTreeSet<String> = case::find(&folder)
        .expect("cases can be read")
        .into_iter()
        .map(|case| case.name)
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut named = BTreeSet::new();
    for name in table.split('`').skip(1).step_by(2) {
        // Operators are quoted, too.
        if !name.contains('/') || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            continue;
        }
        let is_case = cases.contains(name);
        assert!(is_case || root.join(name).is_file(), "{name} is not there");
        named.insert(name.to_owned());
    }
    let unnamed: Vec<_> = cases.difference(&named).collect();
    assert!(unnamed.is_empty(), "in no row: {unnamed:?}");
    for row in 1..=40 {
        let begin = format!("| {row} | ");
        let cells = table.lines().find_map(|line| line.strip_prefix(&begin));
        let cells = cells.unwrap_or_else(|| panic!("no row {row}"));
        assert!(cells.contains('/'), "row {row} names no case");
    }
}
