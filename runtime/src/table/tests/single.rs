//! Single behaviours of tables.

use super::super::hash::{HashPart, Node};
use super::super::{InvalidKey, Lookup, Table, TableError};
use super::Fixture;
use crate::metatable::Event;
use crate::value::Value;

#[test]
fn border_after_refilling_a_hole() {
    // local t = {1,2,3}; t[2]=nil; t[3]=nil; t[3]=3; t[2]=2; print(#t) --> 3
    let mut f = Fixture::new();
    let t = f.table();
    let list = [1, 2, 3].map(Value::integer);
    // SAFETY: the table is live and empty.
    unsafe { Table::set_list(&mut f.heap, t, 1, list.as_ptr(), 3).expect("stored") };
    assert_eq!(f.border(t), 3);
    f.clear_int(t, 2);
    f.clear_int(t, 3);
    f.check(t);
    assert_eq!(f.border(t), 1);
    f.set_int(t, 3, 3);
    f.check(t);
    f.set_int(t, 2, 2);
    f.check(t);
    assert_eq!(f.border(t), 3);
}

#[test]
fn border_after_filling_backwards() {
    for n in [1, 2, 3, 4, 5, 7, 8, 9, 40] {
        let mut f = Fixture::new();
        let t = f.table();
        for i in (1..=n).rev() {
            f.set_int(t, i, i);
            f.check(t);
        }
        assert_eq!(f.border(t), n);
        for i in 1..=n {
            assert_eq!(f.get(t, Value::integer(i)).as_integer(), i);
        }
    }
}

#[test]
fn border_moves_over_the_hash_part() {
    let mut f = Fixture::new();
    let t = f.table();
    f.set_int(t, 2, 2);
    assert_eq!(f.border(t), 0);
    f.set_int(t, 1, 1);
    assert_eq!(f.border(t), 2);
    // Right behind the capacity, then further on.
    let t = f.table();
    for i in [5, 6, 7, 9] {
        f.set_int(t, i, i);
    }
    for i in 1..=4 {
        f.set_int(t, i, i);
        f.check(t);
    }
    assert_eq!(f.border(t), 7);
    f.set_int(t, 8, 8);
    f.check(t);
    assert_eq!(f.border(t), 9);
}

#[test]
fn constructors_with_holes_have_the_border_of_puc() {
    // print(#{nil,nil,3}, #{1,nil,3}, #{1,2,nil,4,nil}, #{nil}, #{nil,2}, #{1,nil}, #{1,nil,3,nil})
    // --> 3 3 4 0 2 1 3
    let cases: [(&[i64], i64); 7] = [
        (&[0, 0, 3], 3),
        (&[1, 0, 3], 3),
        (&[1, 2, 0, 4, 0], 4),
        (&[0], 0),
        (&[0, 2], 2),
        (&[1, 0], 1),
        (&[1, 0, 3, 0], 3),
    ];
    for (list, border) in cases {
        let mut f = Fixture::new();
        let t = f.table();
        let list: Vec<_> = list
            .iter()
            .map(|&i| {
                if i == 0 {
                    Value::NIL
                } else {
                    Value::integer(i)
                }
            })
            .collect();
        // SAFETY: the table is live and empty.
        unsafe { Table::set_list(&mut f.heap, t, 1, list.as_ptr(), list.len()).expect("stored") };
        f.check(t);
        assert_eq!(f.border(t), border, "{list:?}");
    }
}

#[test]
fn a_list_meets_keys_of_the_hash_part() {
    // print(#{[4]=4, [5]=5, 1, 2, 3}) --> 5 (a border must be, and 5 is the only one)
    let mut f = Fixture::new();
    let t = f.table();
    f.set_int(t, 4, 4);
    f.set_int(t, 5, 5);
    let list = [1, 2, 3].map(Value::integer);
    // SAFETY: the table is live and has no elements in its array part.
    unsafe { Table::set_list(&mut f.heap, t, 1, list.as_ptr(), 3).expect("stored") };
    f.check(t);
    assert_eq!(f.border(t), 5);
    // SAFETY: as above; an empty rest changes nothing.
    unsafe { Table::set_list(&mut f.heap, t, 4, list.as_ptr(), 0).expect("stored") };
    assert_eq!(f.border(t), 5);
}

#[test]
fn clearing_at_the_border_moves_it_back() {
    let mut f = Fixture::new();
    let t = f.table();
    for i in 1..=10 {
        f.set_int(t, i, i);
    }
    f.clear_int(t, 8);
    f.clear_int(t, 9);
    assert_eq!(f.border(t), 10);
    f.clear_int(t, 10);
    f.check(t);
    assert_eq!(f.border(t), 7);
    for i in (1..=7).rev() {
        f.clear_int(t, i);
        f.check(t);
    }
    assert_eq!(f.border(t), 0);
}

