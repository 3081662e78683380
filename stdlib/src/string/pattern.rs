//! Lua patterns (§6.4.1) compiled to a short program.
//!
//! A pattern is a plain sequence of items, so everything about captures but their positions is
//! known beforehand: how many are open at each item, which one a `)` closes, whether a back
//! reference is valid. A malformed item becomes a [`Node::Error`], because the error may only be
//! raised when the matcher gets there: `("b"):find("a%")` finds nothing, without an error.
//!
//! Invariants: the last node is `Match` or `Error`; `ahead` has one entry per node; indices into
//! `sets` are in range.

use super::byte_set::ByteSet;
use std::cell::RefCell;
use std::sync::Arc;

/// How many captures a pattern may have.
pub(crate) const MAX_CAPTURES: usize = 32;

/// What is wrong with a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PatternError {
    /// It ends with a lone `%`.
    EndsWithPercent,
    /// A set has no end.
    MissingBracket,
    /// `%b` without its two characters.
    MissingBalanceArguments,
    /// `%f` without a set.
    MissingFrontierSet,
    /// A reference to a capture that does not exist (yet).
    InvalidCaptureIndex(usize),
    /// A `)` that closes nothing.
    InvalidPatternCapture,
    /// More than [`MAX_CAPTURES`] captures.
    TooManyCaptures,
    /// The matcher would nest too deeply.
    TooComplex,
    /// A `(` that nothing closes.
    UnfinishedCapture,
}

impl PatternError {
    /// The error message.
    pub(crate) fn message(self) -> String {
        match self {
            Self::EndsWithPercent => "malformed pattern (ends with '%')".into(),
            Self::MissingBracket => "malformed pattern (missing ']')".into(),
            Self::MissingBalanceArguments => "malformed pattern (missing arguments to '%b')".into(),
            Self::MissingFrontierSet => "missing '[' after '%f' in pattern".into(),
            Self::InvalidCaptureIndex(index) => format!("invalid capture index %{index}"),
            Self::InvalidPatternCapture => "invalid pattern capture".into(),
            Self::TooManyCaptures => "too many captures".into(),
            Self::TooComplex => "pattern too complex".into(),
            Self::UnfinishedCapture => "unfinished capture".into(),
        }
    }
}

/// What a single character must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Test {
    /// Any character.
    Any,
    /// This one.
    Byte(u8),
    /// A member of this set of the program.
    Set(u32),
}

/// An item of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Node {
    /// One character.
    One(Test),
    /// `?`
    Optional(Test),
    /// `*`
    Star(Test),
    /// `+`
    Plus(Test),
    /// `-`
    Lazy(Test),
    /// `*` that never gives back: what follows begins with a character that it does not match.
    /// (`-` becomes this, too.)
    StarCommitted(Test),
    /// `+` that never gives back.
    PlusCommitted(Test),
    /// `(` of this capture.
    Open(u8),
    /// `()`, this capture.
    Position(u8),
    /// `)` of this capture.
    Close(u8),
    /// `%bxy`
    Balance(u8, u8),
    /// `%f[set]`
    Frontier(u32),
    /// `%1`
    Backreference(u8),
    /// A final `$`.
    End,
    /// Nothing matches this (a reference to a position capture).
    Never,
    /// The pattern matches.
    Match,
    /// The pattern is malformed here.
    Error(PatternError),
}

/// What is known about the subject if the pattern is to match from a node on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ahead {
    /// Nothing.
    Unknown,
    /// The next character passes this test.
    Test(Test),
    /// It will match, whatever follows.
    Always,
}

/// What a capture is once the pattern has matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CaptureKind {
    /// `(` without `)`: an error when its value is asked for.
    Unfinished,
    /// `()`
    Position,
    /// `(...)`
    Text,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Program {
    source: Box<[u8]>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) ahead: Vec<Ahead>,
    pub(crate) sets: Vec<ByteSet>,
    /// The captures, when the pattern has matched.
    pub(crate) captures: Vec<CaptureKind>,
    /// Whether it begins with an anchor.
    pub(crate) anchored: bool,
}

