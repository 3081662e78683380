//! Shapes: sharing, metatables, bounds, sweeping.

use super::super::Table;
use super::super::shape::{EMPTY_DICTIONARY, EMPTY_SHAPE};
use super::Fixture;
use crate::gc::GcHeader;
use crate::value::Value;

fn shape_of(t: *mut Table) -> u32 {
    // SAFETY: tables of the tests are live.
    unsafe { (*t).header.extra }
}

impl Fixture {
    fn record(&mut self, fields: &[&str]) -> *mut Table {
        let t = self.table();
        for (index, field) in fields.iter().enumerate() {
            self.set_field(t, field, index as i64);
        }
        t
    }

    fn set_metatable(&mut self, t: *mut Table, mt: *mut Table) {
        // SAFETY: tables of the tests are live.
        unsafe { Table::set_metatable(&mut self.heap, t, mt).expect("set") };
        // SAFETY: as above.
        unsafe {
            assert_eq!(Table::metatable(&self.heap, t), mt);
            Table::check(&self.heap, t).expect("a valid table");
        }
    }

    /// Makes a metatable that has been used for another table, so that further tables with it get
    /// shapes that name it.
    fn use_metatable(&mut self, mt: *mut Table) {
        let first = self.table();
        self.set_metatable(first, mt);
    }

    fn set_dynamic(&mut self, t: *mut Table, field: &str) {
        let key = Value::string(self.string(field));
        self.set(t, key, Value::TRUE).expect("stored");
    }

    fn is_dictionary(&self, t: *mut Table) -> bool {
        self.heap.shapes.get(shape_of(t)).is_dictionary()
    }

    /// Sweeps shapes as if `live` were all tables there are.
    fn sweep(&mut self, live: &[*mut Table]) -> Vec<*mut GcHeader> {
        let mut reached = Vec::new();
        self.heap.shapes.clear_marks();
        for &t in live {
            self.heap
                .shapes
                .mark(shape_of(t), |object| reached.push(object));
        }
        // SAFETY: nothing has been freed, and no other table is used afterwards.
        unsafe { self.heap.shapes.sweep() };
        self.heap.charge_shapes().expect("charged");
        self.heap.shapes.check().expect("valid shapes");
        reached
    }
}

#[test]
fn equal_histories_share_shapes() {
    let mut f = Fixture::new();
    let (a, b) = (f.record(&["x", "y"]), f.record(&["x", "y"]));
    assert_eq!(shape_of(a), shape_of(b));
    let c = f.record(&["y", "x"]);
    assert_ne!(shape_of(a), shape_of(c));
    let mt = f.table();
    f.use_metatable(mt);
    // setmetatable({}, mt) and then fields, or fields first: the same shape.
    f.set_metatable(a, mt);
    let d = f.table();
    f.set_metatable(d, mt);
    f.set_field(d, "x", 1);
    f.set_field(d, "y", 1);
    assert_eq!(shape_of(a), shape_of(d));
    f.set_metatable(b, mt);
    assert_eq!(shape_of(a), shape_of(b));
    f.set_metatable(b, std::ptr::null_mut());
    assert_eq!(f.get_field(b, "y"), Some(1));
    let e = f.record(&["x", "y"]);
    assert_eq!(shape_of(b), shape_of(e));
}

#[test]
fn branches_of_a_lineage_keep_their_keys() {
    let mut f = Fixture::new();
    let base: Vec<String> = (0..12).map(|i| format!("base{i}")).collect();
    let mut all = Vec::new();
    for branch in 0..20 {
        let t = f.table();
        for name in &base[..branch % 12] {
            f.set_field(t, name, 1);
        }
        for i in 0..10 {
            f.set_field(t, &format!("own{branch}_{i}"), i);
        }
        all.push(t);
    }
    f.heap.shapes.check().expect("valid shapes");
    for (branch, &t) in all.iter().enumerate() {
        for i in 0..10 {
            assert_eq!(f.get_field(t, &format!("own{branch}_{i}")), Some(i));
            let other = format!("own{}_{i}", branch + 1);
            assert_eq!(f.get_field(t, &other), None);
        }
    }
}

