//! Values that Rust keeps in a state under keys: [`RegistryKey`], and names.
//!
//! A key is an index of `Vm::handles`, as a handle is, but it belongs to no thread and keeps no state
//! alive: dropping it notes the index, and the value goes with [`Lua::expire_registry_values`], or when a
//! new key takes its place.

use crate::handle::{Handle, root};
use crate::{Error, FromLua, IntoLua, Lua, Result, Table, Value};
use perilune_runtime::value as raw;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// Indices of dropped keys, shared by a state and its keys.
#[derive(Clone, Default)]
pub(crate) struct DroppedKeys(Arc<Mutex<Vec<usize>>>);

impl DroppedKeys {
    fn push(&self, index: usize) {
        self.lock().push(index);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        // Whoever panicked has left a list of indices all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The index of a key whose value is nil, which needs no place.
const NIL: usize = usize::MAX;

/// A key to a value in a state; may be sent to other threads, and outlive the state.
///
/// ```
/// let lua = perilune::Lua::new();
/// let key = lua.create_registry_value("kept")?;
/// assert_eq!(lua.registry_value::<String>(&key)?, "kept");
/// lua.remove_registry_value(key)?;
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct RegistryKey {
    index: usize,
    dropped: DroppedKeys,
}

impl RegistryKey {
    /// A number that no other key of the state has at the same time; -1 for a key to nil.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let (a, b) = (lua.create_registry_value(1)?, lua.create_registry_value(2)?);
    /// assert_ne!(a.id(), b.id());
    /// let key: perilune::RegistryKey = lua.create_registry_value(perilune::Nil)?;
    /// assert_eq!(key.id(), -1);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn id(&self) -> i32 {
        i32::try_from(self.index).unwrap_or(-1)
    }

    /// The index, without leaving it to be reused.
    fn take(mut self) -> usize {
        std::mem::replace(&mut self.index, NIL)
    }
}

impl Drop for RegistryKey {
    fn drop(&mut self) {
        if self.index != NIL {
            self.dropped.push(self.index);
        }
    }
}

impl fmt::Debug for RegistryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryKey({})", self.id())
    }
}

impl PartialEq for RegistryKey {
    fn eq(&self, other: &RegistryKey) -> bool {
        self.index == other.index && Arc::ptr_eq(&self.dropped.0, &other.dropped.0)
    }
}

impl Eq for RegistryKey {}

impl Hash for RegistryKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl IntoLua for RegistryKey {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.registry_value(&self)
    }
}
impl IntoLua for &RegistryKey {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.registry_value(self)
    }
}
impl FromLua for RegistryKey {
    fn from_lua(value: Value, lua: &Lua) -> Result<RegistryKey> {
        lua.create_registry_value(value)
    }
}

impl Lua {
    /// Keeps a value under a new key.
    ///
    /// # Errors
    /// What a conversion says.
    pub fn create_registry_value(&self, value: impl IntoLua) -> Result<RegistryKey> {
        let entered = self.enter();
        let value = value.into_lua(self)?;
        let raw = value.to_raw(&self.state)?;
        let index = if raw.is_nil() {
            NIL
        } else {
            // SAFETY: the machine lives as long as the state; `value` keeps the value alive.
            let vm = unsafe { &mut *entered.vm() };
            match self.state.dropped_keys.lock().pop() {
                Some(index) => {
                    vm.handles[index] = raw;
                    index
                }
                None => root(vm, raw),
            }
        };
        Ok(RegistryKey {
            index,
            dropped: self.state.dropped_keys.clone(),
        })
    }

    /// The value under a key.
    ///
    /// # Errors
    /// [`Error::MismatchedRegistryKey`] when it is of another state; what a conversion says.
    pub fn registry_value<T: FromLua>(&self, key: &RegistryKey) -> Result<T> {
        let entered = self.enter();
        self.check_key(key)?;
        let value = match key.index {
            NIL => Value::Nil,
            // SAFETY: the machine lives as long as the state.
            index => Value::from_raw(&self.state, unsafe { (&(*entered.vm()).handles)[index] }),
        };
        T::from_lua(value, self)
    }

    /// Removes a value and its key.
    ///
    /// # Errors
    /// [`Error::MismatchedRegistryKey`] when it is of another state.
    pub fn remove_registry_value(&self, key: RegistryKey) -> Result<()> {
        self.check_key(&key)?;
        self.free(key.take());
        Ok(())
    }

