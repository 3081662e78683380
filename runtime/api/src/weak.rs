//! A way back to a state that does not keep it.

use crate::Lua;
use crate::lock::Shared;
use crate::state::State;
use std::fmt;

/// A reference to a state that does not keep it, for what the state itself owns.
///
/// ```
/// let lua = perilune::Lua::new();
/// let weak = lua.weak();
/// assert!(weak.try_upgrade().is_some());
/// drop(lua);
/// assert!(weak.try_upgrade().is_none());
/// ```
///
/// ```
/// use perilune::{Lua, WeakLua};
/// struct Plugin(WeakLua);
/// let lua = Lua::new();
/// let plugin = Plugin(lua.weak());
/// lua.globals().set("x", 1)?;
/// assert_eq!(plugin.0.upgrade().globals().get::<i64>("x")?, 1);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone)]
pub struct WeakLua(Shared<State>);

impl WeakLua {
    /// The state.
    ///
    /// # Panics
    /// When it is gone.
    pub fn upgrade(&self) -> Lua {
        match self.try_upgrade() {
            Some(lua) => lua,
            None => panic!("Lua instance is destroyed"),
        }
    }

    /// The state, if it is not gone.
    pub fn try_upgrade(&self) -> Option<Lua> {
        Lua::of(&self.0).ok()
    }
}

impl fmt::Debug for WeakLua {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakLua")
    }
}

impl Lua {
    /// A reference that does not keep the state.
    pub fn weak(&self) -> WeakLua {
        WeakLua(self.state.clone())
    }
}
