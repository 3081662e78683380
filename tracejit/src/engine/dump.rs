//! What the compiler tells of its traces (`-j dump=...`).

use super::{Engine, State};
use crate::ir::Ref;
use std::fmt::Write;

impl Engine {
    /// Adds text to the report.
    pub(super) fn tell(&self, text: &str) {
        self.options.report.add(text);
    }

    /// The exits of a trace: where the interpreter goes on, and from where it gets the slots, frames
    /// and objects that memory does not have.
    pub(super) fn tell_exits(&self, state: &State, number: u32, first: usize) {
        let trace = &state.traces[number as usize].trace;
        let mut text = format!("-- trace {}, exits\n", trace.number);
        for (number, exit) in state.exits.iter().enumerate().skip(first) {
            let snapshot = trace.snapshot(exit.snapshot);
            let mut places = state.values_of(exit).iter();
            let mut shown = |r: Ref| match trace.constant_of(r) {
                _ if r == Ref::NONE => "-".to_owned(),
                Some(constant) => format!("{:#x}", constant.bits()),
                None => match r.as_virtual() {
                    Some(number) => format!("o{number}"),
                    None => places.next().map_or("?".to_owned(), ToString::to_string),
                },
            };
            let _ = write!(
                text,
                "exit {number} (s{}): pc {:p}",
                exit.snapshot, snapshot.pc
            );
            if !snapshot.frames.is_empty() || snapshot.popped != 0 {
                let (popped, pushed) = (snapshot.popped, snapshot.frames.len());
                let _ = write!(text, ", {popped} frames popped, {pushed} pushed");
            }
            text.push('\n');
            for slot in snapshot.slots {
                let (tag, payload) = (shown(slot.tag), shown(slot.payload));
                let _ = writeln!(text, "    [{}] = {tag}:{payload}", slot.slot);
            }
            for object in snapshot.objects {
                let name = object.name.as_virtual().unwrap_or(0);
                let _ = write!(text, "    o{name} is {:?}:", object.kind);
                for &(tag, payload) in &object.fields {
                    let (tag, payload) = (shown(tag), shown(payload));
                    let _ = write!(text, " {tag}:{payload}");
                }
                text.push('\n');
            }
        }
        text.push('\n');
        self.tell(&text);
    }
}