#[test]
fn a_queue_does_not_grow() {
    let mut f = Fixture::new();
    let t = f.table();
    let before = f.heap.used_bytes();
    let count = if cfg!(miri) { 500 } else { 20_000 };
    for i in 1..=count {
        f.set_int(t, i, i);
        if i > 10 {
            f.clear_int(t, i - 10);
        }
    }
    f.check(t);
    assert!(f.heap.used_bytes() - before < 4_000);
    assert_eq!(f.entries(t).len(), 10);
}

#[test]
fn strides_do_not_collide() {
    // Adding to a chain takes time proportional to its length, so this would not end otherwise.
    let count = if cfg!(miri) { 100 } else { 60_000 };
    for shift in [1, 3, 8, 10, 15, 16, 20, 31, 32, 40, 46] {
        let mut f = Fixture::new();
        let t = f.table();
        for i in 1..=count {
            f.set_int(t, i << shift, i);
        }
        let mut steps = 0;
        // SAFETY: the table is live; indices are below the size.
        unsafe {
            for i in 1..=count {
                steps += HashPart::chain_length((*t).hash, i << shift);
            }
        }
        assert!(
            steps < 3 * count as usize,
            "stride 2^{shift}: {steps} steps"
        );
    }
}

#[test]
fn a_stack_keeps_its_block() {
    let mut f = Fixture::new();
    let t = f.table();
    for round in 0..10 {
        for i in 1..=64 {
            // SAFETY: the table is live.
            unsafe { Table::push(&mut f.heap, t, Value::integer(i)).expect("pushed") };
            assert_eq!(f.border(t), i, "round {round}");
        }
        for i in (1..=64).rev() {
            f.clear_int(t, i);
            assert_eq!(f.border(t), i - 1);
        }
    }
    // SAFETY: the table is live.
    assert_eq!(unsafe { (*t).capacity }, 64);
    f.check(t);
}

#[test]
fn sparse_integers_stay_in_the_hash_part() {
    let mut f = Fixture::new();
    let t = f.table();
    for i in 1..=100 {
        f.set_int(t, i * 1000, i);
        f.set_int(t, -i, i);
    }
    f.set_int(t, i64::MAX, 1);
    f.set_int(t, i64::MIN, 2);
    f.check(t);
    // SAFETY: the table is live.
    assert_eq!(unsafe { (*t).capacity }, 0);
    assert_eq!(f.border(t), 0);
    assert_eq!(f.get(t, Value::integer(i64::MIN)).as_integer(), 2);
    assert_eq!(f.get(t, Value::integer(i64::MAX)).as_integer(), 1);
    assert_eq!(f.get(t, Value::integer(77_000)).as_integer(), 77);
    assert!(f.get(t, Value::integer(77_001)).is_nil());
}

#[test]
fn keys_are_normalised() {
    let mut f = Fixture::new();
    let t = f.table();
    f.set(t, Value::float(1.0), Value::integer(10))
        .expect("stored");
    assert_eq!(f.get(t, Value::integer(1)).as_integer(), 10);
    assert_eq!(f.border(t), 1);
    f.set(t, Value::float(-0.0), Value::integer(20))
        .expect("stored");
    assert_eq!(f.get(t, Value::integer(0)).as_integer(), 20);
    assert_eq!(f.get(t, Value::float(0.0)).as_integer(), 20);
    // 2^53 is an integer key; 2^63 is not representable and stays a float.
    f.set(t, Value::float(9007199254740992.0), Value::integer(30))
        .expect("stored");
    assert_eq!(f.get(t, Value::integer(1 << 53)).as_integer(), 30);
    f.set(t, Value::float(9223372036854775808.0), Value::integer(40))
        .expect("stored");
    assert!(f.get(t, Value::integer(i64::MAX)).is_nil());
    assert_eq!(
        f.get(t, Value::float(9223372036854775808.0)).as_integer(),
        40
    );
    f.set(t, Value::float(-9223372036854775808.0), Value::integer(50))
        .expect("stored");
    assert_eq!(f.get(t, Value::integer(i64::MIN)).as_integer(), 50);
    f.set(t, Value::float(f64::INFINITY), Value::integer(60))
        .expect("stored");
    assert_eq!(f.get(t, Value::float(f64::INFINITY)).as_integer(), 60);
    f.check(t);
}

