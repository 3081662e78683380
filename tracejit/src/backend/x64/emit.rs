//! Writes the instructions of a trace, one after the other, then its exits and constants.

use super::super::allocate::Allocation;
use super::super::{AssembledExit, Location, Refusal, Request};
use super::exits::Exits;
use super::moves::{Move, Source, sequence};
use super::{ANCHOR, Common, RAX, VM, XMM15};
use crate::ir::{Constant, End, Op, Ref, Trace, Type, USUAL_LENGTH, touch};
use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, VecAssembler, dynasm, x64::X64Relocation};
use perilune_runtime::gc::charge;
use perilune_runtime::layout;

/// The exits of machine code, which is [`Buffers::code`].
pub(super) struct Emitted {
    pub(super) exits: Vec<AssembledExit>,
    pub(super) values: Vec<Location>,
}

/// Bytes of machine code for an instruction: most traces take less.
const BYTES: usize = 24;

/// Memory in which code is written, to be used again for the next trace.
#[derive(Debug)]
pub(super) struct Buffers {
    /// Counts addresses from the code's start, wherever that will be.
    ops: VecAssembler<X64Relocation>,
    exits: Exits,
    floats: Vec<(u64, DynamicLabel)>,
    /// The finished code.
    pub(super) code: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Buffers {
        Buffers {
            ops: VecAssembler::new(0),
            exits: Exits::default(),
            floats: Vec::new(),
            code: Vec::new(),
        }
    }
}

impl Buffers {
    /// Buffers for usual traces.
    pub(super) fn usual() -> Buffers {
        let mut buffers = Buffers::default();
        buffers.ops.reserve_ops(BYTES * 2 * USUAL_LENGTH);
        touch(&mut buffers.code, BYTES * 2 * USUAL_LENGTH, || 0);
        buffers.floats.reserve(16);
        buffers.exits.reserve(2 * USUAL_LENGTH);
        buffers
    }

    /// Makes room for a trace.
    fn start(&mut self, trace: &Trace) {
        self.ops.reserve_ops(BYTES * trace.code.len());
        self.exits.start(trace);
        self.floats.clear();
        self.code.clear();
    }

    /// Gives back the memory of a long trace, and what an error has left.
    pub(super) fn trim(&mut self, most: usize) {
        if self.code.capacity() > 8 * most || self.code.is_empty() {
            *self = Buffers::default();
        }
    }

    /// Bytes that they take. What the assembler has is about as long as the code.
    pub(super) fn bytes(&self) -> usize {
        2 * charge::list::<u8>(self.code.capacity())
            + charge::list::<(u64, DynamicLabel)>(self.floats.capacity())
            + self.exits.bytes()
    }
}

/// The code generator at work on a trace.
pub(super) struct Emitter<'a> {
    pub(super) ops: &'a mut VecAssembler<X64Relocation>,
    pub(super) trace: &'a Trace,
    pub(super) allocation: &'a Allocation,
    pub(super) common: Common,
    pub(super) deopt: Option<(u32, *mut u32)>,
    pub(super) exits: &'a mut Exits,
    /// Where the code will run.
    pub(super) address: usize,
    /// Floats to be placed behind the code.
    floats: &'a mut Vec<(u64, DynamicLabel)>,
}

/// Makes the code of a trace for an address.
pub(super) fn emit(
    request: &Request,
    allocation: &Allocation,
    common: Common,
    address: usize,
    buffers: &mut Buffers,
) -> Result<Emitted, Refusal> {
    let trace = request.trace;
    buffers.start(trace);
    let Buffers {
        ops,
        exits,
        floats,
        code,
    } = buffers;
    let mut e = Emitter {
        ops,
        trace,
        allocation,
        common,
        deopt: request.deopt,
        exits,
        address,
        floats,
    };
    let start = e.ops.new_dynamic_label();
    dynasm!(e.ops ; .arch x64 ; =>start);
    e.enter(request.inherited)?;
    let head = e.ops.new_dynamic_label();
    let repeated = e.guard_at_head();
    for n in 0..trace.code.len() {
        if trace.code[n].op == Op::Loop {
            if repeated.is_none() {
                dynasm!(e.ops ; .align 16 ; =>head);
            }
        } else {
            e.instruction(n)?;
        }
        if repeated == Some(n) {
            dynasm!(e.ops ; .align 16 ; =>head);
        }
    }
    e.finish(request, head, start, repeated)?;
    e.stubs(request.first_exit);
    e.constants();
    code.extend(e.ops.drain().map_err(|_| Refusal::Malformed)?);
    e.exits.link(code);
    let (exits, values) = e.exits.assembled(trace, allocation, address)?;
    Ok(Emitted { exits, values })
}

