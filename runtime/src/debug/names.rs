//! Names of values, found by reading bytecode backwards from the instruction that uses them.
//!
//! The result describes where a value came from ("local 'x'", "field 'y'", "method 'z'"). It is
//! a guess in the sense that control flow is only approximated: a register that is set under a
//! condition gets no name. The rules are those of the reference implementation, so that messages
//! agree with it.
//!
//! Invariant: positions are indices of first words of instructions, never of extra words.

use crate::function::Proto;
use crate::metatable::Event;
use crate::string::LuaString;
use crate::value::Value;
use perilune_frontend::bytecode::instruction::{Instruction, SCALE};
use perilune_frontend::bytecode::opcode::{Opcode, Operand};

/// A name and what kind of thing it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// `global`, `local`, `upvalue`, `field`, `method`, `constant`, `metamethod`,
    /// `for iterator` or `hook`.
    pub kind: &'static str,
    /// The name.
    pub name: Vec<u8>,
}

impl Name {
    pub(crate) fn new(kind: &'static str, name: impl Into<Vec<u8>>) -> Name {
        Name {
            kind,
            name: name.into(),
        }
    }
    /// ` (kind 'name')`, as error messages end.
    pub fn in_parentheses(&self) -> Vec<u8> {
        let mut text = format!(" ({} '", self.kind).into_bytes();
        text.extend_from_slice(&self.name);
        text.extend_from_slice(b"')");
        text
    }
}

/// The name of the value that `register` holds when the instruction at `pc` uses it.
///
/// # Safety
/// `proto` is live, and `pc` is the first word of one of its instructions.
pub unsafe fn register_name(proto: *const Proto, pc: usize, register: u8) -> Option<Name> {
    // SAFETY: the caller's contract.
    unsafe { Reader::new(proto).object_name(pc, register) }
}

/// The name of upvalue `index`.
///
/// # Safety
/// `proto` is live.
pub unsafe fn upvalue_name(proto: *const Proto, index: usize) -> Name {
    // SAFETY: the caller's contract.
    unsafe { Name::new("upvalue", Reader::new(proto).upvalue(index)) }
}

/// The name of the function that the instruction at `pc` calls: by a call, or as a metamethod.
///
/// # Safety
/// As [`register_name`].
pub unsafe fn callee_name(proto: *const Proto, pc: usize) -> Option<Name> {
    // SAFETY: the caller's contract.
    let reader = unsafe { Reader::new(proto) };
    let instruction = reader.instruction(pc)?;
    let event = match instruction.opcode()? {
        Opcode::Call | Opcode::TailCall => {
            return reader.object_name(pc, register(instruction.a()));
        }
        Opcode::GenericForCall => return Some(Name::new("for iterator", "for iterator")),
        op => called_event(op)?,
    };
    Some(Name::new("metamethod", &event.name()[2..]))
}

/// The metamethod that an instruction may call.
fn called_event(op: Opcode) -> Option<Event> {
    use Opcode::*;
    Some(match op {
        GetUpvalueField | GetIndex | GetInt | GetField | Method => Event::Index,
        SetUpvalueField | SetIndex | SetIndexConst | SetInt | SetField | SetFieldConst => {
            Event::NewIndex
        }
        Add | AddConst | AddInt => Event::Add,
        Sub | SubConst => Event::Sub,
        Mul | MulConst => Event::Mul,
        Div | DivConst => Event::Div,
        Mod | ModConst => Event::Mod,
        Pow | PowConst => Event::Pow,
        IDiv | IDivConst => Event::IDiv,
        BAnd | BAndConst => Event::BAnd,
        BOr | BOrConst => Event::BOr,
        BXor | BXorConst => Event::BXor,
        Shl | ShlConst => Event::Shl,
        Shr | ShrConst => Event::Shr,
        Unm => Event::Unm,
        BNot => Event::BNot,
        Len => Event::Len,
        Concat => Event::Concat,
        JumpEq | JumpNotEq => Event::Eq,
        JumpLt | JumpNotLt | JumpLtInt | JumpNotLtInt | JumpGtInt | JumpNotGtInt => Event::Lt,
        JumpLe | JumpNotLe | JumpLeInt | JumpNotLeInt | JumpGeInt | JumpNotGeInt => Event::Le,
        Close | Return | Return0 | Return1 | ReturnClose => Event::Close,
        _ => return None,
    })
}

/// A register operand's number.
fn register(field: u16) -> u8 {
    (field / SCALE) as u8
}

/// Bytes up to the first zero: names are shown as C strings.
fn shown(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    bytes[..end].to_vec()
}

/// Reads one function's code.
struct Reader<'p> {
    proto: &'p Proto,
}

impl<'p> Reader<'p> {
    /// # Safety
    /// `proto` is live for `'p`.
    unsafe fn new(proto: *const Proto) -> Self {
        // SAFETY: the caller's contract.
        let proto = unsafe { &*proto };
        Self { proto }
    }

    fn instruction(&self, pc: usize) -> Option<Instruction> {
        self.proto.code.get(pc).map(|&word| Instruction(word))
    }

    fn upvalue(&self, index: usize) -> Vec<u8> {
        let upvalue = self.proto.debug.upvalues.get(index);
        match upvalue.and_then(|upvalue| upvalue.name.as_ref()) {
            Some(name) => shown(name),
            None => b"?".to_vec(),
        }
    }

    fn local(&self, register: u8, pc: usize) -> Option<Name> {
        let local = self.proto.debug.local_name(register, pc)?;
        Some(Name::new("local", shown(&local.name)))
    }

