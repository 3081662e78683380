//! Scopes: which variables, labels and pending gotos exist at a point of the program.
//!
//! Both the resolver (over the tree) and the diagnosis (over the tokens) drive these, in the order
//! in which PUC's single pass meets things; so the resolver finds a program wrong exactly when the
//! diagnosis can say why.
//!
//! Invariants:
//! - `variables` holds the declared variables of all open functions, outermost first. Those of a
//!   function up to its `active` count are visible; later ones are declared only (`local x = x`).
//! - `heads[name]` is one more than the index of the innermost visible variable of that name, 0 if
//!   there is none; `shadowed` links to the next one outwards.

use crate::ast::*;
use std::cell::Cell;
use std::rc::Rc;

/// The most local variables of a function, the hidden ones of `for` loops counted.
const MAX_LOCALS: usize = 200;
/// The most upvalues of a function.
const MAX_UPVALUES: usize = 255;
/// The name of `for` loops' hidden variables, which no program can write.
const HIDDEN: Symbol = Symbol(u32::MAX);
/// The label of a `break`, which no program can write.
const BREAK: Symbol = Symbol(u32::MAX);

/// What is wrong with a program that fits the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeError {
    /// Too many variables of a function.
    Limit {
        what: &'static str,
        limit: usize,
        /// The function's line, 0 for the main function.
        function_line: Line,
    },
    /// An assignment to a constant.
    AssignToConst(Symbol),
    /// A goto into the scope of a local.
    JumpIntoScope {
        label: Symbol,
        line: Line,
        local: Symbol,
    },
    /// A goto without label.
    NoLabel { label: Symbol, line: Line },
    /// A break without loop.
    NoLoop { line: Line },
    /// A label that is defined already.
    RepeatedLabel { label: Symbol, line: Line },
    /// `...` in a function without.
    NotVararg,
    /// Two `<close>` in one declaration.
    MultipleClose,
    /// More nesting than PUC allows.
    Depth,
}

#[derive(Debug)]
struct Variable {
    name: Symbol,
    attrib: Attrib,
    constant: Option<ConstantId>,
    id: LocalId,
    /// The index of its function.
    function: usize,
    shadowed: u32,
    /// Whether it is reassigned, shared with the upvalues that refer to it.
    reassigned: Option<Rc<Cell<bool>>>,
}

#[derive(Debug)]
struct BlockScope {
    /// How many variables of the function are visible outside.
    active: usize,
    first_label: usize,
    first_goto: usize,
    is_loop: bool,
}

#[derive(Debug)]
struct FunctionScope {
    line: Line,
    is_vararg: bool,
    first_variable: usize,
    first_label: usize,
    active: usize,
    blocks: Vec<BlockScope>,
    info: FunctionInfo,
}

#[derive(Debug)]
struct Label {
    name: Symbol,
    line: Line,
    /// How many variables of the function are visible there.
    active: usize,
}

/// The scopes that are open.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    functions: Vec<FunctionScope>,
    variables: Vec<Variable>,
    heads: Vec<u32>,
    labels: Vec<Label>,
    gotos: Vec<Label>,
    constants: Vec<ConstantValue>,
}

impl Scopes {
    // --- Functions and blocks ---

    /// Opens a function; `line` is 0 for the main function, which has `_ENV` as upvalue.
    pub(crate) fn open_function(&mut self, line: Line) {
        let mut info = FunctionInfo::default();
        if self.functions.is_empty() {
            info.upvalues.push(UpvalueInfo {
                name: predefined::ENV,
                source: UpvalueSource::Environment,
                attrib: Attrib::None,
                reassigned: Rc::new(Cell::new(false)),
            });
        }
        self.functions.push(FunctionScope {
            line,
            is_vararg: self.functions.is_empty(),
            first_variable: self.variables.len(),
            first_label: self.labels.len(),
            active: 0,
            blocks: Vec::new(),
            info,
        });
        self.enter_block(false);
    }

    /// Makes the function variadic.
    pub(crate) fn set_vararg(&mut self, is_vararg: bool) {
        self.function().is_vararg = is_vararg;
    }