impl Emitter<'_> {
    /// The place of a value.
    pub(super) fn place(&self, r: Ref) -> Option<Location> {
        r.as_instruction().and_then(|n| self.allocation.places[n])
    }

    /// What a ref is, as the source of a move.
    pub(super) fn source(&self, r: Ref) -> Result<Source, Refusal> {
        match self.trace.constant_of(r) {
            Some(constant) => Ok(Source::Constant(constant)),
            None => Ok(Source::Place(self.place(r).ok_or(Refusal::Malformed)?)),
        }
    }

    /// Values of the parent trace are moved from its places to this trace's.
    fn enter(&mut self, inherited: &[Location]) -> Result<(), Refusal> {
        let mut moves = Vec::new();
        let mut entered = false;
        for (n, i) in self.trace.code.iter().enumerate() {
            if !matches!(i.op, Op::InheritInt | Op::InheritFloat) {
                entered = true;
                continue;
            }
            // Values that come later than other code might have lost their places to it.
            if entered {
                return Err(Refusal::Malformed);
            }
            if let Some(to) = self.allocation.places[n] {
                let from = *inherited.get(i.imm as usize).ok_or(Refusal::Malformed)?;
                moves.push(Move {
                    to,
                    from: Source::Place(from),
                });
            }
        }
        self.move_all(moves);
        Ok(())
    }

    /// The guard at a loop's head that its end repeats, to jump back behind it: one jump less in a
    /// round.
    fn guard_at_head(&self) -> Option<usize> {
        let first = self.trace.loop_start()? + 1;
        let i = self.trace.code.get(first)?;
        let (Op::GuardNe, None) = (i.op, self.deopt) else {
            return None;
        };
        (self.trace.int_of(i.args[1]) == Some(0)).then_some(first)
    }

    /// What comes after the last instruction.
    fn finish(
        &mut self,
        request: &Request,
        head: DynamicLabel,
        start: DynamicLabel,
        repeated: Option<usize>,
    ) -> Result<(), Refusal> {
        match self.trace.end {
            End::Loop => {
                let mut moves = Vec::with_capacity(self.trace.phis.len());
                for phi in &self.trace.phis {
                    let Some(to) = self.place(phi.entry) else {
                        continue;
                    };
                    let from = self.source(phi.back)?;
                    moves.push(Move { to, from });
                }
                self.move_all(moves);
                let Some(guard) = repeated else {
                    dynasm!(self.ops ; jmp =>head);
                    return Ok(());
                };
                let i = self.trace.code[guard];
                self.compare(i.args[0], i.args[1])?;
                dynasm!(self.ops ; jne =>head);
                self.leave(i.snapshot);
            }
            End::Link { trace, base } => {
                if base != 0 {
                    let bytes = base * layout::VALUE_SIZE;
                    dynasm!(self.ops ; add Rq(ANCHOR), bytes);
                }
                if trace == self.trace.number {
                    dynasm!(self.ops ; jmp =>start);
                } else {
                    let entry = (request.entry_of)(trace).ok_or(Refusal::Malformed)?;
                    self.go_to(&[0xe9], entry as usize);
                }
            }
            End::Exit(snapshot) => {
                self.leave(snapshot);
            }
            End::Round(_) => return Err(Refusal::Malformed),
        }
        Ok(())
    }

    /// The label of a float constant in memory.
    pub(super) fn float_constant(&mut self, bits: u64) -> DynamicLabel {
        if let Some(&(_, label)) = self.floats.iter().find(|(known, _)| *known == bits) {
            return label;
        }
        let label = self.ops.new_dynamic_label();
        self.floats.push((bits, label));
        label
    }

    fn constants(&mut self) {
        if self.floats.is_empty() {
            return;
        }
        dynasm!(self.ops ; .align 8);
        for &(bits, label) in &*self.floats {
            dynasm!(self.ops ; =>label ; .u64 bits);
        }
    }

    /// Writes the bytes of a jump or call to code that lies elsewhere, and its distance.
    pub(super) fn go_to(&mut self, instruction: &[u8], target: usize) {
        self.ops.extend(instruction);
        let end = self.address + self.ops.offset().0 + 4;
        self.ops.push_u32(target.wrapping_sub(end) as u32);
    }

    /// Does moves that are meant to happen at once.
    pub(super) fn move_all(&mut self, moves: Vec<Move>) {
        let scratch = |place| match place {
            Location::Float(_) => Location::Float(XMM15),
            _ => Location::General(RAX),
        };
        for m in sequence(moves, scratch) {
            self.move_one(m.to, m.from);
        }
    }

    /// The offset of a spill slot from `rbp`.
    pub(super) fn spill(n: u16) -> i32 {
        let spills = std::mem::offset_of!(super::super::MachineState, spills) as i32;
        spills - super::trampoline::STATE + 8 * n as i32
    }

    /// Moves a value; changes `rcx` at most, and no flags.
    pub(super) fn move_one(&mut self, to: Location, from: Source) {
        use Location::{Float, General, Spill};
        match (to, from) {
            (_, Source::Constant(Constant::Vm)) => {
                self.move_one(to, Source::Place(General(VM)));
            }
            (General(to), Source::Constant(c)) => self.load_int(to, c.bits() as i64),
            (Float(to), Source::Constant(c)) => {
                let label = self.float_constant(c.bits());
                dynasm!(self.ops ; movsd Rx(to), [=>label]);
            }
            (Spill(to), Source::Constant(c)) => {
                let (bits, to) = (c.bits() as i64, Self::spill(to));
                if let Ok(bits) = i32::try_from(bits) {
                    dynasm!(self.ops ; mov QWORD [rbp + to], bits);
                } else {
                    self.load_int(super::RCX, bits);
                    dynasm!(self.ops ; mov [rbp + to], rcx);
                }
            }
            (General(to), Source::Place(General(from))) => {
                dynasm!(self.ops ; mov Rq(to), Rq(from));
            }
            (General(to), Source::Place(Spill(from))) => {
                dynasm!(self.ops ; mov Rq(to), [rbp + Self::spill(from)]);
            }
            (General(to), Source::Place(Float(from))) => {
                dynasm!(self.ops ; movq Rq(to), Rx(from));
            }
            (Float(to), Source::Place(Float(from))) => {
                dynasm!(self.ops ; movapd Rx(to), Rx(from));
            }
            (Float(to), Source::Place(Spill(from))) => {
                dynasm!(self.ops ; movsd Rx(to), [rbp + Self::spill(from)]);
            }
            (Float(to), Source::Place(General(from))) => {
                dynasm!(self.ops ; movq Rx(to), Rq(from));
            }
            (Spill(to), Source::Place(General(from))) => {
                dynasm!(self.ops ; mov [rbp + Self::spill(to)], Rq(from));
            }
            (Spill(to), Source::Place(Float(from))) => {
                dynasm!(self.ops ; movsd [rbp + Self::spill(to)], Rx(from));
            }
            (Spill(to), Source::Place(Spill(from))) => {
                dynasm!(self.ops
                    ; mov rcx, [rbp + Self::spill(from)]
                    ; mov [rbp + Self::spill(to)], rcx
                );
            }
        }
    }

    /// A register := a constant; changes no flags.
    pub(super) fn load_int(&mut self, to: u8, i: i64) {
        if let Ok(low) = u32::try_from(i) {
            dynasm!(self.ops ; mov Rd(to), low as i32);
        } else if let Ok(low) = i32::try_from(i) {
            dynasm!(self.ops ; mov Rq(to), low);
        } else {
            dynasm!(self.ops ; mov Rq(to), QWORD i);
        }
    }

    /// Whether anybody uses an instruction's result.
    pub(super) fn is_used(&self, n: usize) -> bool {
        self.trace.code[n].op.result() == Type::None || self.allocation.places[n].is_some()
    }
}
