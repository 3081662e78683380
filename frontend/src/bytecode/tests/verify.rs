//! What the verifier rejects.

use super::super::instruction::{FLAG_SWAPPED, Instruction};
use super::super::liveness::instruction_starts;
use super::super::opcode::Opcode;
use super::super::proto::{Constant, LocalVariable, Proto, Upvalue};
use super::super::verify::verify;
use super::{SAMPLE, compiled};

/// A function without parameters whose code is `code`.
fn proto(code: &[Instruction]) -> Proto {
    Proto {
        max_stack: 8,
        code: code.iter().map(|instruction| instruction.0).collect(),
        constants: vec![
            Constant::String(b"key".as_slice().into()),
            Constant::Integer(1),
            Constant::Float(1.5),
            Constant::String([b'x'; 41].as_slice().into()),
        ],
        upvalues: vec![Upvalue {
            name: None,
            in_stack: true,
            index: 0,
            is_constant: true,
        }],
        ..Proto::default()
    }
}

fn op(op: Opcode, a: u16, b: u16, c: u16) -> Instruction {
    Instruction::new(op, a, b, c)
}

/// Register or constant `n` as an operand.
const fn r(n: u16) -> u16 {
    n * 16
}

fn jump(opcode: Opcode, a: u16, distance: i32) -> Instruction {
    Instruction::wide(opcode, a, distance as u32)
}

/// The word after an instruction.
const EXTRA: Instruction = Instruction(0);
const RETURN: Instruction = Instruction::new(Opcode::Return0, 0, 0, 0);

fn accept(code: &[Instruction]) {
    assert_eq!(verify(&proto(code)), Ok(()));
}

fn reject(code: &[Instruction], reason: &str) {
    let error = verify(&proto(code)).expect_err(reason);
    assert_eq!(error.reason, reason);
}

#[test]
fn compiled_code_is_accepted() {
    assert_eq!(verify(&compiled(SAMPLE)), Ok(()));
    accept(&[RETURN]);
}

#[test]
fn structure() {
    use Opcode::*;
    reject(&[], "no code");
    reject(&[Instruction(0xff)], "unknown opcode");
    reject(&[op(LoadTrue, 0, 0, 0)], "control runs off the end");
    reject(&[op(Call, 0, r(1), 1)], "incomplete instruction");
    reject(&[op(LoadTrue, 0, 1, 0), RETURN], "operand out of range");
    reject(&[op(LoadTrue, 3, 0, 0), RETURN], "operand out of range");
    reject(&[op(LoadTrue, r(8), 0, 0), RETURN], "operand out of range");
    reject(&[op(LoadNil, r(7), 1, 0), RETURN], "register out of frame");
    reject(&[op(GetUpvalue, 0, 1, 0), RETURN], "operand out of range");
    reject(
        &[Instruction::wide(LoadConst, 0, 64), RETURN],
        "operand out of range",
    );
    reject(
        &[Instruction::wide(Closure, 0, 0), RETURN],
        "operand out of range",
    );
    reject(&[op(VarArg, 0, 2, 0), RETURN], "no variable arguments");
    reject(
        &[op(VarArgPrep, 0, 0, 0), RETURN],
        "misplaced entry instruction",
    );
    reject(
        &[op(LoadTrue, 0, 0, 0).with_flags(2), RETURN],
        "unknown flags",
    );
    reject(
        &[
            op(LoadTrue, 0, 0, 0),
            op(SubConst, 0, 0, r(1)).with_flags(FLAG_SWAPPED),
            RETURN,
        ],
        "unknown flags",
    );
    reject(
        &[op(GetUpvalueField, 0, 0, 0), Instruction(1), RETURN],
        "unexpected extra word",
    );
    accept(&[op(GetUpvalueField, 0, 0, 0), EXTRA, RETURN]);
}

#[test]
fn constants() {
    use Opcode::*;
    for constant in [r(1), r(3)] {
        let code = [op(GetUpvalueField, 0, 0, constant), EXTRA, RETURN];
        reject(&code, "constant of wrong kind");
    }
    let start = op(LoadTrue, 0, 0, 0);
    reject(
        &[start, op(AddConst, 0, 0, 0), RETURN],
        "constant of wrong kind",
    );
    accept(&[start, op(AddConst, 0, 0, r(2)), RETURN]);
    reject(
        &[start, op(BAndConst, 0, 0, r(2)), RETURN],
        "constant of wrong kind",
    );
    accept(&[start, op(BAndConst, 0, 0, r(1)), RETURN]);
}

