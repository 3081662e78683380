//! What is reachable stays, and all else goes.

use super::World;
use crate::gc::heap::Phase;
use crate::table::Table;
use crate::value::Value;
use perilune_frontend::bytecode::instruction::Instruction;
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_frontend::bytecode::proto as compiled;

/// One object of each kind, each reachable from the one before only.
fn chain(world: &mut World) -> Vec<Value> {
    let table = world.table();
    let native = world.native(2);
    world.set(table, Value::integer(1), native);
    let userdata = world
        .heap()
        .new_userdata(String::from("some data"), std::ptr::null_mut(), 3);
    let userdata = Value::userdata(userdata.unwrap());
    world.set_upvalue(native, 1, userdata);
    let thread = Value::thread(world.heap().new_thread().unwrap());
    // SAFETY: the userdata and the thread are live.
    unsafe {
        (*userdata.as_pointer::<crate::userdata::Userdata>()).user_values[2] = thread;
    }
    let source = compiled::Proto {
        constants: vec![
            compiled::Constant::String(b"a constant"[..].into()),
            compiled::Constant::Float(1.5),
        ],
        protos: vec![Box::default()],
        ..Default::default()
    };
    let proto = world.heap().new_proto(source).unwrap();
    // SAFETY: the proto is live; both upvalues are set.
    let closure = unsafe {
        let closure = world.heap().new_lua_closure(proto, 2).unwrap();
        for index in 0..2 {
            let cell = world.heap().new_cell(Value::NIL).unwrap();
            crate::function::LuaClosure::set_upvalue(closure, index, cell);
        }
        closure
    };
    // SAFETY: the thread is live.
    unsafe {
        let thread = thread.as_pointer::<crate::coroutine::Thread>();
        (*thread).stack.push(Value::lua_closure(closure));
        world.heap().update_thread_charge(thread).unwrap();
    }
    let last = world.table();
    world.set_field(last, "a field", Value::TRUE);
    // SAFETY: the closure is live and has the upvalue.
    unsafe { (*crate::function::LuaClosure::upvalue(closure, 1)).value = last };
    vec![
        table,
        native,
        userdata,
        thread,
        Value::lua_closure(closure),
        last,
    ]
}

#[test]
fn all_kinds_are_kept_and_freed() {
    let mut world = World::new();
    world.collect();
    let (count, used) = (world.count(), world.heap().used_bytes());
    let objects = chain(&mut world);
    world.root(objects[0]);
    world.collect();
    world.collect();
    for &object in &objects {
        assert!(world.exists(object.as_header()), "{object:?}");
    }
    // 6 objects, 2 protos, 2 cells, 2 strings.
    assert_eq!(world.count(), count + 12);
    assert_eq!(world.heap().used_bytes(), world.heap().recount_bytes());
    world.unroot_all();
    world.collect();
    assert_eq!(world.count(), count);
    assert_eq!(world.heap().used_bytes(), world.heap().recount_bytes());
    assert!(world.heap().used_bytes() < used + 4096);
}

#[test]
fn cycles_are_freed_at_once() {
    let mut world = World::new();
    world.collect();
    let count = world.count();
    let (a, b) = (world.table(), world.table());
    world.set(a, Value::integer(1), b);
    world.set(b, a, b);
    let native = world.native(1);
    world.set_upvalue(native, 0, native);
    world.set_metatable(a, b);
    world.set_metatable(b, b);
    world.collect();
    assert_eq!(world.count(), count);
}

#[test]
fn generational_mode_keeps_and_frees_all_kinds() {
    let mut world = World::new();
    world.generational();
    let count = world.count();
    let objects = chain(&mut world);
    world.root(objects[0]);
    for _ in 0..3 {
        minor(&mut world);
        assert!(objects.iter().all(|o| world.exists(o.as_header())));
    }
    world.unroot_all();
    // They are old: only a major collection frees them.
    minor(&mut world);
    assert!(world.exists(objects[0].as_header()));
    world.collect();
    assert_eq!(world.count(), count);
    // What is young dies in a minor collection.
    let objects = chain(&mut world);
    minor(&mut world);
    assert!(objects.iter().all(|o| !world.exists(o.as_header())));
    assert_eq!(world.count(), count);
    assert_eq!(world.heap().used_bytes(), world.heap().recount_bytes());
}

/// A minor collection.
fn minor(world: &mut World) {
    world.heap().set_debt(0);
    world.step();
    world.check();
}

#[test]
fn old_objects_keep_young_ones_alive() {
    let mut world = World::new();
    let table = world.table();
    world.root(table);
    let native = world.native(1);
    world.root(native);
    let thread = Value::thread(world.heap().new_thread().unwrap());
    world.root(thread);
    world.generational();
    for round in 0..5 {
        let (a, b, c) = (world.table(), world.table(), world.table());
        let inner = world.string(&format!("a young string of round {round}"));
        world.set(a, inner, inner);
        world.set(table, Value::integer(round + 1), a);
        world.set_upvalue(native, 0, b);
        // SAFETY: the thread is live; its stack needs no barrier.
        unsafe {
            let thread = thread.as_pointer::<crate::coroutine::Thread>();
            (*thread).stack.push(c);
            world.heap().update_thread_charge(thread).unwrap();
        }
        minor(&mut world);
        for object in [a, b, c, inner] {
            assert!(world.exists(object.as_header()), "round {round}");
        }
    }
}