#[test]
fn many_fields_become_a_dictionary() {
    let mut f = Fixture::new();
    let t = f.table();
    let count = if cfg!(miri) { 140 } else { 300 };
    for i in 0..count {
        f.set_field(t, &format!("field{i}"), i);
        if i % if cfg!(miri) { 100 } else { 10 } == 0 {
            f.check(t);
        }
        assert_eq!(f.is_dictionary(t), i >= 128);
    }
    assert_eq!(shape_of(t), EMPTY_DICTIONARY);
    for i in 0..count {
        assert_eq!(f.get_field(t, &format!("field{i}")), Some(i));
    }
    let mt = f.table();
    f.set_metatable(t, mt);
    assert!(f.is_dictionary(t));
    assert_eq!(f.get_field(t, "field139"), Some(139));
    f.set_metatable(t, std::ptr::null_mut());
    assert_eq!(shape_of(t), EMPTY_DICTIONARY);
}

#[test]
fn maps_do_not_flood_the_tree() {
    let mut f = Fixture::new();
    // One big map.
    let t = f.table();
    let words = if cfg!(miri) { 100 } else { 1000 };
    for i in 0..words {
        f.set_dynamic(t, &format!("word{i}"));
    }
    f.check(t);
    assert!(f.is_dictionary(t));
    assert_eq!(f.entries(t).len(), words);
    assert!(f.heap.shapes.len() < 40);
    // Many small maps with keys of their own.
    let count = if cfg!(miri) { 20 } else { 5000 };
    for i in 0..count {
        let t = f.table();
        for j in 0..6 {
            f.set_dynamic(t, &format!("key{}", i * 7 + j * j));
        }
        assert_eq!(f.entries(t).len(), 6);
    }
    assert!(f.heap.shapes.len() < 4200);
    f.heap.shapes.check().expect("valid shapes");
}

#[test]
fn objects_read_from_data_share_shapes() {
    let mut f = Fixture::new();
    let mut first = 0;
    for i in 0..50 {
        let t = f.table();
        for field in ["id", "name", "email", "tags", "age"] {
            f.set_dynamic(t, field);
        }
        if i == 0 {
            first = shape_of(t);
        }
        assert_eq!(shape_of(t), first);
    }
    assert!(!f.heap.shapes.get(first).is_dictionary());
}

#[test]
fn slots_fit_the_shape() {
    let mut f = Fixture::new();
    f.record(&["a", "b", "c"]);
    let t = f.record(&["a", "b", "c"]);
    // SAFETY: the table is live.
    assert_eq!(unsafe { (*t).slot_capacity }, 3);
    let t = f.table();
    // SAFETY: the table is live and empty.
    unsafe { Table::reserve(&mut f.heap, t, 5, 2).expect("reserved") };
    // SAFETY: as above.
    assert_eq!(unsafe { ((*t).slot_capacity, (*t).capacity) }, (2, 5));
    f.check(t);
}

