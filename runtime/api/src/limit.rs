//! Limits of a state that its programs can't get around.

use crate::Lua;
use perilune_runtime::error::Limit;
use perilune_runtime::limit;

impl Lua {
    /// Gives the state fuel for so many instructions; `None` stops counting.
    ///
    /// Each bytecode instruction takes one, and library functions take more for what they do in loops
    /// or with long strings. The count does not depend on what is compiled to machine code when: the
    /// same program with the same fuel stops at the same place. Finalisers, which run when the
    /// collector finds time, have as much for themselves.
    ///
    /// A program without fuel is stopped: it ends with [`Error::LimitReached`](crate::Error::LimitReached), without that it
    /// could catch that (unless [`Lua::set_limit_catchable`] says so). What is called from then on ends
    /// at once, until there is fuel again.
    ///
    /// While fuel is counted, code that is interpreted runs slower, and traces a little.
    ///
    /// ```
    /// use perilune::{Error, Limit, Lua};
    /// let lua = Lua::new();
    /// lua.set_fuel(Some(10_000));
    /// let endless = lua.load("while true do pcall(error) end").exec();
    /// assert!(matches!(endless, Err(Error::LimitReached(Limit::Fuel))));
    /// assert_eq!(lua.fuel(), Some(0));
    /// lua.set_fuel(None);
    /// assert_eq!(lua.load("return 1 + 1").eval::<i64>()?, 2);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_fuel(&self, fuel: Option<u64>) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state; Rust code runs only at safepoints and in
        // native functions.
        unsafe { limit::set_fuel(entered.vm(), fuel) }
    }

    /// Limits how deep calls may nest: each thread's stack has at most so many slots (at least 1,000 and at
    /// most 1,000,000, which is the default). A call takes as many as its function has registers, one for
    /// the function, and its further arguments if it is variadic. Answers the limit before.
    ///
    /// A call that does not fit raises "stack overflow", as it does in PUC Lua with its larger limit;
    /// programs may catch that. Whatever is compiled to machine code when, the same program overflows at
    /// the same call. A stack that is larger already does not grow. What recurses through library functions
    /// that PUC Lua implements by recursion in C is limited to 200 levels besides ("C stack overflow").
    ///
    /// ```
    /// use perilune::{Error, Lua};
    /// let lua = Lua::new();
    /// lua.set_stack_limit(2_000);
    /// let text = "local function f(n) return 1 + f(n + 1) end return pcall(f, 1)";
    /// let (ok, message): (bool, String) = lua.load(text).eval()?;
    /// assert!(!ok && message.contains("stack overflow"));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn set_stack_limit(&self, slots: usize) -> usize {
        let entered = self.enter();
        // SAFETY: as for `set_fuel`.
        unsafe { limit::set_stack_limit(entered.vm(), slots) }
    }

    /// The fuel that is left, if it is counted.
    pub fn fuel(&self) -> Option<u64> {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe {
            let vm = entered.vm();
            (*vm)
                .has_fuel
                .then(|| u64::try_from((*vm).fuel).unwrap_or(0))
        }
    }

    /// Sets whether programs may catch the error of a limit. By default they may catch memory errors
    /// and the errors of interruptions, as usual, but not the end of the fuel or a deadline.
    ///
    /// An error that they may not catch ends everything up to the Rust code that called Lua:
    /// `pcall`, coroutines, message handlers, `__close` and finalisers neither stop it nor run for it.
    ///
    /// ```
    /// use perilune::{Limit, Lua};
    /// let lua = Lua::new();
    /// lua.set_limit_catchable(Limit::Memory, false);
    /// lua.set_memory_limit(1 << 20)?;
    /// let text = "while true do pcall(string.rep, 'x', 1 << 22) end";
    /// assert!(lua.load(text).exec().is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_limit_catchable(&self, limit: Limit, yes: bool) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).limits.set_catchable(limit, yes) }
    }
}
