//! Random operations on tables, compared with an ordered map.

use super::super::Table;
use super::Fixture;
use crate::string::LuaString;
use crate::value::{FLOAT, INTEGER, STRING, Value};
use std::collections::BTreeMap;

/// A key as the model orders it: tag, and payload or content.
type Key = (u8, u64, Vec<u8>);

fn model_key(value: Value) -> Key {
    match value.tag {
        STRING => {
            // SAFETY: strings of the tests are live.
            let bytes = unsafe { LuaString::as_bytes(value.as_pointer::<LuaString>()) };
            (STRING, 0, bytes.to_vec())
        }
        FLOAT if value.as_float().fract() == 0.0 && value.as_float().abs() < 1e15 => {
            (INTEGER, value.as_float() as i64 as u64, Vec::new())
        }
        tag => (tag, value.payload, Vec::new()),
    }
}

/// A small generator of pseudo-random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

struct Run {
    f: Fixture,
    random: Random,
    t: *mut Table,
    metatables: Vec<*mut Table>,
    objects: Vec<Value>,
    model: BTreeMap<Key, i64>,
    /// How wide the ranges of keys are.
    spread: u64,
}

impl Run {
    fn new(seed: u64, spread: u64) -> Run {
        let mut f = Fixture::new();
        let t = f.table();
        let metatables = (0..4).map(|_| f.table()).collect();
        let objects = (0..spread).map(|_| Value::table(f.table())).collect();
        Run {
            f,
            random: Random(seed * 2 + 1),
            t,
            metatables,
            objects,
            model: BTreeMap::new(),
            spread,
        }
    }

    fn key(&mut self) -> Value {
        let spread = self.spread;
        let n = self.random.below(spread) as i64;
        match self.random.below(12) {
            0..=3 => Value::integer(n + 1),
            4 => Value::integer(n - 3),
            5 => Value::integer(n << self.random.below(50)),
            6 => Value::float(n as f64 / 2.0),
            7 | 8 => Value::string(self.f.string(&format!("name{n}"))),
            9 => Value::string(self.f.string(&format!("{n:0>60}"))),
            10 => self.objects[n as usize],
            _ => Value::boolean(n % 2 == 0),
        }
    }

    fn store(&mut self, key: Value, value: Option<i64>) {
        let stored = value.map_or(Value::NIL, Value::integer);
        if key.tag == STRING && self.random.below(2) == 0 {
            let string = key.as_pointer::<LuaString>();
            // SAFETY: tables and strings of the tests are live.
            unsafe {
                if LuaString::is_interned(string) {
                    Table::set_str(&mut self.f.heap, self.t, string, stored, true).expect("stored");
                } else {
                    Table::set(&mut self.f.heap, self.t, key, stored).expect("stored");
                }
            }
        } else {
            self.f.set(self.t, key, stored).expect("stored");
        }
        match value {
            Some(value) => self.model.insert(model_key(key), value),
            None => self.model.remove(&model_key(key)),
        };
    }

    fn element(&self, i: i64) -> Option<i64> {
        self.model.get(&model_key(Value::integer(i))).copied()
    }

    fn step(&mut self) {
        let border = self.f.border(self.t);
        match self.random.below(20) {
            0..=8 => {
                let (key, value) = (self.key(), self.random.below(1000) as i64);
                self.store(key, Some(value));
            }
            9..=12 => {
                let key = self.key();
                self.store(key, None);
            }
            13 => {
                for value in 0..self.random.below(6) as i64 {
                    let border = self.f.border(self.t);
                    // SAFETY: tables of the tests are live.
                    unsafe {
                        Table::push(&mut self.f.heap, self.t, Value::integer(value))
                            .expect("pushed");
                    }
                    self.model
                        .insert(model_key(Value::integer(border + 1)), value);
                }
            }
            14 => {
                for i in (border - self.random.below(6) as i64..=border).rev() {
                    if i > 0 {
                        self.store(Value::integer(i), None);
                    }
                }
            }
            15 => {
                let index = self.random.below(5) as usize;
                let metatable = self.metatables.get(index).copied();
                let metatable = metatable.unwrap_or(std::ptr::null_mut());
                // SAFETY: tables of the tests are live.
                unsafe {
                    Table::set_metatable(&mut self.f.heap, self.t, metatable).expect("set");
                }
            }
            16 => {
                let count = self.random.below(self.spread) as usize;
                // SAFETY: as above.
                unsafe { Table::reserve_array(&mut self.f.heap, self.t, count).expect("room") };
            }
            17 if self.random.below(10) == 0 => self.traverse_and_clear(),
            _ => {}
        }
        let key = self.key();
        self.compare(key);
    }

    fn traverse_and_clear(&mut self) {
        let mut key = Value::NIL;
        while let Some((k, v)) = self.f.next(self.t, key).expect("a valid key") {
            assert_eq!(self.model.get(&model_key(k)), Some(&v.as_integer()));
            if self.random.below(3) == 0 {
                self.store(k, None);
            }
            key = k;
        }
    }

    fn compare(&mut self, key: Value) {
        let value = self.f.get(self.t, key);
        let expected = self.model.get(&model_key(key)).copied();
        assert_eq!(
            (!value.is_nil()).then(|| value.as_integer()),
            expected,
            "{key:?}"
        );
    }

    fn compare_all(&mut self) {
        self.f.check(self.t);
        let border = self.f.border(self.t);
        assert!(border == 0 || self.element(border).is_some());
        assert!(self.element(border + 1).is_none());
        let found: BTreeMap<Key, i64> = self
            .f
            .entries(self.t)
            .into_iter()
            .map(|(key, value)| (model_key(key), value.as_integer()))
            .collect();
        assert_eq!(found, self.model);
    }
}

#[test]
fn random_operations_agree_with_a_map() {
    let (seeds, steps) = if cfg!(miri) { (2, 200) } else { (40, 3000) };
    for seed in 1..=seeds {
        let mut run = Run::new(seed, [5, 20, 60, 300][seed as usize % 4]);
        for step in 0..steps {
            run.step();
            if step % 25 == 0 {
                run.compare_all();
            }
        }
        run.compare_all();
        // SAFETY: the table is live and not used afterwards.
        unsafe { Table::free_parts(run.t, &mut run.f.heap) };
    }
}
