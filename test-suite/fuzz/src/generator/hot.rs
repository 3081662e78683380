//! Hot loops whose behaviour changes in the middle.
//!
//! A tracing compiler records what a loop did when it became hot; these loops do something else
//! later. Events come from the same kits as the bodies, so that they concern what is compiled.

use super::{FUEL, Generator, Kit, Type, library};

/// A kit, filled in.
struct Material {
    setup: Vec<String>,
    body: Vec<String>,
    events: Vec<String>,
    results: Vec<String>,
}

impl Generator {
    /// A function with a hot loop, and calls of it.
    pub(crate) fn hot_loop(&mut self) {
        let mark = self.scope.enter();
        self.scope.fuel = FUEL;
        self.scope.in_loop = false;
        self.scope.has_varargs = false;
        let name = self.scope.fresh("hot");
        self.scope.declare("acc", Type::Number, false);
        self.scope.declare("first", Type::Integer, false);
        let iterations = match self.random.below(6) {
            0 => 30 + self.random.below(30),
            5 => 300 + self.random.below(200),
            _ => 60 + self.random.below(120),
        };
        let count = [1, 1, 1, 2, 2, 3][self.random.below(6)];
        self.text
            .open(&format!("local function {name}(limit, first, ...)"));
        self.text.add("local acc = first");
        let parts: Vec<Material> = (0..count)
            .map(|_| self.material(iterations as u64))
            .collect();
        for line in parts.iter().flat_map(|part| &part.setup) {
            self.text.add(line);
        }
        let suspends = self.random.one_in(6);
        if suspends {
            self.text.open("local run = coroutine.wrap(function(...)");
        }
        self.loop_form(&parts, iterations, suspends);
        if suspends {
            self.text.add("return \"end\", acc");
            self.text.close("end)");
            self.text.add("for _ = 1, 9 do local a, b = run(...) note(a, b) if a == \"end\" then break end end");
        }
        let results: Vec<String> = parts.into_iter().flat_map(|part| part.results).collect();
        self.text.add(&format!(
            "report(\"after\", acc, {})",
            list_or_nil(&results)
        ));
        self.text.add("return acc, ...");
        self.text.close("end");
        self.calls(&name, iterations);
        self.scope.leave(mark);
        self.scope.has_varargs = true;
    }

    /// Calls the function once or twice, the second time with a value of another type.
    fn calls(&mut self, name: &str, iterations: usize) {
        let values = self.arguments(0).replace("...", "nil");
        self.text.add(&format!(
            "report(pcall({name}, {iterations}, {}, {values}))",
            self.random.below(5)
        ));
        if self.random.one_in(3) {
            let first = match self.random.below(3) {
                0 => self.float_leaf(),
                1 => "\"3\"".to_owned(),
                _ => "-7".to_owned(),
            };
            self.text.add(&format!(
                "report(pcall({name}, {}, {first}))",
                iterations / 2
            ));
        }
        if self.random.one_in(12) {
            self.text.add("report(pcall(debug.setmetatable, 0, nil))");
        }
    }

