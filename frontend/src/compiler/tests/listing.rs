//! The instructions that single constructs become.

use crate::bytecode::instruction::Instruction;
use crate::bytecode::list::list;
use crate::bytecode::opcode::Opcode;
use crate::bytecode::proto::{Constant, Proto};
use crate::compile;

fn compiled(source: &str) -> Proto {
    compile(source.as_bytes(), b"=test").expect("valid program")
}

/// The instructions of a proto, one per line, without positions and notes.
fn instructions(proto: &Proto) -> String {
    let text = list(proto, false);
    let lines = text.lines().skip(2).take_while(|line| !line.is_empty());
    let shown = lines.map(|line| {
        let line = line.split('\t').skip(3).take(1).collect::<String>();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// Checks the code of a function with parameters `a`, `b`, `c`.
fn check(body: &str, expected: &str) {
    let proto = compiled(&format!("return function(a, b, c) {body} end"));
    let expected: Vec<&str> = expected.lines().map(str::trim).collect();
    let expected = expected.join("\n");
    let actual = instructions(&proto.protos[0]);
    let actual = actual.strip_suffix("\nReturn0").unwrap_or(&actual);
    assert_eq!(actual, expected.trim(), "{body}");
}

#[test]
fn results_go_straight_to_their_registers() {
    check("local x = a + b", "Add R3 R0 R1");
    check("a = b + c", "Add R0 R1 R2");
    check("a = a.x.y", "GetField R3 R0 K0\nGetField R0 R3 K1");
    check("local x = a.x.y", "GetField R3 R0 K0\nGetField R3 R3 K1");
    check("a.x = b", "SetField R0 K0 R1");
    check("return a", "Return1 R0");
    check("return a, b", "Move R3 R0\nMove R4 R1\nReturn R3 3");
    check("local x, y = 1", "LoadInt R3 1\nLoadNil R4 0");
    check("local x; local y", "LoadNil R3 1");
}

#[test]
fn constant_operands() {
    check("a = b + 3", "AddInt R0 R1 3");
    check("a = 3 + b", "AddInt R0 R1 3");
    check("a = b - 3", "SubConst R0 R1 K0");
    check("a = 3 - b", "LoadInt R3 3\nSub R0 R3 R1");
    check("a = b + 40000", "AddConst R0 R1 K0");
    check("a = 2.5 * b", "MulConst R0 R1 K0");
    check("a = b & 2", "BAndConst R0 R1 K0");
    check("a = b & 2.0", "LoadFloat R3 2\nBAnd R0 R1 R3");
    check("a = b << 2", "ShlConst R0 R1 K0");
    check("a = 2 << b", "LoadInt R3 2\nShl R0 R3 R1");
    check("a = 2 * 3 + 1", "LoadInt R0 7");
    check("local k <const> = 7; a = b + k", "AddInt R0 R1 7");
    let swapped = compiled("local a = 3 + ...; local b = ... - 3");
    let flags = |op| {
        let mut words = swapped.code.iter().map(|&word| Instruction(word));
        words
            .find(|i| i.opcode() == Some(op))
            .map(Instruction::flags)
    };
    assert_eq!(flags(Opcode::AddInt), Some(1));
    assert_eq!(flags(Opcode::SubConst), Some(0));
}

#[test]
fn conditions_are_fused_jumps() {
    check("if a < b then c = 1 end", "JumpNotLt R0 R1 1\nLoadInt R2 1");
    check("if a > b then c = 1 end", "JumpNotLt R1 R0 1\nLoadInt R2 1");
    check(
        "if not (a < b) then c = 1 end",
        "JumpLt R0 R1 1\nLoadInt R2 1",
    );
    check(
        "if a >= 5 then c = 1 end",
        "JumpNotGeInt R0 5 1\nLoadInt R2 1",
    );
    check(
        "if 1 < a then c = 1 end",
        "JumpNotGtInt R0 1 1\nLoadInt R2 1",
    );
    check(
        "if 1 > a then c = 1 end",
        "JumpNotLtInt R0 1 1\nLoadInt R2 1",
    );
    check(
        "if a == nil then c = 1 end",
        "JumpNotEqConst R0 K0 1\nLoadInt R2 1",
    );
    check(
        "if 'x' ~= a then c = 1 end",
        "JumpEqConst R0 K0 1\nLoadInt R2 1",
    );
    check(
        "if a < 4.0 then c = 1 end",
        "JumpNotLtInt R0 4 1\nLoadInt R2 1",
    );
    check(
        "if a == 1 then c = 1 end",
        "JumpNotEqInt R0 1 1\nLoadInt R2 1",
    );
    check("if not a then c = 1 end", "JumpIf R0 1\nLoadInt R2 1");
    check(
        "if a and b then c = 1 end",
        "JumpIfNot R0 2\nJumpIfNot R1 1\nLoadInt R2 1",
    );
    check(
        "if a or b < 1 then c = 1 end",
        "JumpIf R0 1\nJumpNotLtInt R1 1 1\nLoadInt R2 1",
    );
    check(
        "while a do if b then break end end",
        "JumpIfNot R0 3\nJumpIf R1 2\nLoop -3",
    );
}

#[test]
fn logical_values() {
    check("local x = a and b", "MoveJumpIfNot R3 R0 1\nMove R3 R1");
    check("local x = a or b", "MoveJumpIf R3 R0 1\nMove R3 R1");
    check("a = a or 1", "JumpIf R0 1\nLoadInt R0 1");
    check(
        "local x = a == b",
        "JumpEq R0 R1 2\nLoadFalse R3\nJump 1\nLoadTrue R3",
    );
    check("local x = not a", "Not R3 R0");
    check(
        "local x = nil == false",
        "LoadFalse R3\nJumpEqConst R3 K0 2\nLoadFalse R3\nJump 1\nLoadTrue R3",
    );
}

#[test]
fn captured_locals_live_in_cells() {
    check(
        "local x = 1; c = function() return x end; x = a; b = x",
        "LoadInt R3 1
         NewCell R3 R3
         Closure R2 F0
         SetCell R3 R0
         GetCell R1 R3",
    );
    check(
        "local function f() return f end",
        "LoadNil R3 0\nNewCell R3 R3\nClosure R4 F0\nSetCell R3 R4",
    );
    check(
        "for i = 1, 2 do a = function() return i end end",
        "LoadInt R3 1
         LoadInt R4 2
         LoadInt R5 1
         ForPrep R3 4
         NewCell R6 R6
         Closure R0 F0
         ForLoop R3 -3",
    );
    let proto = compiled("return function(p, q) return function() p = q end end");
    assert!(instructions(&proto.protos[0]).starts_with("NewCell R0 R0\nNewCell R1 R1\nClosure R2"));
}

#[test]
fn calls_and_lists() {
    check(
        "a(b, c())",
        "Move R3 R0\nMove R4 R1\nMove R5 R2\nCall R5 1 0\nCall R3 0 1",
    );
    check("return a(b)", "Move R3 R0\nMove R4 R1\nTailCall R3 2");
    check(
        "return (a(b))",
        "Move R3 R0\nMove R4 R1\nCall R3 2 2\nReturn1 R3",
    );
    check("a:m(1)", "Method R3 R0 K0\nLoadInt R5 1\nCall R3 3 1");
    check("local x, y = a()", "Move R3 R0\nCall R3 1 3");
    check(
        "a = {b, c()}",
        "NewTable R3 1 0\nMove R4 R1\nMove R5 R2\nCall R5 1 0\nSetList R3 0 0\nMove R0 R3",
    );
    check(
        "a = {x = 1, [b] = c, [2] = nil}",
        "NewTable R3 0 3\nSetFieldConst R3 K0 K1\nSetIndex R3 R1 R2\nLoadNil R4 0\nSetInt R3 2 R4\nMove R0 R3",
    );
    check(
        "a = b .. c .. 1",
        "Move R3 R1\nMove R4 R2\nLoadInt R5 1\nConcat R3 3\nMove R0 R3",
    );
}

#[test]
fn to_be_closed_variables() {
    check(
        "local x <close> = a; return b",
        "Move R3 R0\nMarkClose R3\nMove R4 R1\nReturnClose R4 2\nReturnClose R4 1",
    );
    check(
        "local x <close> = a; return b(1)",
        "Move R3 R0\nMarkClose R3\nMove R4 R1\nLoadInt R5 1\nCall R4 2 0\nReturnClose R4 0\nReturnClose R4 1",
    );
    check(
        "do local x <close> = a end b = 1",
        "Move R3 R0\nMarkClose R3\nClose R3\nLoadInt R1 1",
    );
    check(
        "for k in a, b do c = k end",
        "Move R3 R0\nMove R4 R1\nLoadNil R5 1\nGenericForPrep R3 1\nMove R2 R7\nGenericForCall R3 1\nGenericForLoop R3 -4\nClose R3",
    );
}

#[test]
fn backward_jumps_are_loops() {
    check("::top:: a = b; goto top", "Move R0 R1\nLoop -2");
    check("repeat a = b until c", "Move R0 R1\nJumpIf R2 2\nLoop -3");
    check("while true do a = b end", "Move R0 R1\nLoop -2");
}

#[test]
fn debug_information_of_locals() {
    let proto = compiled("local a = 1\nfor i = 1, 2 do local b end\nfor k in a do end\nreturn a");
    let names: Vec<_> = proto
        .locals
        .iter()
        .map(|local| {
            (
                String::from_utf8_lossy(&local.name).into_owned(),
                local.register,
            )
        })
        .collect();
    let expected = [
        ("a", 0),
        ("(for state)", 1),
        ("(for state)", 2),
        ("(for state)", 3),
        ("i", 4),
        ("b", 5),
        ("(for state)", 1),
        ("(for state)", 2),
        ("(for state)", 3),
        ("(for state)", 4),
        ("k", 5),
    ];
    assert_eq!(
        names,
        expected.map(|(name, register)| (name.to_string(), register))
    );
}

/// As `luac -l` of the reference implementation shows them.
#[test]
fn lines() {
    let proto = compiled(
        "local a\n=\n1\nlocal b = a\n+\na\nprint\n(\na,\nb\n)\nfor i = 1,\n2\ndo\nb = i\nend\n",
    );
    let lines: Vec<u32> = crate::bytecode::liveness::instruction_starts(&proto.code)
        .into_iter()
        .filter_map(|pc| proto.lines.line(pc as usize))
        .collect();
    let expected = [1, 3, 5, 7, 9, 11, 8, 12, 13, 13, 14, 15, 12, 16];
    assert_eq!(lines, expected);
}

#[test]
fn limits_are_errors() {
    let many: Vec<String> = (0..300).map(|n| format!("f{n}(")).collect();
    let source = format!("return {}1{}", many[..150].join(""), ")".repeat(150));
    assert!(compile(source.as_bytes(), b"=test").is_ok());
    let arguments = vec!["a"; 260].join(",");
    let error = compile(format!("local a; f({arguments})").as_bytes(), b"=test").unwrap_err();
    let message = String::from_utf8_lossy(&error.message).into_owned();
    assert!(
        message.contains("function or expression needs too many registers"),
        "{message}"
    );
    let locals: Vec<String> = (0..200).map(|n| format!("local v{n}")).collect();
    assert!(compile(locals.join(" ").as_bytes(), b"=test").is_ok());
}

#[test]
fn many_constants_need_registers() {
    let fields: Vec<String> = (0..5000)
        .map(|n| format!("t.f{n} = {n}.5 + t.f{n}"))
        .collect();
    let proto = compiled(&format!("local t = {{}} {}", fields.join(" ")));
    assert_eq!(proto.constants.len(), 10_000);
    assert_eq!(
        proto.constants[2],
        Constant::String(b"f1".as_slice().into())
    );
    let code = instructions(&proto);
    assert!(code.contains("LoadConst R1 K9998"));
    assert!(
        code.ends_with("Add R2 R3 R2\nSetIndex R0 R1 R2\nReturn0"),
        "{}",
        &code[code.len() - 200..]
    );
}

#[test]
fn constants_are_told_apart_by_type_and_bits() {
    let proto = compiled(
        "return {1, 1.5, 1e300, 0.0, -0.0, 'x', 1e300, 'x', 2^53, 1 << 53}, 40000000000, 40000000000.0",
    );
    let expected = [
        Constant::Float(1.5),
        Constant::Float(1e300),
        Constant::Float(0.0),
        Constant::String(b"x".as_slice().into()),
        Constant::Float(9007199254740992.0),
        Constant::Integer(9007199254740992),
        Constant::Integer(40000000000),
        Constant::Float(40000000000.0),
    ];
    // 0.0 is loaded as an immediate; -0.0 is an operation on it.
    let expected: Vec<_> = expected
        .into_iter()
        .filter(|c| *c != Constant::Float(0.0))
        .collect();
    assert_eq!(proto.constants, expected);
}

#[test]
fn long_chains_need_no_native_stack() {
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    let compile_all = || {
        for chain in [
            format!("local a = 1; return a{}", " + a".repeat(100_000)),
            format!("local a = 1; return a{}", ".x".repeat(100_000)),
            format!("local a = 1; return a{}", "()".repeat(100_000)),
            format!("local a = 1; return a{}", ":m()".repeat(100_000)),
            format!("local a = 1; return a{}", " and a".repeat(100_000)),
            format!("local a = 1; return 'x'{}", " .. a".repeat(180)),
        ] {
            compile(chain.as_bytes(), b"=chain").expect("compiles");
        }
        for (open, middle, close) in [
            ("return ", "(", ")"),
            ("return ", "{", "}"),
            ("return ", "-", ""),
            ("return ", "not ", ""),
            ("return ", "a[", "]"),
            ("return ", "f(", ")"),
            ("return ", "a or 1 + ", ""),
            ("", "do ", " end "),
            ("", "if a then ", " end "),
            ("", "while a do ", " end "),
        ] {
            let inner = if open.is_empty() { "" } else { "1" };
            let (before, after) = (middle.repeat(150), close.repeat(150));
            let nested = format!("{open}{before}{inner}{after}");
            compile(nested.as_bytes(), b"=nested").expect("compiles");
        }
        let (before, after) = ("return function() ".repeat(90), " end".repeat(90));
        compile(format!("{before}{after}").as_bytes(), b"=nested").expect("compiles");
    };
    thread.spawn(compile_all).unwrap().join().unwrap();
}

#[test]
fn long_jumps() {
    let body = "x = x + 1 ".repeat(40_000);
    let proto = compiled(&format!(
        "local x, y = 1, ... if x < 2 then {body} end local z = y and (x or 1) while x == 1 do {body} end return y"
    ));
    let code = instructions(&proto);
    assert!(
        code.contains("JumpLtInt R0 2 1\nJump 40000\n"),
        "expanded comparison"
    );
}

#[test]
fn runs_of_integers_are_positional_items() {
    let numerals: Vec<i64> = (0..120).map(|i| if i % 3 == 0 { -i } else { i }).collect();
    let items: String = numerals.iter().map(|i| format!("{i},\n")).collect();
    let proto = compiled(&format!(
        "return {{\n{items}{{1, 2}}, 1.5, 9007199254740993}}"
    ));
    let code: Vec<(usize, Instruction)> = proto
        .code
        .iter()
        .copied()
        .map(Instruction)
        .enumerate()
        .collect();
    let loads: Vec<(i64, Option<u32>)> = code
        .iter()
        .filter(|(_, word)| word.0 as u8 == Opcode::LoadInt as u8)
        .take(numerals.len())
        .map(|&(pc, word)| (i64::from((word.0 >> 32) as i32), proto.lines.line(pc)))
        .collect();
    let expected: Vec<(i64, Option<u32>)> = numerals.iter().copied().zip((2..).map(Some)).collect();
    assert_eq!(loads, expected);
    assert_eq!(
        proto.constants.last(),
        Some(&Constant::Integer(9_007_199_254_740_993))
    );
}
