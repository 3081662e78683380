//! Generates the parser from `src/grammar.lalrpop`.

use std::path::Path;

/// What the generated driver does for every token, out of line. A token that is handed to a
/// function by reference has to be in memory: written in pieces and then read as a whole, which
/// the processor's store buffer can't forward.
const PER_TOKEN: [&str; 2] = ["fn __token_to_integer<", "fn __token_to_symbol<"];
const INLINE: &str = "#[inline(always)] ";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    lalrpop::Configuration::new()
        .use_cargo_dir_conventions()
        .emit_rerun_directives(true)
        .process()?;
    let path = Path::new(&std::env::var("OUT_DIR")?).join("grammar.rs");
    let mut text = std::fs::read_to_string(&path)?;
    for function in PER_TOKEN {
        let inlined = format!("{INLINE}{function}");
        if !text.contains(&inlined) {
            text = text.replace(function, &inlined);
        }
    }
    std::fs::write(&path, text)?;
    Ok(())
}
