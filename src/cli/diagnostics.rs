//! How the program's own messages look: on standard error, with the program's name in front,
//! as given in `argv[0]`, except in interactive mode.

use std::io::Write;

/// The line that `-v` prints. Scripts look for `Lua 5.4` in it and for its last words.
pub(crate) const VERSION: &str = concat!(
    "Perilune ",
    env!("CARGO_PKG_VERSION"),
    ", compatible with Lua 5.4.8 of Lua.org, PUC-Rio"
);

/// The name used where the process was given none.
const DEFAULT_NAME: &str = "perilune";

/// Prints messages under the program's name.
pub(crate) struct Messages {
    program: Vec<u8>,
    named: bool,
}

impl Messages {
    /// Messages of the program called `program`; an empty name counts as none.
    pub(crate) fn new(program: Option<&[u8]>) -> Self {
        let program = program
            .filter(|name| !name.is_empty())
            .unwrap_or(DEFAULT_NAME.as_bytes());
        Messages {
            program: program.to_vec(),
            named: true,
        }
    }

    /// Leaves the program's name out, or puts it back.
    pub(crate) fn set_named(&mut self, named: bool) {
        self.named = named;
    }

    /// The program's name as text, for usage lines.
    pub(crate) fn program(&self) -> String {
        String::from_utf8_lossy(&self.program).into_owned()
    }

    /// Prints one message. A standard error that can't be written to is no reason to fail.
    pub(crate) fn print(&self, message: &[u8]) {
        let mut line = Vec::new();
        if self.named {
            line.extend_from_slice(&self.program);
            line.extend_from_slice(b": ");
        }
        line.extend_from_slice(message);
        line.push(b'\n');
        self.print_raw(&line);
    }

    /// Prints text as it is.
    pub(crate) fn print_raw(&self, text: &[u8]) {
        let mut stream = std::io::stderr().lock();
        stream.write_all(text).and_then(|()| stream.flush()).ok();
    }
}
