//! Precompiled chunks: reading (`load` of a binary chunk). The format is described in `dump`.
//!
//! A chunk may come from anywhere: whatever the bytes are, the result is an error or a function
//! that `verify` has accepted. Sizes found in the chunk are never trusted with memory: vectors
//! grow as their contents are read.

use std::rc::Rc;

use super::dump::{
    CHECK_FLOAT, CHECK_INTEGER, DATA, FORMAT, HAS_FLAGS, SIGNATURE, SIZES, VERSION, tag,
};
use super::instruction::{Instruction, SCALE};
use super::opcode::{ExtraWord, Opcode, Operand};
use super::proto::{Constant, LineTable, LocalVariable, Proto, Upvalue};
use super::verify::{MAX_NESTING, verify};

/// Why a precompiled chunk could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndumpError {
    /// The message, which starts with the chunk's name.
    pub message: Vec<u8>,
    /// Whether it only ends too early.
    pub is_truncated: bool,
}

const TRUNCATED: &str = "truncated chunk";

impl std::fmt::Display for UndumpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.message))
    }
}

impl std::error::Error for UndumpError {}

/// Reads a precompiled chunk; `name` is the chunk name given to `load`.
pub fn undump(bytes: &[u8], name: &[u8]) -> Result<Proto, UndumpError> {
    let mut reader = Reader { rest: bytes };
    reader.chunk().map_err(|reason: Reason| {
        let shown = match name {
            [b'@' | b'=', rest @ ..] => rest,
            [first, ..] if *first == SIGNATURE[0] => b"binary string",
            _ => name,
        };
        let mut message = shown.to_vec();
        message.extend_from_slice(b": bad binary format (");
        message.extend_from_slice(reason.as_bytes());
        message.push(b')');
        UndumpError {
            message,
            is_truncated: *reason == TRUNCATED,
        }
    })
}

/// Why reading stopped. (Boxed: nearly every byte read is a result.)
#[allow(clippy::box_collection, reason = "a thin pointer")]
type Reason = Box<String>;
type Result<T, E = Reason> = std::result::Result<T, E>;

