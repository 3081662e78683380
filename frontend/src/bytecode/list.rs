//! A readable listing of a function.
//!
//! One line for each instruction: position, source line, opcode, operands (registers as `R`,
//! constants as `K`, upvalues as `U`), and what they stand for. Positions count words from 0.

use std::fmt::Write;

use super::instruction::{
    FLAG_FLOAT, FLAG_HIDDEN, FLAG_INVERSE, FLAG_PASSES_GOTO, FLAG_SWAPPED, Instruction,
    JUMP_NOTHING, JUMP_STEP, JUMP_TEST, SCALE,
};
use super::opcode::{ExtraWord, Opcode, Operand};
use super::proto::{Constant, Proto};

/// The listing of `proto` and of the functions inside it; `full` adds the lists of constants,
/// locals and upvalues.
pub fn list(proto: &Proto, full: bool) -> String {
    let mut text = String::new();
    list_function(&mut text, proto, full, true);
    text
}

fn list_function(text: &mut String, proto: &Proto, full: bool, is_main: bool) {
    let kind = if is_main && proto.line_defined == 0 {
        "main"
    } else {
        "function"
    };
    let source = match &proto.source {
        Some(source) => match source.split_first() {
            Some((b'@' | b'=', name)) => String::from_utf8_lossy(name).into_owned(),
            _ => String::from("(string)"),
        },
        None => String::from("?"),
    };
    let _ = writeln!(
        text,
        "{kind} <{source}:{},{}> ({} words)",
        proto.line_defined,
        proto.last_line_defined,
        proto.code.len()
    );
    let vararg = if proto.is_vararg { "+" } else { "" };
    let _ = writeln!(
        text,
        "{}{vararg} params, {} registers, {} upvalues, {} locals, {} constants, {} functions",
        proto.num_params,
        proto.max_stack,
        proto.upvalues.len(),
        proto.locals.len(),
        proto.constants.len(),
        proto.protos.len()
    );
    let mut pc = 0;
    while let Some(&word) = proto.code.get(pc) {
        list_instruction(text, proto, pc);
        pc += Instruction(word).length();
    }
    if full {
        list_tables(text, proto);
    }
    for inner in &proto.protos {
        text.push('\n');
        list_function(text, inner, full, false);
    }
}

fn list_instruction(text: &mut String, proto: &Proto, pc: usize) {
    let instruction = Instruction(proto.code[pc]);
    let line = match proto.lines.line(pc) {
        Some(line) => line.to_string(),
        None => String::from("-"),
    };
    let Some(op) = instruction.opcode() else {
        let _ = writeln!(text, "\t{pc}\t[{line}]\t?{:#018x}", instruction.0);
        return;
    };
    let mut operands = Vec::new();
    let mut notes = Vec::new();
    let fields = [instruction.a(), instruction.b(), instruction.c()];
    for (kind, field) in op.operands().into_iter().zip(fields) {
        let wide = instruction.bc();
        match kind {
            Operand::None => {}
            Operand::Write | Operand::Read | Operand::ReadWrite => {
                operands.push(format!("R{}", field / SCALE));
            }
            Operand::Constant => {
                operands.push(format!("K{}", field / SCALE));
                notes.push(constant_text(proto, (field / SCALE) as usize));
            }
            Operand::Upvalue => {
                operands.push(format!("U{field}"));
                notes.push(upvalue_name(proto, field as usize));
            }
            Operand::Count => operands.push(field.to_string()),
            Operand::Immediate => operands.push((field as i16).to_string()),
            Operand::WideConstant => {
                let index = wide / SCALE as u32;
                operands.push(format!("K{index}"));
                notes.push(constant_text(proto, index as usize));
            }
            Operand::WideImmediate => operands.push((wide as i32).to_string()),
            Operand::InnerFunction => operands.push(format!("F{wide}")),
            Operand::Jump | Operand::WideJump => {}
        }
    }
    if let Some(distance) = instruction.jump_distance() {
        operands.push(distance.to_string());
        notes.push(format!("to {}", pc as i64 + 1 + distance));
    }
    if op.extra_word() == ExtraWord::Argument {
        let argument = proto.code.get(pc + 1).copied().unwrap_or(0);
        operands.push(argument.to_string());
    }
    let flags = instruction.flags();
    match (op, flags) {
        (Opcode::Jump, JUMP_TEST) => notes.push(String::from("test")),
        (Opcode::Jump, JUMP_STEP) => notes.push(String::from("step")),
        (Opcode::Jump, JUMP_NOTHING) => notes.push(String::from("nothing")),
        (Opcode::GetCell | Opcode::SetCell, FLAG_HIDDEN) => notes.push(String::from("hidden")),
        _ if flags & FLAG_INVERSE != 0 => notes.push(String::from("inverse")),
        _ if flags & FLAG_PASSES_GOTO != 0 => notes.push(String::from("passes goto")),
        _ if flags & FLAG_SWAPPED != 0 => notes.push(String::from("swapped")),
        _ if flags & FLAG_FLOAT != 0 => notes.push(String::from("float")),
        _ => {}
    }
    add_register_notes(proto, pc, op, instruction, &mut notes);
    let _ = write!(
        text,
        "\t{pc}\t[{line}]\t{:<16}{}",
        op.name(),
        operands.join(" ")
    );
    if !notes.is_empty() {
        let _ = write!(text, "\t; {}", notes.join(" "));
    }
    text.push('\n');
}

