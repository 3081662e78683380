//! Compiling source text: small and large chunks of usual code, and a large table of data.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use perilune::Lua;

/// Usual code, `copies` times over.
fn code(copies: usize) -> String {
    let one = include_str!("../programs/richards.lua").replace("(...)", "nil");
    (0..copies).map(|_| format!("do\n{one}\nend\n")).collect()
}

/// A constructor of `rows` small tables.
fn data(rows: usize) -> String {
    let mut text = String::from("return {\n");
    for row in 0..rows {
        text += &format!("  {{ id = {row}, name = \"row {row}\", value = {row}.5, on = true }},\n");
    }
    text + "}\n"
}

fn parse(criterion: &mut Criterion) {
    let lua = Lua::new();
    let mut group = criterion.benchmark_group("parse");
    for (name, text) in [
        ("one line", "local a, b = ... return a + b * 2".to_owned()),
        ("10 KB of code", code(1)),
        ("1 MB of code", code(100)),
        ("1 MB of data", data(20_000)),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| lua.load(text.as_bytes()).set_name("=bench").into_function());
        });
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