#[cold]
fn reason(text: impl Into<String>) -> Reason {
    Box::new(text.into())
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn chunk(&mut self) -> Result<Proto> {
        self.literal(SIGNATURE, "not a binary chunk")?;
        self.literal(&VERSION[..1], "version mismatch")?;
        self.literal(&VERSION[1..], "format mismatch")?;
        self.literal(DATA, "corrupted chunk")?;
        for (size, of) in SIZES {
            if self.byte()? != size {
                return Err(reason(format!("{of} size mismatch")));
            }
        }
        self.literal(&CHECK_INTEGER.to_ne_bytes(), "integer format mismatch")?;
        self.literal(&CHECK_FLOAT.to_ne_bytes(), "float format mismatch")?;
        let upvalues = self.byte()?;
        self.literal(&FORMAT[..FORMAT.len() - 1], "format mismatch")?;
        self.literal(&FORMAT[FORMAT.len() - 1..], "version mismatch")?;
        let proto = self.function(None, 0)?;
        if proto.upvalues.len() != upvalues as usize {
            return Err(reason("corrupted chunk"));
        }
        verify(&proto).map_err(|error| reason(error.to_string()))?;
        Ok(proto)
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| reason(TRUNCATED))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn literal(&mut self, expected: &[u8], message: &str) -> Result<()> {
        if self.take(expected.len())? == expected {
            Ok(())
        } else {
            Err(reason(message))
        }
    }

    #[inline]
    fn unsigned(&mut self) -> Result<u64> {
        let mut value = 0u64;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            let bits = (byte & 0x7f) as u64;
            if shift > 63 || bits << shift >> shift != bits {
                return Err(reason("integer overflow"));
            }
            value |= bits << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    fn signed(&mut self) -> Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// An unsigned number that must fit `T`.
    #[inline]
    fn number<T: TryFrom<u64>>(&mut self) -> Result<T> {
        T::try_from(self.unsigned()?).map_err(|_| reason("integer overflow"))
    }

    /// A signed number that must fit `T`.
    fn signed_number<T: TryFrom<i64>>(&mut self) -> Result<T> {
        T::try_from(self.signed()?).map_err(|_| reason("integer overflow"))
    }

    fn flag(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(reason("corrupted chunk")),
        }
    }

    fn string(&mut self) -> Result<Option<Rc<[u8]>>> {
        match self.number::<usize>()?.checked_sub(1) {
            Some(length) => Ok(Some(self.take(length)?.into())),
            None => Ok(None),
        }
    }

    fn required_string(&mut self) -> Result<Rc<[u8]>> {
        self.string()?
            .ok_or_else(|| reason("bad format for constant string"))
    }

    /// A counted sequence.
    fn sequence<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count: usize = self.number()?;
        // Every item takes at least one byte.
        let mut items = Vec::with_capacity(count.min(self.rest.len()));
        for _ in 0..count {
            items.push(item(self)?);
        }
        items.shrink_to_fit();
        Ok(items)
    }

    fn function(&mut self, parent_source: Option<&Rc<[u8]>>, depth: usize) -> Result<Proto> {
        if depth > MAX_NESTING {
            return Err(reason("functions nested too deeply"));
        }
        let source = self.string()?.or_else(|| parent_source.cloned());
        let mut proto = Proto {
            line_defined: self.number()?,
            last_line_defined: self.number()?,
            num_params: self.byte()?,
            is_vararg: self.flag()?,
            max_stack: self.byte()?,
            code: self.code()?,
            constants: self.sequence(Self::constant)?,
            upvalues: self.sequence(Self::upvalue)?,
            protos: self.sequence(|reader| {
                let inner = reader.function(source.as_ref(), depth + 1)?;
                Ok(Box::new(inner))
            })?,
            ..Proto::default()
        };
        proto.source = source;
        self.debug_information(&mut proto)?;
        Ok(proto)
    }

    fn code(&mut self) -> Result<Vec<u64>> {
        let length: usize = self.number()?;
        let mut code = Vec::with_capacity(length.min(self.rest.len() * 2));
        while code.len() < length {
            let byte = self.byte()?;
            let op =
                Opcode::from_byte(byte & !HAS_FLAGS).ok_or_else(|| reason("unknown opcode"))?;
            let flags = match byte & HAS_FLAGS {
                0 => 0,
                _ => self.byte()?,
            };
            code.push(self.instruction(op)?.with_flags(flags).0);
            match op.extra_word() {
                ExtraWord::None => {}
                ExtraWord::Argument => code.push(self.unsigned()?),
                _ => code.push(0),
            }
        }
        if code.len() != length {
            return Err(reason("corrupted chunk"));
        }
        Ok(code)
    }

    #[inline]
    fn instruction(&mut self, op: Opcode) -> Result<Instruction> {
        let mut fields = [0u16; 3];
        let mut wide = None;
        for (field, kind) in fields.iter_mut().zip(op.operands()) {
            match kind {
                Operand::None => {}
                Operand::Write | Operand::Read | Operand::ReadWrite | Operand::Constant => {
                    let index: u16 = self.number()?;
                    *field = index
                        .checked_mul(SCALE)
                        .ok_or_else(|| reason("integer overflow"))?;
                }
                Operand::Upvalue | Operand::Count => *field = self.number()?,
                Operand::Immediate | Operand::Jump => {
                    *field = self.signed_number::<i16>()? as u16;
                }
                Operand::WideConstant => {
                    let index: u32 = self.number()?;
                    let offset = index.checked_mul(SCALE as u32);
                    wide = Some(offset.ok_or_else(|| reason("integer overflow"))?);
                }
                Operand::WideImmediate | Operand::WideJump => {
                    wide = Some(self.signed_number::<i32>()? as u32);
                }
                Operand::InnerFunction => wide = Some(self.number()?),
            }
        }
        Ok(match wide {
            Some(wide) => Instruction::wide(op, fields[0], wide),
            None => Instruction::new(op, fields[0], fields[1], fields[2]),
        })
    }

    fn constant(&mut self) -> Result<Constant> {
        Ok(match self.byte()? {
            tag::NIL => Constant::Nil,
            tag::FALSE => Constant::Boolean(false),
            tag::TRUE => Constant::Boolean(true),
            tag::INTEGER => Constant::Integer(self.signed()?),
            tag::FLOAT => {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(self.take(8)?);
                Constant::Float(f64::from_bits(u64::from_le_bytes(bytes)))
            }
            tag::STRING => Constant::String(self.required_string()?),
            _ => return Err(reason("corrupted chunk")),
        })
    }

    fn upvalue(&mut self) -> Result<Upvalue> {
        let flags = self.byte()?;
        if flags > 3 {
            return Err(reason("corrupted chunk"));
        }
        Ok(Upvalue {
            name: None,
            in_stack: flags & 1 != 0,
            index: self.byte()?,
            is_constant: flags & 2 != 0,
        })
    }

    fn debug_information(&mut self, proto: &mut Proto) -> Result<()> {
        let mut previous = (0u32, 0u32);
        let overflow = || reason("integer overflow");
        let runs = self.sequence(|reader| {
            let pc: u32 = reader.number()?;
            let line = previous.1 as i64;
            let line = line.checked_add(reader.signed()?).ok_or_else(overflow)?;
            previous.0 = previous.0.checked_add(pc).ok_or_else(overflow)?;
            previous.1 = u32::try_from(line).map_err(|_| overflow())?;
            Ok(previous)
        })?;
        proto.lines = LineTable { runs };
        proto.locals = self.sequence(|reader| {
            let name = reader.required_string()?;
            let start_pc: u32 = reader.number()?;
            let length: u32 = reader.number()?;
            Ok(LocalVariable {
                name,
                start_pc,
                end_pc: start_pc.checked_add(length).ok_or_else(overflow)?,
                register: reader.byte()?,
                is_cell: reader.flag()?,
            })
        })?;
        let names = self.sequence(Self::string)?;
        if names.len() != proto.upvalues.len() && !names.is_empty() {
            return Err(reason("corrupted chunk"));
        }
        for (upvalue, name) in proto.upvalues.iter_mut().zip(names) {
            upvalue.name = name;
        }
        Ok(())
    }
}
