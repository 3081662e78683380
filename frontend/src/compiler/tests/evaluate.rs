//! A small evaluator of bytecode for tests: integers, floats, strings, tables without
//! metatables, closures. It executes what the opcode table says, as plainly as it can be written.
//!
//! Before each instruction it erases every register that neither liveness nor the scopes of
//! locals declare to be in use; reading an erased register fails the test.

use std::cell::RefCell;
use std::rc::Rc;

use crate::bytecode::effects::RegisterSet;
use crate::bytecode::instruction::{FLAG_SWAPPED, Instruction, SCALE};
use crate::bytecode::liveness::Liveness;
use crate::bytecode::opcode::Opcode;
use crate::bytecode::proto::{Constant, Proto};
use crate::bytecode::verify::verify;

/// Programs of the tests end before this many instructions.
const STEP_LIMIT: usize = 2_000_000;

#[derive(Clone, Debug)]
pub(super) enum Value {
    Nil,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    String(Rc<[u8]>),
    Table(Rc<RefCell<Vec<(Value, Value)>>>),
    Closure(Rc<Closure>),
    Native(&'static str),
    /// A closable value: calls the function when it is closed.
    Closable(Rc<Value>),
    Cell(Rc<RefCell<Value>>),
    /// An erased register.
    Erased,
}

#[derive(Debug)]
pub(super) struct Closure {
    proto: Rc<Function>,
    upvalues: Vec<Rc<RefCell<Value>>>,
}

/// A proto with what execution needs.
#[derive(Debug)]
struct Function {
    proto: Proto,
    inner: Vec<Rc<Function>>,
    liveness: Liveness,
}

impl Function {
    fn new(proto: &Proto) -> Rc<Self> {
        Rc::new(Self {
            inner: proto
                .protos
                .iter()
                .map(|inner| Function::new(inner))
                .collect(),
            liveness: Liveness::compute(&proto.code, proto.max_stack, &|index| {
                &proto.protos[index].upvalues
            }),
            proto: proto.clone(),
        })
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        use Value::*;
        match (self, other) {
            (Nil, Nil) => true,
            (Boolean(a), Boolean(b)) => a == b,
            (Integer(a), Integer(b)) => a == b,
            (Float(a), Float(b)) => a == b,
            (Integer(a), Float(b)) | (Float(b), Integer(a)) => *a as f64 == *b,
            (String(a), String(b)) => a == b,
            (Table(a), Table(b)) => Rc::ptr_eq(a, b),
            (Closure(a), Closure(b)) => Rc::ptr_eq(a, b),
            (Native(a), Native(b)) => a == b,
            (Closable(a), Closable(b)) => Rc::ptr_eq(a, b),
            (Erased, _) | (_, Erased) => panic!("an erased register is compared"),
            _ => false,
        }
    }
}

impl Value {
    fn is_true(&self) -> bool {
        assert!(
            !matches!(self, Value::Erased | Value::Cell(_)),
            "bad test: {self:?}"
        );
        !matches!(self, Value::Nil | Value::Boolean(false))
    }

