//! The collector: full collections of heaps of several kinds, and allocation under collection.

use criterion::{Criterion, criterion_group, criterion_main};
use perilune::Lua;

/// Heaps to collect: name and the code that builds them in the global `heap`.
const HEAPS: &[(&str, &str)] = &[
    ("empty", "heap = nil"),
    (
        "100k small tables",
        "heap = {} for i = 1, 100000 do heap[i] = { i } end",
    ),
    (
        "100k strings",
        "heap = {} for i = 1, 100000 do heap[i] = 'string ' .. i end",
    ),
    (
        "100k closures",
        "heap = {} for i = 1, 100000 do heap[i] = function() return i end end",
    ),
    (
        "a list of 100k nodes",
        "for i = 1, 100000 do heap = { next = heap } end",
    ),
    (
        "a weak table of 50k",
        "heap = setmetatable({}, { __mode = 'k' }) keep = {} \
         for i = 1, 50000 do local k = {} keep[i] = k heap[k] = i end",
    ),
];

fn full_collection(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("full collection");
    for (name, build) in HEAPS {
        let lua = Lua::new();
        lua.load(build.as_bytes())
            .exec()
            .expect("the heap is built");
        group.bench_function(*name, |bencher| {
            bencher.iter(|| lua.gc_collect().expect("a collection"))
        });
    }
    group.finish();
}

fn allocation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("allocation of 10k objects");
    for mode in ["incremental", "generational"] {
        let lua = Lua::new();
        let text = format!("collectgarbage('{mode}')");
        lua.load(text.as_bytes()).exec().expect("the mode is set");
        let chunk = b"for i = 1, 10000 do local t = { i } end";
        let function = lua.load(chunk).into_function().expect("the loop compiles");
        group.bench_function(mode, |bencher| bencher.iter(|| function.call::<()>(())));
    }
    group.finish();
}

criterion_group!(benches, full_collection, allocation);
criterion_main!(benches);