    /// Closes the function.
    pub(crate) fn close_function(&mut self) -> Result<FunctionInfo, ScopeError> {
        self.leave_block()?;
        Ok(self.functions.pop().map(|f| f.info).unwrap_or_default())
    }

    /// Opens a block.
    pub(crate) fn enter_block(&mut self, is_loop: bool) {
        let (first_label, first_goto) = (self.labels.len(), self.gotos.len());
        let function = self.function();
        let active = function.active;
        function.blocks.push(BlockScope {
            active,
            first_label,
            first_goto,
            is_loop,
        });
    }

    /// Closes a block: its variables and labels end, its pending gotos move outwards.
    pub(crate) fn leave_block(&mut self) -> Result<(), ScopeError> {
        let function = self.function();
        let Some(block) = function.blocks.pop() else {
            return Ok(());
        };
        let is_function = function.blocks.is_empty();
        self.end_variables(block.active);
        self.labels.truncate(block.first_label);
        if block.is_loop {
            // A break may not jump into a scope, as every loop is a block of its own.
            let mut index = block.first_goto;
            while index < self.gotos.len() {
                if self.gotos[index].name == BREAK {
                    self.gotos.remove(index);
                } else {
                    index += 1;
                }
            }
        }
        let pending = &mut self.gotos[block.first_goto..];
        if is_function && let [first, ..] = pending {
            return Err(match first.name {
                BREAK => ScopeError::NoLoop { line: first.line },
                label => ScopeError::NoLabel {
                    label,
                    line: first.line,
                },
            });
        }
        for goto in pending {
            goto.active = block.active;
        }
        Ok(())
    }

    /// The innermost function. There always is one between opening and closing the main function.
    fn function(&mut self) -> &mut FunctionScope {
        let last = self.functions.len() - 1;
        &mut self.functions[last]
    }

    fn end_variables(&mut self, active: usize) {
        let last = self.functions.len() - 1;
        let function = &mut self.functions[last];
        let visible = function.first_variable + function.active;
        function.active = active;
        let ended = function.first_variable + active..visible;
        // Innermost first, as two may have the same name.
        for variable in self.variables.drain(ended).rev() {
            if variable.name != HIDDEN {
                self.heads[variable.name.0 as usize] = variable.shadowed;
            }
            if let Some(shared) = variable.reassigned {
                let info = &mut function.info.locals[variable.id.0 as usize];
                info.reassigned |= shared.get();
                shared.set(info.reassigned);
            }
        }
    }

    // --- Variables ---

    /// Declares a variable, not visible yet.
    pub(crate) fn declare(&mut self, name: Symbol, attrib: Attrib) -> Result<LocalId, ScopeError> {
        let id = self.push_variable(name, attrib)?;
        self.function().info.locals.push(LocalInfo {
            name,
            attrib,
            captured: false,
            reassigned: false,
            constant: None,
        });
        Ok(id)
    }

    /// Declares `count` hidden variables of a `for` loop.
    pub(crate) fn declare_hidden(&mut self, count: usize) -> Result<(), ScopeError> {
        for _ in 0..count {
            self.push_variable(HIDDEN, Attrib::None)?;
        }
        Ok(())
    }

    fn push_variable(&mut self, name: Symbol, attrib: Attrib) -> Result<LocalId, ScopeError> {
        let index = self.functions.len() - 1;
        let function = &self.functions[index];
        if self.variables.len() + 1 - function.first_variable > MAX_LOCALS {
            return Err(ScopeError::Limit {
                what: "local variables",
                limit: MAX_LOCALS,
                function_line: function.line,
            });
        }
        let id = LocalId(function.info.locals.len() as u32);
        self.variables.push(Variable {
            name,
            attrib,
            constant: None,
            id,
            function: index,
            shadowed: 0,
            reassigned: None,
        });
        Ok(id)
    }

