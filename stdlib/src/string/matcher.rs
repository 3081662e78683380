//! The matcher of compiled patterns.
//!
//! It backtracks by recursion, nested at most [`MAX_DEPTH`] deep as in PUC ("pattern too
//! complex"), and polls for interrupts, because a small pattern can take time exponential in its
//! length.
//!
//! Captures need no undoing when an attempt fails: whatever matches later has passed all their
//! parentheses again.

use super::pattern::{Ahead, CaptureKind, Node, PatternError, Program, Test};
use memchr::memchr;
use perilune_runtime::limit;

/// How deep attempts may nest.
const MAX_DEPTH: u32 = 200;

/// Steps between two polls: as many as the fuel of a poll stands for, so that work which ends before the
/// first poll costs as much for each step ([`Matching::unpaid_steps`]).
const STEPS_PER_POLL: usize = limit::POLL as usize * limit::MATCH_STEPS;

/// What [`Matcher::run`] returns when there is no match. (Positions are less than both.)
const NO_MATCH: usize = usize::MAX;
/// What [`Matcher::run`] returns when it set `failure`.
const FAILED: usize = usize::MAX - 1;

/// Why matching stopped without an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure<E> {
    /// The pattern is in error.
    Pattern(PatternError),
    /// The poll said so.
    Interrupted(E),
}

/// The value of a capture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Capture<'s> {
    /// A part of the subject.
    Text(&'s [u8]),
    /// A position, counted from 1.
    Position(i64),
}

/// A program, a subject, and the captures of the last match.
pub(crate) struct Matching<'s, 'p> {
    subject: &'s [u8],
    program: &'p Program,
    /// The bounds of the captures if they are few, ...
    few_captures: [(usize, usize); FEW],
    /// ... and if they are many.
    many_captures: Vec<(usize, usize)>,
    steps_left: usize,
}

/// How many captures need no memory of their own.
const FEW: usize = 4;

impl<'s, 'p> Matching<'s, 'p> {
    pub(crate) fn new(subject: &'s [u8], program: &'p Program) -> Self {
        let mut many_captures = Vec::new();
        if program.captures.len() > FEW {
            many_captures.resize(program.captures.len(), (0, 0));
        }
        Matching {
            subject,
            program,
            few_captures: [(0, 0); FEW],
            many_captures,
            steps_left: STEPS_PER_POLL,
        }
    }

    /// The first match at or after `start` that does not end at `last_end`: its bounds. An
    /// anchored pattern is tried at `start` only. `poll` is asked now and then whether to go on.
    pub(crate) fn find<E>(
        &mut self,
        mut start: usize,
        last_end: Option<usize>,
        poll: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<(usize, usize)>, Failure<E>> {
        let (subject, program) = (self.subject, self.program);
        let captures = if program.captures.len() <= FEW {
            &mut self.few_captures[..]
        } else {
            &mut self.many_captures[..]
        };
        let mut matcher = Matcher {
            subject,
            program,
            captures,
            steps_left: &mut self.steps_left,
            poll,
            failure: None,
        };
        let anchored = program.anchored;
        let first = program.ahead[0];
        while start <= subject.len() {
            if let (Ahead::Test(test), false) = (first, anchored) {
                match matcher.position_of(test, start) {
                    Some(position) => start = position,
                    None => return Ok(None),
                }
            }
            match matcher.run(start, 0, MAX_DEPTH) {
                NO_MATCH => {}
                FAILED => {
                    let failure = matcher.failure.take();
                    return Err(failure.unwrap_or(Failure::Pattern(PatternError::TooComplex)));
                }
                end if Some(end) == last_end => {}
                end => return Ok(Some((start, end))),
            }
            if anchored {
                break;
            }
            start += 1;
        }
        Ok(None)
    }

    /// What is matched.
    pub(crate) fn subject(&self) -> &'s [u8] {
        self.subject
    }

    /// Whether the pattern matches at one place only.
    pub(crate) fn is_anchored(&self) -> bool {
        self.program.anchored
    }

    /// Steps that no poll has stood for.
    pub(crate) fn unpaid_steps(&self) -> usize {
        STEPS_PER_POLL - self.steps_left
    }

    /// How many captures the pattern has.
    pub(crate) fn capture_count(&self) -> usize {
        self.program.captures.len()
    }

    fn bounds(&self, index: usize) -> (usize, usize) {
        if self.many_captures.is_empty() {
            self.few_captures[index]
        } else {
            self.many_captures[index]
        }
    }

