//! Pacing, limits, failing allocations.

use super::World;
use crate::error::LuaError;
use crate::gc::charge;
use crate::gc::heap::Phase;
use crate::gc::pacing::{Mode, Stress, explicit_step, set_generational, set_incremental};
use crate::value::Value;

#[test]
fn parameters_are_exchanged_as_in_puc() {
    let mut world = World::new();
    let heap = world.heap();
    // puc-lua: print(collectgarbage("setpause",101), collectgarbage("setpause",1023),
    // collectgarbage("setpause",2000), collectgarbage("setpause",200)) --> 200 100 1020 976
    let pauses = [101, 1023, 2000, 200].map(|p| heap.set_pause(p));
    assert_eq!(pauses, [200, 100, 1020, 976]);
    // print(collectgarbage("setstepmul",7), collectgarbage("setstepmul",100)) --> 100 4
    assert_eq!([7, 100].map(|p| heap.set_step_multiplier(p)), [100, 4]);
    // SAFETY: the world owns heap and roots.
    unsafe {
        let (heap, roots) = (world.heap, world.roots);
        assert_eq!(set_generational(heap, roots, 0, 0), Mode::Incremental);
        assert_eq!(set_generational(heap, roots, 10, 50), Mode::Generational);
        assert_eq!(set_incremental(heap, roots, 0, 0, 0), Mode::Generational);
        assert_eq!(
            set_incremental(heap, roots, 100, 400, 10),
            Mode::Incremental
        );
    }
    assert_eq!(world.heap().set_pause(200), 100);
    assert_eq!(world.heap().set_step_multiplier(100), 400);
}

#[test]
fn explicit_steps_end_cycles() {
    let mut world = World::new();
    let count = if cfg!(miri) { 300 } else { 5000 };
    for i in 0..count {
        let table = world.table();
        world.set(table, Value::integer(1), Value::integer(i));
        if i % 2 == 0 {
            world.root(table);
        }
    }
    let step = |world: &World, kilobytes| {
        // SAFETY: the world owns heap and roots.
        unsafe { explicit_step(world.heap, world.roots, kilobytes) }
    };
    // One large step is a whole cycle.
    assert!(step(&world, 1_000_000));
    world.heap().stop_collector();
    assert!(!world.heap().is_collector_running());
    let before = world.heap().used_bytes();
    world.unroot_all();
    let mut steps = 0;
    while !step(&world, 0) {
        world.check();
        steps += 1;
        assert!(steps < 1000);
    }
    assert!(world.heap().used_bytes() < before / 2);
    assert!(!world.heap().is_collector_running());
    world.heap().restart_collector();
    assert!(world.heap().is_collector_running());
}

/// How many explicit steps a cycle takes is the program's business; that traces are made or freed during
/// it is not. Memory near its limit is collected earlier for them all the same.
#[test]
fn compiled_code_is_no_debt() {
    let mut world = World::new();
    let heap = world.heap();
    let debt = heap.debt();
    let used = heap.used;
    for bytes in [500_000, 2_000_000, 1_000, 0] {
        heap.charge_compiled(bytes).expect("there is no limit");
        assert_eq!((heap.used, heap.debt()), (used + bytes, debt));
    }
    heap.set_memory_limit(Some(10_000_000));
    let debt = heap.debt();
    heap.charge_compiled(1_000_000)
        .expect("that is below the limit");
    assert_eq!(heap.debt(), debt + 1_000_000);
    assert!(heap.charge_compiled(20_000_000).is_err());
    assert_eq!(
        (heap.used, heap.debt()),
        (used + 1_000_000, debt + 1_000_000)
    );
    heap.charge_compiled(0).expect("less is never refused");
    assert_eq!((heap.used, heap.debt()), (used, debt));
}

#[test]
fn the_heap_stays_small_without_explicit_collections() {
    for generational in [false, true] {
        let mut world = World::new();
        if generational {
            world.generational();
        }
        let live = world.table();
        world.root(live);
        let (live_count, garbage_count) = if cfg!(miri) {
            (100, 300)
        } else {
            (2000, 50_000)
        };
        for i in 1..=live_count {
            let inner = world.table();
            world.set(live, Value::integer(i), inner);
        }
        world.collect();
        let base = world.heap().used_bytes();
        let mut peak = 0;
        for i in 0..garbage_count {
            let garbage = world.table();
            world.set(garbage, Value::integer(1), Value::integer(i));
            if world.heap().needs_step() {
                world.step();
            }
            peak = peak.max(world.heap().used_bytes());
        }
        // A pause of 200 percent, and a little for the time of the cycle.
        assert!(peak < base * 5 / 2, "{peak} of {base}, {generational}");
        world.check();
    }
}

