//! Conversions between single values of Rust and Lua.
//!
//! Numbers and strings convert into each other as Lua itself converts them; integers that do not fit
//! are errors, never cut. A nil is `None`; only nil and `false` are false.
//!
//! Each trait has two ways: by [`Value`], which programs implement, and by slots of the stack
//! (`stack.rs`), which calls take. A type whose form is a raw value implements both; for others the
//! second leads through the first.

mod collections;
mod handles;
mod numbers;
mod text;

use crate::stack::{Slot, Stack};
use crate::{Error, Lua, Result, Value};
use std::sync::Arc;

/// What can become a Lua value.
///
/// ```
/// use perilune::{IntoLua, Lua, Result, Value};
/// struct Celsius(f64);
/// impl IntoLua for Celsius {
///     fn into_lua(self, lua: &Lua) -> Result<Value> {
///         format!("{} degrees", self.0).into_lua(lua)
///     }
/// }
/// let lua = Lua::new();
/// lua.globals().set("outside", Celsius(21.5))?;
/// assert_eq!(lua.load("outside").eval::<String>()?, "21.5 degrees");
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait IntoLua: Sized {
    /// Converts.
    ///
    /// # Errors
    /// Memory, or the value has no form in Lua.
    fn into_lua(self, lua: &Lua) -> Result<Value>;

    /// Converts, and pushes the value.
    ///
    /// # Errors
    /// As [`IntoLua::into_lua`].
    #[doc(hidden)]
    #[inline]
    fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
        stack.publish();
        let value = self.into_lua(stack.lua())?;
        stack.push_value(&value)
    }
}

/// What can be made of a Lua value.
///
/// ```
/// use perilune::{FromLua, Lua, Result, Table, Value};
/// struct Point(f64, f64);
/// impl FromLua for Point {
///     fn from_lua(value: Value, lua: &Lua) -> Result<Point> {
///         let table = Table::from_lua(value, lua)?;
///         Ok(Point(table.get("x")?, table.get("y")?))
///     }
/// }
/// let point: Point = Lua::new().load("{x = 3, y = 4}").eval()?;
/// assert_eq!(point.0.hypot(point.1), 5.0);
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait FromLua: Sized {
    /// Converts.
    ///
    /// # Errors
    /// [`Error::FromLuaConversionError`] when the value is of the wrong type.
    fn from_lua(value: Value, lua: &Lua) -> Result<Self>;

    /// Converts argument `pos` of the function `to`.
    ///
    /// # Errors
    /// [`Error::BadArgument`] with the error of the conversion.
    #[doc(hidden)]
    fn from_lua_arg(value: Value, pos: usize, to: Option<&str>, lua: &Lua) -> Result<Self> {
        Self::from_lua(value, lua).map_err(|cause| bad_argument(cause, pos, to))
    }

    /// Converts what is in a slot.
    ///
    /// # Errors
    /// As [`FromLua::from_lua`].
    #[doc(hidden)]
    #[inline]
    fn from_slot(slot: Slot<'_>) -> Result<Self> {
        Self::from_lua(slot.value(), slot.lua())
    }

    /// Converts argument `pos` of the function `to`, which is in a slot.
    ///
    /// # Errors
    /// As [`FromLua::from_lua_arg`].
    #[doc(hidden)]
    #[inline]
    fn from_slot_arg(slot: Slot<'_>, pos: usize, to: Option<&str>) -> Result<Self> {
        Self::from_slot(slot).map_err(|cause| bad_argument(cause, pos, to))
    }
}

/// Why argument `pos` of `to` is refused.
#[cold]
pub(crate) fn bad_argument(cause: Error, pos: usize, to: Option<&str>) -> Error {
    Error::BadArgument {
        to: to.map(str::to_owned),
        pos,
        name: None,
        cause: Arc::new(cause),
    }
}