    /// The part of the subject in `start..end`.
    pub(crate) fn text(&self, (start, end): (usize, usize)) -> &'s [u8] {
        &self.subject[start..end]
    }

    /// The value of capture `index` (from 0) after the match `start..end`; the whole match for
    /// index 0 if there are no captures.
    pub(crate) fn capture(
        &self,
        index: usize,
        (start, end): (usize, usize),
    ) -> Result<Capture<'s>, PatternError> {
        match self.program.captures.get(index) {
            None if index == 0 => Ok(Capture::Text(&self.subject[start..end])),
            None => Err(PatternError::InvalidCaptureIndex(index + 1)),
            Some(CaptureKind::Unfinished) => Err(PatternError::UnfinishedCapture),
            Some(CaptureKind::Position) => Ok(Capture::Position(self.bounds(index).0 as i64 + 1)),
            Some(CaptureKind::Text) => {
                let (start, end) = self.bounds(index);
                Ok(Capture::Text(&self.subject[start..end]))
            }
        }
    }
}

/// The state of one search.
struct Matcher<'m, 's, 'p, P, E> {
    subject: &'s [u8],
    program: &'p Program,
    captures: &'m mut [(usize, usize)],
    steps_left: &'m mut usize,
    poll: P,
    failure: Option<Failure<E>>,
}

