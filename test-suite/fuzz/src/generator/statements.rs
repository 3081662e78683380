//! Statements, well typed and bounded in time.

use super::Generator;
use super::expressions::FIELDS;
use super::scope::Type;

impl Generator {
    /// A block of `count` statements in a scope of its own.
    pub(crate) fn block(&mut self, count: usize, depth: u32) {
        let mark = self.scope.enter();
        for _ in 0..count {
            self.statement(depth);
        }
        self.scope.leave(mark);
    }

    /// One statement, or a few that belong together.
    pub(crate) fn statement(&mut self, depth: u32) {
        self.scope.charge(3);
        let compound = depth > 0 && self.scope.fuel > 0;
        let choice = if compound {
            self.random.below(24)
        } else {
            self.random.below(13)
        };
        match choice {
            0..=3 => self.declaration(),
            4..=7 => self.assignment(),
            8 | 9 => self.store(),
            10 => {
                let arguments = self.arguments(2);
                if self.scope.times <= 20 {
                    self.text.add(&format!("report({arguments})"));
                } else {
                    self.text.add(&format!("note({arguments})"));
                }
            }
            11 if self.scope.in_loop && self.random.one_in(2) => {
                let condition = self.boolean(2);
                let exit = if self.random.one_in(3) {
                    "break"
                } else {
                    "goto continue"
                };
                self.text.add(&format!("if {condition} then {exit} end"));
            }
            11 | 12 => self.swap(),
            13..=15 => self.branch(depth),
            16 | 17 => self.numeric_loop(depth),
            18 => self.condition_loop(depth),
            19 => self.generic_loop(depth),
            20 | 21 => self.function(depth),
            22 => self.protected(depth),
            _ => {
                self.text.open("do");
                let count = 1 + self.random.below(3);
                self.block(count, depth - 1);
                self.text.close("end");
            }
        }
    }

    fn declaration(&mut self) {
        let (prefix, kind, value) = match self.random.below(12) {
            0..=3 => ("n", Type::Integer, self.integer(3)),
            4 | 5 => ("x", Type::Number, self.number(3)),
            6 | 7 => (
                "s",
                Type::String,
                format!("({}):sub(1, 40)", self.string(2)),
            ),
            8 => ("b", Type::Boolean, self.boolean(3)),
            9 => ("l", Type::List, self.list(1)),
            _ => ("r", Type::Record, self.record(1)),
        };
        let name = self.scope.fresh(prefix);
        let constant = self.random.one_in(8);
        let attribute = if constant { " <const>" } else { "" };
        self.text.add(&format!("local {name}{attribute} = {value}"));
        self.scope.declare(&name, kind, !constant);
    }

    fn assignment(&mut self) {
        let kinds = [
            Type::Integer,
            Type::Integer,
            Type::Number,
            Type::String,
            Type::Boolean,
        ];
        let kind = *self.random.pick(&kinds);
        let names: Vec<String> = self
            .scope
            .of(kind)
            .iter()
            .filter(|v| v.kind == kind && v.assignable)
            .map(|v| v.name.clone())
            .collect();
        if names.is_empty() {
            return self.declaration();
        }
        let name = self.random.pick(&names).clone();
        let value = match kind {
            Type::Integer => self.integer(3),
            Type::Number => self.number(3),
            Type::String => format!("({}):sub(-40)", self.string(2)),
            _ => self.boolean(3),
        };
        self.text.add(&format!("{name} = {value}"));
    }

    fn swap(&mut self) {
        let names: Vec<String> = self
            .scope
            .of(Type::Integer)
            .iter()
            .filter(|v| v.assignable)
            .map(|v| v.name.clone())
            .collect();
        if names.len() < 2 {
            return self.declaration();
        }
        let (a, b) = (
            self.random.pick(&names).clone(),
            self.random.pick(&names).clone(),
        );
        let value = self.integer(2);
        if a != b {
            self.text.add(&format!("{a}, {b} = {b}, {a} + {value}"));
        }
    }

    fn store(&mut self) {
        let lists: Vec<String> = self
            .scope
            .of(Type::List)
            .iter()
            .map(|v| v.name.clone())
            .collect();
        let records: Vec<String> = self
            .scope
            .of(Type::Record)
            .iter()
            .map(|v| v.name.clone())
            .collect();
        if !lists.is_empty() && self.random.one_in(2) {
            let list = self.random.pick(&lists).clone();
            let value = self.number(2);
            let line = match self.random.below(5) {
                // The value may change the list.
                0 => format!(
                    "do local v = {value} if #{list} < 30 then {list}[#{list} + 1] = v end end"
                ),
                1 => format!("if #{list} < 30 then table.insert({list}, {value}) end"),
                2 => format!("{list}[#{list}] = nil"),
                3 => format!("table.remove({list}, 1)"),
                _ => {
                    format!("do local v = {value} if #{list} > 0 then {list}[#{list}] = v end end")
                }
            };
            self.text.add(&line);
        } else if !records.is_empty() {
            let record = self.random.pick(&records).clone();
            let field = *self.random.pick(FIELDS);
            let value = if self.random.one_in(5) {
                "nil".to_owned()
            } else {
                self.number(2)
            };
            self.text.add(&format!("{record}.{field} = {value}"));
        } else {
            self.declaration();
        }
    }

