//! Programs that are not trusted: what they can reach, and limits that they can't get around.
//!
//! Every program gets a state of its own, with a limit on instructions, on memory and on time.

use perilune::{Capabilities, Error, Limit, Lua, Result};
use std::time::{Duration, Instant};

const PROGRAMS: &[(&str, &str)] = &[
    (
        "honest",
        r#"
        local words = {}
        for word in ("the quick brown fox"):gmatch("%a+") do
            words[#words + 1] = word:sub(1, 1):upper() .. word:sub(2)
        end
        print(table.concat(words, " "))
        "#,
    ),
    ("endless", "while true do end"),
    (
        "stubborn",
        "while true do pcall(function() while true do end end) end",
    ),
    (
        "greedy",
        "local list = {} while true do list[#list + 1] = ('x'):rep(1000) .. #list end",
    ),
    (
        "deep",
        "local function down(n) return 1 + down(n + 1) end down(1)",
    ),
    ("curious", "print(io, os, package, debug, load and 'load')"),
    ("vandal", "string.format = nil"),
    (
        "slow pattern",
        "('a'):rep(100000):find(('a*'):rep(50) .. 'b')",
    ),
];

/// What a program is allowed, and how much.
fn state() -> Result<Lua> {
    let allowed = Capabilities::new().print(|line| print!("  {}", String::from_utf8_lossy(line)));
    let lua = Lua::sandboxed(&allowed)?;
    lua.set_fuel(Some(20_000_000));
    lua.set_memory_limit(8 << 20)?;
    lua.set_limit_catchable(Limit::Memory, false);
    lua.set_deadline(Some(Instant::now() + Duration::from_secs(1)))?;
    Ok(lua)
}

fn main() -> Result<()> {
    for (name, source) in PROGRAMS {
        println!("{name}:");
        let lua = state()?;
        match lua.load(*source).set_name(format!("={name}")).exec() {
            Ok(()) => println!("  ended well"),
            Err(error @ Error::LimitReached(_)) => println!("  stopped: {error}"),
            Err(error) => {
                let message = error.to_string();
                println!("  failed: {}", message.lines().next().unwrap_or_default());
            }
        }
    }
    Ok(())
}