#[test]
fn modes_change_back_and_forth() {
    let mut world = World::new();
    let objects = chain(&mut world);
    world.root(objects[0]);
    let rounds = if cfg!(miri) { 3 } else { 40 };
    for steps in 0..rounds {
        for _ in 0..steps {
            world.single_step();
        }
        assert_eq!(world.generational(), crate::gc::Mode::Incremental);
        world.check();
        chain(&mut world);
        if steps % 3 == 0 {
            minor(&mut world);
        }
        assert_eq!(world.incremental(), crate::gc::Mode::Generational);
        world.check();
        chain(&mut world);
    }
    assert!(objects.iter().all(|o| world.exists(o.as_header())));
}

#[test]
fn marking_goes_on_without_gray_lists() {
    // As if there had been no memory for them.
    let mut world = World::new();
    let objects = chain(&mut world);
    world.root(objects[0]);
    let many = world.table();
    world.root(many);
    let (tables, rounds) = if cfg!(miri) { (8, 4) } else { (100, 12) };
    for i in 0..tables {
        let inner = world.table();
        world.set(many, Value::integer(i + 1), inner);
        let string = world.string(&format!("inner {i}"));
        world.set(inner, string, string);
    }
    let count = world.count();
    for steps in 0..rounds {
        while world.heap().phase != Phase::Pause {
            world.single_step();
        }
        for _ in 0..=steps {
            world.single_step();
        }
        if world.heap().phase == Phase::Mark {
            world.heap().gray.clear();
            world.heap().gray_again.clear();
            world.heap().marked_threads.clear();
            world.heap().gray_overflow = true;
        }
        world.single_step();
        while world.heap().phase != Phase::Pause {
            world.single_step();
        }
        world.check();
        assert_eq!(world.count(), count);
    }
}

#[test]
fn caches_forget_dead_shapes_and_holders() {
    let mut world = World::new();
    let kept = world.table();
    world.root(kept);
    world.set_field(kept, "kept", Value::TRUE);
    let dropped = world.table();
    world.set_field(dropped, "dropped", Value::TRUE);
    // SAFETY: both are live tables.
    let shape_of = |table: Value| unsafe { u64::from((*table.as_header()).extra) };
    let (live, dead) = (shape_of(kept), shape_of(dropped));
    let field = Instruction::new(Opcode::GetField, 0, 0, 0).0;
    let record =
        |index: u64, shape: u64| (shape | u64::from(crate::ops::cache::RECORDED)) | index << 32;
    let source = compiled::Proto {
        code: vec![
            field,
            live | 3 << 32,
            Instruction::new(Opcode::Move, 0, 0, 0).0,
            field,
            dead,
            field,
            record(0, live),
            field,
            record(1, live),
            field,
            record(2, live),
            Instruction::new(Opcode::Return0, 0, 0, 0).0,
        ],
        ..Default::default()
    };
    let proto = world.heap().new_proto(source).unwrap();
    let make = |holder: Value, holder_shape: u64| crate::ops::cache::CacheRecord {
        receiver_shape: live as u32,
        other_shape: 0,
        metatable: std::ptr::null_mut(),
        metatable_slot: crate::table::shape::NO_SLOT,
        index_slot: 0,
        holder: holder.as_pointer(),
        holder_shape: holder_shape as u32,
        slot: 0,
        next: 0,
    };
    // SAFETY: the proto is live, and the closure has no upvalues.
    unsafe {
        let records = &raw mut (*proto).cache_records;
        (*records).push(make(kept, live));
        (*records).push(make(dropped, 0));
        (*records).push(make(kept, dead));
        let closure = world.heap().new_lua_closure(proto, 0).unwrap();
        world.root(Value::lua_closure(closure));
    }
    world.collect();
    // SAFETY: the proto is live.
    let code = unsafe { &*(*proto).code };
    assert_eq!(code[1], live | 3 << 32);
    assert_eq!(code[4], 0);
    assert_eq!(code[6], record(0, live));
    assert_eq!(code[8], 0);
    assert_eq!(code[10], 0);
    assert!(!world.heap().shapes.is_live(dead as u32));
    assert!(world.heap().shapes.is_live(live as u32));
}

#[test]
fn a_shape_made_whole_keeps_all_its_keys() {
    let mut world = World::new();
    world.incremental();
    let table = world.table();
    world.root(table);
    let names = [
        "first", "second", "third", "x", "y", "z", "u", "v", "w", "last",
    ];
    let keys: Vec<_> = names.iter().map(|name| world.string(name)).collect();
    let pointers: Vec<_> = keys.iter().map(|key| key.as_pointer()).collect();
    let values: Vec<_> = (0..names.len() as i64).map(Value::integer).collect();
    // SAFETY: the table and the strings are live.
    let set = |world: &mut World, keys: &[_], values: &[Value]| unsafe {
        Table::set_all_str(world.heap(), table.as_pointer(), keys, values).unwrap_or(false)
    };
    let twice = [pointers[0], pointers[1], pointers[0]];
    assert!(
        !set(&mut world, &twice, &values[..3]),
        "a key is there twice"
    );
    world.check();
    let before = world.heap().shapes.len();
    assert!(set(&mut world, &pointers, &values));
    assert_eq!(world.heap().shapes.len(), before + 1, "one shape");
    assert!(!set(&mut world, &pointers, &values), "it has fields now");
    world.collect();
    for (key, value) in keys.iter().zip(&values) {
        assert!(world.exists(key.as_header()), "the keys are alive");
        // SAFETY: both are live.
        let found = unsafe { Table::get_str(world.heap(), table.as_pointer(), key.as_pointer()) };
        assert_eq!(found.payload, value.payload);
    }
    // It goes on as any other table: another key, a metatable, no table at all.
    world.set_field(table, "another", values[3]);
    let metatable = world.table();
    world.set_metatable(table, metatable);
    world.collect();
    world.unroot_all();
    world.collect();
    assert_eq!(world.heap().shapes.len(), before, "the shapes are gone");
}