    fn show(&self) -> String {
        match self {
            Value::Nil => "nil".into(),
            Value::Boolean(boolean) => boolean.to_string(),
            Value::Integer(integer) => integer.to_string(),
            Value::Float(float) => format!("{float:?}"),
            Value::String(string) => String::from_utf8_lossy(string).into_owned(),
            Value::Table(_) | Value::Closable(_) => "table".into(),
            Value::Closure(_) | Value::Native(_) => "function".into(),
            Value::Cell(_) | Value::Erased => panic!("an internal value is visible: {self:?}"),
        }
    }
}

/// Executes programs; what they print is collected.
pub(super) struct Evaluator {
    output: String,
    globals: Value,
    steps: usize,
}

type Outcome<T> = Result<T, String>;

/// Runs a main function; its output, and its error as last line.
pub(super) fn run(proto: &Proto) -> String {
    assert_eq!(verify(proto), Ok(()));
    let globals = Value::Table(Rc::default());
    let mut evaluator = Evaluator {
        output: String::new(),
        globals: globals.clone(),
        steps: 0,
    };
    for name in ["print", "closable", "error", "select", "iterate"] {
        let name_value = Value::String(name.as_bytes().into());
        set_index(&globals, name_value, Value::Native(name)).unwrap();
    }
    let main = Value::Closure(Rc::new(Closure {
        proto: Function::new(proto),
        upvalues: vec![Rc::new(RefCell::new(evaluator.globals.clone()))],
    }));
    if let Err(error) = evaluator.call(&main, Vec::new()) {
        evaluator.output.push_str(&format!("error: {error}\n"));
    }
    evaluator.output
}

fn index(object: &Value, key: &Value) -> Outcome<Value> {
    match object {
        Value::Table(table) => {
            let table = table.borrow();
            let found = table.iter().find(|entry| entry.0 == *key);
            Ok(found.map_or(Value::Nil, |entry| entry.1.clone()))
        }
        _ => Err(format!("attempt to index a {}", object.show())),
    }
}

fn set_index(object: &Value, key: Value, value: Value) -> Outcome<()> {
    match object {
        Value::Table(table) => {
            let mut table = table.borrow_mut();
            match table.iter_mut().find(|entry| entry.0 == key) {
                Some(entry) => entry.1 = value,
                None => table.push((key, value)),
            }
            Ok(())
        }
        _ => Err(format!("attempt to index a {}", object.show())),
    }
}

fn less(a: &Value, b: &Value, or_equal: bool) -> Outcome<bool> {
    let number = |value: &Value| match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => Ok(if or_equal { a <= b } else { a < b }),
        _ => Err(format!("attempt to compare {} with {}", a.show(), b.show())),
    }
}

fn arithmetic(op: Opcode, a: &Value, b: &Value) -> Outcome<Value> {
    use Opcode::*;
    let (x, y) = match (a, b) {
        (Value::Integer(x), Value::Integer(y)) => (*x, *y),
        (Value::Float(x), Value::Float(y)) if op == Add => return Ok(Value::Float(x + y)),
        (Value::Float(x), Value::Float(y)) if op == Div => return Ok(Value::Float(x / y)),
        _ => {
            return Err(format!(
                "attempt to calculate {} and {}",
                a.show(),
                b.show()
            ));
        }
    };
    Ok(Value::Integer(match op {
        Add | AddConst | AddInt => x.wrapping_add(y),
        Sub | SubConst => x.wrapping_sub(y),
        Mul | MulConst => x.wrapping_mul(y),
        Mod | ModConst => x.rem_euclid(y),
        IDiv | IDivConst => x.div_euclid(y),
        BAnd | BAndConst => x & y,
        BOr | BOrConst => x | y,
        BXor | BXorConst => x ^ y,
        Shl | ShlConst => x << y,
        Shr | ShrConst => ((x as u64) >> y) as i64,
        _ => return Ok(Value::Float(x as f64 / y as f64)),
    }))
}

fn constant(proto: &Proto, offset: u32) -> Value {
    match &proto.constants[(offset / SCALE as u32) as usize] {
        Constant::Nil => Value::Nil,
        Constant::Boolean(boolean) => Value::Boolean(*boolean),
        Constant::Integer(integer) => Value::Integer(*integer),
        Constant::Float(float) => Value::Float(*float),
        Constant::String(string) => Value::String(string.clone()),
    }
}

/// An activation of a function.
struct Frame {
    closure: Rc<Closure>,
    registers: Vec<Value>,
    varargs: Vec<Value>,
    top: usize,
    to_be_closed: Vec<usize>,
}

impl Frame {
    fn get(&self, field: u16) -> Value {
        let value = &self.registers[(field / SCALE) as usize];
        assert!(
            !matches!(value, Value::Erased),
            "an erased register is read"
        );
        assert!(
            !matches!(value, Value::Cell(_)),
            "a cell is read as a value"
        );
        value.clone()
    }

