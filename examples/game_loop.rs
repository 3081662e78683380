//! Scripts of a game: each actor's behaviour is a coroutine that runs a little in every frame.
//!
//! A script waits by yielding; the engine resumes it when its time has come. What a script does wrong
//! ends its actor, not the game.

use perilune::{Lua, Result, Table, Thread, ThreadStatus};

/// Seconds of a frame.
const FRAME: f64 = 1.0 / 60.0;

/// An actor and its script.
struct Actor {
    name: String,
    state: Table,
    script: Thread,
    /// When it goes on, in seconds of the game.
    wakes: f64,
}

const SCRIPTS: &[(&str, &str)] = &[
    (
        "patrol",
        r#"
        local self = ...
        for lap = 1, 3 do
            for step = 1, 30 do self.x = self.x + 1; wait(0) end
            for step = 1, 30 do self.x = self.x - 1; wait(0) end
            log(self.name .. " finished lap " .. lap)
        end
        "#,
    ),
    (
        "beacon",
        r#"
        local self = ...
        while true do
            self.lit = not self.lit
            self.switches = (self.switches or 0) + 1
            wait(0.5)
        end
        "#,
    ),
    (
        "broken",
        r#"
        local self = ...
        wait(0.25)
        self.target.x = 1
        "#,
    ),
];

fn actor(lua: &Lua, name: &str, source: &str) -> Result<Actor> {
    let state = lua.create_table()?;
    state.set("name", name)?;
    state.set("x", 0)?;
    let script = lua
        .load(source)
        .set_name(format!("={name}"))
        .into_function()?;
    Ok(Actor {
        name: name.to_owned(),
        state,
        script: lua.create_thread(script)?,
        wakes: 0.0,
    })
}

fn main() -> Result<()> {
    let lua = Lua::new();
    let globals = lua.globals();
    // `wait` is Lua: a Rust function can't be yielded through, but what it returns can be yielded.
    lua.load("function wait(seconds) coroutine.yield(seconds) end")
        .exec()?;
    globals.set(
        "log",
        lua.create_function(|_, text: String| {
            println!("{text}");
            Ok(())
        })?,
    )?;

    let mut actors = Vec::new();
    for (name, source) in SCRIPTS {
        actors.push(actor(&lua, name, source)?);
    }

    let mut now = 0.0;
    while now < 4.0 {
        for actor in &mut actors {
            if actor.script.status() != ThreadStatus::Resumable || now < actor.wakes {
                continue;
            }
            match actor.script.resume::<Option<f64>>(&actor.state) {
                Ok(pause) => actor.wakes = now + pause.unwrap_or(0.0),
                Err(error) => {
                    let message = error.to_string();
                    let first = message.lines().next().unwrap_or_default();
                    println!("{} is out of order: {first}", actor.name);
                }
            }
        }
        now += FRAME;
    }
    for actor in &actors {
        let x: f64 = actor.state.get("x")?;
        let switches: Option<i64> = actor.state.get("switches")?;
        println!("{}: x {x}, switches {}", actor.name, switches.unwrap_or(0));
    }
    Ok(())
}
