//! Tests of names on hand-made code; expected results follow from the same programs under the
//! reference implementation.

use super::names::{callee_name, register_name};
use crate::function::Proto;
use crate::gc::Heap;
use perilune_frontend::bytecode::instruction::{Instruction, SCALE};
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_frontend::bytecode::proto::{self as compiled, Constant, LocalVariable, Upvalue};

const fn r(register: u16) -> u16 {
    register * SCALE
}

/// Code with constants `"x"` and `"y"`, 3.5, upvalues `_ENV` and `up`, and locals `a` (register 0)
/// and `c` (register 1, a cell).
fn with_proto(code: &[Instruction], test: impl FnOnce(*mut Proto)) {
    let text = |text: &str| std::rc::Rc::<[u8]>::from(text.as_bytes());
    let mut words = Vec::new();
    for instruction in code {
        words.push(instruction.0);
        if instruction.opcode().is_some_and(|op| op.extra_words() == 1) {
            words.push(0);
        }
    }
    let upvalue = |name| Upvalue {
        name: Some(text(name)),
        in_stack: true,
        index: 0,
        is_constant: false,
    };
    let local = |name, register, is_cell| LocalVariable {
        name: text(name),
        start_pc: 0,
        end_pc: words.len() as u32,
        register,
        is_cell,
    };
    let source = compiled::Proto {
        max_stack: 10,
        constants: vec![
            Constant::String(text("x")),
            Constant::String(text("y")),
            Constant::Float(3.5),
        ],
        upvalues: vec![upvalue("_ENV"), upvalue("up")],
        locals: vec![local("a", 0, false), local("c", 1, true)],
        code: words,
        ..compiled::Proto::default()
    };
    let mut heap = Heap::new(1).expect("memory");
    let proto = heap.new_proto(source).expect("memory");
    test(proto);
}

/// The name of `register` as seen by a last instruction after `code`, as "kind name".
fn name_after(code: &[Instruction], register: u8) -> String {
    let mut result = String::new();
    let mut code = code.to_vec();
    code.push(Instruction::new(Opcode::Return0, 0, 0, 0));
    with_proto(&code, |proto| {
        // SAFETY: the proto lives until the heap goes away.
        unsafe {
            let last = (&(*proto).code).len() - 1;
            if let Some(name) = register_name(proto, last, register) {
                result = format!("{} {}", name.kind, String::from_utf8_lossy(&name.name));
            }
        }
    });
    result
}

#[test]
fn variables_and_constants() {
    use Opcode::*;
    assert_eq!(name_after(&[], 0), "local a");
    assert_eq!(name_after(&[], 5), "");
    let code = [Instruction::new(GetCell, r(3), r(1), 0)];
    assert_eq!(name_after(&code, 3), "local c");
    assert_eq!(name_after(&code, 4), "");
    let code = [Instruction::new(GetUpvalue, r(3), 1, 0)];
    assert_eq!(name_after(&code, 3), "upvalue up");
    let code = [Instruction::wide(LoadConst, r(3), u32::from(r(1)))];
    assert_eq!(name_after(&code, 3), "constant y");
    let code = [Instruction::wide(LoadConst, r(3), u32::from(r(2)))];
    assert_eq!(name_after(&code, 3), "");
    let code = [Instruction::new(Move, r(3), r(0), 0)];
    assert_eq!(name_after(&code, 3), "local a");
}

#[test]
fn fields() {
    use Opcode::*;
    let code = [Instruction::new(GetUpvalueField, r(3), 0, r(0))];
    assert_eq!(name_after(&code, 3), "global x");
    let code = [Instruction::new(GetUpvalueField, r(3), 1, r(0))];
    assert_eq!(name_after(&code, 3), "field x");
    let code = [
        Instruction::new(GetUpvalueField, r(3), 1, r(0)),
        Instruction::new(GetField, r(3), r(3), r(1)),
    ];
    assert_eq!(name_after(&code, 3), "field y");
    let code = [Instruction::new(Method, r(3), r(0), r(1))];
    assert_eq!(name_after(&code, 3), "method y");
    let code = [Instruction::new(GetInt, r(3), r(0), 1)];
    assert_eq!(name_after(&code, 3), "field integer index");
    let code = [
        Instruction::wide(LoadConst, r(4), u32::from(r(1))),
        Instruction::new(GetIndex, r(3), r(0), r(4)),
    ];
    assert_eq!(name_after(&code, 3), "field y");
    let code = [Instruction::new(GetIndex, r(3), r(0), r(0))];
    assert_eq!(name_after(&code, 3), "field ?");
}

#[test]
fn conditional_code_has_no_name() {
    use Opcode::*;
    // (a or x).f: the register may come from either side.
    let code = [
        Instruction::new(MoveJumpIf, r(3), r(0), 2),
        Instruction::new(GetUpvalueField, r(3), 0, r(0)),
    ];
    assert_eq!(name_after(&code, 3), "");
    // A jump that ends before the register is set does no harm.
    let code = [
        Instruction::wide(JumpIf, r(0), 1),
        Instruction::new(LoadTrue, r(4), 0, 0),
        Instruction::new(GetUpvalueField, r(3), 0, r(0)),
    ];
    assert_eq!(name_after(&code, 3), "global x");
    // A call sets all registers from its first one on.
    let code = [
        Instruction::new(GetUpvalueField, r(3), 0, r(0)),
        Instruction::new(Call, r(2), 1, 2),
    ];
    assert_eq!(name_after(&code, 3), "");
}

#[test]
fn called_functions() {
    use Opcode::*;
    let cases = [
        (Instruction::new(Add, r(3), r(0), r(0)), "metamethod add"),
        (Instruction::new(Call, r(0), 1, 1), "local a"),
        (Instruction::new(JumpGtInt, r(0), 1, 0), "metamethod lt"),
        (Instruction::new(JumpEqConst, r(0), r(0), 0), ""),
        (
            Instruction::new(GetField, r(3), r(0), r(0)),
            "metamethod index",
        ),
        (
            Instruction::new(SetInt, r(0), 1, r(0)),
            "metamethod newindex",
        ),
        (
            Instruction::new(ReturnClose, r(0), 1, 0),
            "metamethod close",
        ),
        (
            Instruction::new(GenericForCall, r(3), 1, 0),
            "for iterator for iterator",
        ),
    ];
    for (instruction, expected) in cases {
        with_proto(&[instruction], |proto| {
            // SAFETY: the proto lives until the heap goes away.
            let name = unsafe { callee_name(proto, 0) };
            let name = name.map_or(String::new(), |name| {
                format!("{} {}", name.kind, String::from_utf8_lossy(&name.name))
            });
            assert_eq!(name, expected);
        });
    }
}