/// Whether a byte has a meaning of its own in patterns.
#[inline]
fn is_special(byte: u8) -> bool {
    matches!(
        byte,
        b'^' | b'$' | b'*' | b'+' | b'?' | b'.' | b'(' | b'[' | b'%' | b'-'
    )
}

/// Whether `pattern` matches only itself, so that a plain search will do.
#[inline]
pub(crate) fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|&byte| is_special(byte))
}

impl Program {
    /// Compiles `pattern`. Only if `may_anchor`, a `^` at its start is an anchor.
    pub(crate) fn compile(pattern: &[u8], may_anchor: bool) -> Program {
        let anchored = may_anchor && pattern.first() == Some(&b'^');
        let mut compiler = Compiler {
            pattern,
            position: usize::from(anchored),
            nodes: Vec::with_capacity(pattern.len() + 1),
            sets: Vec::new(),
            captures: Vec::new(),
        };
        loop {
            let node = compiler.item().unwrap_or_else(Node::Error);
            compiler.nodes.push(node);
            if matches!(node, Node::Match | Node::Error(_)) {
                break;
            }
        }
        let Compiler {
            mut nodes,
            sets,
            captures,
            ..
        } = compiler;
        let ahead = look_ahead(&mut nodes, &sets);
        Program {
            source: pattern.into(),
            nodes,
            ahead,
            sets,
            captures,
            anchored,
        }
    }

    /// The compiled form of `pattern` (with anchor), to be kept.
    pub(crate) fn shared(pattern: &[u8]) -> Arc<Program> {
        with_cached(pattern, Arc::clone)
    }

    /// Runs `function` with the compiled form of `pattern`
    /// (with anchor).
    #[inline]
    pub(crate) fn with<R>(pattern: &[u8], function: impl FnOnce(&Program) -> R) -> R {
        with_cached(pattern, |program| function(program))
    }

    /// How much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.source.len()
            + self.nodes.capacity() * size_of::<Node>()
            + self.ahead.capacity() * size_of::<Ahead>()
            + self.sets.capacity() * size_of::<ByteSet>()
    }

    /// At least as much as [`Program::bytes`] will be for a pattern of this length.
    pub(crate) fn most_bytes(length: usize) -> usize {
        // A vector that grows may be twice as large as it need be.
        let per_byte = 1 + size_of::<Node>() + size_of::<Ahead>() + 2 * size_of::<ByteSet>();
        length.saturating_mul(per_byte)
    }

    #[inline(always)]
    pub(crate) fn set(&self, index: u32) -> &ByteSet {
        &self.sets[index as usize]
    }
}

/// Programs of longer patterns are not kept, and large enough to ask for memory.
pub(crate) const LONGEST_CACHED: usize = 256;

const CACHE_SIZE: usize = 64;

thread_local! {
    // Compiling costs about as much as matching a short subject.
    static CACHE: RefCell<[Option<Arc<Program>>; CACHE_SIZE]> =
        const { RefCell::new([const { None }; CACHE_SIZE]) };
}

/// Runs `function` with the compiled form of `pattern`, from the cache if it was used lately.
#[inline]
fn with_cached<R>(pattern: &[u8], function: impl FnOnce(&Arc<Program>) -> R) -> R {
    if pattern.len() > LONGEST_CACHED {
        return function(&Arc::new(Program::compile(pattern, true)));
    }
    CACHE.with(|cache| {
        // An interrupt handler may match a pattern while another one is being matched.
        let Ok(mut cache) = cache.try_borrow_mut() else {
            return function(&Arc::new(Program::compile(pattern, true)));
        };
        let entry = &mut cache[hash(pattern) as usize % CACHE_SIZE];
        if entry
            .as_ref()
            .is_some_and(|program| *program.source != *pattern)
        {
            *entry = None;
        }
        function(entry.get_or_insert_with(|| Arc::new(Program::compile(pattern, true))))
    })
}