impl<E, P: FnMut() -> Result<(), E>> Matcher<'_, '_, '_, P, E> {
    #[inline(always)]
    fn passes(&self, test: Test, position: usize) -> bool {
        match (self.subject.get(position), test) {
            (None, _) => false,
            (Some(_), Test::Any) => true,
            (Some(&byte), Test::Byte(wanted)) => byte == wanted,
            (Some(&byte), Test::Set(set)) => self.program.set(set).contains(byte),
        }
    }

    /// How many characters from `position` on pass `test`.
    fn span(&self, test: Test, position: usize) -> usize {
        let rest = &self.subject[position..];
        let failing = match test {
            Test::Any => None,
            Test::Byte(wanted) => rest.iter().position(|&byte| byte != wanted),
            Test::Set(set) => {
                let set = self.program.set(set);
                rest.iter().position(|&byte| !set.contains(byte))
            }
        };
        failing.unwrap_or(rest.len())
    }

    /// The first position at or after `position` whose character passes `test`.
    #[inline]
    fn position_of(&self, test: Test, position: usize) -> Option<usize> {
        let rest = &self.subject[position..];
        let passing = match test {
            Test::Any => (!rest.is_empty()).then_some(0),
            Test::Byte(wanted) => memchr(wanted, rest),
            Test::Set(set) => {
                let set = self.program.set(set);
                rest.iter().position(|&byte| set.contains(byte))
            }
        };
        passing.map(|offset| position + offset)
    }

    #[cold]
    fn fail(&mut self, failure: Failure<E>) -> usize {
        self.failure = Some(failure);
        FAILED
    }

    /// Counts `steps`; whether the poll said to stop.
    #[inline(always)]
    fn interrupted(&mut self, steps: usize) -> bool {
        if steps < *self.steps_left {
            *self.steps_left -= steps;
            return false;
        }
        self.ask_poll()
    }

    #[cold]
    fn ask_poll(&mut self) -> bool {
        *self.steps_left = STEPS_PER_POLL;
        match (self.poll)() {
            Ok(()) => false,
            Err(error) => {
                self.failure = Some(Failure::Interrupted(error));
                true
            }
        }
    }

    /// Matches the program from node `pc` on at `position`: the end of the match, [`NO_MATCH`] or
    /// [`FAILED`].
    fn run(&mut self, mut position: usize, mut pc: usize, mut depth: u32) -> usize {
        if depth == 0 {
            return self.fail(Failure::Pattern(PatternError::TooComplex));
        }
        if self.interrupted(1) {
            return FAILED;
        }
        depth -= 1;
        let program = self.program;
        loop {
            match program.nodes[pc] {
                Node::Match => return position,
                Node::One(test) => {
                    if !self.passes(test, position) {
                        return NO_MATCH;
                    }
                    position += 1;
                }
                Node::Optional(test) => {
                    if self.passes(test, position) {
                        match self.run(position + 1, pc + 1, depth) {
                            NO_MATCH => {}
                            result => return result,
                        }
                    }
                }
                Node::StarCommitted(test) => position += self.span(test, position),
                Node::PlusCommitted(test) => match self.span(test, position) {
                    0 => return NO_MATCH,
                    count => position += count,
                },
                node @ (Node::Star(test) | Node::Plus(test)) => {
                    let count = self.span(test, position);
                    let least = usize::from(matches!(node, Node::Plus(_)));
                    if count < least {
                        return NO_MATCH;
                    }
                    if program.ahead[pc + 1] == Ahead::Always || count == 0 {
                        position += count;
                    } else {
                        return self.expand_longest(position, least, count, pc + 1, depth);
                    }
                }
                Node::Lazy(test) => {
                    let always = program.ahead[pc + 1] == Ahead::Always;
                    if !always && self.passes(test, position) {
                        return self.expand_shortest(position, test, pc + 1, depth);
                    }
                }
                Node::Open(index) | Node::Position(index) => {
                    self.captures[usize::from(index)].0 = position;
                }
                Node::Close(index) => self.captures[usize::from(index)].1 = position,
                Node::Balance(open, close) => match self.balance(position, open, close) {
                    Some(end) => position = end,
                    None => return NO_MATCH,
                },
                Node::Frontier(set) => {
                    if !self.is_frontier(set, position) {
                        return NO_MATCH;
                    }
                }
                Node::Backreference(index) => match self.repeated(index, position) {
                    Some(end) => position = end,
                    None => return NO_MATCH,
                },
                Node::End => {
                    if position != self.subject.len() {
                        return NO_MATCH;
                    }
                }
                Node::Never => return NO_MATCH,
                Node::Error(error) => return self.fail(Failure::Pattern(error)),
            }
            pc += 1;
        }
    }

    /// Whether a run of members of `set` begins at `position`.
    fn is_frontier(&self, set: u32, position: usize) -> bool {
        let set = self.program.set(set);
        // Both ends of the subject count as a zero byte.
        let member = |index: Option<usize>| {
            let byte = index.and_then(|index| self.subject.get(index));
            set.contains(byte.copied().unwrap_or(0))
        };
        !member(position.checked_sub(1)) && member(Some(position))
    }

    /// The end of the text at `position` that equals capture `index`.
    fn repeated(&mut self, index: u8, position: usize) -> Option<usize> {
        let (start, end) = self.captures[usize::from(index)];
        let text = &self.subject[start..end];
        *self.steps_left = self.steps_left.saturating_sub(text.len() / 64);
        self.subject[position..]
            .starts_with(text)
            .then_some(position + text.len())
    }

    /// The end of the balanced text at `position`.
    fn balance(&mut self, position: usize, open: u8, close: u8) -> Option<usize> {
        if *self.subject.get(position)? != open {
            return None;
        }
        let mut depth = 1usize;
        for (index, &byte) in self.subject.iter().enumerate().skip(position + 1) {
            // The closing character is tried first: they may be the same.
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    return Some(index + 1);
                }
            } else if byte == open {
                depth += 1;
            }
        }
        // The whole rest was read for nothing: that must count.
        *self.steps_left = self
            .steps_left
            .saturating_sub((self.subject.len() - position) / 16);
        None
    }

    /// Tries the program from `pc` on after `count` repetitions, then after fewer.
    fn expand_longest(
        &mut self,
        position: usize,
        least: usize,
        count: usize,
        pc: usize,
        depth: u32,
    ) -> usize {
        if self.interrupted(count / 16) {
            return FAILED;
        }
        let ahead = self.program.ahead[pc];
        for repeated in (least..=count).rev() {
            let end = position + repeated;
            if let Ahead::Test(test) = ahead
                && !self.passes(test, end)
            {
                continue;
            }
            match self.run(end, pc, depth) {
                NO_MATCH => {}
                result => return result,
            }
        }
        NO_MATCH
    }

    /// Tries the program from `pc` on at `position`, then after more and more repetitions.
    fn expand_shortest(&mut self, mut position: usize, test: Test, pc: usize, depth: u32) -> usize {
        let ahead = self.program.ahead[pc];
        loop {
            if let Ahead::Test(wanted) = ahead {
                let from = position;
                position = if test == Test::Any {
                    match self.position_of(wanted, position) {
                        Some(found) => found,
                        None => self.subject.len(),
                    }
                } else {
                    let mut found = position;
                    while !self.passes(wanted, found) && self.passes(test, found) {
                        found += 1;
                    }
                    found
                };
                if self.interrupted((position - from) / 16) {
                    return FAILED;
                }
                if !self.passes(wanted, position) {
                    return NO_MATCH;
                }
            }
            match self.run(position, pc, depth) {
                NO_MATCH => {}
                result => return result,
            }
            if !self.passes(test, position) {
                return NO_MATCH;
            }
            position += 1;
        }
    }
}

#[cfg(test)]
#[path = "matcher_tests.rs"]
mod tests;