    fn cell(&self, register: usize) -> Rc<RefCell<Value>> {
        match &self.registers[register] {
            Value::Cell(cell) => cell.clone(),
            other => panic!("no cell in register {register}: {other:?}"),
        }
    }

    fn set(&mut self, field: u16, value: Value) {
        self.registers[(field / SCALE) as usize] = value;
    }

    /// The values of `count - 1` registers, or up to the top.
    fn range(&self, first: usize, count: u16) -> Vec<Value> {
        let end = match count {
            0 => self.top,
            _ => first + count as usize - 1,
        };
        (first..end)
            .map(|register| self.get(register as u16 * SCALE))
            .collect()
    }

    /// Stores results in `count - 1` registers, or all of them.
    fn results(&mut self, first: usize, count: u16, mut values: Vec<Value>) {
        if count > 0 {
            values.resize(count as usize - 1, Value::Nil);
        } else {
            self.top = first + values.len();
        }
        if self.registers.len() < first + values.len() {
            self.registers.resize(first + values.len(), Value::Erased);
        }
        for (register, value) in (first..).zip(values) {
            self.registers[register] = value;
        }
    }

    /// Erases what is not in use before the instruction at `pc`.
    fn erase(&mut self, pc: usize, instruction: Instruction) {
        let function = &self.closure.proto;
        let mut used: RegisterSet = function.liveness.live_in(pc);
        for local in &function.proto.locals {
            if (local.start_pc as usize) <= pc && pc < local.end_pc as usize {
                used.insert(local.register as usize);
            }
        }
        let op = instruction.opcode().unwrap();
        let to_top = match op {
            Opcode::Call | Opcode::SetList | Opcode::TailCall => instruction.b() == 0,
            Opcode::Return | Opcode::ReturnClose => instruction.b() == 0,
            _ => false,
        };
        let limit = if to_top {
            self.top
        } else {
            self.registers.len()
        };
        for register in 0..self.registers.len() {
            let beyond = to_top && register >= function.proto.max_stack as usize;
            if register >= limit || !(beyond || used.contains(register)) {
                self.registers[register] = Value::Erased;
            }
        }
    }
}

/// Where control goes after an instruction.
enum Next {
    Continue,
    Jump,
    Return(Vec<Value>),
}

impl Evaluator {
    fn native(&mut self, name: &str, args: Vec<Value>) -> Outcome<Vec<Value>> {
        match name {
            "print" => {
                let shown: Vec<String> = args.iter().map(Value::show).collect();
                self.output.push_str(&shown.join(" "));
                self.output.push('\n');
                Ok(Vec::new())
            }
            "closable" => Ok(vec![Value::Closable(Rc::new(args[0].clone()))]),
            "error" => Err(args[0].show()),
            "select" => Ok(match &args[0] {
                Value::Integer(n) => args[(*n as usize).min(args.len())..].to_vec(),
                _ => vec![Value::Integer(args.len() as i64 - 1)],
            }),
            // An iterator that counts its control up to the state.
            _ => Ok(match (&args[0], &args[1]) {
                (Value::Integer(limit), Value::Integer(control)) if control < limit => {
                    vec![Value::Integer(control + 1), Value::Integer(control * 10)]
                }
                _ => vec![Value::Nil],
            }),
        }
    }

    fn call(&mut self, function: &Value, mut args: Vec<Value>) -> Outcome<Vec<Value>> {
        let closure = match function {
            Value::Closure(closure) => closure.clone(),
            Value::Native(name) => return self.native(name, args),
            other => return Err(format!("attempt to call a {} value", other.show())),
        };
        let proto = &closure.proto.proto;
        let params = proto.num_params as usize;
        let varargs = if args.len() > params && proto.is_vararg {
            args.split_off(params)
        } else {
            Vec::new()
        };
        args.resize(params, Value::Nil);
        args.resize(proto.max_stack as usize, Value::Erased);
        let mut frame = Frame {
            registers: args,
            varargs,
            top: 0,
            to_be_closed: Vec::new(),
            closure: closure.clone(),
        };
        let outcome = self.execute(&mut frame);
        if outcome.is_err() {
            self.close(&mut frame, 0)?;
        }
        outcome
    }

