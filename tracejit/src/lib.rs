//! The meta-tracing compiler: records what the interpreter does, optimises and assembles it.

#![warn(missing_docs)]

pub mod abort;
pub mod backend;
pub mod engine;
pub mod ir;
pub mod opt;
pub mod options;
pub mod record;

pub use engine::Engine;
pub use options::Options;

/// Gives a state a tracing compiler, unless it has one.
pub fn install(options: Options, lua: &perilune_runtime::api::Lua) {
    if lua.has_tracer() {
        return;
    }
    let engine = Engine::new(options);
    let hot_limit = engine.hot_limit();
    // SAFETY: the state has none, and what traces do is what the opcodes' own functions did when
    // they were recorded.
    unsafe { lua.set_tracer(engine, hot_limit) };
}