    fn material(&mut self, iterations: u64) -> Material {
        let kit: &'static Kit = loop {
            let kit = self.random.pick(&library().kits);
            if self.features.all(&kit.needs) {
                break kit;
            }
        };
        let number = self.scope.fresh_number();
        let setup = kit
            .setup
            .iter()
            .map(|line| self.fill(line, number))
            .collect();
        self.scope.times = iterations;
        let mark = self.scope.enter();
        self.scope.declare("i", Type::Integer, false);
        let wanted = 1 + self.random.below(3);
        let body = (0..wanted)
            .map(|_| {
                let template = self.random.pick(&kit.body);
                self.fill(template, number)
            })
            .collect();
        self.scope.times = 1;
        let wanted = 1 + self.random.below(2);
        let events = (0..wanted)
            .map(|_| {
                let template = self.random.pick(&kit.events);
                self.fill(template, number)
            })
            .collect();
        self.scope.leave(mark);
        let results = kit
            .results
            .iter()
            .map(|line| self.fill(line, number))
            .collect();
        Material {
            setup,
            body,
            events,
            results,
        }
    }

    fn loop_form(&mut self, parts: &[Material], iterations: usize, suspends: bool) {
        match self.random.below(9) {
            0 => {
                self.text.add("local i = 0");
                self.text.open("while i < limit do");
                self.text.add("i = i + 1");
                self.inside(parts, iterations, suspends);
                self.text.close("end");
            }
            1 => {
                self.text.add("local i = 0");
                self.text.open("repeat");
                self.text.add("i = i + 1");
                self.inside(parts, iterations, suspends);
                self.text.close("until i >= limit");
            }
            2 => {
                self.text.open("local function step(i, ...)");
                self.text.add("if i > limit then return i end");
                self.inside(parts, iterations, suspends);
                self.text.add("return step(i + 1, ...)");
                self.text.close("end");
                self.text.add("step(1, ...)");
            }
            3 => {
                self.text.open(
                    "for i in function(n, i) if i < n then return i + 1 end end, limit, 0 do",
                );
                self.inside(parts, iterations, suspends);
                self.text.close("end");
            }
            4 => {
                let inner = 4 + self.random.below(12);
                self.text.add("local i = 0");
                self.text
                    .open(&format!("for outer = 1, limit // {inner} do"));
                self.text.open(&format!("for inner = 1, {inner} do"));
                self.text.add("i = i + 1");
                self.inside(parts, iterations, suspends);
                self.text.close("end");
                self.text.add("acc = acc + outer % 3");
                self.text.close("end");
            }
            5 => {
                self.text.open("for i = 1.0, limit do");
                self.inside(parts, iterations, suspends);
                self.text.close("end");
            }
            _ => {
                self.text.open("for i = 1, limit do");
                self.inside(parts, iterations, suspends);
                self.text.close("end");
            }
        }
    }

    /// Events and statements of one iteration, and the label `continue`.
    fn inside(&mut self, parts: &[Material], iterations: usize, suspends: bool) {
        self.text.open("do");
        for event in parts.iter().flat_map(|part| &part.events) {
            let when = match self.random.below(4) {
                0 => format!("i == {}", 1 + self.random.below(iterations)),
                1 => format!("i % {} == 0", iterations / 2 + 1),
                _ => format!(
                    "i == {}",
                    iterations / 2 + self.random.below(iterations / 3)
                ),
            };
            self.text.open(&format!("if {when} then"));
            self.text.add(event);
            self.text.close("end");
        }
        let guarded = self.random.one_in(3);
        for statement in parts.iter().flat_map(|part| &part.body) {
            let stays = !["goto ", "break", "return", "...", "yield"]
                .iter()
                .any(|word| statement.contains(word));
            if guarded && stays {
                self.text.open("local ok, e = pcall(function()");
                self.text.add(statement);
                self.text.close("end)");
                self.text.add("if not ok then note(i, e) end");
            } else {
                self.text.open("do");
                self.text.add(statement);
                self.text.close("end");
            }
        }
        if suspends {
            self.text.add(&format!(
                "if i % {} == 0 then coroutine.yield(i, acc) end",
                iterations / 4 + 1
            ));
        }
        if !self.random.one_in(4) {
            self.text
                .add("if acc ~= acc or acc > 1e15 or acc < -1e15 then acc = i end");
        }
        if self.random.one_in(3) {
            self.text.add(&format!(
                "if i % {} == 0 then note(i, acc) end",
                iterations / 5 + 1
            ));
        }
        self.text.close("end");
        self.text.add("::continue::");
    }
}

fn list_or_nil(items: &[String]) -> String {
    if items.is_empty() {
        "nil".to_owned()
    } else {
        items.join(", ")
    }
}
