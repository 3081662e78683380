//! Expressions of a wanted type.

use super::Generator;
use super::scope::Type;

/// Integers at which something changes. (No fields of `math`: events replace that table, and lists
/// may have no holes.)
pub(crate) const INTEGERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "-3",
    "7",
    "10",
    "31",
    "63",
    "64",
    "-64",
    "100",
    "255",
    "65536",
    "0x7fffffff",
    "-0x80000000",
    "(1 << 53)",
    "(1 << 53) + 1",
    "-(1 << 53) - 1",
    "0x7fffffffffffffff",
    "0x8000000000000000",
    "0x7ffffffffffffffe",
    "-0x7fffffffffffffff",
];

/// Floats at which something changes.
pub(crate) const FLOATS: &[&str] = &[
    "0.0",
    "-0.0",
    "1.0",
    "-1.0",
    "0.5",
    "-2.5",
    "3.0",
    "3.9",
    "0.1",
    "1e15",
    "1e16",
    "2^53",
    "-2^53",
    "2^63",
    "-2^63",
    "2^31",
    "1e100",
    "1e308",
    "5e-324",
    "1e999",
    "-1e999",
    "(0/0)",
    "3.141592653589793",
];

/// Strings that convert to numbers, or just not.
pub(crate) const NUMERALS: &[&str] = &[
    "\"10\"",
    "\" 7 \"",
    "\"0x10\"",
    "\"3.0\"",
    "\"1e1\"",
    "\"-2\"",
    "\"9223372036854775808\"",
    "\"0x\"",
    "\"1 2\"",
    "\"\"",
    "\"x\"",
    "\"0x1p4\"",
    "\"inf\"",
    "\"1e\"",
];

const STRINGS: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"abc\"",
    "\"hello world\"",
    "\"10\"",
    "\"0x1F\"",
    "\"a\\0b\"",
    "\"z\\xff\"",
    "\"x=1, y=2\"",
    "\"\\u{20AC}uro\"",
    "\"key\"",
];

/// Operators on numbers.
pub(crate) const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "//", "%", "^"];
/// Operators on integers.
pub(crate) const BITWISE: &[&str] = &["&", "|", "~", "<<", ">>"];
/// Comparisons.
pub(crate) const COMPARISONS: &[&str] = &["<", "<=", ">", ">=", "==", "~="];
/// Names of fields.
pub(crate) const FIELDS: &[&str] = &["a", "b", "c", "d"];

impl Generator {
    fn variable(&mut self, kind: Type) -> Option<String> {
        let names: Vec<String> = self
            .scope
            .of(kind)
            .iter()
            .map(|variable| variable.name.clone())
            .collect();
        (!names.is_empty()).then(|| self.random.pick(&names).clone())
    }

    /// A number below 9.
    pub(crate) fn small(&mut self) -> String {
        self.random.below(9).to_string()
    }

    /// An integer.
    pub(crate) fn integer(&mut self, depth: u32) -> String {
        if depth == 0 || self.random.one_in(4) {
            return self.integer_leaf();
        }
        let d = depth - 1;
        match self.random.below(17) {
            0..=4 => {
                let operator = *self.random.pick(&["+", "-", "*", "+", "-"]);
                format!("({} {operator} {})", self.integer(d), self.integer(d))
            }
            5 => format!("({} // ({} | 1))", self.integer(d), self.integer(d)),
            6 => format!("({} % ({} | 1))", self.integer(d), self.integer(d)),
            7 | 8 => {
                let operator = *self.random.pick(BITWISE);
                format!("({} {operator} {})", self.integer(d), self.integer(d))
            }
            9 => format!("({} << {})", self.integer(d), self.small()),
            10 => format!("-{}", self.integer_leaf()),
            11 => format!("(~{})", self.integer(d)),
            12 => format!("#{}", self.string(d)),
            13 => format!(
                "({} and {} or {})",
                self.boolean(d),
                self.integer(d),
                self.integer(d)
            ),
            14 => match self.variable(Type::List) {
                Some(list) => format!("#{list}"),
                None => format!("select(\"#\", {})", self.arguments(d)),
            },
            15 => {
                let name = *self.random.pick(&["max", "min"]);
                format!("math.{name}({}, {})", self.integer(d), self.integer(d))
            }
            _ => format!("(math.tointeger({}) or {})", self.number(d), self.small()),
        }
    }

    fn integer_leaf(&mut self) -> String {
        if !self.random.one_in(3)
            && let Some(name) = self.variable(Type::Integer)
        {
            return name;
        }
        if self.random.one_in(2) {
            return self.small();
        }
        let literal = *self.random.pick(INTEGERS);
        if literal.contains(' ') || literal.starts_with('-') {
            return format!("({literal})");
        }
        literal.to_owned()
    }

