//! Conversions by serde (feature `serde`): Rust values that serialize become Lua values, Lua values
//! become Rust values that deserialize, and serialize themselves.
//!
//! Sequences are tables with a metatable of their own ([`LuaSerdeExt::array_metatable`]), so that empty
//! ones are told from empty maps. `None` and `()` are [`Value::NULL`], which tables can hold.

pub mod de;
pub mod ser;
mod shape;
mod userdata;
mod value;

pub use de::Options as DeserializeOptions;
pub use ser::Options as SerializeOptions;
pub use value::SerializableValue;

use crate::handle::{Handle, root};
use crate::{Lua, Result, Table, Value};
use ::serde::de::DeserializeOwned;
use ::serde::ser::Serialize;
use perilune_runtime::value as raw;

/// What serde adds to a state.
///
/// ```
/// use perilune::{Lua, LuaSerdeExt};
/// use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, PartialEq, Debug)]
/// struct Moon { name: String, diameters: Vec<f64> }
/// let lua = Lua::new();
/// let moon = Moon { name: "Io".into(), diameters: vec![3660.0, 3637.4] };
/// lua.globals().set("moon", lua.to_value(&moon)?)?;
/// lua.load("moon.diameters[3] = 3630.6").exec()?;
/// let moon: Moon = lua.from_value(lua.globals().get("moon")?)?;
/// assert_eq!(moon.diameters, [3660.0, 3637.4, 3630.6]);
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait LuaSerdeExt {
    /// What `None` and `()` become: a light userdata, which is not nil.
    ///
    /// ```
    /// use perilune::LuaSerdeExt;
    /// let lua = perilune::Lua::new();
    /// lua.globals().set("nothing", lua.to_value(&None::<i64>)?)?;
    /// lua.globals().set("null", lua.null())?;
    /// assert!(lua.load("nothing == null and null ~= nil").eval::<bool>()?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    fn null(&self) -> Value;

    /// The metatable by which a table is a sequence, also when it is empty.
    ///
    /// ```
    /// use perilune::LuaSerdeExt;
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_table()?;
    /// list.set_metatable(Some(lua.array_metatable()))?;
    /// assert_eq!(serde_json::to_string(&list).ok().as_deref(), Some("[]"));
    /// assert_eq!(serde_json::to_string(&lua.create_table()?).ok().as_deref(), Some("{}"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    fn array_metatable(&self) -> Table;

    /// The Lua value of a Rust value.
    ///
    /// # Errors
    /// [`crate::Error::SerializeError`], or memory.
    fn to_value<T: Serialize + ?Sized>(&self, value: &T) -> Result<Value>;

    /// Likewise, as `options` say.
    ///
    /// ```
    /// use perilune::{LuaSerdeExt, SerializeOptions};
    /// let lua = perilune::Lua::new();
    /// let options = SerializeOptions::new().serialize_none_to_null(false);
    /// assert!(lua.to_value_with(&None::<i64>, options)?.is_nil());
    /// assert!(lua.to_value(&None::<i64>)?.is_null());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LuaSerdeExt::to_value`].
    fn to_value_with<T: Serialize + ?Sized>(
        &self,
        value: &T,
        options: ser::Options,
    ) -> Result<Value>;

    /// The Rust value of a Lua value.
    ///
    /// # Errors
    /// [`crate::Error::DeserializeError`].
    #[expect(clippy::wrong_self_convention, reason = "a state converts, not itself")]
    fn from_value<T: DeserializeOwned>(&self, value: Value) -> Result<T>;

    /// Likewise, as `options` say.
    ///
    /// ```
    /// use perilune::{DeserializeOptions, LuaSerdeExt};
    /// let lua = perilune::Lua::new();
    /// let options = DeserializeOptions::new().deny_unsupported_types(false);
    /// let list: Vec<i64> = lua.from_value_with(lua.load("{1, print, 3}").eval()?, options)?;
    /// assert_eq!(list, [1, 3]);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LuaSerdeExt::from_value`].
    #[expect(clippy::wrong_self_convention, reason = "a state converts, not itself")]
    fn from_value_with<T: DeserializeOwned>(&self, value: Value, options: de::Options)
    -> Result<T>;
}

impl LuaSerdeExt for Lua {
    fn null(&self) -> Value {
        Value::NULL
    }

    fn array_metatable(&self) -> Table {
        match self.known_array_metatable() {
            Ok(table) => table,
            Err(error) => panic!("the metatable of arrays can't be made: {error}"),
        }
    }

    fn to_value<T: Serialize + ?Sized>(&self, value: &T) -> Result<Value> {
        value.serialize(ser::Serializer::new(self))
    }

    fn to_value_with<T: Serialize + ?Sized>(
        &self,
        value: &T,
        options: ser::Options,
    ) -> Result<Value> {
        value.serialize(ser::Serializer::new_with_options(self, options))
    }

    fn from_value<T: DeserializeOwned>(&self, value: Value) -> Result<T> {
        T::deserialize(de::Deserializer::new(value))
    }

    fn from_value_with<T: DeserializeOwned>(
        &self,
        value: Value,
        options: de::Options,
    ) -> Result<T> {
        T::deserialize(de::Deserializer::new_with_options(value, options))
    }
}

impl Lua {
    /// The metatable of sequences, which is made when it is first asked for.
    fn known_array_metatable(&self) -> Result<Table> {
        let entered = self.enter();
        if let Some(index) = entered.array_metatable.get() {
            // SAFETY: the machine lives as long as the state, and the place is never freed.
            let value = unsafe { (&(*entered.vm()).handles)[index] };
            return Ok(Table(Handle::new(&self.state, value)));
        }
        let table = self.create_table_from([("__metatable", false)])?;
        // SAFETY: as above; the handle keeps the table alive.
        let index = unsafe { root(&mut *entered.vm(), table.0.raw()) };
        entered.array_metatable.set(Some(index));
        Ok(table)
    }

    /// The address of that metatable, if it was ever made.
    fn array_metatable_address(&self) -> Option<raw::Value> {
        let index = self.state.parts().array_metatable.get()?;
        // SAFETY: as above; the caller has entered the state.
        Some(unsafe { (&(*self.state.vm()).handles)[index] })
    }
}
