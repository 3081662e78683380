//! A plugin system: each plugin is a Lua file with globals of its own; it registers for events, and
//! may fail without harm to the others.
//!
//! Run it with a folder of plugins, or without for the built-in ones.

use perilune::{Function, Lua, Result, Table, Value};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

const BUILT_IN: &[(&str, &str)] = &[
    (
        "shout",
        r#"
        host.on("message", function(text) return text:upper() end)
        "#,
    ),
    (
        "count",
        r#"
        seen = 0
        host.on("message", function(text)
            seen = seen + 1
            return text .. " [" .. seen .. "]"
        end)
        "#,
    ),
    (
        "faulty",
        r#"
        host.on("message", function(text) return text + 1 end)
        "#,
    ),
];

/// A function that waits for an event.
struct Handler {
    plugin: String,
    event: String,
    function: Function,
}

type Handlers = Rc<RefCell<Vec<Handler>>>;

/// Runs a plugin's text. What it does not find among its own globals it finds in the libraries; what it
/// sets stays its own.
fn load(lua: &Lua, name: &str, source: &str, handlers: &Handlers) -> Result<()> {
    let host = lua.create_table()?;
    let (plugin, all) = (name.to_owned(), handlers.clone());
    host.set(
        "on",
        lua.create_function(move |_, (event, function): (String, Function)| {
            all.borrow_mut().push(Handler {
                plugin: plugin.clone(),
                event,
                function,
            });
            Ok(())
        })?,
    )?;
    let environment = lua.create_table()?;
    environment.set("host", host)?;
    let metatable = lua.create_table()?;
    metatable.set("__index", lua.globals())?;
    environment.set_metatable(Some(metatable))?;
    lua.load(source)
        .set_name(format!("={name}"))
        .set_environment(environment)
        .exec()
}

/// Passes a text through all handlers of an event. One that fails is left out.
fn send(handlers: &Handlers, event: &str, text: &str) -> String {
    let mut text = text.to_owned();
    for handler in handlers.borrow().iter().filter(|h| h.event == event) {
        match handler.function.call::<String>(text.clone()) {
            Ok(changed) => text = changed,
            Err(error) => {
                let message = error.to_string();
                let first = message.lines().next().unwrap_or_default();
                println!("plugin '{}' failed: {first}", handler.plugin);
            }
        }
    }
    text
}

/// The plugins of a folder: their names and texts.
fn read_folder(folder: &Path) -> std::io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "lua") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            found.push((name.into_owned(), std::fs::read_to_string(&path)?));
        }
    }
    found.sort();
    Ok(found)
}

fn main() -> Result<()> {
    let lua = Lua::new();
    let handlers = Handlers::default();
    let plugins = match std::env::args_os().nth(1) {
        Some(folder) => read_folder(Path::new(&folder)).map_err(perilune::Error::external)?,
        None => BUILT_IN
            .iter()
            .map(|&(name, source)| (name.to_owned(), source.to_owned()))
            .collect(),
    };
    for (name, source) in &plugins {
        match load(&lua, name, source, &handlers) {
            Ok(()) => println!("loaded '{name}'"),
            Err(error) => println!("plugin '{name}' can't be loaded: {error}"),
        }
    }
    println!("{}", send(&handlers, "message", "hello"));
    println!("{}", send(&handlers, "message", "again"));

    // No plugin has changed the globals of the others.
    let seen: Value = lua.globals().get("seen")?;
    let _: Table = lua.globals().get("string")?;
    println!("global 'seen' is {}", seen.type_name());
    Ok(())
}
