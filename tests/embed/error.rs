//! Errors: their kinds, and Rust errors that pass through Lua.

use perilune::{Error, ErrorContext, ExternalResult, Lua, Result, Value};
use std::fmt;

#[derive(Debug, PartialEq)]
struct Own(i32);

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "own error {}", self.0)
    }
}

impl std::error::Error for Own {}

/// The error of our own in another one.
fn own(error: &Error) -> Option<&Own> {
    error.chain().find_map(|error| error.downcast_ref())
}

#[test]
fn a_rust_error_comes_back_as_itself() -> Result<()> {
    let lua = Lua::new();
    let fails = lua.create_function(|_, n: i32| -> Result<()> { Err(Error::external(Own(n))) })?;
    lua.globals().set("fails", fails)?;
    let error = lua.load("fails(7)").exec().expect_err("it fails");
    assert!(matches!(error, Error::CallbackError { .. }), "{error:?}");
    assert_eq!(own(&error), Some(&Own(7)));
    assert!(error.to_string().contains("stack traceback"), "{error}");
    // What is under a callback is reached by way of the chain only.
    assert_eq!(error.downcast_ref::<Own>(), None);
    // Also when Lua has caught it and raises it again, or hands it over.
    let code = "local ok, e = pcall(fails, 8) assert(not ok) error(e)";
    let error = lua.load(code).exec().expect_err("raised again");
    assert_eq!(own(&error), Some(&Own(8)));
    let value: Value = lua.load("select(2, pcall(fails, 9))").eval()?;
    let Value::Error(error) = value else {
        panic!("{value:?}");
    };
    assert_eq!(own(&error), Some(&Own(9)));
    lua.globals().set("e", Value::Error(error))?;
    assert!(
        lua.load("tostring(e)")
            .eval::<String>()?
            .contains("own error 9")
    );
    Ok(())
}

#[test]
fn kinds_of_errors() -> Result<()> {
    let lua = Lua::new();
    let incomplete = lua.load("if x then").exec().expect_err("not whole");
    assert!(matches!(
        incomplete,
        Error::SyntaxError {
            incomplete_input: true,
            ..
        }
    ));
    let wrong = lua.load("x = = 1").exec().expect_err("not Lua");
    assert!(matches!(
        wrong,
        Error::SyntaxError {
            incomplete_input: false,
            ..
        }
    ));
    let error = lua.load("error('text', 0)").exec().expect_err("it fails");
    let Error::RuntimeError(message) = error else {
        panic!("{error:?}");
    };
    assert!(message.starts_with("text\nstack traceback:"), "{message}");
    lua.set_memory_limit(lua.used_memory() + (1 << 20))?;
    let error = lua
        .load("x = ('x'):rep(1 << 24)")
        .exec()
        .expect_err("too much");
    assert!(matches!(error, Error::MemoryError(_)), "{error:?}");
    Ok(())
}

#[test]
fn context_is_added() {
    let failed: Result<()> = Err(Own(1)).into_lua_err();
    let error = failed.context("while testing").expect_err("it is one");
    assert_eq!(error.to_string(), "while testing\nown error 1");
    assert_eq!(error.downcast_ref::<Own>(), Some(&Own(1)));
    assert_eq!(error.context("later").to_string(), "later\nown error 1");
}

#[cfg(feature = "anyhow")]
#[test]
fn errors_of_anyhow_are_errors() -> Result<()> {
    use anyhow::Context;
    let lua = Lua::new();
    let fails = lua.create_function(|_, text: String| -> Result<i64> {
        let number = text.parse::<i64>().context("that is no number")?;
        Ok(number)
    })?;
    assert_eq!(fails.call::<i64>("12")?, 12);
    let error = fails.call::<i64>("x").expect_err("no number");
    assert!(error.to_string().contains("that is no number"), "{error}");
    // One that was ours comes back as itself.
    let ours = anyhow::Error::from(Error::StackError);
    assert!(matches!(Error::from(ours), Error::StackError));
    Ok(())
}