    fn close(&mut self, frame: &mut Frame, level: usize) -> Outcome<()> {
        while let Some(&register) = frame.to_be_closed.last()
            && register >= level
        {
            frame.to_be_closed.pop();
            let value = match &frame.registers[register] {
                Value::Cell(cell) => cell.borrow().clone(),
                other => other.clone(),
            };
            match value {
                Value::Closable(function) => {
                    self.call(&function, Vec::new())?;
                }
                other => return Err(format!("closing a {}", other.show())),
            }
        }
        Ok(())
    }

    fn mark(&mut self, frame: &mut Frame, register: usize) {
        let value = match &frame.registers[register] {
            Value::Cell(cell) => cell.borrow().clone(),
            other => other.clone(),
        };
        assert!(
            !matches!(value, Value::Erased),
            "an erased register is marked"
        );
        if value.is_true() {
            frame.to_be_closed.push(register);
        }
    }

    fn execute(&mut self, frame: &mut Frame) -> Outcome<Vec<Value>> {
        let closure = frame.closure.clone();
        let proto = &closure.proto.proto;
        let mut pc = 0;
        loop {
            self.steps += 1;
            assert!(self.steps < STEP_LIMIT, "the program does not end");
            let instruction = Instruction(proto.code[pc]);
            frame.erase(pc, instruction);
            match self.step(frame, proto, pc, instruction)? {
                Next::Continue => pc += instruction.length(),
                Next::Jump => pc = (pc as i64 + 1 + instruction.jump_distance().unwrap()) as usize,
                Next::Return(values) => {
                    assert!(frame.to_be_closed.is_empty(), "variables are not closed");
                    return Ok(values);
                }
            }
        }
    }

