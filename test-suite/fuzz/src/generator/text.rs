//! Lines of Lua text, indented as their nesting is. The reducer relies on that.

/// A text that grows line by line.
#[derive(Debug, Default)]
pub(crate) struct Text {
    lines: String,
    depth: usize,
}

impl Text {
    /// Adds lines, each indented as deep as the text is now.
    pub(crate) fn add(&mut self, lines: &str) {
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            self.lines.extend(std::iter::repeat_n("  ", self.depth));
            self.lines.push_str(line);
            self.lines.push('\n');
        }
    }

    /// Adds the head of a block.
    pub(crate) fn open(&mut self, head: &str) {
        self.add(head);
        self.depth += 1;
    }

    /// Ends a block.
    pub(crate) fn close(&mut self, tail: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.add(tail);
    }

    /// Ends a part of a block and begins the next (`else`).
    pub(crate) fn between(&mut self, line: &str) {
        self.close(line);
        self.depth += 1;
    }

    /// The whole text.
    pub(crate) fn finish(self) -> String {
        self.lines
    }
}
