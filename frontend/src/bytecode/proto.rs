//! What the compiler makes of a function: code, constants, inner functions and debug information.
//!
//! A [`Proto`] is plain data without values or garbage collection; the runtime turns it into its
//! own object. Invariants (checked by `verify.rs` for protos that come from outside):
//! every register operand is below `max_stack`, every constant, upvalue and inner function index
//! exists, every jump lands on the first word of an instruction, control never runs off the end.

use std::rc::Rc;

/// A function prototype.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proto {
    /// The chunk's name as given to `load` (`@file`, `=name` or the text); `None` when stripped.
    pub source: Option<Rc<[u8]>>,
    /// The line of `function`; 0 for a main chunk.
    pub line_defined: u32,
    /// The line of `end`; 0 for a main chunk.
    pub last_line_defined: u32,
    /// How many named parameters it has.
    pub num_params: u8,
    /// Whether it takes `...`.
    pub is_vararg: bool,
    /// How many registers it needs (at least 2, at most 255).
    pub max_stack: u8,
    /// The instructions and their extra words.
    pub code: Vec<u64>,
    /// The constants.
    pub constants: Vec<Constant>,
    /// The inner functions. (Boxed: the runtime keeps each on its own.)
    #[allow(clippy::vec_box, reason = "a proto stays where it is")]
    pub protos: Vec<Box<Proto>>,
    /// The upvalues; for a main chunk exactly `_ENV`.
    pub upvalues: Vec<Upvalue>,
    /// Lines of the code words; empty when stripped.
    pub lines: LineTable,
    /// The local variables in order of `start_pc`; empty when stripped.
    pub locals: Vec<LocalVariable>,
}

/// A constant of a function.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// `nil`
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string.
    String(Rc<[u8]>),
}

/// An upvalue of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upvalue {
    /// Its name; `None` when stripped.
    pub name: Option<Rc<[u8]>>,
    /// Whether `index` is a register of the enclosing function (which holds a cell) or the index
    /// of one of its upvalues.
    pub in_stack: bool,
    /// Register or upvalue index in the enclosing function.
    pub index: u8,
    /// Whether the variable is never assigned after its declaration.
    pub is_constant: bool,
}

/// A local variable's name and scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalVariable {
    /// Its name; internal ones are in parentheses, as in PUC (`(for state)`).
    pub name: Rc<[u8]>,
    /// The first word of the scope.
    pub start_pc: u32,
    /// The first word after the scope.
    pub end_pc: u32,
    /// Its register.
    pub register: u8,
    /// Whether its register holds a cell (an inner function captures it).
    pub is_cell: bool,
}

/// The line of every code word, as runs: `(first word, line)`, by increasing first word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineTable {
    /// The runs.
    pub runs: Vec<(u32, u32)>,
}

impl LineTable {
    /// The line of word `pc`; `None` when there is no information.
    pub fn line(&self, pc: usize) -> Option<u32> {
        let after = self
            .runs
            .partition_point(|&(start, _)| start as usize <= pc);
        after.checked_sub(1).map(|run| self.runs[run].1)
    }

    /// Forgets the lines of words from `pc` on.
    pub fn truncate(&mut self, pc: u32) {
        while self.runs.last().is_some_and(|run| run.0 >= pc) {
            self.runs.pop();
        }
    }

    /// Gives the words from `from` up to `to` the line of word `to`.
    pub fn join(&mut self, from: u32, to: u32) {
        let first = self.runs.partition_point(|run| run.0 < from);
        let last = self.runs.partition_point(|run| run.0 <= to);
        if last > first {
            self.runs[last - 1].0 = from;
            self.runs.drain(first..last - 1);
        }
        // Neighbours differ.
        if let [.., before, joined] = &self.runs[..self.runs.len().min(first + 1)]
            && before.1 == joined.1
        {
            self.runs.remove(first);
        }
    }

    /// Appends that words from `pc` on belong to `line`. `pc` must not be below earlier ones.
    pub fn push(&mut self, pc: u32, line: u32) {
        match self.runs.last_mut() {
            Some(last) if last.1 == line => {}
            Some(last) if last.0 == pc => last.1 = line,
            _ => self.runs.push((pc, line)),
        }
    }
}

impl Proto {
    /// The name of the local that lives in `register` at word `pc`.
    pub fn local_name(&self, register: u8, pc: usize) -> Option<&LocalVariable> {
        self.locals.iter().find(|l| {
            l.register == register && (l.start_pc as usize) <= pc && pc < l.end_pc as usize
        })
    }
}
