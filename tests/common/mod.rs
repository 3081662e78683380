//! What several of the tests need.

use perilune::{Lua, Options};

/// A state with engine modes, each as `-j` takes it.
pub(crate) fn state(modes: &[&str]) -> Lua {
    let mut options = Options::new();
    for mode in modes {
        options = options.with_mode(mode).expect("a mode");
    }
    Lua::with_options(&options).expect("a state")
}