    fn step(
        &mut self,
        frame: &mut Frame,
        proto: &Proto,
        pc: usize,
        instruction: Instruction,
    ) -> Outcome<Next> {
        use Opcode::*;
        let op = instruction.opcode().unwrap();
        let (a, b, c) = (instruction.a(), instruction.b(), instruction.c());
        let (ra, rb) = (instruction.register_a(), instruction.register_b());
        let wide = instruction.bc();
        let k = |field: u16| constant(proto, field as u32);
        let jump_if = |condition: bool| {
            Ok(if condition {
                Next::Jump
            } else {
                Next::Continue
            })
        };
        let int = |field: u16| Value::Integer(field as i16 as i64);
        match op {
            Move => frame.set(a, frame.get(b)),
            LoadInt => frame.set(a, Value::Integer(wide as i32 as i64)),
            LoadFloat => frame.set(a, Value::Float(wide as i32 as f64)),
            LoadConst => frame.set(a, constant(proto, wide)),
            LoadNil => (0..=b).for_each(|i| frame.set(a + i * SCALE, Value::Nil)),
            LoadFalse => frame.set(a, Value::Boolean(false)),
            LoadTrue => frame.set(a, Value::Boolean(true)),
            GetUpvalue => {
                let value = frame.closure.upvalues[b as usize].borrow().clone();
                frame.set(a, value);
            }
            SetUpvalue => *frame.closure.upvalues[b as usize].borrow_mut() = frame.get(a),
            NewCell => frame.set(a, Value::Cell(Rc::new(RefCell::new(frame.get(b))))),
            GetCell => {
                let value = frame.cell(rb).borrow().clone();
                frame.set(a, value);
            }
            SetCell => *frame.cell(ra).borrow_mut() = frame.get(b),
            GetUpvalueField => {
                let object = frame.closure.upvalues[b as usize].borrow().clone();
                frame.set(a, index(&object, &k(c))?);
            }
            SetUpvalueField => {
                let object = frame.closure.upvalues[a as usize].borrow().clone();
                set_index(&object, k(b), frame.get(c))?;
            }
            GetIndex => frame.set(a, index(&frame.get(b), &frame.get(c))?),
            GetInt => frame.set(a, index(&frame.get(b), &Value::Integer(c as i64))?),
            GetField => frame.set(a, index(&frame.get(b), &k(c))?),
            SetIndex => set_index(&frame.get(a), frame.get(b), frame.get(c))?,
            SetIndexConst => set_index(&frame.get(a), frame.get(b), k(c))?,
            SetInt => set_index(&frame.get(a), Value::Integer(b as i64), frame.get(c))?,
            SetField => set_index(&frame.get(a), k(b), frame.get(c))?,
            SetFieldConst => set_index(&frame.get(a), k(b), k(c))?,
            Method => {
                let object = frame.get(b);
                frame.set(a + SCALE, object.clone());
                frame.set(a, index(&object, &k(c))?);
            }
            NewTable => frame.set(a, Value::Table(Rc::default())),
            SetList => {
                let count = if b == 0 { 0 } else { b + 1 };
                let table = frame.get(a);
                let first = proto.code[pc + 1] as i64 + 1;
                for (key, value) in (first..).zip(frame.range(ra + 1, count)) {
                    set_index(&table, Value::Integer(key), value)?;
                }
            }
            Add | Sub | Mul | Div | Mod | Pow | IDiv | BAnd | BOr | BXor | Shl | Shr => {
                frame.set(a, arithmetic(op, &frame.get(b), &frame.get(c))?);
            }
            AddConst | SubConst | MulConst | DivConst | ModConst | PowConst | IDivConst
            | BAndConst | BOrConst | BXorConst | ShlConst | ShrConst | AddInt => {
                let operand = if op == AddInt { int(c) } else { k(c) };
                let mut operands = (frame.get(b), operand);
                if instruction.flags() & FLAG_SWAPPED != 0 {
                    operands = (operands.1, operands.0);
                }
                frame.set(a, arithmetic(op, &operands.0, &operands.1)?);
            }
            Unm => frame.set(a, arithmetic(Sub, &Value::Integer(0), &frame.get(b))?),
            BNot => frame.set(a, arithmetic(BXor, &Value::Integer(-1), &frame.get(b))?),
            Not => frame.set(a, Value::Boolean(!frame.get(b).is_true())),
            Len => {
                let length = match frame.get(b) {
                    Value::String(string) => string.len(),
                    Value::Table(_) => (1..)
                        .take_while(|&n| index(&frame.get(b), &Value::Integer(n)) != Ok(Value::Nil))
                        .count(),
                    other => return Err(format!("length of {}", other.show())),
                };
                frame.set(a, Value::Integer(length as i64));
            }
            Concat => {
                let values = frame.range(ra, b + 1);
                let text: String = values.iter().map(Value::show).collect();
                frame.set(a, Value::String(text.as_bytes().into()));
            }
            Jump | Loop => return Ok(Next::Jump),
            JumpIf => return jump_if(frame.get(a).is_true()),
            JumpIfNot => return jump_if(!frame.get(a).is_true()),
            MoveJumpIf | MoveJumpIfNot => {
                let value = frame.get(b);
                let taken = value.is_true() == (op == MoveJumpIf);
                if taken {
                    frame.set(a, value);
                }
                return jump_if(taken);
            }
            JumpEq => return jump_if(frame.get(a) == frame.get(b)),
            JumpNotEq => return jump_if(frame.get(a) != frame.get(b)),
            JumpLt => return jump_if(less(&frame.get(a), &frame.get(b), false)?),
            JumpNotLt => return jump_if(!less(&frame.get(a), &frame.get(b), false)?),
            JumpLe => return jump_if(less(&frame.get(a), &frame.get(b), true)?),
            JumpNotLe => return jump_if(!less(&frame.get(a), &frame.get(b), true)?),
            JumpEqConst => return jump_if(frame.get(a) == k(b)),
            JumpNotEqConst => return jump_if(frame.get(a) != k(b)),
            JumpEqInt => return jump_if(frame.get(a) == int(b)),
            JumpNotEqInt => return jump_if(frame.get(a) != int(b)),
            JumpLtInt => return jump_if(less(&frame.get(a), &int(b), false)?),
            JumpNotLtInt => return jump_if(!less(&frame.get(a), &int(b), false)?),
            JumpLeInt => return jump_if(less(&frame.get(a), &int(b), true)?),
            JumpNotLeInt => return jump_if(!less(&frame.get(a), &int(b), true)?),
            JumpGtInt => return jump_if(less(&int(b), &frame.get(a), false)?),
            JumpNotGtInt => return jump_if(!less(&int(b), &frame.get(a), false)?),
            JumpGeInt => return jump_if(less(&int(b), &frame.get(a), true)?),
            JumpNotGeInt => return jump_if(!less(&int(b), &frame.get(a), true)?),
            Call => {
                let function = frame.get(a);
                let args = frame.range(ra + 1, b);
                let results = self.call(&function, args)?;
                frame.registers[ra..].fill(Value::Erased);
                frame.results(ra, c, results);
            }
            TailCall => {
                let args = frame.range(ra + 1, b);
                return Ok(Next::Return(self.call(&frame.get(a), args)?));
            }
            Return => return Ok(Next::Return(frame.range(ra, b))),
            Return0 => return Ok(Next::Return(Vec::new())),
            Return1 => return Ok(Next::Return(vec![frame.get(a)])),
            ReturnClose => {
                let values = frame.range(ra, b);
                self.close(frame, 0)?;
                return Ok(Next::Return(values));
            }
            VarArg => {
                let values = frame.varargs.clone();
                frame.results(ra, b, values);
            }
            VarArgPrep => {}
            Closure => {
                let inner = &frame.closure.proto.inner[wide as usize];
                let upvalues = inner.proto.upvalues.iter().map(|upvalue| {
                    if upvalue.in_stack {
                        frame.cell(upvalue.index as usize)
                    } else {
                        frame.closure.upvalues[upvalue.index as usize].clone()
                    }
                });
                let closure = super::evaluate::Closure {
                    upvalues: upvalues.collect(),
                    proto: inner.clone(),
                };
                frame.set(a, Value::Closure(Rc::new(closure)));
            }
            ForPrep | ForLoop => return for_step(frame, op, a),
            GenericForPrep => {
                self.mark(frame, ra + 3);
                return Ok(Next::Jump);
            }
            GenericForCall => {
                let args = vec![frame.get(a + SCALE), frame.get(a + 2 * SCALE)];
                let results = self.call(&frame.get(a), args)?;
                frame.registers[ra + 4..].fill(Value::Erased);
                frame.results(ra + 4, b + 1, results);
            }
            GenericForLoop => {
                let value = frame.get(a + 4 * SCALE);
                if value == Value::Nil {
                    return Ok(Next::Continue);
                }
                frame.set(a + 2 * SCALE, value);
                return Ok(Next::Jump);
            }
            MarkClose => self.mark(frame, ra),
            Close => self.close(frame, ra)?,
        }
        Ok(Next::Continue)
    }
}

/// `ForPrep` and `ForLoop` for integers.
fn for_step(frame: &mut Frame, op: Opcode, a: u16) -> Outcome<Next> {
    let field = |n: u16| a + n * SCALE;
    let (Value::Integer(index), Value::Integer(limit), Value::Integer(step)) =
        (frame.get(a), frame.get(field(1)), frame.get(field(2)))
    else {
        return Err("'for' values must be integers".into());
    };
    if op == Opcode::ForPrep {
        let runs = if step > 0 {
            index <= limit
        } else {
            index >= limit
        };
        if !runs {
            return Ok(Next::Jump);
        }
        let count = (limit - index) / step;
        frame.set(field(1), Value::Integer(count));
        frame.set(field(3), Value::Integer(index));
        return Ok(Next::Continue);
    }
    if limit == 0 {
        return Ok(Next::Continue);
    }
    frame.set(a, Value::Integer(index + step));
    frame.set(field(1), Value::Integer(limit - 1));
    frame.set(field(3), Value::Integer(index + step));
    Ok(Next::Jump)
}
