//! Generator of valid, terminating, deterministic Lua programs.
//!
//! A program is a few *sections*: hot loops in whose middle something changes ([`hot`]), probes of
//! single rules, and random well-typed statements. The material of the first two is in the files
//! of `kits/`, see [`kit`]. Programs print much of their state. They avoid what the manual leaves
//! open: the order of traversals, borders of tables with holes, addresses, amounts of memory, the
//! time of collections.
//!
//! **Invariant:** the seed, [`VERSION`] and the missing features determine the text.

mod expressions;
mod fuel;
mod hot;
pub(crate) mod kit;
mod scope;
mod statements;
mod text;

use std::sync::OnceLock;

use crate::oracle::Features;
use crate::random::Random;
use kit::Kit;
use scope::{Scope, Type};
use text::Text;

/// Changes whenever a seed's program may change.
pub(crate) const VERSION: u32 = 10;

const PRELUDE: &str = include_str!("prelude.lua");

/// What a program may cost, in statements executed.
const FUEL: i64 = 4000;

struct Library {
    kits: Vec<Kit>,
    probes: Vec<Kit>,
}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let files = [
            include_str!("kits/values.txt"),
            include_str!("kits/tables.txt"),
            include_str!("kits/functions.txt"),
            include_str!("kits/control.txt"),
            include_str!("kits/probes.txt"),
        ];
        let all = files.into_iter().flat_map(kit::parse);
        let (probes, kits) = all.partition(|kit| !kit.probe.is_empty());
        Library { kits, probes }
    })
}

/// The program of a seed.
pub(crate) fn program(seed: u64, features: &Features) -> String {
    let mut generator = Generator {
        random: Random::new(seed, u64::from(VERSION)),
        text: Text::default(),
        scope: Scope::new(FUEL),
        features: features.clone(),
    };
    for _ in 0..3 + generator.random.below(3) {
        generator.section();
    }
    format!("{PRELUDE}{}", fuel::add_fuel(&generator.text.finish()))
}

/// A program being written.
pub(crate) struct Generator {
    random: Random,
    text: Text,
    scope: Scope,
    features: Features,
}

impl Generator {
    fn section(&mut self) {
        match self.random.weighted(&[6, 4, 3]) {
            0 => self.hot_loop(),
            1 => self.probe(),
            _ => {
                let mark = self.scope.enter();
                self.scope.fuel = FUEL;
                self.text.open("report(pcall(function(...)");
                let count = 3 + self.random.below(8);
                self.block(count, 3);
                let results = self.arguments(1);
                self.text.add(&format!("return {results}"));
                let arguments = self.arguments(1);
                self.text
                    .close(&format!("end, {}))", arguments.replace("...", "nil")));
                self.scope.leave(mark);
            }
        }
    }

    fn probe(&mut self) {
        let probe = loop {
            let probe = self.random.pick(&library().probes);
            if self.features.all(&probe.needs) {
                break probe;
            }
        };
        let number = self.scope.fresh_number();
        self.scope.in_loop = false;
        let text = self.fill(&probe.probe, number);
        self.text.open("report(pcall(function(...)");
        self.text.add(&text);
        self.text.close("end, 11, \"w\", nil))");
    }

    /// Text of a kit, with its places filled in.
    fn fill(&mut self, template: &str, number: u32) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['$', '@']) {
            filled.push_str(&rest[..at]);
            let mark = rest.as_bytes()[at];
            rest = &rest[at + 1..];
            if mark == b'$' {
                match rest.strip_prefix('$') {
                    Some(after) => {
                        filled.push('$');
                        rest = after;
                    }
                    None => filled.push_str(&number.to_string()),
                }
                continue;
            }
            let end = rest
                .find(|c: char| !c.is_ascii_lowercase())
                .unwrap_or(rest.len());
            filled.push_str(&self.place(&rest[..end]));
            rest = &rest[end..];
        }
        filled.push_str(rest);
        filled
    }

    /// What a word in a kit stands for.
    fn place(&mut self, word: &str) -> String {
        match word {
            "int" => self.integer(2),
            "num" => self.number(2),
            "float" => self.float_leaf(),
            "str" => self.string(2),
            "bool" => self.boolean(2),
            "any" => self.any(1),
            "small" => self.small(),
            "pos" => (1 + self.random.below(8)).to_string(),
            "signed" => self.random.between(-9, 9).to_string(),
            "hundred" => (1 + self.random.below(100)).to_string(),
            "list" => self.list(1),
            "rec" => self.record(1),
            "field" => (*self.random.pick(expressions::FIELDS)).to_owned(),
            "op" => (*self
                .random
                .pick(&["+", "-", "*", "/", "+", "-", "*", "//", "%", "^"]))
            .to_owned(),
            "bit" => (*self.random.pick(expressions::BITWISE)).to_owned(),
            "cmp" => (*self.random.pick(expressions::COMPARISONS)).to_owned(),
            "edge" => {
                let choices = if self.random.one_in(2) {
                    expressions::INTEGERS
                } else {
                    expressions::FLOATS
                };
                format!("({})", self.random.pick(choices))
            }
            "numeral" => (*self.random.pick(expressions::NUMERALS)).to_owned(),
            "args" => self.arguments(1),
            "block" => self.nested_block(),
            _ => format!("error(\"no place @{word}\")"),
        }
    }

    /// A few statements as text.
    fn nested_block(&mut self) -> String {
        let outer = std::mem::take(&mut self.text);
        let in_loop = std::mem::replace(&mut self.scope.in_loop, false);
        let count = 1 + self.random.below(3);
        self.block(count, 2);
        self.scope.in_loop = in_loop;
        std::mem::replace(&mut self.text, outer).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Features, library, program};

    #[test]
    fn a_seed_determines_the_program() {
        let all = Features::all_of_them();
        assert_eq!(program(7, &all), program(7, &all));
        assert_ne!(program(7, &all), program(8, &all));
        assert!((0..200).all(|seed| !program(seed, &all).contains("no place")));
    }

    #[test]
    fn kits_are_complete() {
        assert!(library().kits.len() >= 20 && library().probes.len() >= 20);
        for kit in &library().kits {
            assert!(
                !kit.body.is_empty() && !kit.events.is_empty(),
                "{}",
                kit.name
            );
        }
    }
}
