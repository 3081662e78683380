//! Checks the invariants of traces that [`super`] states.

use super::{End, Helper, Op, Ref, Trace, Type};

/// Checks a trace.
///
/// # Errors
/// Says what is wrong where.
pub fn verify(trace: &Trace) -> Result<(), String> {
    let loop_start = trace.loop_start();
    if loop_start.is_some() != (trace.end == End::Loop) {
        return Err("a loop's head and end come together".to_owned());
    }
    for (n, i) in trace.code.iter().enumerate() {
        let fail = |what: &str| Err(format!("instruction {n} ({}): {what}", i.op));
        let wanted: Vec<Option<Type>> = match i.op {
            Op::CallInt | Op::CallFloat => match Helper::ALL.get(i.imm as usize) {
                Some(helper) if helper.result() == i.op.result() => {
                    helper.operands().iter().map(|&t| Some(t)).collect()
                }
                _ => return fail("no such helper"),
            },
            _ => i.op.operands().to_vec(),
        };
        if i.operands().count() != wanted.len() {
            return fail("wrong number of operands");
        }
        for (r, wanted) in i.operands().zip(wanted) {
            if !is_defined(trace, r, n) {
                return fail("an operand is not defined before");
            }
            if wanted.is_some_and(|t| trace.type_of(r) != t) {
                return fail("an operand is of the wrong register class");
            }
        }
        if i.op.has_snapshot() {
            check_snapshot(trace, i.snapshot, n)?;
        }
        if i.op == Op::Step && trace.steps.get(i.imm as usize).is_none() {
            return fail("no such step");
        }
        if i.op == Op::Loop && loop_start != Some(n) {
            return fail("a second loop's head");
        }
    }
    if let End::Exit(snapshot) = trace.end {
        check_snapshot(trace, snapshot, trace.code.len())?;
    }
    for phi in &trace.phis {
        let entry = phi.entry.as_instruction();
        if entry.is_none_or(|n| loop_start.is_none_or(|start| n >= start)) {
            return Err("a phi's first value is not defined before the loop".to_owned());
        }
        if !is_defined(trace, phi.back, trace.code.len())
            || trace.type_of(phi.back) != trace.type_of(phi.entry)
        {
            return Err("a phi's second value is missing or of another class".to_owned());
        }
    }
    Ok(())
}

fn is_defined(trace: &Trace, r: Ref, before: usize) -> bool {
    match r.as_instruction() {
        Some(n) => n < before && trace.code[n].op.result() != Type::None,
        None => r.as_constant().is_some_and(|n| n < trace.constants.len()),
    }
}

fn check_snapshot(trace: &Trace, snapshot: u32, at: usize) -> Result<(), String> {
    let Some(s) = trace.snapshots.get(snapshot as usize) else {
        return Err(format!("instruction {at}: no snapshot {snapshot}"));
    };
    for slot in &s.slots {
        let payload_fits = slot.payload == Ref::NONE || is_defined(trace, slot.payload, at);
        if !is_defined(trace, slot.tag, at) || !payload_fits {
            return Err(format!(
                "instruction {at}: slot {} of snapshot {snapshot} is not defined before",
                slot.slot
            ));
        }
    }
    Ok(())
}
