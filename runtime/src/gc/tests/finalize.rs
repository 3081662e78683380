//! Finalisers: order, resurrection, arming again.

use super::World;
use crate::gc::heap::Phase;
use crate::value::Value;

fn armed(world: &mut World) -> Value {
    let table = world.table();
    // SAFETY: the table is live.
    unsafe { world.heap().arm_finalizer(table.as_header()).unwrap() };
    table
}

fn pending(world: &mut World) -> Vec<Value> {
    std::iter::from_fn(|| world.heap().next_pending_finalizer()).collect()
}

fn same(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_identical(*b))
}

#[test]
fn last_armed_is_called_first() {
    let mut world = World::new();
    let mut objects: Vec<Value> = (0..5).map(|_| armed(&mut world)).collect();
    let kept = objects.remove(2);
    world.root(kept);
    // Armed twice is armed once.
    // SAFETY: the object is live.
    unsafe { world.heap().arm_finalizer(objects[0].as_header()).unwrap() };
    world.collect();
    assert!(world.heap().has_pending_finalizers());
    objects.reverse();
    assert!(same(&pending(&mut world), &objects));
    // They are ordinary objects now.
    world.collect();
    assert!(!world.heap().has_pending_finalizers());
    assert!(objects.iter().all(|o| !world.exists(o.as_header())));
    assert!(world.exists(kept.as_header()));
    assert_eq!(world.heap().used_bytes(), world.heap().recount_bytes());
}

#[test]
fn pending_objects_keep_what_they_refer_to() {
    let mut world = World::new();
    let object = armed(&mut world);
    let inner = world.table();
    world.set(object, Value::integer(1), inner);
    for _ in 0..3 {
        world.collect();
        assert!(world.exists(inner.as_header()));
    }
    assert!(same(&pending(&mut world), &[object]));
    world.collect();
    assert!(!world.exists(inner.as_header()));
}

#[test]
fn a_resurrected_object_can_be_armed_again() {
    let mut world = World::new();
    let object = armed(&mut world);
    world.collect();
    assert!(same(&pending(&mut world), &[object]));
    world.root(object);
    world.collect();
    // SAFETY: the object is live.
    unsafe { world.heap().arm_finalizer(object.as_header()).unwrap() };
    world.collect();
    assert!(!world.heap().has_pending_finalizers());
    world.unroot_all();
    world.collect();
    assert!(same(&pending(&mut world), &[object]));
    world.collect();
    assert!(!world.exists(object.as_header()));
}

#[test]
fn generational_mode_finalises_young_and_old() {
    let mut world = World::new();
    world.generational();
    let old = armed(&mut world);
    world.root(old);
    let minor = |world: &mut World| {
        world.heap().set_debt(0);
        world.step();
        world.check();
    };
    minor(&mut world);
    let young = [armed(&mut world), armed(&mut world)];
    world.unroot_all();
    minor(&mut world);
    assert!(same(&pending(&mut world), &[young[1], young[0]]));
    world.collect();
    assert!(same(&pending(&mut world), &[old]));
    world.collect();
    assert!(!world.exists(old.as_header()));
}

#[test]
fn closing_finalises_everything() {
    let mut world = World::new();
    let first = armed(&mut world);
    let second = armed(&mut world);
    world.root(first);
    world.heap().separate_all_finalizers();
    assert!(same(&pending(&mut world), &[second, first]));
    // Nothing can be armed any more.
    armed(&mut world);
    world.heap().separate_all_finalizers();
    assert!(!world.heap().has_pending_finalizers());
    assert!(world.heap().is_internally_stopped());
}

#[test]
fn taking_an_object_while_sweeping_keeps_it() {
    let mut world = World::new();
    let object = armed(&mut world);
    while world.heap().phase != Phase::SweepObjects {
        world.single_step();
    }
    assert!(same(&pending(&mut world), &[object]));
    world.check();
    while world.heap().phase != Phase::Pause {
        world.single_step();
    }
    assert!(world.exists(object.as_header()));
}
