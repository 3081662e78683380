//! What traces mean: an evaluator that runs them in a made-up [`World`] and notes everything that
//! the rest of the program could see.
//!
//! Two traces mean the same if in every world they have the same effects, in the same order, and
//! come to the same end with the same state. The optimiser is tested by that.
//!
//! Visible are: memory and live slots at each step, memory and operands at each call of a helper
//! that writes, and where and with which state the trace is left.

use super::compute::{holds, pure, pure_helper};
use super::fresh::{self, New};
use super::helper::HelperEffect;
use super::world::{VM, World};
use super::{
    Class, Constant, End, Helper, Instruction, Op, PendingFrame, Ref, Snapshot, Trace, Type,
    VirtualKind, VirtualObject,
};
use perilune_runtime::layout;
use std::collections::BTreeMap;

/// State that others see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Visible {
    /// Slots that differ from what they were at the start, counted from the first anchor.
    pub slots: BTreeMap<i64, (u8, u64)>,
    /// Memory that differs from what it was: class and address.
    pub memory: BTreeMap<(u8, u64), u64>,
}

/// What others see of a trace while it runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The step with this index was done.
    Step(i32, Visible),
    /// A helper was called with these operands.
    Call(Helper, Vec<u64>, BTreeMap<(u8, u64), u64>),
}

/// A state at which the interpreter goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exit {
    /// The instruction.
    pub pc: *const u64,
    /// From the first anchor to the base.
    pub base: i64,
    /// Frames that are not there any more.
    pub popped: u32,
    /// Frames that are not in memory.
    pub frames: Vec<PendingFrame>,
    /// Slots and memory.
    pub state: Visible,
}

/// How a trace was left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Through a snapshot.
    Exit(Exit),
    /// After the step with this index, which went otherwise than recorded.
    Left(i32),
    /// To another trace, at the slot that becomes its anchor.
    Link(u32, i64, Visible),
    /// It ran for as many rounds as were allowed.
    Endless,
    /// The instruction with this index divided by zero, or is none that can be evaluated.
    Undefined(usize),
}

/// What a trace did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// In order.
    pub events: Vec<Event>,
    /// At last.
    pub outcome: Outcome,
    /// The states through which guards that held would have left, each with the number of events
    /// before it; only if they were asked for.
    pub passed: Vec<(usize, Exit)>,
}

/// Runs a trace for at most so many rounds.
pub fn run(trace: &Trace, world: World, rounds: u32, keep_passed: bool) -> Run {
    let mut evaluator = Evaluator {
        trace,
        world,
        values: vec![0; trace.code.len()],
        anchor: 0,
        events: Vec::new(),
        passed: Vec::new(),
        keep_passed,
    };
    let outcome = evaluator.run(rounds);
    Run {
        events: evaluator.events,
        outcome,
        passed: evaluator.passed,
    }
}

struct Evaluator<'a> {
    trace: &'a Trace,
    world: World,
    values: Vec<u64>,
    /// From the first anchor to the present one.
    anchor: i64,
    events: Vec<Event>,
    passed: Vec<(usize, Exit)>,
    keep_passed: bool,
}