#[test]
fn nil_and_nan_are_no_keys() {
    let mut f = Fixture::new();
    let t = f.table();
    let one = Value::integer(1);
    assert_eq!(f.set(t, Value::NIL, one), Err(TableError::NilKey));
    assert_eq!(f.set(t, Value::NIL, Value::NIL), Err(TableError::NilKey));
    assert_eq!(
        f.set(t, Value::float(f64::NAN), one),
        Err(TableError::NaNKey)
    );
    assert!(f.get(t, Value::NIL).is_nil());
    assert!(f.get(t, Value::float(f64::NAN)).is_nil());
}

#[test]
fn storing_nil_under_an_absent_key_does_nothing() {
    let mut f = Fixture::new();
    let t = f.table();
    let before = f.heap.used_bytes();
    let key = f.string("x");
    for key in [
        Value::integer(1),
        Value::integer(7),
        Value::float(0.5),
        Value::TRUE,
    ] {
        f.set(t, key, Value::NIL).expect("nothing done");
    }
    let with_string = f.heap.used_bytes();
    f.set(t, Value::string(key), Value::NIL)
        .expect("nothing done");
    assert_eq!(f.heap.used_bytes(), with_string);
    assert!(with_string - before < 200);
    assert!(f.entries(t).is_empty());
}

#[test]
fn long_strings_are_equal_by_content() {
    let mut f = Fixture::new();
    let t = f.table();
    let text = "long ".repeat(20);
    let (a, b) = (f.string(&text), f.string(&text));
    assert_ne!(a, b);
    f.set(t, Value::string(a), Value::integer(1))
        .expect("stored");
    assert_eq!(f.get(t, Value::string(b)).as_integer(), 1);
    f.set(t, Value::string(b), Value::integer(2))
        .expect("stored");
    assert_eq!(f.entries(t).len(), 1);
    f.check(t);
}

#[test]
fn traversal_survives_clearing() {
    let mut f = Fixture::new();
    let t = f.table();
    for i in 1..=20 {
        f.set_int(t, i, i);
        f.set_int(t, i * 100, i);
        f.set_field(t, &format!("field{i}"), i);
        f.set(t, Value::float(i as f64 + 0.5), Value::integer(i))
            .expect("stored");
    }
    let mut key = Value::NIL;
    let mut seen = 0;
    while let Some((k, _)) = f.next(t, key).expect("a valid key") {
        f.set(t, k, Value::NIL).expect("cleared");
        key = k;
        seen += 1;
    }
    assert_eq!(seen, 80);
    assert!(f.entries(t).is_empty());
    f.check(t);
}

#[test]
fn traversal_accepts_dead_keys_and_refuses_others() {
    let mut f = Fixture::new();
    let t = f.table();
    let keys: Vec<_> = (0..8).map(|_| Value::table(f.table())).collect();
    for &key in &keys {
        f.set(t, key, Value::TRUE).expect("stored");
    }
    let mut key = Value::NIL;
    let mut seen = 0;
    while let Some((k, _)) = f.next(t, key).expect("a valid key") {
        f.set(t, k, Value::NIL).expect("cleared");
        // SAFETY: as above; the index is below the size.
        unsafe {
            for index in 0..Table::hash_size(t) {
                if Table::hash_value(t, index).is_nil() {
                    Table::kill_hash_key(t, index);
                }
            }
        }
        key = k;
        seen += 1;
    }
    assert_eq!(seen, 8);
    let stranger = Value::table(f.table());
    for key in [stranger, Value::integer(99), Value::TRUE, Value::float(0.5)] {
        assert_eq!(f.next(t, key).err(), Some(InvalidKey));
    }
    // A dead key is no key for other purposes, and may be inserted again.
    assert!(f.get(t, keys[0]).is_nil());
    f.set(t, keys[0], Value::TRUE).expect("stored");
    assert_eq!(f.entries(t).len(), 1);
    f.check(t);
}

#[test]
fn absence_of_events_is_remembered_and_forgotten() {
    let mut f = Fixture::new();
    for dictionary in [false, true] {
        let mt = f.table();
        if dictionary {
            // SAFETY: the table is live and empty.
            unsafe { Table::reserve(&mut f.heap, mt, 0, 500).expect("reserved") };
        }
        // SAFETY: the table is live.
        assert!(unsafe { Table::event(&f.heap, mt, Event::Index) }.is_nil());
        // SAFETY: the table is live.
        assert_eq!(unsafe { (*mt).header.flags }, 1 << Event::Index as u8);
        for round in 0..2 {
            f.set_field(mt, "__index", 5);
            f.check(mt);
            // SAFETY: the table is live.
            let found = unsafe { Table::event(&f.heap, mt, Event::Index) };
            assert_eq!(found.as_integer(), 5, "round {round}");
            let name = f.string("__index");
            f.set(mt, Value::string(name), Value::NIL).expect("cleared");
            // SAFETY: the table is live.
            assert!(unsafe { Table::event(&f.heap, mt, Event::Index) }.is_nil());
            f.check(mt);
        }
        // SAFETY: the table is live.
        assert!(unsafe { Table::event(&f.heap, mt, Event::Add) }.is_nil());
    }
}