fn hash(pattern: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (chunks, rest) = pattern.as_chunks::<8>();
    let mut hash = pattern.len() as u64;
    for chunk in chunks {
        hash = (hash ^ u64::from_le_bytes(*chunk)).wrapping_mul(FACTOR);
    }
    let tail = rest
        .iter()
        .fold(0, |tail, &byte| tail << 8 | u64::from(byte));
    (hash ^ tail).wrapping_mul(FACTOR) >> 40
}

struct Compiler<'p> {
    pattern: &'p [u8],
    position: usize,
    nodes: Vec<Node>,
    sets: Vec<ByteSet>,
    captures: Vec<CaptureKind>,
}

impl Compiler<'_> {
    fn peek(&self, offset: usize) -> Option<u8> {
        self.pattern.get(self.position + offset).copied()
    }

    /// Compiles the next item.
    fn item(&mut self) -> Result<Node, PatternError> {
        match (self.peek(0), self.peek(1)) {
            (None, _) => Ok(Node::Match),
            (Some(b'('), Some(b')')) => {
                self.position += 2;
                self.open(CaptureKind::Position).map(Node::Position)
            }
            (Some(b'('), _) => {
                self.position += 1;
                self.open(CaptureKind::Unfinished).map(Node::Open)
            }
            (Some(b')'), _) => {
                self.position += 1;
                self.close().map(Node::Close)
            }
            (Some(b'$'), None) => {
                self.position += 1;
                Ok(Node::End)
            }
            (Some(b'%'), Some(b'b')) => self.balance(),
            (Some(b'%'), Some(b'f')) => self.frontier(),
            (Some(b'%'), Some(digit @ b'0'..=b'9')) => {
                self.position += 2;
                self.backreference(usize::from(digit - b'0'))
            }
            _ => self.single(),
        }
    }

    fn open(&mut self, kind: CaptureKind) -> Result<u8, PatternError> {
        if self.captures.len() >= MAX_CAPTURES {
            return Err(PatternError::TooManyCaptures);
        }
        self.captures.push(kind);
        Ok(self.captures.len() as u8 - 1)
    }

    fn close(&mut self) -> Result<u8, PatternError> {
        let open = |kind: &CaptureKind| *kind == CaptureKind::Unfinished;
        let index = self
            .captures
            .iter()
            .rposition(open)
            .ok_or(PatternError::InvalidPatternCapture)?;
        self.captures[index] = CaptureKind::Text;
        Ok(index as u8)
    }

    fn balance(&mut self) -> Result<Node, PatternError> {
        let (Some(open), Some(close)) = (self.peek(2), self.peek(3)) else {
            return Err(PatternError::MissingBalanceArguments);
        };
        self.position += 4;
        Ok(Node::Balance(open, close))
    }

    fn frontier(&mut self) -> Result<Node, PatternError> {
        self.position += 2;
        if self.peek(0) != Some(b'[') {
            return Err(PatternError::MissingFrontierSet);
        }
        let set = self.set()?;
        Ok(Node::Frontier(self.add_set(set)))
    }

    fn backreference(&mut self, number: usize) -> Result<Node, PatternError> {
        let kind = number.checked_sub(1).and_then(|i| self.captures.get(i));
        match kind {
            Some(CaptureKind::Text) => Ok(Node::Backreference(number as u8 - 1)),
            // A position has no text to match.
            Some(CaptureKind::Position) => Ok(Node::Never),
            Some(CaptureKind::Unfinished) | None => Err(PatternError::InvalidCaptureIndex(number)),
        }
    }

    fn single(&mut self) -> Result<Node, PatternError> {
        let test = self.test()?;
        let node = match self.peek(0) {
            Some(b'?') => Node::Optional(test),
            Some(b'*') => Node::Star(test),
            Some(b'+') => Node::Plus(test),
            Some(b'-') => Node::Lazy(test),
            _ => return Ok(Node::One(test)),
        };
        self.position += 1;
        Ok(node)
    }

    fn test(&mut self) -> Result<Test, PatternError> {
        match self.pattern[self.position] {
            b'%' => {
                let byte = self.peek(1).ok_or(PatternError::EndsWithPercent)?;
                self.position += 2;
                if byte.is_ascii_alphabetic() {
                    let set = ByteSet::escaped(byte);
                    Ok(Test::Set(self.add_set(set)))
                } else {
                    Ok(Test::Byte(byte))
                }
            }
            b'[' => {
                let set = self.set()?;
                Ok(Test::Set(self.add_set(set)))
            }
            byte => {
                self.position += 1;
                Ok(if byte == b'.' {
                    Test::Any
                } else {
                    Test::Byte(byte)
                })
            }
        }
    }

    fn add_set(&mut self, set: ByteSet) -> u32 {
        self.sets.push(set);
        self.sets.len() as u32 - 1
    }

    /// The position of the `]` that ends the set at `[`.
    fn set_end(&self) -> Result<usize, PatternError> {
        let mut position = self.position + 1;
        if self.pattern.get(position) == Some(&b'^') {
            position += 1;
        }
        // The first character belongs to the set even if it is a `]`.
        loop {
            let byte = self.pattern.get(position);
            position += match byte {
                None => return Err(PatternError::MissingBracket),
                Some(b'%') => 2,
                Some(_) => 1,
            };
            if self.pattern.get(position) == Some(&b']') {
                return Ok(position);
            }
        }
    }

    /// Reads a set and goes behind it.
    fn set(&mut self) -> Result<ByteSet, PatternError> {
        let end = self.set_end()?;
        let pattern = self.pattern;
        let mut position = self.position + 1;
        let negated = pattern[position] == b'^';
        position += usize::from(negated);
        let mut set = ByteSet::EMPTY;
        while position < end {
            let byte = pattern[position];
            if byte == b'%' {
                set = set.union(ByteSet::escaped(pattern[position + 1]));
                position += 2;
            } else if pattern[position + 1] == b'-' && position + 2 < end {
                set = set.union(ByteSet::range(byte, pattern[position + 2]));
                position += 3;
            } else {
                set = set.with(byte);
                position += 1;
            }
        }
        self.position = end + 1;
        Ok(if negated { set.complement() } else { set })
    }
}

