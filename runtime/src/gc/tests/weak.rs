//! Weak tables.

use super::World;
use crate::gc::heap::Phase;
use crate::value::Value;

fn entries(world: &mut World, table: Value, keys: &[Value]) -> usize {
    keys.iter()
        .filter(|&&key| !world.get(table, key).is_nil())
        .count()
}

/// Ends a cycle in small steps.
fn cycle(world: &mut World) {
    world.single_step();
    while world.heap().phase != Phase::Pause {
        world.single_step();
        // The whole heap at every step takes Miri too long.
        if !cfg!(miri) {
            world.check();
        }
    }
    world.check();
}

#[test]
fn weak_values() {
    let mut world = World::new();
    let weak = world.weak_table("v");
    world.root(weak);
    let kept = world.table();
    world.root(kept);
    let key = world.table();
    let dead = world.table();
    let string = world.string("strings are values");
    for i in 1..=10 {
        let value = if i <= 6 { kept } else { world.table() };
        world.set(weak, Value::integer(i), value);
    }
    world.set_field(weak, "dead", dead);
    world.set_field(weak, "kept", kept);
    world.set_field(weak, "string", string);
    world.set_field(weak, "number", Value::float(0.5));
    world.set(weak, key, Value::integer(1));
    world.set(weak, Value::float(2.5), dead);
    cycle(&mut world);
    for i in 1..=10 {
        assert_eq!(world.get(weak, Value::integer(i)).is_nil(), i > 6);
    }
    // SAFETY: the table is live.
    unsafe {
        assert_eq!(crate::table::Table::border(weak.as_pointer()), 6);
    }
    for (field, lives) in [
        ("dead", false),
        ("kept", true),
        ("string", true),
        ("number", true),
    ] {
        let field = world.string(field);
        assert_eq!(!world.get(weak, field).is_nil(), lives);
    }
    assert!(world.get(weak, Value::float(2.5)).is_nil());
    // Keys are strong.
    assert!(world.exists(key.as_header()));
    assert!(!world.exists(dead.as_header()));
}

#[test]
fn weak_keys_are_ephemerons() {
    let mut world = World::new();
    let weak = world.weak_table("k");
    world.root(weak);
    let keys: Vec<Value> = (0..8).map(|_| world.table()).collect();
    // A chain: each value refers to the next key. The first key is rooted, the last ones form a
    // cycle of their own.
    for i in 0..8 {
        let value = world.native(1);
        let next = match i {
            4 => Value::NIL,
            7 => keys[5],
            _ => keys[i + 1],
        };
        world.set_upvalue(value, 0, next);
        world.set(weak, keys[i], value);
    }
    world.root(keys[0]);
    world.set_field(weak, "strong", keys[6]);
    let string = world.string("a string value");
    world.set(weak, keys[1], string);
    world.set_field(weak, "strong", Value::NIL);
    cycle(&mut world);
    assert_eq!(entries(&mut world, weak, &keys[..2]), 2);
    assert!(keys[2..].iter().all(|k| !world.exists(k.as_header())));
    world.unroot_all();
    world.root(weak);
    world.collect();
    assert!(keys.iter().all(|k| !world.exists(k.as_header())));
}

#[test]
fn chains_through_several_ephemeron_tables() {
    for generational in [false, true] {
        let mut world = World::new();
        if generational {
            world.generational();
        }
        let weak: Vec<Value> = (0..4).map(|_| world.weak_table("k")).collect();
        for &table in &weak {
            world.root(table);
        }
        let links = if cfg!(miri) { 16 } else { 40 };
        let keys: Vec<Value> = (0..=links).map(|_| world.table()).collect();
        for i in 0..links {
            world.set(weak[i * 7 % 4], keys[i], keys[i + 1]);
        }
        world.root(keys[10]);
        if generational {
            world.heap().set_debt(0);
            world.step();
            world.check();
        } else {
            cycle(&mut world);
        }
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(world.exists(key.as_header()), i >= 10, "key {i}");
        }
    }
}

#[test]
fn weak_keys_and_values() {
    let mut world = World::new();
    let weak = world.weak_table("kv");
    world.root(weak);
    let kept = world.table();
    world.root(kept);
    let dead = world.table();
    world.set(weak, kept, dead);
    world.set(weak, dead, kept);
    world.set(weak, Value::integer(1), dead);
    let string = world.string("string");
    world.set(weak, string, string);
    world.set(weak, Value::TRUE, kept);
    cycle(&mut world);
    assert!(world.get(weak, kept).is_nil());
    assert!(world.get(weak, Value::integer(1)).is_nil());
    assert!(!world.exists(dead.as_header()));
    assert!(world.get(weak, string).is_identical(string));
    assert!(world.get(weak, Value::TRUE).is_identical(kept));
}

#[test]
fn values_go_before_finalisers_and_keys_after() {
    let mut world = World::new();
    let values = world.weak_table("v");
    world.root(values);
    let keys = world.weak_table("k");
    world.root(keys);
    let object = world.table();
    // SAFETY: the object is live.
    unsafe { world.heap().arm_finalizer(object.as_header()).unwrap() };
    world.set(values, Value::integer(1), object);
    world.set(keys, object, Value::TRUE);
    world.collect();
    assert!(world.get(values, Value::integer(1)).is_nil());
    assert_eq!(world.get(keys, object).tag, Value::TRUE.tag);
    assert!(world.heap().next_pending_finalizer().is_some());
    world.collect();
    assert!(!world.exists(object.as_header()));
}

#[test]
fn a_resurrected_weak_table_loses_dead_values() {
    let mut world = World::new();
    let weak = world.weak_table("v");
    // SAFETY: the table is live.
    unsafe { world.heap().arm_finalizer(weak.as_header()).unwrap() };
    let dead = world.table();
    world.set(weak, Value::integer(1), dead);
    world.collect();
    let pending = world.heap().next_pending_finalizer().unwrap();
    assert!(pending.is_identical(weak));
    assert!(world.get(weak, Value::integer(1)).is_nil());
    assert!(!world.exists(dead.as_header()));
}

#[test]
fn old_weak_tables_lose_young_values() {
    let mut world = World::new();
    let (values, keys) = (world.weak_table("v"), world.weak_table("k"));
    world.root(values);
    world.root(keys);
    world.generational();
    for round in 1..10 {
        let (dead, kept) = (world.table(), world.table());
        world.root(kept);
        world.set(values, Value::integer(round), dead);
        world.set(values, Value::float(0.5), kept);
        world.set(keys, dead, kept);
        let value = world.table();
        world.set(keys, kept, value);
        world.heap().set_debt(0);
        world.step();
        world.check();
        assert!(!world.exists(dead.as_header()));
        assert!(world.get(values, Value::integer(round)).is_nil());
        assert!(world.get(values, Value::float(0.5)).is_identical(kept));
        assert!(world.get(keys, kept).is_identical(value));
    }
}
