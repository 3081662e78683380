//! The embedding interface against mlua with PUC Lua 5.4, in one run: each row does the same through
//! both. The rows are written once; a macro makes them for either crate.
//!
//! `cargo bench -p bench --features mlua --bench embed`

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A future that is pending once.
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The least executor: it polls until the future is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

macro_rules! rows {
    ($module:ident, $label:literal, $text:item) => {
        mod $module {
            use super::*;
            use ::$module::{Function, Lua, Table};

            $text

            fn row(criterion: &mut Criterion, name: &str, mut run: impl FnMut()) {
                let mut group = criterion.benchmark_group(name);
                group.bench_function($label, |bencher| bencher.iter(&mut run));
                group.finish();
            }

            fn function(lua: &Lua, code: &str) -> Function {
                lua.load(code).eval().expect("a function")
            }

            pub(super) fn create_state(criterion: &mut Criterion) {
                row(criterion, "create state", || {
                    black_box(Lua::new());
                });
            }

            pub(super) fn call_lua(criterion: &mut Criterion) {
                let lua = Lua::new();
                let add = function(&lua, "function(a, b) return a + b end");
                row(criterion, "call Lua, two integers", || {
                    let sum: i64 = add.call((black_box(20), black_box(22))).expect("a sum");
                    assert_eq!(sum, 42);
                });
                let nothing = function(&lua, "function() end");
                row(criterion, "call Lua, nothing", || {
                    nothing.call::<()>(()).expect("a call");
                });
                let last = function(&lua, "function(s) return s end");
                row(criterion, "call Lua, a string", || {
                    let text: String = last.call(black_box("some text")).expect("a string");
                    black_box(text);
                });
            }

            pub(super) fn call_rust(criterion: &mut Criterion) {
                let lua = Lua::new();
                let add = lua
                    .create_function(|_, (a, b): (i64, i64)| Ok(a + b))
                    .expect("a function");
                let concat = lua
                    .create_function(|_, (a, b): (Text, String)| {
                        Ok(format!("{}{b}", a.to_str()?))
                    })
                    .expect("a function");
                lua.globals().set("add", add).expect("a global");
                lua.globals().set("concat", concat).expect("a global");
                let integers = function(
                    &lua,
                    "function() local add, x = add, 0 for i = 1, 1000 do x = add(x, i) end return x end",
                );
                row(criterion, "call Rust 1000 times, two integers", || {
                    assert_eq!(integers.call::<i64>(()).expect("a sum"), 500_500);
                });
                let strings = function(
                    &lua,
                    "function() local concat, x = concat for i = 1, 1000 do x = concat('a', 'b') end return x end",
                );
                row(criterion, "call Rust 1000 times, two strings", || {
                    black_box(strings.call::<String>(()).expect("a string"));
                });
            }

            pub(super) fn calls_that_wait(criterion: &mut Criterion) {
                let lua = Lua::new();
                let add = lua
                    .create_async_function(|_, (a, b): (i64, i64)| async move { Ok(a + b) })
                    .expect("a function");
                row(criterion, "call an async function", || {
                    let sum = add.call_async((black_box(20), black_box(22)));
                    assert_eq!(block_on(sum).ok(), Some(42_i64));
                });
                let in_lua = function(&lua, "function(a, b) return a + b end");
                row(criterion, "call Lua asynchronously", || {
                    let sum = in_lua.call_async((black_box(20), black_box(22)));
                    assert_eq!(block_on(sum).ok(), Some(42_i64));
                });
                let wait = lua
                    .create_async_function(|_, (a, b): (i64, i64)| async move {
                        Once(false).await;
                        Ok(a + b)
                    })
                    .expect("a function");
                lua.globals().set("add", add).expect("a global");
                lua.globals().set("wait", wait).expect("a global");
                for (name, callee) in [
                    ("call an async function from Lua 1000 times", "add"),
                    ("wait in Lua 1000 times", "wait"),
                ] {
                    let body = "x = 0 for i = 1, 1000 do x = f(x, i) end return x";
                    let code = format!("function() local f, x = {callee} {body} end");
                    let all = function(&lua, &code);
                    row(criterion, name, || {
                        assert_eq!(block_on(all.call_async(())).ok(), Some(500_500_i64));
                    });
                }
            }

            pub(super) fn tables(criterion: &mut Criterion) {
                let lua = Lua::new();
                let table: Table = lua.load("{x = 1, list = {}}").eval().expect("a table");
                row(criterion, "get a field", || {
                    black_box(table.get::<i64>(black_box("x")).expect("a field"));
                });
                row(criterion, "set a field", || {
                    table.set(black_box("x"), black_box(7)).expect("set");
                });
                row(criterion, "get and set an element, raw", || {
                    table.raw_set(1, black_box(7)).expect("set");
                    black_box(table.raw_get::<i64>(1).expect("an element"));
                });
                row(criterion, "get a table", || {
                    black_box(table.get::<Table>("list").expect("a table"));
                });
                let list = lua.create_sequence_from(1..=1000).expect("a list");
                row(criterion, "read 1000 elements", || {
                    let mut sum = 0;
                    for value in list.sequence_values::<i64>() {
                        sum += value.expect("a value");
                    }
                    assert_eq!(sum, 500_500);
                });
                row(criterion, "make a list of 1000", || {
                    black_box(lua.create_sequence_from(1..=1000).expect("a list"));
                });
                let map: Table = lua
                    .load("(function() local t = {} for i = 1, 100 do t['k' .. i] = i end return t end)()")
                    .eval()
                    .expect("a table");
                row(criterion, "read 100 pairs", || {
                    let mut sum = 0;
                    for pair in map.pairs::<String, i64>() {
                        sum += pair.expect("a pair").1;
                    }
                    assert_eq!(sum, 5050);
                });
            }

            pub(super) fn strings(criterion: &mut Criterion) {
                let lua = Lua::new();
                let table = lua.create_table().expect("a table");
                let text = "some text that is longer than what Lua interns, by a little";
                row(criterion, "string in and out, short", || {
                    table.raw_set(1, black_box("some text")).expect("set");
                    black_box(table.raw_get::<String>(1).expect("a string"));
                });
                row(criterion, "string in and out, long", || {
                    table.raw_set(1, black_box(text)).expect("set");
                    black_box(table.raw_get::<String>(1).expect("a string"));
                });
                row(criterion, "create a string", || {
                    black_box(lua.create_string(black_box("some text")).expect("a string"));
                });
            }
        }
    };
}

rows!(perilune, "perilune", use ::perilune::LuaString as Text;);
rows!(mlua, "mlua", use ::mlua::String as Text;);

/// Each row for both, one right after the other.
macro_rules! both {
    ($($name:ident)*) => {
        $(fn $name(criterion: &mut Criterion) {
            perilune::$name(criterion);
            mlua::$name(criterion);
        })*

        criterion_group!(benches, $($name),*);
    };
}
both! { create_state call_lua call_rust calls_that_wait tables strings }
criterion_main!(benches);