impl Evaluator<'_> {
    fn run(&mut self, rounds: u32) -> Outcome {
        let (mut start, mut begun) = (0, 1);
        loop {
            for n in start..self.trace.code.len() {
                // A round begins at the loop's head, too.
                begun += u32::from(self.trace.code[n].op == Op::Loop);
                if begun > rounds {
                    return Outcome::Endless;
                }
                if let Some(outcome) = self.instruction(n) {
                    return outcome;
                }
            }
            start = match self.trace.end {
                End::Exit(snapshot) => return Outcome::Exit(self.exit(snapshot)),
                End::Loop => self.go_round(),
                End::Round(snapshot) => {
                    begun += 1;
                    self.restore(snapshot);
                    0
                }
                End::Link { trace, base } => {
                    self.anchor += i64::from(base);
                    if trace != self.trace.number {
                        let state = self.visible(|_| true);
                        return Outcome::Link(trace, self.anchor, state);
                    }
                    begun += 1;
                    0
                }
            }
        }
    }

    /// Back to the loop's head: all phis at once.
    fn go_round(&mut self) -> usize {
        let phis = &self.trace.phis;
        let next: Vec<u64> = phis.iter().map(|phi| self.value(phi.back)).collect();
        for (phi, next) in phis.iter().zip(next) {
            if let Some(n) = phi.entry.as_instruction() {
                self.values[n] = next;
            }
        }
        self.trace.loop_start().unwrap_or(0)
    }

    fn value(&self, r: Ref) -> u64 {
        match (r.as_instruction(), self.trace.constant_of(r)) {
            (Some(n), _) => self.values[n],
            (None, Some(Constant::Vm)) => VM,
            (None, Some(constant)) => constant.bits(),
            (None, None) => 0,
        }
    }

    /// Does one instruction; the outcome, if the trace is left.
    fn instruction(&mut self, n: usize) -> Option<Outcome> {
        let i = &self.trace.code[n];
        let [a, b, c] = i.args.map(|r| self.value(r));
        let slot = self.anchor + i64::from(i.imm);
        match i.op {
            Op::InheritInt | Op::InheritFloat => {
                let is_float = i.op.result() == Type::Float;
                self.values[n] = self.world.inherited(i.imm, is_float);
            }
            Op::SlotTag => self.values[n] = u64::from(self.world.slot(slot).0),
            Op::SlotInt | Op::SlotFloat => self.values[n] = self.world.slot(slot).1,
            Op::StoreSlotTag => {
                let (_, payload) = self.world.slot(slot);
                self.world.set_slot(slot, a as u8, payload);
            }
            Op::StoreSlotInt | Op::StoreSlotFloat => {
                let (tag, _) = self.world.slot(slot);
                self.world.set_slot(slot, tag, a);
            }
            Op::CallInt | Op::CallFloat => match self.call(i, [a, b, c]) {
                Some(result) => self.values[n] = result,
                None => return Some(Outcome::Undefined(n)),
            },
            Op::GuardStack => {
                let end = self.anchor * 16 + i64::from(i.imm);
                return self.guard(i, end <= self.world.stack_limit());
            }
            Op::GuardQuiet => {
                let is_quiet = self.world.is_quiet();
                return self.guard(i, is_quiet);
            }
            Op::GuardPaid => {
                let is_paid = self.world.pay();
                return self.guard(i, is_paid);
            }
            Op::GuardFuel => {
                let is_there = self.world.burn(i.imm);
                return self.guard(i, is_there);
            }
            Op::Step => {
                self.world.go_on();
                return self.step(i);
            }
            // What barriers do is the collector's.
            Op::Loop | Op::BarrierBack | Op::BarrierForward => {}
            op if op.is_guard() => return self.guard(i, holds(op, a, b).unwrap_or(false)),
            op => match address(i, a, b) {
                Some(address) if op.result() == Type::None => {
                    let value = if is_element(op) { c } else { b };
                    self.world.store(i.class, address, value, mask(op));
                }
                Some(address) => {
                    self.values[n] = self.world.load(i.class, address) & mask(op);
                }
                None => match pure(op, a, b) {
                    Some(result) => self.values[n] = result,
                    None => return Some(Outcome::Undefined(n)),
                },
            },
        }
        None
    }

    fn guard(&mut self, i: &Instruction, holds: bool) -> Option<Outcome> {
        if !holds {
            return Some(Outcome::Exit(self.exit(i.snapshot)));
        }
        if self.keep_passed {
            let exit = self.exit(i.snapshot);
            self.passed.push((self.events.len(), exit));
        }
        None
    }

    fn call(&mut self, i: &Instruction, [a, b, c]: [u64; 3]) -> Option<u64> {
        let helper = i.helper()?;
        if helper.effect() == HelperEffect::Pure {
            return pure_helper(helper, a, b);
        }
        if helper.effect() == HelperEffect::FindsNode {
            let place = a ^ b.rotate_left(48) ^ c.rotate_left(24);
            return Some(self.world.load(Class::Node, place));
        }
        if helper.effect() == HelperEffect::Allocates {
            return Some(match New::of(helper, a, b) {
                Some(new) => self.world.allocate(new),
                None => self.world.make_string(i.imm as u64, [a, b, c]),
            });
        }
        let changes_shape = matches!(
            helper.effect(),
            HelperEffect::AddsField | HelperEffect::GivesShape
        );
        // What becomes of an object that the trace has made is seen where the object is.
        let is_own = self.world.is_fresh(a) && (changes_shape || helper == Helper::ExtendList);
        if !is_own {
            let mut operands = vec![a, b, c];
            let (_, memory) = self.world.visible(&mut operands, |_| false);
            self.events.push(Event::Call(helper, operands, memory));
        }
        Some(match helper {
            Helper::AddSlot => self.world.add_slot(a, b).into(),
            Helper::GiveShape => {
                self.world.give_shape(a, b);
                1
            }
            Helper::ExtendList if is_own => self.world.extend_list(a, b, c).into(),
            _ => self.world.append(a),
        })
    }

    fn step(&mut self, i: &Instruction) -> Option<Outcome> {
        let step = self.trace.steps.get(i.imm as usize)?;
        let snapshot = self.trace.snapshots.get(i.snapshot);
        let anchor = self.anchor;
        let state = self.visible(|slot| snapshot.is_live((slot - anchor) as i32));
        self.events.push(Event::Step(i.imm, state));
        let goes_on = self.world.goes_on();
        if step.leaves_thread {
            // Slots are those of another stack: none is what it was.
            self.world
                .step(anchor, (i32::MIN, i32::MAX), &snapshot.at.live);
        } else {
            self.world.step(anchor, step.clobbers, &snapshot.at.live);
        }
        (!goes_on).then_some(Outcome::Left(i.imm))
    }

    fn visible(&self, counts: impl Fn(i64) -> bool) -> Visible {
        let (slots, memory) = self.world.visible(&mut [], counts);
        Visible { slots, memory }
    }

    /// Brings what a snapshot says into memory.
    fn restore(&mut self, snapshot: u32) {
        let snapshot = self.trace.snapshots.get(snapshot);
        let made = self.make_objects(snapshot);
        let value = |evaluator: &Self, r| made.get(&r).copied().unwrap_or(evaluator.value(r));
        for slot in snapshot.slots {
            let place = self.anchor + i64::from(slot.slot);
            let payload = match slot.payload {
                Ref::NONE => self.world.slot(place).1,
                r => value(self, r),
            };
            let tag = self.value(slot.tag) as u8;
            self.world.set_slot(place, tag, payload);
        }
    }

    /// Makes the virtual objects of a snapshot; where each of them is.
    fn make_objects(&mut self, snapshot: Snapshot) -> BTreeMap<Ref, u64> {
        let mut made = BTreeMap::new();
        for object in snapshot.objects {
            let new = match object.kind {
                VirtualKind::Table { shape, items } => {
                    let (slots, items) = (object.fields.len() as u64, u64::from(items));
                    New::Record(shape.into(), slots - items, items)
                }
                VirtualKind::Cell => New::Cell(0, 0),
                VirtualKind::Closure(proto) => New::Closure(self.value(proto)),
            };
            made.insert(object.name, self.world.make(new));
        }
        for object in snapshot.objects {
            let at = made[&object.name];
            for (n, &(tag, payload)) in object.fields.iter().enumerate() {
                let tag = self.value(tag);
                let payload = made.get(&payload).copied().unwrap_or(self.value(payload));
                self.fill(object, at, n, tag, payload);
            }
        }
        made
    }

    /// Gives an object one of its fields.
    fn fill(&mut self, object: &VirtualObject, at: u64, n: usize, tag: u64, payload: u64) {
        let at_offset = |offset: i32| at + offset as u64;
        let tag_of = |value: u64| value + layout::VALUE_TAG as u64;
        let n = n as u64;
        let (class, place, tag_class, tag_place) = match object.kind {
            VirtualKind::Table { items, .. } => {
                let slots = object.fields.len() as u64 - u64::from(items);
                match n.checked_sub(slots) {
                    Some(n) => {
                        let (tags, payloads) = (at + fresh::TAGS, at + fresh::PAYLOADS);
                        (
                            Class::Element,
                            payloads + 8 * n,
                            Class::ElementTag,
                            tags + n,
                        )
                    }
                    None => {
                        let value = at + fresh::SLOTS + n * layout::VALUE_SIZE as u64;
                        (Class::Record, value, Class::Record, tag_of(value))
                    }
                }
            }
            VirtualKind::Cell => {
                let value = at_offset(layout::CELL_VALUE);
                (Class::Cell, value, Class::Cell, tag_of(value))
            }
            VirtualKind::Closure(_) => {
                let place = at_offset(layout::CLOSURE_UPVALUES) + 8 * n;
                return self.world.store(Class::Upvalue, place, payload, u64::MAX);
            }
        };
        self.world.store(class, place, payload, u64::MAX);
        self.world.store(tag_class, tag_place, tag, u64::MAX);
    }

    /// The state through a snapshot. The trace may go on afterwards.
    fn exit(&mut self, snapshot: u32) -> Exit {
        let s = self.trace.snapshots.get(snapshot);
        let before = self.world.clone();
        self.restore(snapshot);
        let anchor = self.anchor;
        let exit = Exit {
            pc: s.pc,
            base: anchor + i64::from(s.base),
            popped: s.popped,
            frames: s.frames.clone(),
            state: self.visible(|slot| s.is_live((slot - anchor) as i32)),
        };
        self.world = before;
        exit
    }
}