#[test]
fn a_stopped_collector_collects_nothing() {
    let mut world = World::new();
    world.heap().stop_collector();
    let count = world.count();
    let tables = if cfg!(miri) { 500 } else { 10_000 };
    for _ in 0..tables {
        world.table();
        if world.heap().needs_step() {
            world.step();
        }
    }
    assert_eq!(world.count(), count + tables);
    assert!(!world.heap().set_internal_stop(true));
    world.heap().restart_collector();
    assert!(!world.heap().is_collector_running());
    assert!(world.heap().set_internal_stop(false));
    assert!(world.heap().is_collector_running());
}

#[test]
fn stress_mode_collects_at_every_nth_safepoint() {
    let mut world = World::new();
    world.collect();
    let count = world.count();
    world.heap().set_stress(Some(Stress::Full(3)));
    for round in 0..30 {
        world.table();
        assert!(world.heap().needs_step());
        world.step();
        let garbage = world.count() - count;
        assert_eq!(garbage, round % 3, "round {round}");
    }
    world.heap().stop_collector();
    world.table();
    world.table();
    world.table();
    for _ in 0..5 {
        world.step();
    }
    assert!(world.count() >= count + 3);
}

#[test]
fn the_memory_limit_holds() {
    let mut world = World::new();
    world.collect();
    let limit = world.heap().used_bytes() + 100_000;
    world.heap().set_memory_limit(Some(limit));
    assert_eq!(world.heap().memory_limit(), Some(limit));
    // Garbage never runs into the limit when there are safepoints.
    let rounds = if cfg!(miri) { 200 } else { 5_000 };
    for i in 0..rounds {
        world.string(&format!("garbage {i}"));
        world.table();
        if world.heap().needs_step() {
            world.step();
        }
        assert!(world.heap().used_bytes() <= limit);
    }
    // What is live does.
    let live = world.table();
    world.root(live);
    let error = (1..).find_map(|_| world.heap().new_table().err());
    assert!(matches!(error, Some(LuaError::Memory)));
    assert!(world.heap().new_string(&[b'x'; 200_000]).is_err());
    assert!(world.heap().charge(usize::MAX).is_err());
    world.collect();
    assert!(world.heap().new_table().is_ok());
    world.heap().set_memory_limit(None);
    assert!(world.heap().new_string(&[b'x'; 200_000]).is_ok());
    world.check();
}

/// Builds things of all kinds; false when it ran out of memory.
fn build(world: &mut World) -> bool {
    let run = |world: &mut World| -> Result<(), LuaError> {
        let table = world.heap().new_table()?;
        world.root(Value::table(table));
        for i in 0..40u32 {
            let name = world.heap().new_string(format!("name {i}").as_bytes())?;
            let inner = world.heap().new_table()?;
            let value = Value::table(inner);
            // SAFETY: all are live.
            unsafe {
                let heap = world.heap();
                let keys = [Value::integer(i64::from(i) + 1), Value::string(name), value];
                for key in keys {
                    if crate::table::Table::set(heap, table, key, value).is_err() {
                        return Err(LuaError::Memory);
                    }
                }
                heap.arm_finalizer(inner.cast())?;
            }
        }
        world.heap().string_from_parts(&[&[1; 30], &[2; 30]])?;
        world.heap().new_thread()?;
        let value = [0u64; 16];
        world.heap().new_userdata(value, std::ptr::null_mut(), 4)?;
        world.try_native(3)?;
        world.heap().new_proto(Default::default())?;
        Ok(())
    };
    run(world).is_ok()
}

#[test]
fn every_allocation_may_fail() {
    for generational in [false, true] {
        for n in 1..10_000 {
            if cfg!(miri) && n % 151 != 0 {
                continue;
            }
            let mut world = World::new();
            if generational {
                world.generational();
            }
            world.heap().fail_nth_allocation(Some(n));
            let done = build(&mut world);
            world.heap().fail_nth_allocation(None);
            world.check();
            let (used, counted) = (world.heap().used_bytes(), world.heap().recount_bytes());
            assert_eq!(used, counted, "after failing allocation {n}");
            world.unroot_all();
            world.collect();
            while world.heap().next_pending_finalizer().is_some() {}
            world.collect();
            if done {
                break;
            }
        }
    }
}

#[test]
fn buffers_are_charged() {
    let mut world = World::new();
    let heap = world.heap();
    let used = heap.used_bytes();
    let layout = |size| std::alloc::Layout::from_size_align(size, 8).unwrap();
    let mut p = heap.allocate_buffer(layout(0)).unwrap();
    let mut size = 0;
    for new_size in [16, 100, 8, 0, 40, 0] {
        // SAFETY: the buffer came from the heap with this layout.
        p = unsafe { heap.reallocate_buffer(p, layout(size), new_size).unwrap() };
        size = new_size;
        assert_eq!(heap.used_bytes(), used + charge::block(size));
    }
    // SAFETY: as above.
    unsafe {
        assert!(
            heap.reallocate_buffer(p, layout(0), isize::MAX as usize)
                .is_err()
        );
        heap.free_buffer(p, layout(0));
    }
    assert_eq!(heap.used_bytes(), used);
    assert_eq!(heap.phase, Phase::Pause);
}