    /// The text of a string constant, given as byte offset.
    fn constant(&self, offset: usize) -> Option<Vec<u8>> {
        let value: &Value = self.proto.constants.get(offset / SCALE as usize)?;
        let string = value.to_string_object()?;
        // SAFETY: constants of a live proto are live.
        Some(shown(unsafe { LuaString::as_bytes(string) }))
    }

    fn constant_or_unknown(&self, offset: u16) -> Vec<u8> {
        self.constant(offset as usize)
            .unwrap_or_else(|| b"?".to_vec())
    }

    /// The last instruction before `last` that set `register`; `None` if there is none or if it
    /// may not have been executed.
    fn find_setter(&self, last: usize, register_number: u8) -> Option<usize> {
        let mut setter = None;
        // Code before this position runs only under some condition.
        let mut conditional_until = 0;
        let mut pc = 0;
        while pc < last {
            let instruction = self.instruction(pc)?;
            let op = instruction.opcode()?;
            let a = register(instruction.a());
            let changes = match op {
                Opcode::LoadNil => {
                    let end = a as usize + instruction.b() as usize;
                    a <= register_number && register_number as usize <= end
                }
                Opcode::GenericForCall => register_number as usize >= a as usize + 2,
                Opcode::Call | Opcode::TailCall => register_number >= a,
                Opcode::Method => {
                    register_number == a || register_number as usize == a as usize + 1
                }
                _ => {
                    let writes = matches!(op.operands()[0], Operand::Write | Operand::ReadWrite);
                    writes && register_number == a
                }
            };
            if changes {
                setter = (pc >= conditional_until).then_some(pc);
            }
            if let Some(target) = jump_target(op, instruction, pc)
                && target <= last
                && target > conditional_until
            {
                conditional_until = target;
            }
            pc += 1 + op.extra_words();
        }
        setter
    }

    /// The name of a variable or constant in `register` as seen at `pc`; else, if it is known
    /// which instruction set the register, its position.
    fn variable_name(&self, mut pc: usize, mut register_number: u8) -> Result<Name, Option<usize>> {
        // Each step goes strictly backwards in the code.
        loop {
            if let Some(name) = self.local(register_number, pc) {
                return Ok(name);
            }
            let setter = self.find_setter(pc, register_number).ok_or(None)?;
            let instruction = self.instruction(setter).ok_or(None)?;
            let b = instruction.b();
            match instruction.opcode() {
                Some(Opcode::Move) if b < instruction.a() => {
                    pc = setter;
                    register_number = register(b);
                }
                // A captured local: its register holds the cell.
                Some(Opcode::GetCell) => {
                    return self.local(register(b), setter).ok_or(Some(setter));
                }
                Some(Opcode::GetUpvalue) => {
                    return Ok(Name::new("upvalue", self.upvalue(b as usize)));
                }
                Some(Opcode::LoadConst) => {
                    return match self.constant(instruction.bc() as usize) {
                        Some(text) => Ok(Name::new("constant", text)),
                        None => Err(Some(setter)),
                    };
                }
                _ => return Err(Some(setter)),
            }
        }
    }

    fn object_name(&self, pc: usize, register_number: u8) -> Option<Name> {
        let setter = match self.variable_name(pc, register_number) {
            Ok(name) => return Some(name),
            Err(setter) => setter?,
        };
        let instruction = self.instruction(setter)?;
        let (b, c) = (instruction.b(), instruction.c());
        let table = |register_number| self.kind_of_field(setter, register_number);
        Some(match instruction.opcode()? {
            Opcode::GetUpvalueField => {
                let is_global = self.upvalue(b as usize) == b"_ENV";
                let kind = if is_global { "global" } else { "field" };
                Name::new(kind, self.constant_or_unknown(c))
            }
            Opcode::GetIndex => {
                let key = match self.variable_name(setter, register(c)) {
                    Ok(name) if name.kind == "constant" => name.name,
                    // Zero has no instruction of its own.
                    Err(Some(setter)) if self.loads_zero(setter) => b"integer index".to_vec(),
                    _ => b"?".to_vec(),
                };
                Name::new(table(register(b)), key)
            }
            // Of the integers only those that PUC Lua has an instruction for have that name.
            Opcode::GetInt if c <= 255 => Name::new("field", "integer index"),
            Opcode::GetInt => Name::new(table(register(b)), "?"),
            Opcode::GetField => Name::new(table(register(b)), self.constant_or_unknown(c)),
            Opcode::Method => Name::new("method", self.constant_or_unknown(c)),
            _ => return None,
        })
    }

    /// Whether the instruction at `pc` loads integer zero.
    fn loads_zero(&self, pc: usize) -> bool {
        self.instruction(pc)
            .is_some_and(|i| i.opcode() == Some(Opcode::LoadInt) && i.bc() == 0)
    }

    /// `global` if the table in `register` at `pc` is the variable `_ENV`, else `field`.
    fn kind_of_field(&self, pc: usize, register_number: u8) -> &'static str {
        match self.variable_name(pc, register_number) {
            Ok(name) if name.kind != "constant" && name.name == b"_ENV" => "global",
            _ => "field",
        }
    }
}

/// Where a forward jump that makes code conditional goes; loops are none.
fn jump_target(op: Opcode, instruction: Instruction, pc: usize) -> Option<usize> {
    if matches!(
        op,
        Opcode::ForPrep
            | Opcode::ForLoop
            | Opcode::GenericForPrep
            | Opcode::GenericForLoop
            | Opcode::Loop
    ) {
        return None;
    }
    let [_, b, c] = op.operands();
    let offset = if b == Operand::WideJump {
        instruction.bc() as i32
    } else if c == Operand::Jump {
        i32::from(instruction.c() as i16)
    } else {
        return None;
    };
    usize::try_from(pc as i64 + 1 + i64::from(offset)).ok()
}
