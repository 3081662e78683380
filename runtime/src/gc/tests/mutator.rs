//! A random program against the collector, with the checker after every step.

use super::World;
use crate::gc::Mode;
use crate::value::{NIL, Value};

/// A small random number generator (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

/// Follows references from a root for a while; every object met must exist.
fn walk(world: &mut World, random: &mut Random) -> Value {
    // SAFETY: the world owns the roots.
    let values = unsafe { &(*world.roots).values };
    let mut at = values[random.below(values.len())];
    for _ in 0..random.below(6) {
        let next = if let Some(_table) = at.to_table() {
            match random.below(3) {
                0 => world.get(at, Value::integer(random.below(8) as i64)),
                1 => {
                    let key = world.string(&format!("field {}", random.below(6)));
                    world.get(at, key)
                }
                _ => {
                    let key = Value::float(random.below(4) as f64 + 0.5);
                    world.get(at, key)
                }
            }
        } else if at.is_function() {
            world.upvalue(at, random.below(3))
        } else {
            break;
        };
        if next.tag == NIL {
            break;
        }
        at = next;
    }
    at
}

fn fresh(world: &mut World, random: &mut Random) -> Value {
    match random.below(8) {
        0 => world.string(&format!("string {}", random.below(1000))),
        1 => world.string(&format!("{:060}", random.below(1000))),
        2 | 3 => world.native(3),
        4 => {
            let mode = ["k", "v", "kv"][random.below(3)];
            world.weak_table(mode)
        }
        _ => world.table(),
    }
}

fn link(world: &mut World, random: &mut Random, from: Value, to: Value) {
    if from.to_table().is_some() {
        match random.below(5) {
            0 => world.set(from, Value::integer(random.below(8) as i64), to),
            1 => {
                let field = format!("field {}", random.below(6));
                world.set_field(from, &field, to);
            }
            2 if to.tag != NIL => world.set(from, to, to),
            3 if to.to_table().is_some() => world.set_metatable(from, to),
            _ => {
                let key = Value::float(random.below(4) as f64 + 0.5);
                world.set(from, key, to);
            }
        }
    } else if from.is_function() {
        world.set_upvalue(from, random.below(3), to);
    }
}

fn run(seed: u64, rounds: usize) {
    let mut world = World::new();
    let mut random = Random(seed);
    for _ in 0..4 {
        let table = world.table();
        world.root(table);
    }
    for round in 0..rounds {
        let from = walk(&mut world, &mut random);
        let to = match random.below(5) {
            0 => Value::NIL,
            1 => walk(&mut world, &mut random),
            _ => fresh(&mut world, &mut random),
        };
        link(&mut world, &mut random, from, to);
        // SAFETY: the walk ends at a live object.
        unsafe {
            if from.to_table().is_some() && random.below(10) == 0 {
                world.heap().arm_finalizer(from.as_header()).unwrap();
            }
        }
        match random.below(200) {
            0 => {
                world.generational();
            }
            1 => {
                world.incremental();
            }
            2 => world.collect(),
            3..40 => {
                if world.heap().mode() == Mode::Incremental {
                    world.single_step();
                } else {
                    world.heap().set_debt(0);
                    world.step();
                }
                world.check();
            }
            40..60 => {
                // A finaliser that forgets its object, or stores it somewhere.
                let object = world.heap().next_pending_finalizer();
                if let Some(object) = object.filter(|_| random.below(2) == 0) {
                    let holder = walk(&mut world, &mut random);
                    link(&mut world, &mut random, holder, object);
                }
            }
            _ => {}
        }
        if round % 500 == 0 {
            let (used, counted) = (world.heap().used_bytes(), world.heap().recount_bytes());
            assert_eq!(used, counted, "round {round} of seed {seed}");
        }
    }
    world.unroot_all();
    for _ in 0..4 {
        world.collect();
        while world.heap().next_pending_finalizer().is_some() {}
    }
    world.collect();
}

#[test]
fn random_programs() {
    let (seeds, rounds) = if cfg!(miri) { (1, 100) } else { (20, 4000) };
    for seed in 1..=seeds {
        run(seed * 0x9e37_79b9, rounds);
    }
}
