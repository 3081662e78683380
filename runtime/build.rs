//! Chooses between tail-call threaded dispatch and the portable loop.
//!
//! Threading relies on the optimiser turning sibling calls into jumps, which it does from level 2 on, on the
//! targets that are tested (`runtime/api/tests/opcodes.rs` shows it for every opcode). At level 1 some handlers
//! are not inlined into, and keep a frame: each instruction would take native stack. What counts is the level
//! that the embedder's profile has for this crate.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(threaded)");
    println!("cargo::rerun-if-env-changed=PERILUNE_PORTABLE");
    let optimised = std::env::var("OPT_LEVEL").is_ok_and(|level| level == "2" || level == "3");
    let target = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let portable = std::env::var_os("PERILUNE_PORTABLE").is_some();
    if optimised && target == "x86_64" && !portable {
        println!("cargo::rustc-cfg=threaded");
    }
}
