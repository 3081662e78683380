//! How a program's own messages look: on standard error, with the program's name in front,
//! as given in `argv[0]`, except in interactive mode.

use std::io::Write;

/// The line that `-v` prints. Scripts look for `Lua 5.4` in it and for its last words.
pub const VERSION: &str = concat!(
    "Perilune ",
    env!("CARGO_PKG_VERSION"),
    ", compatible with Lua 5.4.8 of Lua.org, PUC-Rio"
);

/// Prints messages under the program's name.
#[derive(Debug)]
pub struct Messages {
    program: Vec<u8>,
    named: bool,
}

impl Messages {
    /// Messages of the program called `program`, or `default` where the process was given no name
    /// or an empty one.
    pub fn new(program: Option<&[u8]>, default: &str) -> Self {
        let program = program
            .filter(|name| !name.is_empty())
            .unwrap_or(default.as_bytes());
        Messages {
            program: program.to_vec(),
            named: true,
        }
    }

    /// Leaves the program's name out, or puts it back.
    pub fn set_named(&mut self, named: bool) {
        self.named = named;
    }

    /// The program's name as text, for usage lines.
    pub fn program(&self) -> String {
        String::from_utf8_lossy(&self.program).into_owned()
    }

    /// Prints one message. A standard error that can't be written to is no reason to fail.
    pub fn print(&self, message: &[u8]) {
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
    pub fn print_raw(&self, text: &[u8]) {
        let mut stream = std::io::stderr().lock();
        stream.write_all(text).and_then(|()| stream.flush()).ok();
    }
}