#[test]
fn lookups_say_where() {
    let mut f = Fixture::new();
    let t = f.table();
    f.set_field(t, "a", 1);
    f.set_field(t, "b", 2);
    let (b, c) = (f.string("b"), f.string("c"));
    // SAFETY: the table is live.
    unsafe {
        assert_eq!(Table::lookup_str(&f.heap, t, b), Lookup::Slot(1));
        assert_eq!(Table::slot(t, 1).as_integer(), 2);
        assert_eq!(Table::lookup_str(&f.heap, t, c), Lookup::Absent);
        let d = f.table();
        Table::reserve(&mut f.heap, d, 0, 1000).expect("reserved");
        Table::set_str(&mut f.heap, d, b, Value::integer(7), true).expect("stored");
        let Lookup::HashNode(index) = Table::lookup_str(&f.heap, d, b) else {
            panic!("not in the hash part");
        };
        let node = Table::hash_node(d, index, b).expect("the node");
        assert_eq!(Node::value(node).as_integer(), 7);
        assert!(Table::hash_node(d, index, c).is_none());
        assert!(Table::hash_node(d, 1 << 20, b).is_none());
        assert!(Table::hash_node(t, index, b).is_none());
        assert_eq!(Table::lookup_str(&f.heap, d, c), Lookup::Absent);
    }
}

#[test]
fn failing_allocations_leave_tables_valid() {
    let mut f = Fixture::new();
    let names: Vec<_> = (0..200).map(|i| f.string(&format!("name{i}"))).collect();
    let t = f.table();
    let mt = f.table();
    let mut failures = 0;
    let mut done = Vec::new();
    let count = if cfg!(miri) { 40 } else { 600 };
    for step in 0..count {
        let key = match step % 4 {
            0 => Value::integer(step / 4 + 1),
            1 => Value::integer(1000 - step),
            2 => Value::string(names[step as usize / 4 % names.len()]),
            _ => Value::float(step as f64 + 0.5),
        };
        for attempt in 1.. {
            f.heap.fail_nth_allocation(Some(attempt));
            let result = f.set(t, key, Value::integer(step));
            f.heap.fail_nth_allocation(None);
            f.check(t);
            if result.is_ok() {
                break;
            }
            assert_eq!(result, Err(TableError::Memory));
            assert!(f.get(t, key).is_nil());
            failures += 1;
        }
        done.push((key, step));
        if step == count / 2 {
            f.heap.fail_nth_allocation(Some(1));
            // SAFETY: the tables are live.
            let result = unsafe { Table::set_metatable(&mut f.heap, t, mt) };
            f.heap.fail_nth_allocation(None);
            assert!(matches!(result, Ok(()) | Err(TableError::Memory)));
            f.check(t);
            // SAFETY: the tables are live.
            unsafe { Table::set_metatable(&mut f.heap, t, mt).expect("set") };
        }
    }
    assert!(failures > 10);
    for (key, step) in done {
        assert_eq!(f.get(t, key).as_integer(), step, "{key:?}");
    }
}

/// Large array parts begin at another place of their block for each table; growing and shrinking over
/// that size moves them.
#[test]
fn array_parts_move_within_their_blocks() {
    let mut f = Fixture::new();
    let (count, most) = if cfg!(miri) { (2, 2100) } else { (9, 5000) };
    let tables: Vec<_> = (0..count).map(|_| f.table()).collect();
    for size in [2047, 2048, 2049, most] {
        for (n, &t) in tables.iter().enumerate() {
            let first = f.border(t) + 1;
            for key in first..=size {
                f.set_int(t, key, key * 3 + n as i64);
            }
            f.check(t);
            for key in 1..=size {
                let v = f.get(t, Value::integer(key));
                assert_eq!(v.as_integer(), key * 3 + n as i64);
            }
        }
    }
    for (n, &t) in tables.iter().enumerate() {
        for key in (101..=most).rev() {
            f.clear_int(t, key);
        }
        // New keys make the hash part full, and the table divides its elements anew.
        for key in 0..200 {
            f.set_int(t, -key, key);
        }
        f.check(t);
        assert_eq!(f.border(t), 100);
        for key in 1..=100 {
            let v = f.get(t, Value::integer(key));
            assert_eq!(v.as_integer(), key * 3 + n as i64);
        }
    }
}