#[test]
fn tables_with_metatables_of_their_own_share_shapes() {
    let mut f = Fixture::new();
    let count = if cfg!(miri) { 6 } else { 2000 };
    let mut tables = Vec::new();
    for _ in 0..count {
        let t = f.record(&["a", "b", "c"]);
        let mt = f.table();
        f.set_metatable(t, mt);
        assert_eq!(f.get_field(t, "c"), Some(2));
        // SAFETY: the table is live.
        assert_eq!(unsafe { Table::metatable(&f.heap, t) }, mt);
        tables.push((t, mt));
    }
    let (first, last) = (tables[0].0, tables[count - 1].0);
    assert_eq!(shape_of(first), shape_of(last));
    assert!(!f.is_dictionary(last));
    assert!(f.heap.shapes.len() < 10);
    f.check(last);
    // The metatable may change and go away without a change of shape.
    let shape = shape_of(first);
    f.set_metatable(first, tables[1].1);
    f.set_metatable(first, std::ptr::null_mut());
    assert_eq!(shape_of(first), shape);
    // SAFETY: the table is live.
    assert!(unsafe { Table::metatable(&f.heap, first) }.is_null());
    // The second table with a metatable has a shape that names it.
    let mt = tables[count - 1].1;
    let second = f.record(&["a", "b"]);
    f.set_metatable(second, mt);
    assert_ne!(shape_of(second), shape_of(last));
    assert_eq!(f.heap.shapes.get(shape_of(second)).metatable, mt);
    // Where the metatable is kept is no field.
    // SAFETY: the table is live.
    unsafe {
        let mut cursor = 0;
        let mut fields = 0;
        while Table::next_index(&f.heap, last, &mut cursor).is_some() {
            fields += 1;
        }
        assert_eq!(fields, 3);
    }
    // A dictionary keeps its metatable too.
    for i in 0..200 {
        f.set_field(last, &format!("field{i}"), i);
    }
    assert!(f.is_dictionary(last));
    // SAFETY: the table is live.
    assert_eq!(unsafe { Table::metatable(&f.heap, last) }, mt);
    assert_eq!(f.get_field(last, "c"), Some(2));
    f.check(last);
}

#[test]
fn sweeping_frees_what_no_table_has() {
    let mut f = Fixture::new();
    let keep = f.record(&["a", "b", "c"]);
    let drop = f.record(&["a", "b", "d", "e"]);
    let longer = f.record(&["a", "b", "c", "x", "y"]);
    let mt = f.table();
    f.use_metatable(mt);
    let with_metatable = f.record(&["p", "q"]);
    f.set_metatable(with_metatable, mt);
    let before = f.heap.shapes.len();
    let dead = (shape_of(drop), shape_of(longer));
    let reached = f.sweep(&[keep, with_metatable]);
    assert!(reached.contains(&mt.cast()));
    // Gone: d, e, x, y, the record without metatable that was p, q, and the one of the first table
    // with the metatable.
    assert_eq!(f.heap.shapes.len(), before - 7);
    assert!(!f.heap.shapes.is_live(dead.0) && !f.heap.shapes.is_live(dead.1));
    f.check(keep);
    f.check(with_metatable);
    // Ids are used again, and a lineage that was cut grows anew.
    let again = f.record(&["a", "b", "c", "z"]);
    f.check(again);
    assert_eq!(f.get_field(again, "z"), Some(3));
    assert_eq!(f.get_field(again, "x"), None);
    assert_eq!(f.get_field(keep, "z"), None);
    // Without tables only the two shapes remain that always exist, and metatables forget theirs.
    f.sweep(&[]);
    assert_eq!(f.heap.shapes.len(), 2);
    // SAFETY: the table is live.
    assert_eq!(unsafe { (*mt).reserved }, 0);
    let fresh = f.table();
    f.set_metatable(fresh, mt);
    assert_ne!(shape_of(fresh), EMPTY_SHAPE);
}

#[test]
fn shapes_with_many_children_survive_sweeps() {
    let mut f = Fixture::new();
    let mut tables = Vec::new();
    let kinds = if cfg!(miri) { 12 } else { 40 };
    for i in 0..kinds {
        tables.push(f.record(&["base", &format!("kind{i}")]));
    }
    let live: Vec<_> = tables.iter().copied().step_by(3).collect();
    f.sweep(&live);
    for (i, &t) in tables.iter().enumerate().step_by(3) {
        f.check(t);
        assert_eq!(f.get_field(t, &format!("kind{i}")), Some(1));
    }
    for (i, &old) in tables.iter().enumerate() {
        let t = f.record(&["base", &format!("kind{i}")]);
        if i % 3 == 0 {
            assert_eq!(shape_of(t), shape_of(old));
        }
        f.check(t);
    }
}