/// Computes what each node knows about the subject, and commits the repetitions that need not
/// give anything back.
fn look_ahead(nodes: &mut [Node], sets: &[ByteSet]) -> Vec<Ahead> {
    let mut ahead = vec![Ahead::Unknown; nodes.len()];
    let mut next = Ahead::Unknown;
    for (index, node) in nodes.iter_mut().enumerate().rev() {
        let committed = |test| matches!(next, Ahead::Test(other) if disjoint(test, other, sets));
        match *node {
            Node::Star(test) | Node::Lazy(test) if committed(test) => {
                *node = Node::StarCommitted(test);
            }
            Node::Plus(test) if committed(test) => *node = Node::PlusCommitted(test),
            _ => {}
        }
        next = match *node {
            Node::One(test) | Node::Plus(test) | Node::PlusCommitted(test) => Ahead::Test(test),
            Node::Match => Ahead::Always,
            Node::Open(_) | Node::Close(_) | Node::Position(_) => next,
            _ => Ahead::Unknown,
        };
        ahead[index] = next;
    }
    ahead
}

fn disjoint(a: Test, b: Test, sets: &[ByteSet]) -> bool {
    match (a, b) {
        (Test::Any, _) | (_, Test::Any) => false,
        (Test::Byte(a), Test::Byte(b)) => a != b,
        (Test::Byte(byte), Test::Set(set)) | (Test::Set(set), Test::Byte(byte)) => {
            !sets[set as usize].contains(byte)
        }
        (Test::Set(a), Test::Set(b)) => sets[a as usize].is_disjoint(&sets[b as usize]),
    }
}