    /// Puts another value under a key.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let mut key = lua.create_registry_value(1)?;
    /// lua.replace_registry_value(&mut key, "two")?;
    /// assert_eq!(lua.registry_value::<String>(&key)?, "two");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::MismatchedRegistryKey`] when the key is of another state; what a conversion says.
    pub fn replace_registry_value(&self, key: &mut RegistryKey, value: impl IntoLua) -> Result<()> {
        let entered = self.enter();
        self.check_key(key)?;
        let value = value.into_lua(self)?;
        if key.index == NIL || value.is_nil() {
            *key = self.create_registry_value(value)?;
            return Ok(());
        }
        let raw = value.to_raw(&self.state)?;
        // SAFETY: the machine lives as long as the state; `value` keeps the value alive.
        unsafe { (&mut (*entered.vm()).handles)[key.index] = raw };
        Ok(())
    }

    /// Whether a key is of this state.
    ///
    /// ```
    /// use perilune::{Error, Lua};
    /// let (lua, other) = (Lua::new(), Lua::new());
    /// let key = lua.create_registry_value(1)?;
    /// assert!(lua.owns_registry_value(&key) && !other.owns_registry_value(&key));
    /// assert!(matches!(other.registry_value::<i64>(&key), Err(Error::MismatchedRegistryKey)));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn owns_registry_value(&self, key: &RegistryKey) -> bool {
        Arc::ptr_eq(&self.state.dropped_keys.0, &key.dropped.0)
    }

    fn check_key(&self, key: &RegistryKey) -> Result<()> {
        if self.owns_registry_value(key) {
            Ok(())
        } else {
            Err(Error::MismatchedRegistryKey)
        }
    }

    /// Lets go of the values whose keys were dropped.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let key = lua.create_registry_value("x".repeat(1 << 20))?;
    /// drop(key);
    /// lua.expire_registry_values();
    /// lua.gc_collect()?;
    /// assert!(lua.used_memory() < 1 << 20);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn expire_registry_values(&self) {
        let dropped = std::mem::take(&mut *self.state.dropped_keys.lock());
        for index in dropped {
            self.free(index);
        }
    }

    fn free(&self, index: usize) {
        let entered = self.enter();
        if index != NIL {
            // SAFETY: the machine lives as long as the state.
            let vm = unsafe { &mut *entered.vm() };
            vm.handles[index] = raw::Value::NIL;
            vm.free_handles.push(index);
        }
    }

    /// The registry's table.
    fn registry(&self) -> Table {
        let entered = self.enter();
        // SAFETY: the registry lives as long as the state.
        let registry = unsafe { (*entered.vm()).registry };
        Table(Handle::new(&self.state, registry))
    }

    /// The registry value called `name`; nil when there is none.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.set_named_registry_value("depth", 3)?;
    /// assert_eq!(lua.named_registry_value::<i64>("depth")?, 3);
    /// lua.unset_named_registry_value("depth")?;
    /// assert_eq!(lua.named_registry_value::<Option<i64>>("depth")?, None);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What a conversion says.
    pub fn named_registry_value<T: FromLua>(&self, name: &str) -> Result<T> {
        self.registry().raw_get(name)
    }

    /// Sets the registry value called `name`.
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn set_named_registry_value(&self, name: &str, value: impl IntoLua) -> Result<()> {
        self.registry().raw_set(name, value)
    }

    /// Removes the registry value called `name`.
    ///
    /// # Errors
    /// Memory.
    pub fn unset_named_registry_value(&self, name: &str) -> Result<()> {
        self.set_named_registry_value(name, Value::Nil)
    }

    /// Makes a module known: what `require` gives for `name`.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.register_module("settings", lua.create_table_from([("depth", 3)])?)?;
    /// lua.load("assert(require('settings').depth == 3)").exec()?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn register_module(&self, name: &str, value: impl IntoLua) -> Result<()> {
        self.registry_table("_LOADED")?.raw_set(name, value)
    }

    /// Sets what loads a module when `require` first asks for it.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let loader = lua.load("loads = (loads or 0) + 1 return {n = loads}").into_function()?;
    /// lua.preload_module("counted", loader)?;
    /// assert_eq!(lua.load("require 'counted'.n + require 'counted'.n").eval::<i64>()?, 2);
    /// lua.unload_module("counted")?;
    /// assert_eq!(lua.load("require 'counted'.n").eval::<i64>()?, 2);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn preload_module(&self, name: &str, loader: crate::Function) -> Result<()> {
        self.registry_table("_PRELOAD")?.raw_set(name, loader)
    }

    /// Forgets a module: `require` loads it anew.
    ///
    /// # Errors
    /// Memory.
    pub fn unload_module(&self, name: &str) -> Result<()> {
        self.registry_table("_LOADED")?.raw_set(name, Value::Nil)
    }

    /// A table of the registry, made if there is none.
    fn registry_table(&self, name: &str) -> Result<Table> {
        match self.named_registry_value(name)? {
            Value::Table(table) => Ok(table),
            _ => {
                let table = self.create_table()?;
                self.set_named_registry_value(name, &table)?;
                Ok(table)
            }
        }
    }
}