    /// Changes the attribute of the variable declared last.
    pub(crate) fn set_attrib(&mut self, attrib: Attrib) {
        if let Some(variable) = self.variables.last_mut() {
            variable.attrib = attrib;
            let id = variable.id.0 as usize;
            self.function().info.locals[id].attrib = attrib;
        }
    }

    /// Gives the variable declared last a value that is a compile-time constant.
    pub(crate) fn set_constant(&mut self, value: ConstantValue) {
        // So that a global is always a field of a variable.
        if let Some(variable) = self.variables.last_mut()
            && variable.name != predefined::ENV
        {
            variable.constant = Some(ConstantId(self.constants.len() as u32));
            self.constants.push(value);
            let id = variable.id.0 as usize;
            self.function().info.locals[id].constant = Some(value);
        }
    }

    /// The values of all constants so far.
    pub(crate) fn constants(&self) -> &[ConstantValue] {
        &self.constants
    }

    /// Gives up the values of the constants.
    pub(crate) fn into_constants(self) -> Vec<ConstantValue> {
        self.constants
    }

    /// Makes the next `count` declared variables visible.
    pub(crate) fn activate(&mut self, count: usize) {
        let function = self.function();
        let first = function.first_variable + function.active;
        function.active += count;
        for index in first..first + count {
            let name = self.variables[index].name;
            if name != HIDDEN {
                let name = name.0 as usize;
                if name >= self.heads.len() {
                    self.heads.resize((name + 1).max(2 * self.heads.len()), 0);
                }
                self.variables[index].shadowed =
                    std::mem::replace(&mut self.heads[name], index as u32 + 1);
            }
        }
    }

    /// What `name` stands for here.
    #[inline]
    pub(crate) fn resolve(&mut self, name: Symbol) -> Result<Binding, ScopeError> {
        if let Some(binding) = self.variable(name)? {
            return Ok(binding);
        }
        Ok(match self.variable(predefined::ENV)? {
            Some(Binding::Local(id)) => Binding::GlobalOfLocal(id),
            Some(Binding::Upvalue(index)) => Binding::GlobalOfUpvalue(index),
            _ => Binding::Unresolved,
        })
    }

    fn variable(&mut self, name: Symbol) -> Result<Option<Binding>, ScopeError> {
        let current = self.functions.len() - 1;
        let head = self.heads.get(name.0 as usize).copied().unwrap_or(0);
        if head == 0 {
            return if name == predefined::ENV {
                self.upvalue(name, None, 0).map(Some)
            } else {
                Ok(None)
            };
        }
        let index = head as usize - 1;
        let variable = &self.variables[index];
        if let Some(id) = variable.constant {
            return Ok(Some(Binding::Constant(id)));
        }
        if variable.function == current {
            return Ok(Some(Binding::Local(variable.id)));
        }
        let owner = variable.function;
        self.upvalue(name, Some(index), owner).map(Some)
    }

    /// The upvalue of the current function for a variable of the enclosing function `owner` (or
    /// for `_ENV` of the main function), made in all functions between where it is missing.
    fn upvalue(
        &mut self,
        name: Symbol,
        variable: Option<usize>,
        owner: usize,
    ) -> Result<Binding, ScopeError> {
        let current = self.functions.len() - 1;
        let find = |function: &FunctionScope| {
            let upvalues = &function.info.upvalues;
            upvalues.iter().position(|upvalue| upvalue.name == name)
        };
        let mut found = None;
        let mut depth = current;
        let outermost = owner + usize::from(variable.is_some());
        loop {
            if let Some(index) = find(&self.functions[depth]) {
                found = Some(index);
                break;
            }
            if depth == outermost {
                break;
            }
            depth -= 1;
        }
        let mut index = match (found, variable) {
            (Some(index), _) => index,
            (None, Some(variable)) => self.capture(depth, variable)?,
            // The main function has its upvalue from the beginning.
            (None, None) => 0,
        };
        for inner in depth + 1..=current {
            let mut upvalue = self.functions[inner - 1].info.upvalues[index].clone();
            upvalue.source = UpvalueSource::Upvalue(index as u8);
            index = self.add_upvalue(inner, upvalue)?;
        }
        Ok(Binding::Upvalue(index as u8))
    }

