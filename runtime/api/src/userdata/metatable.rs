//! Metatables of userdata, as far as programs may change them.

use crate::{Error, FromLua, IntoLua, MetaMethod, Result, Table, TablePairs, Value};

/// The metatable of a userdata type. Changes are seen by all userdata of the type.
///
/// ```
/// use perilune::{AnyUserData, Lua, MetaMethod, UserDataMetatable};
/// let lua = perilune::Lua::new();
/// let userdata = lua.create_any_userdata(7)?;
/// let metatable: UserDataMetatable = userdata.metatable()?;
/// let text = lua.create_function(|_, _: AnyUserData| Ok("seven"))?;
/// metatable.set(MetaMethod::ToString, text)?;
/// assert_eq!(lua.load("return tostring(...)").call::<String>(userdata)?, "seven");
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UserDataMetatable(pub(crate) Table);

impl UserDataMetatable {
    /// The field `key`; nil when there is none.
    ///
    /// ```
    /// use perilune::{Error, MetaMethod};
    /// let lua = perilune::Lua::new();
    /// let metatable = lua.create_any_userdata(1_u8)?.metatable()?;
    /// assert_eq!(metatable.get::<String>(MetaMethod::Type)?, "u8");
    /// assert!(metatable.contains("__name")? && !metatable.contains("__call")?);
    /// assert!(matches!(metatable.get::<bool>("__gc"), Err(Error::MetaMethodRestricted(_))));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::MetaMethodRestricted`] for `__gc` and `__metatable`; what the conversion says.
    pub fn get<V: FromLua>(&self, key: impl AsRef<str>) -> Result<V> {
        self.0.raw_get(MetaMethod::validate(key.as_ref())?)
    }

    /// Sets a field.
    ///
    /// # Errors
    /// [`Error::MetaMethodRestricted`] for `__gc`, `__metatable`, `__index` and `__newindex`; memory, or
    /// what the conversion says.
    pub fn set(&self, key: impl AsRef<str>, value: impl IntoLua) -> Result<()> {
        let key = MetaMethod::validate(key.as_ref())?;
        if key == MetaMethod::Index || key == MetaMethod::NewIndex {
            return Err(Error::MetaMethodRestricted(key.to_owned()));
        }
        self.0.raw_set(key, value)
    }

    /// Whether there is a field `key`.
    ///
    /// # Errors
    /// [`Error::MetaMethodRestricted`] for `__gc` and `__metatable`.
    pub fn contains(&self, key: impl AsRef<str>) -> Result<bool> {
        Ok(!self.get::<Value>(key)?.is_nil())
    }

    /// The fields, without `__gc` and `__metatable`.
    pub fn pairs<V: FromLua>(&self) -> UserDataMetatablePairs<'_, V> {
        UserDataMetatablePairs {
            pairs: self.0.pairs(),
        }
    }
}

/// See [`UserDataMetatable::pairs`].
///
/// ```
/// use perilune::{Value, UserDataMetatablePairs};
/// let lua = perilune::Lua::new();
/// let metatable = lua.create_any_userdata(1_u8)?.metatable()?;
/// metatable.set("__close", lua.load("").into_function()?)?;
/// let pairs: UserDataMetatablePairs<'_, Value> = metatable.pairs();
/// let names = pairs.map(|pair| Ok(pair?.0)).collect::<perilune::Result<Vec<_>>>()?;
/// assert!(names.contains(&"__close".to_owned()) && !names.contains(&"__gc".to_owned()));
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug)]
pub struct UserDataMetatablePairs<'a, V> {
    pairs: TablePairs<'a, String, V>,
}

impl<V: FromLua> Iterator for UserDataMetatablePairs<'_, V> {
    type Item = Result<(String, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = self.pairs.next()?;
            if let Ok((key, _)) = &entry
                && MetaMethod::validate(key).is_err()
            {
                continue;
            }
            return Some(entry);
        }
    }
}
