//! Expressions: dispatch, names, indexing, arithmetic, concatenation, functions.
//!
//! Left-leaning chains (`a + b + c ...`, `a.b.c ...`, `f()()...`) and chains of `..` are walked
//! with loops, so that their length is not limited by the native stack.

use super::function::{FunctionState, NO_REGISTER, reg};
use super::operand::{Key, Kind, Object, Operand};
use super::{Result, compile_function, describe_upvalues, pass_on_upvalues};
use crate::ast::{
    BinaryOp, Binding, ConstantValue, Expr, ExprId, ExprKind, Function, Id, Line, LocalId, Symbol,
    UnaryOp,
};
use crate::bytecode::instruction::{FLAG_SWAPPED, Instruction};
use crate::bytecode::opcode::Opcode;
use crate::fold;

impl<'s> FunctionState<'s, '_> {
    /// Compiles an expression as far as its value is not needed yet.
    pub(super) fn expression(&mut self, id: ExprId) -> Result<Operand> {
        let expr = &self.tree[id];
        // Most expressions are of one token.
        match &expr.kind {
            ExprKind::Name(name, binding) => {
                self.line = expr.line;
                return self.name(*name, binding.get());
            }
            ExprKind::String(value) => {
                self.line = expr.line;
                return Ok(self.constant_operand(ConstantValue::String(*value)));
            }
            ExprKind::Integer(value) => {
                self.line = expr.line;
                return Ok(self.constant_operand(ConstantValue::Integer(value.integer())));
            }
            _ => {}
        }
        self.compound_expression(expr)
    }

    /// Compiles an expression, most likely of several tokens.
    fn compound_expression(&mut self, expr: &'s Expr) -> Result<Operand> {
        let tree = self.tree;
        let base = self.spine.len();
        let mut node = expr;
        while !matches!(node.kind, ExprKind::Binary(BinaryOp::Concat, ..))
            && let Some(left) = node.left(tree)
        {
            self.spine.push(node);
            node = left;
        }
        let mut operand = self.leaf(node)?;
        while self.spine.len() > base {
            let Some(node) = self.spine.pop() else { break };
            operand = match node.kind {
                ExprKind::Binary(op, _, right) => self.binary(op, operand, right, node.line)?,
                ExprKind::Index(_, key) => self.index(operand, key, node.line)?,
                ExprKind::Field(_, name) => {
                    let mut field = self.field(operand, name)?;
                    self.line = node.line;
                    field.set_line(node.line);
                    field
                }
                ExprKind::Call(call) => self.call(operand, tree[call].args, node.line)?,
                ExprKind::MethodCall(call) => self.method_call(operand, &tree[call], node.line)?,
                _ => operand,
            };
        }
        Ok(operand)
    }

    /// Compiles an expression that is no left-leaning chain.
    fn leaf(&mut self, expr: &'s Expr) -> Result<Operand> {
        use ConstantValue::{Boolean, Float, Integer, Nil};
        if !matches!(expr.kind, ExprKind::Unary(..) | ExprKind::Binary(..)) {
            self.line = expr.line;
        }
        Ok(match &expr.kind {
            ExprKind::Nil => self.constant_operand(Nil),
            ExprKind::True => self.constant_operand(Boolean(true)),
            ExprKind::False => self.constant_operand(Boolean(false)),
            ExprKind::Integer(value) => self.constant_operand(Integer(value.integer())),
            ExprKind::Float(value) => self.constant_operand(Float(value.float())),
            ExprKind::String(value) => self.constant_operand(ConstantValue::String(*value)),
            ExprKind::Vararg => {
                let pc = self.emit(Opcode::VarArg, NO_REGISTER, 2, 0);
                self.operand(Kind::VarArg(pc))
            }
            ExprKind::Function(function) => self.closure(*function)?,
            ExprKind::Name(name, binding) => self.name(*name, binding.get())?,
            ExprKind::Table(items) => self.table(*items, expr.line)?,
            ExprKind::Unary(op, inner) => {
                let operand = self.expression(*inner)?;
                self.unary(*op, operand, expr.line)?
            }
            ExprKind::Paren(inner) => {
                let mut operand = self.expression(*inner)?;
                self.line = expr.line;
                self.single_value(&mut operand);
                if matches!(operand.kind(), Kind::Constant(_) | Kind::Register(_)) {
                    operand.set_line(expr.line);
                }
                operand
            }
            ExprKind::Binary(..) => self.concatenation(expr)?,
            ExprKind::Index(..)
            | ExprKind::Field(..)
            | ExprKind::Call(_)
            | ExprKind::MethodCall(_) => {
                // `expression` has put these on the spine.
                self.constant_operand(Nil)
            }
        })
    }

    /// A local variable.
    pub(super) fn local(&self, id: LocalId) -> Operand {
        let info = self.local_info(id);
        if let Some(value) = info.constant {
            return self.constant_operand(value);
        }
        let register = self.register_of(id);
        self.operand(if info.captured {
            Kind::Cell(register)
        } else {
            Kind::Register(register)
        })
    }

    fn name(&mut self, name: Symbol, binding: Binding) -> Result<Operand> {
        match binding {
            Binding::Local(id) => Ok(self.local(id)),
            Binding::Upvalue(index) => Ok(self.operand(Kind::Upvalue(index))),
            Binding::Constant(id) => {
                let value = self.shared.constants[id.0 as usize];
                Ok(self.constant_operand(value))
            }
            Binding::GlobalOfLocal(id) => {
                let environment = self.local(id);
                self.field(environment, name)
            }
            Binding::GlobalOfUpvalue(index) => self.field(self.operand(Kind::Upvalue(index)), name),
            // Resolved chunks have none.
            Binding::Unresolved => Ok(self.constant_operand(ConstantValue::Nil)),
        }
    }

    /// The object of an index operation: variables stay where they are.
    fn object(&mut self, operand: &mut Operand) -> Result<Object> {
        if !operand.has_jumps() {
            match operand.kind() {
                Kind::Cell(register) => return Ok(Object::Cell(register as u8)),
                Kind::Upvalue(index) => return Ok(Object::Upvalue(index)),
                _ => {}
            }
        }
        Ok(Object::Register(self.put_in_any(operand)? as u8))
    }

    /// `operand.name`
    pub(super) fn field(&mut self, mut operand: Operand, name: Symbol) -> Result<Operand> {
        let object = self.object(&mut operand)?;
        self.indexed(object, self.constant_operand(ConstantValue::String(name)))
    }

    /// `operand[key]`
    fn index(&mut self, mut operand: Operand, key: ExprId, line: Line) -> Result<Operand> {
        let object = self.object(&mut operand)?;
        let key = self.expression(key)?;
        let mut index = self.indexed(object, key)?;
        self.line = line;
        index.set_line(line);
        Ok(index)
    }

    /// An index operation whose object and key are known.
    pub(super) fn indexed(&mut self, mut object: Object, mut key: Operand) -> Result<Operand> {
        let constant = match key.as_constant() {
            Some(ConstantValue::String(name)) => self.field_key(name).map(Key::Field),
            Some(ConstantValue::Integer(i)) if i > 0 => u16::try_from(i).ok().map(Key::Integer),
            _ => None,
        };
        let key = match (constant, key.kind()) {
            (Some(constant), _) => constant,
            (None, Kind::Cell(register)) if !key.has_jumps() => Key::Cell(register as u8),
            _ => Key::Register(self.put_in_any(&mut key)? as u8),
        };
        if let Object::Upvalue(index) = object
            && !matches!(key, Key::Field(_))
        {
            let mut environment = self.operand(Kind::Upvalue(index));
            object = Object::Register(self.put_in_next(&mut environment)? as u8);
        }
        Ok(self.operand(Kind::Index(object, key)))
    }

    /// A function expression.
    pub(super) fn closure(&mut self, function: Id<Function>) -> Result<Operand> {
        let function = &self.tree[function];
        let upvalues = describe_upvalues(self.shared, function, Some(&self.registers));
        let proto = match function.compiled.take() {
            Some(mut proto) => {
                proto.upvalues = upvalues;
                pass_on_upvalues(&mut proto);
                proto
            }
            None => {
                let tree = self.shared.inner;
                Box::new(compile_function(self.shared, function, tree, upvalues)?)
            }
        };
        self.line = function.end_line;
        let index = self.add_proto(proto);
        let pc = self.emit_wide(Opcode::Closure, NO_REGISTER, index);
        Ok(self.operand(Kind::Relocatable(pc)))
    }

    fn unary(&mut self, op: UnaryOp, mut operand: Operand, line: Line) -> Result<Operand> {
        let op = match op {
            UnaryOp::Not => {
                self.negation(&mut operand)?;
                return Ok(operand);
            }
            UnaryOp::Neg | UnaryOp::BNot => {
                if let Some(value) = operand.as_number()
                    && let Some(result) = fold::fold_unary(op, value)
                {
                    return Ok(self.constant_operand(result));
                }
                if op == UnaryOp::Neg {
                    Opcode::Unm
                } else {
                    Opcode::BNot
                }
            }
            UnaryOp::Len => Opcode::Len,
        };
        let register = self.put_in_any(&mut operand)?;
        self.free_operand(&operand);
        let instruction = Instruction::new(op, NO_REGISTER, reg(register), 0);
        let pc = self.emit_at(instruction, line);
        Ok(self.operand(Kind::Relocatable(pc)))
    }

    /// A binary operation other than concatenation.
    fn binary(
        &mut self,
        op: BinaryOp,
        mut left: Operand,
        right: ExprId,
        line: Line,
    ) -> Result<Operand> {
        use BinaryOp::*;
        match op {
            And => {
                self.line = line;
                return self.conjunction(left, right);
            }
            Or => {
                self.line = line;
                return self.disjunction(left, right);
            }
            _ => {}
        }
        // Constants may become immediate operands; variables in cells are read late.
        let stays = match op {
            Eq | Ne => left.as_constant().is_some(),
            Lt | Le | Gt | Ge => left.as_small_number().is_some(),
            _ => left.as_number().is_some(),
        };
        if !stays && (left.has_jumps() || !matches!(left.kind(), Kind::Cell(_))) {
            self.put_in_any(&mut left)?;
        }
        let right = self.expression(right)?;
        match op {
            Eq | Ne | Lt | Le | Gt | Ge => {
                self.line = line;
                self.comparison(op, left, right)
            }
            _ => self.arithmetic(op, left, right, line),
        }
    }

    fn arithmetic(
        &mut self,
        op: BinaryOp,
        left: Operand,
        right: Operand,
        line: Line,
    ) -> Result<Operand> {
        use BinaryOp::*;
        if let (Some(one), Some(other)) = (left.as_number(), right.as_number())
            && let Some(result) = fold::fold_binary(op, one, other)
        {
            return Ok(self.constant_operand(result));
        }
        let usable = |value: ConstantValue| match op {
            BAnd | BOr | BXor | Shl | Shr => matches!(value, ConstantValue::Integer(_)),
            _ => true,
        };
        let commutes = matches!(op, Add | Mul | BAnd | BOr | BXor);
        if let Some(value) = right.as_number().filter(|&value| usable(value)) {
            if let Some(operand) = self.arithmetic_constant(op, left, value, 0, line)? {
                return Ok(operand);
            }
        } else if commutes
            && let Some(value) = left.as_number().filter(|&value| usable(value))
            && let Some(operand) = self.arithmetic_constant(op, right, value, FLAG_SWAPPED, line)?
        {
            return Ok(operand);
        }
        let (mut left, mut right) = (left, right);
        let (a, b) = self.both_registers(&mut left, &mut right)?;
        self.free_operands(&left, &right);
        let (op, _) = opcodes(op);
        let pc = self.emit_at(Instruction::new(op, NO_REGISTER, reg(a), reg(b)), line);
        Ok(self.operand(Kind::Relocatable(pc)))
    }

    /// An operation with a constant operand, unless the constant's index is too large.
    fn arithmetic_constant(
        &mut self,
        op: BinaryOp,
        mut operand: Operand,
        value: ConstantValue,
        flags: u8,
        line: Line,
    ) -> Result<Option<Operand>> {
        let immediate = match value {
            ConstantValue::Integer(i) if op == BinaryOp::Add => i16::try_from(i).ok(),
            _ => None,
        };
        let (op, field) = if let Some(immediate) = immediate {
            (Opcode::AddInt, immediate as u16)
        } else if let Some(constant) = self.short_constant(value) {
            (opcodes(op).1, constant)
        } else {
            return Ok(None);
        };
        let register = self.put_in_any(&mut operand)?;
        self.free_operand(&operand);
        let instruction = Instruction::new(op, NO_REGISTER, reg(register), field);
        let pc = self.emit_at(instruction.with_flags(flags), line);
        Ok(Some(self.operand(Kind::Relocatable(pc))))
    }

    /// `e1 .. e2 .. e3 ...`: all operands in consecutive registers, one instruction.
    fn concatenation(&mut self, expr: &'s Expr) -> Result<Operand> {
        let first = self.free;
        let mut node = expr;
        let mut line = expr.line;
        let mut last = None;
        while let ExprKind::Binary(BinaryOp::Concat, left, right) = node.kind {
            line = node.line;
            let mut operand = self.expression(left)?;
            self.put_in_next(&mut operand)?;
            last = Some(right);
            node = &self.tree[right];
        }
        let Some(last) = last else {
            return Ok(self.constant_operand(ConstantValue::Nil));
        };
        let mut operand = self.expression(last)?;
        self.put_in_next(&mut operand)?;
        let count = (self.free - first) as u16;
        self.emit_at(Instruction::new(Opcode::Concat, reg(first), count, 0), line);
        self.free = first + 1;
        Ok(self.operand(Kind::Register(first)))
    }
}

/// The opcodes of an arithmetic operator: for two registers, and for a constant on the right.
fn opcodes(op: BinaryOp) -> (Opcode, Opcode) {
    match op {
        BinaryOp::Sub => (Opcode::Sub, Opcode::SubConst),
        BinaryOp::Mul => (Opcode::Mul, Opcode::MulConst),
        BinaryOp::Div => (Opcode::Div, Opcode::DivConst),
        BinaryOp::IDiv => (Opcode::IDiv, Opcode::IDivConst),
        BinaryOp::Mod => (Opcode::Mod, Opcode::ModConst),
        BinaryOp::Pow => (Opcode::Pow, Opcode::PowConst),
        BinaryOp::BAnd => (Opcode::BAnd, Opcode::BAndConst),
        BinaryOp::BOr => (Opcode::BOr, Opcode::BOrConst),
        BinaryOp::BXor => (Opcode::BXor, Opcode::BXorConst),
        BinaryOp::Shl => (Opcode::Shl, Opcode::ShlConst),
        BinaryOp::Shr => (Opcode::Shr, Opcode::ShrConst),
        _ => (Opcode::Add, Opcode::AddConst),
    }
}