    /// A number of either kind.
    pub(crate) fn number(&mut self, depth: u32) -> String {
        if depth == 0 || self.random.one_in(4) {
            if self.random.one_in(2)
                && let Some(name) = self.variable(Type::Number)
            {
                return name;
            }
            return if self.random.one_in(2) {
                self.integer_leaf()
            } else {
                self.float_leaf()
            };
        }
        let d = depth - 1;
        match self.random.below(14) {
            0..=4 => {
                let operator = *self.random.pick(ARITHMETIC);
                // Division of integers by zero is an error; mostly avoid it.
                let right = self.number(d);
                let right = match operator {
                    "//" | "%" if !self.random.one_in(8) => format!("(({right}) + 0.5)"),
                    _ => right,
                };
                format!("({} {operator} {right})", self.number(d))
            }
            5 | 6 => self.integer(d),
            7 => match self.variable(Type::Function) {
                Some(name) => format!("{name}({}, {})", self.number(d), self.number(d)),
                None => self.integer(d),
            },
            8 => match self.variable(Type::List) {
                Some(list) => format!("({list}[{}] or {})", self.small(), self.number(d)),
                None => self.float_leaf(),
            },
            9 => match self.variable(Type::Record) {
                Some(name) => {
                    let field = *self.random.pick(FIELDS);
                    format!("({name}.{field} or {})", self.number(d))
                }
                None => self.float_leaf(),
            },
            10 => {
                let name = *self.random.pick(&["floor", "ceil", "abs", "sqrt"]);
                format!("math.{name}({})", self.number(d))
            }
            11 => format!("(tonumber({}) or {})", self.string(d), self.number(d)),
            12 => format!(
                "({} and {} or {})",
                self.boolean(d),
                self.number(d),
                self.number(d)
            ),
            _ => {
                let text = *self.random.pick(&NUMERALS[..5]);
                let operator = *self.random.pick(&["+", "-", "*"]);
                format!("({text} {operator} {})", self.number(d))
            }
        }
    }

    /// A float that is written as such.
    pub(crate) fn float_leaf(&mut self) -> String {
        let literal = *self.random.pick(FLOATS);
        if literal.starts_with('-') || literal.contains('^') {
            return format!("({literal})");
        }
        literal.to_owned()
    }

    /// A string, not longer than some hundreds of bytes.
    pub(crate) fn string(&mut self, depth: u32) -> String {
        if depth == 0 || self.random.one_in(3) {
            if self.random.one_in(2)
                && let Some(name) = self.variable(Type::String)
            {
                return name;
            }
            let literal = *self.random.pick(STRINGS);
            return format!("({literal})");
        }
        let d = depth - 1;
        match self.random.below(12) {
            0..=2 => format!("({} .. {})", self.string(d), self.string(d)),
            3 => format!("({} .. {})", self.string(d), self.number(d)),
            4 => format!(
                "{}:sub({}, {})",
                self.string_primary(d),
                self.small(),
                self.integer(d)
            ),
            5 => {
                let name = *self.random.pick(&["upper", "lower", "reverse"]);
                format!("{}:{name}()", self.string_primary(d))
            }
            6 => format!("{}:rep({})", self.string_primary(0), self.random.below(4)),
            7 => format!("tostring({})", self.any(d)),
            8 => format!(
                "string.format(\"%5.2f|%d\", {}, {})",
                self.number(d),
                self.integer(d)
            ),
            9 => format!(
                "({}:gsub(\"%w\", {}))",
                self.string_primary(d),
                self.string(0)
            ),
            10 => match self.variable(Type::List) {
                Some(list) => format!("table.concat({list}, \",\")"),
                None => self.string(d),
            },
            _ => format!(
                "({} and {} or {})",
                self.boolean(d),
                self.string(d),
                self.string(d)
            ),
        }
    }

    fn string_primary(&mut self, depth: u32) -> String {
        format!("({})", self.string(depth))
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, depth: u32) -> String {
        if depth == 0 || self.random.one_in(6) {
            return match self.variable(Type::Boolean) {
                Some(name) if self.random.one_in(2) => name,
                _ => (*self.random.pick(&["true", "false"])).to_owned(),
            };
        }
        let d = depth - 1;
        match self.random.below(9) {
            0..=3 => {
                let operator = *self.random.pick(COMPARISONS);
                format!("({} {operator} {})", self.number(d), self.number(d))
            }
            4 => {
                let operator = *self.random.pick(COMPARISONS);
                format!("({} {operator} {})", self.string(d), self.string(d))
            }
            5 => format!("(not {})", self.boolean(d)),
            6 => {
                let operator = *self.random.pick(&["and", "or"]);
                format!("({} {operator} {})", self.boolean(d), self.boolean(d))
            }
            7 => format!("math.ult({}, {})", self.integer(d), self.integer(d)),
            _ => format!("({} == {})", self.any(d), self.any(d)),
        }
    }

    /// A value of any type that prints the same everywhere.
    pub(crate) fn any(&mut self, depth: u32) -> String {
        match self.random.below(10) {
            0..=2 => self.number(depth),
            3 => self.integer(depth),
            4 | 5 => self.string(depth),
            6 => self.boolean(depth),
            7 => "nil".to_owned(),
            8 => (*self.random.pick(NUMERALS)).to_owned(),
            _ => self.number(depth),
        }
    }

    /// An argument list of one to four values.
    pub(crate) fn arguments(&mut self, depth: u32) -> String {
        let count = 1 + self.random.below(4);
        let mut list: Vec<String> = (0..count).map(|_| self.any(depth)).collect();
        if self.scope.has_varargs && self.random.one_in(6) {
            list.push("...".to_owned());
        }
        list.join(", ")
    }

    /// The constructor of a sequence of numbers.
    pub(crate) fn list(&mut self, depth: u32) -> String {
        let count = self.random.below(7);
        let items: Vec<String> = (0..count).map(|_| self.number(depth)).collect();
        format!("{{{}}}", items.join(", "))
    }

    /// The constructor of a record.
    pub(crate) fn record(&mut self, depth: u32) -> String {
        let mut items = Vec::new();
        for field in FIELDS {
            if !self.random.one_in(3) {
                items.push(format!("{field} = {}", self.number(depth)));
            }
        }
        if self.random.one_in(4) {
            items.reverse();
        }
        format!("{{{}}}", items.join(", "))
    }
}