#[test]
fn jumps() {
    use Opcode::*;
    reject(&[jump(Jump, 0, 5), RETURN], "jump out of place");
    reject(&[jump(Jump, 0, -5), RETURN], "jump out of place");
    reject(&[jump(Jump, 0, -1), RETURN], "jump in wrong direction");
    reject(
        &[jump(Loop, 0, 1), EXTRA, RETURN],
        "jump in wrong direction",
    );
    reject(&[jump(Loop, 0, 0), EXTRA, RETURN], "jump out of place");
    accept(&[jump(Loop, 0, -1), EXTRA]);
    let mut vararg = proto(&[op(VarArgPrep, 0, 0, 0), jump(Loop, 0, -2), EXTRA]);
    vararg.is_vararg = true;
    assert_eq!(
        verify(&vararg).unwrap_err().reason,
        "jump to function entry"
    );
}

#[test]
fn registers_are_written_before_they_are_read() {
    use Opcode::*;
    reject(&[op(Return1, r(1), 0, 0)], "register read without value");
    let one_path = [
        op(LoadTrue, 0, 0, 0),
        jump(JumpIf, 0, 1),
        op(LoadTrue, r(1), 0, 0),
        op(Return1, r(1), 0, 0),
    ];
    reject(&one_path, "register read without value");
    let after_call = [
        op(LoadNil, 0, 3, 0),
        op(Call, r(1), 1, 1),
        EXTRA,
        op(Return1, r(2), 0, 0),
    ];
    reject(&after_call, "register read without value");
    let result = [
        op(LoadNil, 0, 3, 0),
        op(Call, r(1), 1, 2),
        EXTRA,
        op(Return1, r(1), 0, 0),
    ];
    accept(&result);
    // Only the jump writes the register.
    let moved = [
        op(LoadTrue, 0, 0, 0),
        op(MoveJumpIf, r(1), 0, 1),
        op(Return1, r(1), 0, 0),
        RETURN,
    ];
    reject(&moved, "register read without value");
}

#[test]
fn cells() {
    use Opcode::*;
    let value = op(LoadTrue, 0, 0, 0);
    let cell = op(NewCell, 0, 0, 0);
    accept(&[
        value,
        cell,
        op(GetCell, r(1), 0, 0),
        op(SetCell, 0, r(1), 0),
        RETURN,
    ]);
    reject(
        &[value, op(GetCell, r(1), 0, 0), RETURN],
        "register read without cell",
    );
    reject(
        &[value, cell, op(Return1, 0, 0, 0)],
        "register read without value",
    );
    reject(
        &[value, cell, op(NewCell, 0, 0, 0), RETURN],
        "register read without value",
    );
    // A cell on one path only.
    let joined = [
        value,
        jump(JumpIf, 0, 1),
        cell,
        op(GetCell, r(1), 0, 0),
        RETURN,
    ];
    reject(&joined, "register read without cell");
    let mut capture = proto(&[value, Instruction::wide(Closure, r(1), 0), RETURN]);
    capture.protos = vec![Box::new(proto(&[RETURN]))];
    assert_eq!(
        verify(&capture).unwrap_err().reason,
        "register read without cell"
    );
    capture.code.insert(1, cell.0);
    assert_eq!(verify(&capture), Ok(()));
    capture.protos[0].upvalues[0].index = 200;
    assert!(verify(&capture).is_err());
}

#[test]
fn open_lists() {
    use Opcode::*;
    let function = op(LoadNil, 0, 3, 0);
    let call = op(Call, r(1), 1, 0);
    accept(&[function, call, EXTRA, op(Return, r(0), 0, 0)]);
    reject(&[function, call, EXTRA, RETURN], "open call is not used");
    reject(&[function, op(Return, 0, 0, 0)], "top is not set");
    reject(
        &[function, call, EXTRA, op(Return, r(2), 0, 0)],
        "top below first register",
    );
    reject(
        &[function, op(Call, r(0), 0, 1), EXTRA, RETURN],
        "top is not set",
    );
    accept(&[function, call, EXTRA, op(Call, r(0), 0, 1), EXTRA, RETURN]);
    let jumped_into = [
        function,
        jump(JumpIf, 0, 2),
        call,
        EXTRA,
        op(Return, r(0), 0, 0),
    ];
    reject(&jumped_into, "jump into an open call");
}