    /// Makes a local variable an upvalue of the function at `depth`, just inside its own.
    fn capture(&mut self, depth: usize, variable: usize) -> Result<usize, ScopeError> {
        let variable = &mut self.variables[variable];
        let owner = &mut self.functions[variable.function].info;
        owner.locals[variable.id.0 as usize].captured = true;
        let reassigned = variable.reassigned.get_or_insert_with(Rc::default).clone();
        let upvalue = UpvalueInfo {
            name: variable.name,
            source: UpvalueSource::Local(variable.id),
            attrib: variable.attrib,
            reassigned,
        };
        self.add_upvalue(depth, upvalue)
    }

    fn add_upvalue(&mut self, depth: usize, upvalue: UpvalueInfo) -> Result<usize, ScopeError> {
        let function = &mut self.functions[depth];
        let index = function.info.upvalues.len();
        if index + 1 > MAX_UPVALUES {
            return Err(ScopeError::Limit {
                what: "upvalues",
                limit: MAX_UPVALUES,
                function_line: function.line,
            });
        }
        function.info.upvalues.push(upvalue);
        Ok(index)
    }

    /// Notes an assignment to what `name` was resolved to.
    pub(crate) fn assign(&mut self, name: Symbol, binding: Binding) -> Result<(), ScopeError> {
        let info = &mut self.function().info;
        let attrib = match binding {
            Binding::Local(id) => {
                let local = &mut info.locals[id.0 as usize];
                local.reassigned = true;
                local.attrib
            }
            Binding::Upvalue(index) => {
                let upvalue = &info.upvalues[usize::from(index)];
                upvalue.reassigned.set(true);
                upvalue.attrib
            }
            Binding::Constant(_) => Attrib::Const,
            _ => Attrib::None,
        };
        match attrib {
            Attrib::None => Ok(()),
            _ => Err(ScopeError::AssignToConst(name)),
        }
    }

    /// Checks that `...` may be used here.
    pub(crate) fn vararg(&mut self) -> Result<(), ScopeError> {
        if self.function().is_vararg {
            Ok(())
        } else {
            Err(ScopeError::NotVararg)
        }
    }

    // --- Labels ---

    /// A `goto`: to a visible label before, or pending.
    pub(crate) fn goto(&mut self, label: Symbol, line: Line) {
        let first_label = self.function().first_label;
        if !self.labels[first_label..].iter().any(|l| l.name == label) {
            self.push_goto(label, line);
        }
    }

    /// A `break`.
    pub(crate) fn break_loop(&mut self, line: Line) {
        self.push_goto(BREAK, line);
    }

    fn push_goto(&mut self, name: Symbol, line: Line) {
        let active = self.function().active;
        self.gotos.push(Label { name, line, active });
    }

    /// A label. One that is `last` in its block (but for other labels) counts as outside the scope
    /// of the block's variables.
    pub(crate) fn label(&mut self, name: Symbol, line: Line, last: bool) -> Result<(), ScopeError> {
        let function = self.function();
        let (first_label, first_variable) = (function.first_label, function.first_variable);
        let block = function.blocks.last();
        let first_goto = block.map_or(0, |block| block.first_goto);
        let active = match block {
            Some(block) if last => block.active,
            _ => function.active,
        };
        if let Some(other) = self.labels[first_label..].iter().find(|l| l.name == name) {
            return Err(ScopeError::RepeatedLabel {
                label: name,
                line: other.line,
            });
        }
        self.labels.push(Label { name, line, active });
        let mut index = first_goto;
        while index < self.gotos.len() {
            let goto = &self.gotos[index];
            if goto.name != name {
                index += 1;
                continue;
            }
            if goto.active < active {
                return Err(ScopeError::JumpIntoScope {
                    label: name,
                    line: goto.line,
                    local: self.variables[first_variable + goto.active].name,
                });
            }
            self.gotos.remove(index);
        }
        Ok(())
    }
}