    fn branch(&mut self, depth: u32) {
        let condition = self.boolean(3);
        self.text.open(&format!("if {condition} then"));
        let count = 1 + self.random.below(3);
        self.block(count, depth - 1);
        if self.random.one_in(2) {
            let condition = self.boolean(2);
            self.text.between(&format!("elseif {condition} then"));
            self.block(1, depth - 1);
        }
        if self.random.one_in(2) {
            self.text.between("else");
            let count = 1 + self.random.below(2);
            self.block(count, depth - 1);
        }
        self.text.close("end");
    }

    /// Writes the body of a loop that runs at most `times`, with a label `continue` at its end.
    pub(crate) fn loop_body(&mut self, times: u64, count: usize, depth: u32) {
        let outer = (self.scope.times, self.scope.in_loop);
        self.scope.times *= times;
        self.scope.in_loop = true;
        self.text.open("do");
        self.block(count, depth.saturating_sub(1));
        self.text.close("end");
        self.text.add("::continue::");
        (self.scope.times, self.scope.in_loop) = outer;
    }

    fn affordable_count(&mut self) -> u64 {
        let most = (3000 / self.scope.times).clamp(1, 60);
        1 + self.random.below(most as usize) as u64
    }

    fn numeric_loop(&mut self, depth: u32) {
        let count = self.affordable_count();
        let variable = self.scope.fresh("i");
        let mark = self.scope.enter();
        let (head, kind) = match self.random.below(6) {
            0 => (format!("{count}, 1, -1"), Type::Integer),
            1 => (format!("0.5, {count}"), Type::Number),
            2 => (
                format!("math.maxinteger - {count}, math.maxinteger - 1"),
                Type::Integer,
            ),
            3 => (format!("1, {}, 3", count * 3), Type::Integer),
            _ => (format!("1, {count}"), Type::Integer),
        };
        let assignable = self.random.one_in(3);
        self.scope.declare(&variable, kind, assignable);
        self.text.open(&format!("for {variable} = {head} do"));
        let statements = 1 + self.random.below(4);
        self.loop_body(count, statements, depth);
        self.text.close("end");
        self.scope.leave(mark);
    }

    fn condition_loop(&mut self, depth: u32) {
        let count = self.affordable_count();
        let counter = self.scope.fresh("w");
        self.text.add(&format!("local {counter} = 0"));
        let condition = self.boolean(2);
        if self.random.one_in(2) {
            self.text.open(&format!(
                "while {counter} < {count} and ({condition} or {counter} < 3) do"
            ));
            self.text.add(&format!("{counter} = {counter} + 1"));
            self.loop_body(count, 2, depth);
            self.text.close("end");
        } else {
            self.text.open("repeat");
            self.text.add(&format!("{counter} = {counter} + 1"));
            self.loop_body(count, 2, depth);
            self.text
                .close(&format!("until {counter} >= {count} or {condition}"));
        }
    }

    fn generic_loop(&mut self, depth: u32) {
        let (key, value) = (self.scope.fresh("k"), self.scope.fresh("v"));
        let mark = self.scope.enter();
        let items = self.list(1);
        let iterator = match self.random.below(4) {
            0 => format!("pairs({items})"),
            1 => format!("next, {items}"),
            2 => format!(
                "(function(t, i) i = i + 1 if t[i] then return i, t[i] end end), {items}, 0"
            ),
            _ => format!("ipairs({items})"),
        };
        self.scope.declare(&key, Type::Integer, false);
        self.scope.declare(&value, Type::Number, true);
        self.text
            .open(&format!("for {key}, {value} in {iterator} do"));
        self.loop_body(7, 2, depth);
        self.text.close("end");
        self.scope.leave(mark);
    }

    fn function(&mut self, depth: u32) {
        let name = self.scope.fresh("f");
        let (a, b) = (self.scope.fresh("p"), self.scope.fresh("p"));
        let outer = (
            self.scope.times,
            self.scope.in_loop,
            self.scope.has_varargs,
            self.scope.fuel,
        );
        let mark = self.scope.enter();
        self.scope.declare(&a, Type::Number, true);
        self.scope.declare(&b, Type::Number, true);
        self.scope.has_varargs = self.random.one_in(3);
        self.scope.in_loop = false;
        self.scope.times = 1;
        let dots = if self.scope.has_varargs { ", ..." } else { "" };
        self.text
            .open(&format!("local function {name}({a}, {b}{dots})"));
        let count = 1 + self.random.below(3);
        self.block(count, depth.min(2) - 1);
        let result = if self.random.one_in(3) {
            format!("math.max({}, {})", self.number(1), self.number(1))
        } else {
            self.number(2)
        };
        self.text.add(&format!("return {result}"));
        self.text.close("end");
        let cost = (outer.3 - self.scope.fuel).max(1) as u64;
        self.scope.leave(mark);
        (
            self.scope.times,
            self.scope.in_loop,
            self.scope.has_varargs,
            _,
        ) = outer;
        self.scope
            .declare_function(&name, Type::Function, false, cost);
    }

    fn protected(&mut self, depth: u32) {
        let outer = (self.scope.in_loop, self.scope.has_varargs);
        self.scope.in_loop = false;
        self.scope.has_varargs = true;
        self.text.open("note(pcall(function(...)");
        let count = 1 + self.random.below(3);
        self.block(count, depth - 1);
        if self.random.one_in(2) {
            let value = self.any(1);
            let level = self.random.below(4);
            self.text.add(&format!("error({value}, {level})"));
        } else {
            let values = self.arguments(1);
            self.text.add(&format!("return {values}"));
        }
        self.text.close(if self.random.one_in(2) {
            "end, 1, \"v\"))"
        } else {
            "end))"
        });
        (self.scope.in_loop, self.scope.has_varargs) = outer;
    }
}
