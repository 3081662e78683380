//! Userdata against mlua with PUC Lua 5.4, in one run: fields, methods, operators and making values, a
//! thousand times each from a Lua loop, and the same fields of a table, and plain fields, for comparison. The rows are
//! written once; a macro makes them for either crate.
//!
//! `cargo bench -p bench --features mlua --bench userdata`

use ::perilune::{Function, Lua, UserData, UserDataFields, field};
use criterion::{Criterion, criterion_group, criterion_main};

/// Names and bodies of loops over a userdata `p` and a table `t`.
const LOOPS: &[(&str, &str)] = &[
    (
        "read a table's field",
        "local t, s = t, 0.0 for i = 1, 1000 do s = s + t.x end",
    ),
    (
        "read a field",
        "local p, s = p, 0.0 for i = 1, 1000 do s = s + p.x end",
    ),
    (
        "store to a table's field",
        "local t = t for i = 1, 1000 do t.x = i end",
    ),
    (
        "store to a field",
        "local p = p for i = 1, 1000 do p.x = i end",
    ),
    (
        "read and store a table's fields",
        "local t = t for i = 1, 1000 do t.x = t.x + t.y end",
    ),
    (
        "read and store fields",
        "local p = p for i = 1, 1000 do p.x = p.x + p.y end",
    ),
    (
        "call a method",
        "local p, s = p, 0.0 for i = 1, 1000 do s = s + p:plus(2.0) end",
    ),
    (
        "call a method that changes",
        "local p = p for i = 1, 1000 do p:increase(1.0) end",
    ),
    (
        "make a value",
        "local new = p.new for i = 1, 1000 do local q = new(1.0) end",
    ),
    (
        "add two values",
        "local a, b = p, p.new(1.0) for i = 1, 1000 do local q = a + b end",
    ),
];

/// Likewise, over a userdata `p` whose fields are plain: what mlua does not have.
const PLAIN_LOOPS: &[(&str, &str)] = &[
    (
        "read a plain field",
        "local p, s = p, 0.0 for i = 1, 1000 do s = s + p.x end",
    ),
    (
        "store to a plain field",
        "local p = p for i = 1, 1000 do p.x = i end",
    ),
    (
        "read and store plain fields",
        "local p = p for i = 1, 1000 do p.x = p.x + p.y end",
    ),
];

macro_rules! rows {
    ($module:ident, $label:literal) => {
        mod $module {
            use super::{Criterion, LOOPS};
            use ::$module::{
                Function, Lua, MetaMethod, UserData, UserDataFields, UserDataMethods, UserDataRef,
            };

            struct Point {
                x: f64,
                y: f64,
            }

            impl UserData for Point {
                fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
                    fields.add_field_method_get("x", |_, this| Ok(this.x));
                    fields.add_field_method_get("y", |_, this| Ok(this.y));
                    fields.add_field_method_set("x", |_, this, x| {
                        this.x = x;
                        Ok(())
                    });
                }

                fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
                    type Both = (UserDataRef<Point>, UserDataRef<Point>);
                    methods.add_method("plus", |_, this, by: f64| Ok(this.x + by));
                    methods.add_method_mut("increase", |_, this, by: f64| {
                        this.x += by;
                        Ok(())
                    });
                    methods.add_function("new", |_, x: f64| Ok(Point { x, y: 0.5 }));
                    methods.add_meta_function(MetaMethod::Add, |_, (a, b): Both| {
                        Ok(Point {
                            x: a.x + b.x,
                            y: 0.5,
                        })
                    });
                }
            }

            pub(super) fn all(criterion: &mut Criterion) {
                let lua = Lua::new();
                lua.globals()
                    .set("p", Point { x: 1.5, y: 0.5 })
                    .expect("a global");
                lua.load("t = { x = 1.5, y = 0.5 }")
                    .exec()
                    .expect("a table");
                for (name, body) in LOOPS {
                    let code = format!("function() {body} end");
                    let run: Function = lua.load(&code).eval().expect("a function");
                    let mut group = criterion.benchmark_group(*name);
                    group.bench_function($label, |bencher| {
                        bencher.iter(|| run.call::<()>(()).expect("a call"));
                    });
                    group.finish();
                }
            }
        }
    };
}

rows!(perilune, "Perilune");
rows!(mlua, "mlua");

struct Plain {
    x: f64,
    y: f64,
}

impl UserData for Plain {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_plain_field("x", field!(Plain, x));
        fields.add_plain_field("y", field!(Plain, y));
    }
}

fn plain(criterion: &mut Criterion) {
    let lua = Lua::new();
    lua.globals()
        .set("p", Plain { x: 1.5, y: 0.5 })
        .expect("a global");
    for (name, body) in PLAIN_LOOPS {
        let code = format!("function() {body} end");
        let run: Function = lua.load(&code).eval().expect("a function");
        let mut group = criterion.benchmark_group(*name);
        group.bench_function("Perilune", |bencher| {
            bencher.iter(|| run.call::<()>(()).expect("a call"));
        });
        group.finish();
    }
}

criterion_group!(userdata, perilune::all, plain, mlua::all);
criterion_main!(userdata);
