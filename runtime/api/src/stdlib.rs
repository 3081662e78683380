//! Which libraries a state has, and the options that mlua knows.

use crate::{Lua, Result};
use perilune_runtime::value as raw;
use std::ops::{
    BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, BitXorAssign, Not, Sub, SubAssign,
};

/// A set of libraries.
///
/// ```
/// use perilune::StdLib;
/// let some = StdLib::COROUTINE | StdLib::TABLE | StdLib::STRING | StdLib::UTF8 | StdLib::MATH;
/// assert!(some.contains(StdLib::TABLE) && !some.contains(StdLib::IO | StdLib::OS | StdLib::PACKAGE));
/// assert!(StdLib::ALL.contains(StdLib::DEBUG) && !StdLib::ALL_SAFE.contains(StdLib::DEBUG));
/// assert_eq!(some - some, StdLib::NONE);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StdLib(u32);

impl StdLib {
    /// `coroutine`
    pub const COROUTINE: StdLib = StdLib(1);
    /// `table`
    pub const TABLE: StdLib = StdLib(1 << 1);
    /// `io`
    pub const IO: StdLib = StdLib(1 << 2);
    /// `os`
    pub const OS: StdLib = StdLib(1 << 3);
    /// `string`
    pub const STRING: StdLib = StdLib(1 << 4);
    /// `utf8`
    pub const UTF8: StdLib = StdLib(1 << 5);
    /// `math`
    pub const MATH: StdLib = StdLib(1 << 7);
    /// `package` and `require`
    pub const PACKAGE: StdLib = StdLib(1 << 8);
    /// `debug`. What it does may confuse a program, but not break the state's memory.
    pub const DEBUG: StdLib = StdLib(1 << 31);
    /// None.
    pub const NONE: StdLib = StdLib(0);
    /// All.
    pub const ALL: StdLib = StdLib(u32::MAX);
    /// All but `debug`.
    pub const ALL_SAFE: StdLib = StdLib((1 << 30) - 1);

    /// Whether any of `libraries` is in the set.
    pub fn contains(self, libraries: StdLib) -> bool {
        self.0 & libraries.0 != 0
    }
}

/// The names of the libraries.
const NAMES: &[(&str, StdLib)] = &[
    ("coroutine", StdLib::COROUTINE),
    ("table", StdLib::TABLE),
    ("io", StdLib::IO),
    ("os", StdLib::OS),
    ("string", StdLib::STRING),
    ("utf8", StdLib::UTF8),
    ("math", StdLib::MATH),
    ("package", StdLib::PACKAGE),
    ("debug", StdLib::DEBUG),
];

macro_rules! operators {
    ($($operator:ident $function:ident $assign:ident $assign_function:ident: $a:ident $b:ident $result:expr;)*) => {
        $(
            impl $operator for StdLib {
                type Output = StdLib;

                fn $function(self, other: StdLib) -> StdLib {
                    let ($a, $b) = (self.0, other.0);
                    StdLib($result)
                }
            }

            impl $assign for StdLib {
                fn $assign_function(&mut self, other: StdLib) {
                    *self = self.$function(other);
                }
            }
        )*
    };
}
operators! {
    BitAnd bitand BitAndAssign bitand_assign: a b a & b;
    BitOr bitor BitOrAssign bitor_assign: a b a | b;
    BitXor bitxor BitXorAssign bitxor_assign: a b a ^ b;
    Sub sub SubAssign sub_assign: a b a & !b;
}

impl Not for StdLib {
    type Output = StdLib;

    fn not(self) -> StdLib {
        StdLib(!self.0)
    }
}

/// Options of a state, as mlua has them; [`Options`](crate::Options) has those of the engine.
///
/// ```
/// use perilune::{Lua, LuaOptions, StdLib};
/// let options = LuaOptions::new().catch_rust_panics(false).thread_pool_size(16).stack_limit(10_000);
/// assert_eq!((options.catch_rust_panics, options.thread_pool_size), (false, 16));
/// assert!(Lua::new_with(StdLib::ALL_SAFE, options).is_ok());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LuaOptions {
    /// Whether `pcall` and `xpcall` catch panics of Rust functions. Otherwise a panic goes on through them to
    /// where it leaves Lua, or to `coroutine.resume`, which catches it in any case. Default: true.
    pub catch_rust_panics: bool,
    /// How many coroutines that asynchronous functions ran in are kept for others; at least eight are.
    /// Default: 0.
    pub thread_pool_size: usize,
    /// How many slots the stack of each thread has at most: see [`Lua::set_stack_limit`]. mlua has no such
    /// option. Default: `None`, for what the engine allows.
    pub stack_limit: Option<usize>,
}

impl Default for LuaOptions {
    fn default() -> LuaOptions {
        LuaOptions::new()
    }
}

impl LuaOptions {
    /// The defaults.
    pub const fn new() -> LuaOptions {
        LuaOptions {
            catch_rust_panics: true,
            thread_pool_size: 0,
            stack_limit: None,
        }
    }

    /// Sets [`catch_rust_panics`](LuaOptions::catch_rust_panics).
    #[must_use]
    pub const fn catch_rust_panics(mut self, enabled: bool) -> LuaOptions {
        self.catch_rust_panics = enabled;
        self
    }

    /// Sets [`thread_pool_size`](LuaOptions::thread_pool_size).
    #[must_use]
    pub const fn thread_pool_size(mut self, size: usize) -> LuaOptions {
        self.thread_pool_size = size;
        self
    }

    /// Sets [`stack_limit`](LuaOptions::stack_limit).
    #[must_use]
    pub const fn stack_limit(mut self, slots: usize) -> LuaOptions {
        self.stack_limit = Some(slots);
        self
    }
}

impl Lua {
    /// Opens libraries.
    ///
    /// ```
    /// use perilune::{Lua, StdLib};
    /// let lua = Lua::without_libraries()?;
    /// lua.load_std_libs(StdLib::STRING)?;
    /// assert_eq!(lua.load("string.rep('ab', 2)").eval::<String>()?, "abab");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn load_std_libs(&self, libraries: StdLib) -> Result<()> {
        self.with_call(|call| {
            perilune_stdlib::open_some(call, |name| {
                let known = NAMES.iter().find(|(known, _)| *known == name);
                known.is_some_and(|&(_, library)| libraries.contains(library))
            })
        })
    }

    pub(crate) fn set_lua_options(&self, options: &LuaOptions) {
        let entered = self.enter();
        let passes: fn(raw::Value) -> bool = crate::failure::is_panic;
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).passes = (!options.catch_rust_panics).then_some(passes) };
        entered
            .control
            .thread_pool_size
            .set(options.thread_pool_size);
        if let Some(slots) = options.stack_limit {
            self.set_stack_limit(slots);
        }
    }

    /// Sets whether programs may load binary chunks (by `load` and its like). They are verified in any
    /// case. By default programs may; what the embedder loads, [`Chunk::set_mode`](crate::Chunk::set_mode)
    /// says.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.set_binary_chunks(false);
    /// let text = "load(string.dump(function() end))";
    /// let (none, why): (Option<bool>, String) = lua.load(text).eval()?;
    /// assert!(none.is_none() && why.contains("attempt to load a binary chunk"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_binary_chunks(&self, allowed: bool) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).limits.refuses_binary = !allowed };
    }
}
