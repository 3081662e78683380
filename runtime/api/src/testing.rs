//! What tests and test modes ask of a state: other machines, collections and failures at chosen
//! points, and a check of the whole heap.

use crate::Lua;
use perilune_runtime::gc::pacing::Stress;
use perilune_runtime::interp::portable::Counts;

impl Lua {
    /// Runs Lua code on the counting machine from now on; for tests of what runs on other machines.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.start_counting();
    /// lua.load("return 1 + 1").exec()?;
    /// assert!(lua.stop_counting().is_some());
    /// assert!(lua.stop_counting().is_none());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn start_counting(&self) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).counting = Some(Box::default()) };
    }

    /// Ends what [`Lua::start_counting`] began; answers the counts.
    pub fn stop_counting(&self) -> Option<Box<Counts>> {
        let entered = self.enter();
        // SAFETY: as above.
        unsafe { (*entered.vm()).counting.take() }
    }

    /// Collects at every `n`th safepoint; for tests.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.set_gc_stress(Some(1));
    /// assert_eq!(lua.load("#{{}, {}, {}}").eval::<i64>()?, 3);
    /// lua.set_gc_stress(None);
    /// lua.check_heap().expect("no bug");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_gc_stress(&self, n: Option<u32>) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).heap.set_stress(n.map(Stress::Full)) };
    }

    /// Makes the `n`th allocation from now on (1 is the next) fail, once; `None` takes that back.
    /// Answers whether an earlier order was still waiting for its turn.
    ///
    /// ```
    /// use perilune::Error;
    /// let lua = perilune::Lua::new();
    /// lua.fail_nth_allocation(Some(1));
    /// assert!(matches!(lua.create_table(), Err(Error::MemoryError(_))));
    /// assert!(lua.create_table().is_ok());
    /// assert!(!lua.fail_nth_allocation(None));
    /// ```
    pub fn fail_nth_allocation(&self, n: Option<u64>) -> bool {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).heap.fail_nth_allocation(n) }
    }

    /// Checks every invariant of the heap that can be checked by looking at all objects.
    ///
    /// # Errors
    /// What the first violation is. That is a bug in Perilune, whatever the program did.
    pub fn check_heap(&self) -> std::result::Result<(), String> {
        let entered = self.enter();
        let vm = entered.vm();
        // SAFETY: the machine lives as long as the state, and nothing else runs meanwhile.
        unsafe { perilune_runtime::gc::check::check(&raw mut *(*vm).heap, vm) }
    }
}
