//! Liveness of small functions, worked out by hand.

use super::super::effects::RegisterSet;
use super::super::instruction::Instruction;
use super::super::liveness::{Liveness, instruction_starts};
use super::super::opcode::Opcode;
use super::super::proto::Proto;
use super::compiled;

fn liveness(proto: &Proto) -> Liveness {
    Liveness::compute(&proto.code, proto.max_stack, &|index| {
        &proto.protos[index].upvalues
    })
}

/// The function that `body` is, with parameters `a`, `b`, `c` in registers 0, 1, 2.
fn function(body: &str) -> Proto {
    let mut chunk = compiled(&format!("return function(a, b, c) {body} end"));
    *chunk.protos.remove(0)
}

/// The position of the `n`th instruction with opcode `op`.
fn find(proto: &Proto, op: Opcode, n: usize) -> usize {
    let starts = instruction_starts(&proto.code).into_iter();
    let mut found = starts.filter(|&pc| Instruction(proto.code[pc as usize]).opcode() == Some(op));
    found.nth(n).expect("the instruction is there") as usize
}

fn registers(set: RegisterSet) -> Vec<usize> {
    set.iter().collect()
}

#[test]
fn register_sets() {
    let set = RegisterSet::range(60, 130);
    assert_eq!(registers(set), (60..130).collect::<Vec<_>>());
    assert!(set.contains(64) && !set.contains(130) && !set.contains(300));
    assert_eq!(RegisterSet::range(5, 5), RegisterSet::EMPTY);
    assert_eq!(RegisterSet::range(9, 5), RegisterSet::EMPTY);
    assert_eq!(
        registers(RegisterSet::range(250, 300)),
        [250, 251, 252, 253, 254, 255]
    );
    assert_eq!(registers(set.minus(RegisterSet::range(0, 128))), [128, 129]);
}

#[test]
fn straight_code() {
    let proto = function("local x = a + b; return x");
    let live = liveness(&proto);
    assert_eq!(registers(live.live_in(0)), [0, 1]);
    assert_eq!(registers(live.live_in(1)), [3]);
    assert_eq!(registers(live.live_out(&proto.code, 0)), [3]);
    assert!(live.live_during(&proto.code, 0).is_empty());
}

#[test]
fn calls() {
    let proto = function("local x = c; local y = a(b, 1); return x, y");
    let live = liveness(&proto);
    let call = find(&proto, Opcode::Call, 0);
    assert_eq!(registers(live.live_in(call)), [3, 4, 5, 6]);
    assert_eq!(registers(live.live_out(&proto.code, call)), [3, 4]);
    assert_eq!(registers(live.live_during(&proto.code, call)), [3]);
}

#[test]
fn branches_and_values_moved_by_jumps() {
    let proto = function("local x = a and b; return x");
    let live = liveness(&proto);
    let test = find(&proto, Opcode::MoveJumpIfNot, 0);
    assert_eq!(registers(live.live_in(test)), [0, 1]);
    assert_eq!(registers(live.live_in(test + 1)), [1]);
    let proto = function("if a then b = c end return b");
    let live = liveness(&proto);
    assert_eq!(registers(live.live_in(0)), [0, 1, 2]);
}

#[test]
fn loops_keep_what_the_next_iteration_reads() {
    let proto = function("local x = 1 while a do x = x + b end return c");
    let live = liveness(&proto);
    let back = find(&proto, Opcode::Loop, 0);
    assert_eq!(registers(live.live_in(back)), [0, 1, 2, 3]);
    let proto = function("for i = 1, a do b(i) end");
    let live = liveness(&proto);
    let back = find(&proto, Opcode::ForLoop, 0);
    assert_eq!(registers(live.live_in(back)), [1, 3, 4, 5]);
    // The loop variable is written by the back-edge.
    let call = find(&proto, Opcode::Call, 0);
    assert_eq!(registers(live.live_during(&proto.code, call)), [1, 3, 4, 5]);
}

#[test]
fn closures_read_the_cells_they_capture() {
    let proto = function("local x = a; return function() return x end");
    let live = liveness(&proto);
    let closure = find(&proto, Opcode::Closure, 0);
    assert_eq!(registers(live.live_in(closure)), [3]);
}

#[test]
fn marked_variables_stay_alive() {
    let proto = function("local x <close> = a; while true do b() end");
    let live = liveness(&proto);
    let call = find(&proto, Opcode::Call, 0);
    // No instruction reads register 3 any more, but an error closes it.
    assert!(live.live_in(call).contains(3));
    assert!(live.live_during(&proto.code, call).contains(3));
    assert!(!live.live_in(0).contains(3));
    let proto = function("do local x <close> = a end b()");
    let live = liveness(&proto);
    assert!(live.live_in(find(&proto, Opcode::Close, 0)).contains(3));
    assert!(!live.live_in(find(&proto, Opcode::Call, 0)).contains(4));
    let proto = function("for k in a do b(k) end");
    let live = liveness(&proto);
    assert!(
        live.live_during(&proto.code, find(&proto, Opcode::Call, 0))
            .contains(6)
    );
    assert!(
        live.live_during(&proto.code, find(&proto, Opcode::GenericForCall, 0))
            .contains(6)
    );
}

#[test]
fn open_lists_reach_to_the_end_of_the_frame() {
    let proto = function("return a, b()");
    let live = liveness(&proto);
    let back = find(&proto, Opcode::Return, 0);
    let all: Vec<usize> = (3..proto.max_stack as usize).collect();
    assert_eq!(registers(live.live_in(back)), all);
    let call = find(&proto, Opcode::Call, 0);
    assert_eq!(registers(live.live_during(&proto.code, call)), [3]);
}

#[test]
fn calls_made_by_other_instructions() {
    let proto = function("local s = a .. b .. c; return s");
    let live = liveness(&proto);
    let concat = find(&proto, Opcode::Concat, 0);
    assert_eq!(registers(live.live_during(&proto.code, concat)), [3, 4, 5]);
    let proto = function("return a:m(b)");
    let live = liveness(&proto);
    let method = find(&proto, Opcode::Method, 0);
    // `self` must survive the lookup.
    assert_eq!(registers(live.live_during(&proto.code, method)), [1, 4]);
}