/// The address of a load or store.
pub fn address(i: &Instruction, a: u64, b: u64) -> Option<u64> {
    let width = match i.op {
        Op::Load8At | Op::Store8At => 1,
        Op::Load64At | Op::LoadFloatAt | Op::Store64At | Op::StoreFloatAt => 8,
        _ if i.class == Class::None => return None,
        _ => 0,
    };
    Some(
        a.wrapping_add(b.wrapping_mul(width))
            .wrapping_add(i.imm as u64),
    )
}

/// Whether a load or store is of an element, by its index.
fn is_element(op: Op) -> bool {
    use Op::{Load8At, Load64At, LoadFloatAt, Store8At, Store64At, StoreFloatAt};
    matches!(
        op,
        Load8At | Load64At | LoadFloatAt | Store8At | Store64At | StoreFloatAt
    )
}

/// The bits that a load or store moves.
fn mask(op: Op) -> u64 {
    match op {
        Op::Load8 | Op::Load8At | Op::Store8 | Op::Store8At => 0xff,
        Op::Load32 | Op::Store32 => 0xffff_ffff,
        _ => u64::MAX,
    }
}

/// Whether a trace does what another one does; else, what differs. With `may_leave_early` it may
/// also be left at a state through which the other passes.
///
/// # Errors
/// Says what differs.
pub fn agree(before: &Run, after: &Run, may_leave_early: bool) -> Result<(), String> {
    let differing = before.events.iter().zip(&after.events);
    if let Some((n, (x, y))) = differing.enumerate().find(|(_, (x, y))| x != y) {
        return Err(format!("event {n}: {x:?}\n became {y:?}"));
    }
    if before.events.len() == after.events.len() && before.outcome == after.outcome {
        return Ok(());
    }
    if let (true, Outcome::Exit(exit)) = (may_leave_early, &after.outcome) {
        let here = after.events.len();
        if before.passed.iter().any(|(n, e)| *n == here && e == exit) {
            return Ok(());
        }
    }
    Err(format!(
        "after {} events {:?}\n became after {} events {:?}",
        before.events.len(),
        before.outcome,
        after.events.len(),
        after.outcome
    ))
}
