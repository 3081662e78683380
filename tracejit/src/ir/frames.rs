//! Checks that there is room for the frames of every exit: a guard before it has compared the
//! machine's frame pointer with its limit, far enough up.
//!
//! Heights are counted in frames from the topmost one that memory has at the trace's start, or
//! after its last residual step.

use super::{Class, End, Instruction, Op, Ref, Snapshot, Trace};
use perilune_runtime::layout;
use rustc_hash::FxHashMap;

/// Checks the exits of a trace, which begins with so many frames more than memory has.
///
/// # Errors
/// Names the exit that may have too many frames.
pub fn verify_frames(trace: &Trace, at_start: i32) -> Result<(), String> {
    let mut frames = Frames {
        trace,
        heights: FxHashMap::default(),
        top: 0,
        checked: at_start.max(0),
    };
    for (n, i) in trace.code.iter().enumerate() {
        if i.op.has_snapshot() {
            frames.exit(trace.snapshots.get(i.snapshot))?;
        }
        frames.instruction(n, i);
    }
    match trace.end {
        End::Exit(snapshot) | End::Round(snapshot) => frames.exit(trace.snapshots.get(snapshot)),
        End::Loop | End::Link { .. } => Ok(()),
    }
}

/// By how many frames a snapshot has more than memory.
pub fn height(snapshot: Snapshot) -> i32 {
    snapshot.frames.len() as i32 - snapshot.popped as i32
}

struct Frames<'a> {
    trace: &'a Trace,
    /// The heights to which values point.
    heights: FxHashMap<Ref, i32>,
    /// The height of the machine's frame pointer.
    top: i32,
    /// The height up to which there is room.
    checked: i32,
}

impl Frames<'_> {
    fn exit(&self, snapshot: Snapshot) -> Result<(), String> {
        let needed = self.top + height(snapshot);
        if needed > self.checked {
            let (pc, checked) = (snapshot.pc, self.checked);
            return Err(format!(
                "the exit at {pc:?} has {needed} frames more, and there is room for {checked}"
            ));
        }
        Ok(())
    }

    fn instruction(&mut self, n: usize, i: &Instruction) {
        let [a, b, _] = i.args;
        match i.op {
            Op::Load64 if i.class == Class::FrameTop => {
                self.heights.insert(Ref::instruction(n), self.top);
            }
            Op::Store64 if i.class == Class::FrameTop => {
                if let Some(&height) = self.heights.get(&b) {
                    self.top = height;
                }
            }
            Op::Add => {
                let base = self.heights.get(&a).copied();
                if let (Some(base), Some(bytes)) = (base, self.trace.int_of(b)) {
                    let frames = bytes as i32 / layout::FRAME_SIZE;
                    self.heights.insert(Ref::instruction(n), base + frames);
                }
            }
            Op::GuardBelow => {
                if let (Some(&height), true) = (self.heights.get(&a), self.is_limit(b)) {
                    self.checked = self.checked.max(height + 1);
                }
            }
            Op::Step => {
                self.heights.clear();
                (self.top, self.checked) = (0, 0);
            }
            _ => {}
        }
    }

    fn is_limit(&self, r: Ref) -> bool {
        r.as_instruction().is_some_and(|n| {
            let i = &self.trace.code[n];
            i.class == Class::Machine && i.imm == layout::VM_FRAME_LIMIT
        })
    }
}