#[test]
fn variables_to_be_closed() {
    use Opcode::*;
    let values = op(LoadNil, 0, 3, 0);
    let mark = |register| op(MarkClose, r(register), 0, 0);
    accept(&[values, mark(1), op(Close, r(1), 0, 0), RETURN]);
    accept(&[values, mark(1), op(ReturnClose, 0, 1, 0)]);
    reject(&[values, mark(1), RETURN], "variables not closed on return");
    reject(
        &[values, mark(1), op(Close, r(2), 0, 0), RETURN],
        "variables not closed on return",
    );
    reject(
        &[values, mark(1), mark(1), RETURN],
        "to-be-closed variables out of order",
    );
    reject(
        &[values, mark(2), mark(1), RETURN],
        "to-be-closed variables out of order",
    );
    let one_path = [
        values,
        jump(JumpIf, 0, 1),
        mark(1),
        op(Close, r(1), 0, 0),
        RETURN,
    ];
    reject(&one_path, "inconsistent to-be-closed variables");
    let lost = [
        values,
        mark(1),
        op(Call, 0, 1, 1),
        EXTRA,
        op(Close, r(1), 0, 0),
        RETURN,
    ];
    reject(&lost, "to-be-closed variable lost");
}

#[test]
fn loops() {
    use Opcode::*;
    let values = op(LoadNil, 0, 2, 0);
    let numeric = [
        values,
        jump(ForPrep, 0, 2),
        jump(ForLoop, 0, -1),
        EXTRA,
        RETURN,
    ];
    accept(&numeric);
    reject(
        &[jump(ForPrep, 0, 2), jump(ForLoop, 0, -1), EXTRA, RETURN],
        "register read without value",
    );
    reject(
        &[
            op(LoadNil, r(5), 2, 0),
            jump(ForPrep, r(5), 2),
            jump(ForLoop, r(5), -1),
            EXTRA,
            RETURN,
        ],
        "register out of frame",
    );
    let generic = [
        op(LoadNil, 0, 3, 0),
        jump(GenericForPrep, 0, 0),
        op(GenericForCall, 0, 1, 0),
        EXTRA,
        jump(GenericForLoop, 0, -3),
        EXTRA,
        op(Close, 0, 0, 0),
        RETURN,
    ];
    accept(&generic);
    let mut small = proto(&generic);
    small.max_stack = 6;
    assert_eq!(verify(&small).unwrap_err().reason, "register out of frame");
}

#[test]
fn locals_hold_values_in_their_scope() {
    let mut proto = proto(&[
        op(Opcode::LoadTrue, 0, 0, 0),
        op(Opcode::NewCell, 0, 0, 0),
        RETURN,
    ]);
    let mut local = |start_pc, end_pc, is_cell| {
        proto.locals = vec![LocalVariable {
            name: b"x".as_slice().into(),
            start_pc,
            end_pc,
            register: 0,
            is_cell,
        }];
        verify(&proto).map_err(|error| error.reason)
    };
    assert_eq!(local(1, 2, false), Ok(()));
    assert_eq!(local(1, 3, true), Ok(()));
    assert_eq!(local(1, 3, false), Err("local holds a cell"));
    assert_eq!(local(0, 3, true), Err("local without value"));
    assert_eq!(local(2, 1, true), Err("bad scope of local"));
    assert_eq!(local(2, 4, true), Err("bad scope of local"));
}

/// Whatever becomes of single words, the verifier gives a verdict; and what it accepts has all
/// registers in the frame.
#[test]
fn mutated_words() {
    let sample = compiled(SAMPLE);
    for function in [&sample, &sample.protos[0]] {
        for pc in 0..function.code.len() {
            for bit in 0..64 {
                let mut mutated = function.clone();
                mutated.code[pc] ^= 1 << bit;
                if verify(&mutated).is_ok() {
                    let starts = instruction_starts(&mutated.code);
                    assert!(
                        starts
                            .iter()
                            .all(|&start| (start as usize) < mutated.code.len())
                    );
                }
            }
        }
    }
}
