//! A small read-eval-print loop: expressions are printed, statements may go on over several lines.

use perilune::{Error, Lua, MultiValue, Result};
use std::io::{BufRead, Write};

/// Runs a text as an expression, or else as statements.
fn evaluate(lua: &Lua, text: &str) -> Result<MultiValue> {
    let expression = lua
        .load(format!("return {text}"))
        .set_name("=stdin")
        .into_function();
    match expression {
        Ok(function) => function.call(()),
        // More text may make an expression of it.
        Err(
            error @ Error::SyntaxError {
                incomplete_input: true,
                ..
            },
        ) => Err(error),
        Err(_) => lua.load(text).set_name("=stdin").eval(),
    }
}

fn main() -> Result<()> {
    let lua = Lua::new();
    let stdin = std::io::stdin();
    let mut text = String::new();
    let prompt = |text: &str| {
        print!("{}", if text.is_empty() { "> " } else { ">> " });
        // A prompt that can't be written is no reason to stop.
        let _ = std::io::stdout().flush();
    };
    prompt(&text);
    for line in stdin.lock().lines() {
        let line = line.map_err(Error::external)?;
        text.push_str(&line);
        match evaluate(&lua, &text) {
            Ok(values) => {
                let shown: Result<Vec<String>> = values.iter().map(|v| v.to_string()).collect();
                if !values.is_empty() {
                    println!("{}", shown?.join("\t"));
                }
                text.clear();
            }
            Err(Error::SyntaxError {
                incomplete_input: true,
                ..
            }) => text.push('\n'),
            Err(error) => {
                println!("{error}");
                text.clear();
            }
        }
        prompt(&text);
    }
    println!();
    Ok(())
}
