//! The first steps: values in and out, calls both ways, errors.

use perilune::{Lua, Result, Table};

fn main() -> Result<()> {
    let lua = Lua::new();

    // Expressions and chunks.
    let six: i64 = lua.load("1 + 2 + 3").eval()?;
    println!("1 + 2 + 3 = {six}");

    // Globals, and a Rust function that Lua calls.
    let globals = lua.globals();
    globals.set("name", "Lua")?;
    let greet = lua.create_function(|_, name: String| Ok(format!("Hello, {name}!")))?;
    globals.set("greet", greet)?;
    lua.load("print(greet(name))").set_name("greeting").exec()?;

    // A Lua function that Rust calls, and a table that it returns.
    let divide: perilune::Function = lua
        .load("function(a, b) return { quotient = a // b, remainder = a % b } end")
        .eval()?;
    let result: Table = divide.call((17, 5))?;
    let (quotient, remainder): (i64, i64) = (result.get("quotient")?, result.get("remainder")?);
    println!("17 = 5 * {quotient} + {remainder}");

    // Errors are values with a message and a traceback.
    let error = lua
        .load("local list = nil\nreturn list[1]")
        .set_name("=faulty")
        .exec()
        .expect_err("nil can't be indexed");
    let message = error.to_string();
    println!("{}", message.lines().next().unwrap_or_default());
    Ok(())
}
