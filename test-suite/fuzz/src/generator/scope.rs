//! What a generated program has in scope, and what running it may cost.

/// The type of a variable, as far as the generator follows it. Programs break their types on
/// purpose, through events; then errors are what is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// An integer.
    Integer,
    /// An integer or a float.
    Number,
    /// A string, of bounded length.
    String,
    /// A boolean.
    Boolean,
    /// A sequence of numbers.
    List,
    /// A table with numbers in some of the fields `a` to `d`.
    Record,
    /// A function from two numbers to one.
    Function,
}

/// A variable.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) kind: Type,
    /// Whether it may be assigned.
    pub(crate) assignable: bool,
    /// What one call costs, if it holds a function.
    pub(crate) cost: u64,
}

/// Variables in scope, innermost last, and the budget of work.
#[derive(Debug)]
pub(crate) struct Scope {
    variables: Vec<Variable>,
    /// How often the code being written runs, at most.
    pub(crate) times: u64,
    /// How much work is left.
    pub(crate) fuel: i64,
    /// Whether `break` and `goto continue` are allowed.
    pub(crate) in_loop: bool,
    /// Whether the function being written has `...`.
    pub(crate) has_varargs: bool,
    names: u32,
}

impl Scope {
    /// An empty scope with a budget.
    pub(crate) fn new(fuel: i64) -> Scope {
        Scope {
            variables: Vec::new(),
            times: 1,
            fuel,
            in_loop: false,
            has_varargs: true,
            names: 0,
        }
    }

    /// A name that is not taken.
    pub(crate) fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// A number for the names of a kit.
    pub(crate) fn fresh_number(&mut self) -> u32 {
        self.names += 1;
        self.names
    }

    /// Declares a variable.
    pub(crate) fn declare(&mut self, name: &str, kind: Type, assignable: bool) {
        self.declare_function(name, kind, assignable, 1);
    }

    /// Declares a variable that holds a function of a certain cost.
    pub(crate) fn declare_function(&mut self, name: &str, kind: Type, assignable: bool, cost: u64) {
        self.variables.push(Variable {
            name: name.to_owned(),
            kind,
            assignable,
            cost,
        });
    }

    /// Where the scope is now; [`Scope::leave`] returns to it.
    pub(crate) fn enter(&self) -> usize {
        self.variables.len()
    }

    /// Forgets the variables declared since.
    pub(crate) fn leave(&mut self, mark: usize) {
        self.variables.truncate(mark);
    }

    /// The variables of a type that can be used here, calls within the budget.
    pub(crate) fn of(&self, kind: Type) -> Vec<&Variable> {
        let affordable = |v: &&Variable| self.times * v.cost <= 4000;
        self.variables
            .iter()
            .filter(|v| v.kind == kind || kind == Type::Number && v.kind == Type::Integer)
            .filter(affordable)
            .collect()
    }

    /// Charges one statement.
    pub(crate) fn charge(&mut self, cost: u64) {
        self.fuel -= (self.times * cost) as i64;
    }
}
