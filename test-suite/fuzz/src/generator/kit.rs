//! Kits: the material of hot loops, written as Lua text with places to fill in.
//!
//! A kit belongs to one subject (fields of a record, methods, upvalues...). It is a paragraph
//! whose first line is `kit name`; each further line begins with a mark that says what it is, and
//! lines that begin with two spaces continue the line before:
//!
//! | Mark | Meaning |
//! |---|---|
//! | `\|` | set-up, before the loop; all of them are used, in order |
//! | `*` | a statement for the body of the loop; some are drawn |
//! | `!` | an event: what happens once, in the middle of the loop; one or two are drawn |
//! | `>` | an expression to print after the loop |
//! | `?` | a feature that the kit needs; see [`crate::oracle`] |
//!
//! A paragraph `probe name` is a piece of program to run once. In both, `$` stands for a number
//! that makes names unique (`$$` for a dollar sign), and `@word` for a random expression; the
//! words are in [`super::Generator::fill`]. In kits, `i` counts the iterations and `acc` is a
//! number that the loop keeps small.

/// A paragraph of a kit file.
#[derive(Debug, Default)]
pub(crate) struct Kit {
    /// What failures call it.
    pub(crate) name: &'static str,
    /// Features without which it is left out.
    pub(crate) needs: Vec<&'static str>,
    /// Text before the loop.
    pub(crate) setup: Vec<String>,
    /// Statements for the loop.
    pub(crate) body: Vec<String>,
    /// Things that happen in the middle.
    pub(crate) events: Vec<String>,
    /// Expressions to print at the end.
    pub(crate) results: Vec<String>,
    /// The text of a probe.
    pub(crate) probe: String,
}

/// The paragraphs of a file.
pub(crate) fn parse(text: &'static str) -> Vec<Kit> {
    text.split("\n\n")
        .filter_map(|paragraph| parse_paragraph(paragraph.trim_matches('\n')))
        .collect()
}

fn parse_paragraph(paragraph: &'static str) -> Option<Kit> {
    let mut lines = paragraph.lines().filter(|line| !line.starts_with("--"));
    let head = lines.next()?;
    let mut kit = Kit::default();
    if let Some(name) = head.strip_prefix("probe ") {
        kit.name = name;
        for line in lines {
            match line.strip_prefix("? ") {
                Some(feature) => kit.needs.push(feature),
                None => {
                    kit.probe.push_str(line);
                    kit.probe.push('\n');
                }
            }
        }
        return Some(kit);
    }
    kit.name = head.strip_prefix("kit ")?;
    let mut mark = ' ';
    for line in lines {
        if let Some(more) = line.strip_prefix("  ") {
            let list = kit.list(mark)?;
            let last = list.last_mut()?;
            last.push('\n');
            last.push_str(more);
            continue;
        }
        mark = line.chars().next()?;
        let rest = line.get(2..)?;
        match mark {
            '?' => kit.needs.push(rest),
            _ => kit.list(mark)?.push(rest.to_owned()),
        }
    }
    Some(kit)
}

impl Kit {
    fn list(&mut self, mark: char) -> Option<&mut Vec<String>> {
        match mark {
            '|' => Some(&mut self.setup),
            '*' => Some(&mut self.body),
            '!' => Some(&mut self.events),
            '>' => Some(&mut self.results),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn paragraphs_become_kits() {
        let kits =
            parse("-- comment\nkit a\n| x\n* y\n  z\n! e\n> r\n\nprobe b\n? slow\nprint(1)\n");
        assert_eq!(kits.len(), 2);
        assert_eq!((kits[0].name, kits[0].body[0].as_str()), ("a", "y\nz"));
        assert_eq!(
            (kits[1].needs[0], kits[1].probe.as_str()),
            ("slow", "print(1)\n")
        );
    }
}
