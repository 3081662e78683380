//! Platforms without a code generator: everything runs interpreted.

use super::{Assembled, DoStep, Refusal, Request, Restore, Trampoline};

/// A code generator that is never made.
#[derive(Debug)]
pub enum Backend {}

impl Backend {
    /// Always refused.
    pub fn new(_limit: usize, _restore: Restore, _step: DoStep) -> Result<Backend, Refusal> {
        Err(Refusal::Full)
    }
    /// See the other platforms' code generators.
    pub fn trampoline(&self) -> Trampoline {
        match *self {}
    }
    /// See the other platforms' code generators.
    pub fn assemble(&mut self, _request: &Request) -> Result<Assembled, Refusal> {
        match *self {}
    }
    /// See the other platforms' code generators.
    ///
    /// # Safety
    /// None can be broken: there is no code generator.
    pub unsafe fn patch(&mut self, _stub: usize, _entry: *const u8) {
        match *self {}
    }
    /// See the other platforms' code generators.
    pub fn flush(&mut self) {
        match *self {}
    }
    /// See the other platforms' code generators.
    pub fn bytes(&self) -> usize {
        match *self {}
    }
    /// See the other platforms' code generators.
    pub fn code(&self, _entry: *const u8, _bytes: usize) -> &[u8] {
        match *self {}
    }
}