/// Notes on calls and closures.
fn add_register_notes(
    proto: &Proto,
    pc: usize,
    op: Opcode,
    instruction: Instruction,
    notes: &mut Vec<String>,
) {
    let count = |field: u16| match (field as usize).checked_sub(1) {
        Some(count) => count.to_string(),
        None => String::from("all"),
    };
    match op {
        Opcode::Call => notes.push(format!(
            "{} in {} out",
            count(instruction.b()),
            count(instruction.c())
        )),
        Opcode::TailCall => notes.push(format!("{} in", count(instruction.b()))),
        Opcode::Return | Opcode::ReturnClose => {
            notes.push(format!("{} out", count(instruction.b())));
        }
        Opcode::VarArg => notes.push(format!("{} out", count(instruction.b()))),
        Opcode::Closure => {
            if let Some(inner) = proto.protos.get(instruction.bc() as usize) {
                notes.push(format!("line {}", inner.line_defined));
            }
        }
        Opcode::GetCell | Opcode::SetCell | Opcode::MarkClose => {
            let register = match op {
                Opcode::GetCell => instruction.register_b(),
                _ => instruction.register_a(),
            };
            if let Some(local) = proto.local_name(register as u8, pc) {
                notes.push(String::from_utf8_lossy(&local.name).into_owned());
            }
        }
        _ => {}
    }
}

fn upvalue_name(proto: &Proto, index: usize) -> String {
    let name = proto
        .upvalues
        .get(index)
        .and_then(|upvalue| upvalue.name.as_deref());
    String::from_utf8_lossy(name.unwrap_or(b"-")).into_owned()
}

fn constant_text(proto: &Proto, index: usize) -> String {
    match proto.constants.get(index) {
        None => String::from("?"),
        Some(Constant::Nil) => String::from("nil"),
        Some(Constant::Boolean(boolean)) => boolean.to_string(),
        Some(Constant::Integer(integer)) => integer.to_string(),
        Some(Constant::Float(float)) => format!("{float:?}"),
        Some(Constant::String(string)) => format!("\"{}\"", string.escape_ascii()),
    }
}

fn list_tables(text: &mut String, proto: &Proto) {
    let _ = writeln!(text, "constants ({}):", proto.constants.len());
    for index in 0..proto.constants.len() {
        let _ = writeln!(text, "\t{index}\t{}", constant_text(proto, index));
    }
    let _ = writeln!(text, "locals ({}):", proto.locals.len());
    for (index, local) in proto.locals.iter().enumerate() {
        let _ = writeln!(
            text,
            "\t{index}\t{}\tR{}\t{}\t{}{}",
            String::from_utf8_lossy(&local.name),
            local.register,
            local.start_pc,
            local.end_pc,
            if local.is_cell { "\tcell" } else { "" }
        );
    }
    let _ = writeln!(text, "upvalues ({}):", proto.upvalues.len());
    for (index, upvalue) in proto.upvalues.iter().enumerate() {
        let _ = writeln!(
            text,
            "\t{index}\t{}\t{}{}{}",
            upvalue_name(proto, index),
            if upvalue.in_stack { "R" } else { "U" },
            upvalue.index,
            if upvalue.is_constant {
                "\tconstant"
            } else {
                ""
            }
        );
    }
}
