//! Memory of a state: how much, how much at most, and its collector.

use crate::{Lua, Result};

impl Lua {
    /// Bytes in use.
    pub fn used_memory(&self) -> usize {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).heap.used_bytes() }
    }

    /// Limits the bytes in use; 0 for no limit. What does not fit raises "not enough memory".
    /// Answers the limit before.
    ///
    /// All that the state takes counts, as the allocator rounds it: values, strings, stacks, compiled code
    /// and what is known of it. What Rust values own elsewhere does not. So the process grows by no
    /// more than the limit and a twentieth of it, and about 2 MiB that do not depend on the limit, unless what
    /// stays alive lies scattered among what was freed: memory that the allocator can't use for blocks of
    /// other sizes is not counted. When the limit is near, freed memory is given back to the system. A
    /// sixty-fourth of what is free when the limit is set is left to the allocator, for gaps between blocks.
    ///
    /// How much that exception may be depends on the allocator, which is the embedder's choice, since objects
    /// do not move. glibc's joins what is free to larger blocks, and stays within the bounds. mimalloc and its
    /// like use a page for blocks of one size as long as a single one of them lives: a program that fills its
    /// memory several times, each time with blocks of another size of which it keeps every fortieth, has such
    /// an allocator keep all pages of each time.
    ///
    /// ```
    /// use perilune::{Error, Lua};
    /// let lua = Lua::new();
    /// lua.set_memory_limit(lua.used_memory() + (1 << 20))?;
    /// let outcome = lua.load("return ('x'):rep(1 << 30)").exec();
    /// assert!(matches!(outcome, Err(Error::MemoryError(_))));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// None at present.
    pub fn set_memory_limit(&self, limit: usize) -> Result<usize> {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe {
            let heap = &mut (*entered.vm()).heap;
            let before = heap.memory_limit().unwrap_or(0);
            heap.set_memory_limit((limit != 0).then_some(limit));
            Ok(before)
        }
    }

    /// Runs a full collection and due finalisers. Their errors are warnings, as they are in Lua 5.4.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.load("list = {} for i = 1, 10000 do list[i] = {} end").exec()?;
    /// let before = lua.used_memory();
    /// lua.globals().set("list", perilune::Nil)?;
    /// lua.gc_collect()?;
    /// assert!(lua.used_memory() < before);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// None at present.
    pub fn gc_collect(&self) -> Result<()> {
        let entered = self.enter();
        // SAFETY: outside of native steps the state is at a safepoint.
        unsafe { perilune_runtime::collect::full(entered.vm()) };
        Ok(())
    }
}

/// How the collector works.
///
/// ```
/// use perilune::state::{GcGenParams, GcIncParams, GcMode};
/// let lua = perilune::Lua::new();
/// let slow = GcIncParams::default().pause(400).step_multiplier(200).step_size(14);
/// assert!(matches!(lua.gc_set_mode(GcMode::Incremental(slow)), GcMode::Incremental(_)));
/// let eager = GcGenParams::default().minor_multiplier(10).minor_to_major(50);
/// lua.gc_set_mode(GcMode::Generational(eager));
/// assert!(matches!(lua.gc_inc(0, 0, 0), GcMode::Generational(_)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GcMode {
    /// Whole cycles in small steps.
    Incremental(GcIncParams),
    /// Frequent collections of what is new.
    Generational(GcGenParams),
}

/// Parameters of the incremental mode (manual §2.5.1); those that are `None` stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GcIncParams {
    /// Percent of the bytes in use after a cycle at which the next one begins.
    pub pause: Option<i32>,
    /// Percent of work for what is allocated.
    pub step_multiplier: Option<i32>,
    /// The logarithm of the bytes between two steps.
    pub step_size: Option<i32>,
}

impl GcIncParams {
    /// Sets the pause.
    #[must_use]
    pub fn pause(mut self, percent: i32) -> GcIncParams {
        self.pause = Some(percent);
        self
    }

    /// Sets the step multiplier.
    #[must_use]
    pub fn step_multiplier(mut self, percent: i32) -> GcIncParams {
        self.step_multiplier = Some(percent);
        self
    }

    /// Sets the step size.
    #[must_use]
    pub fn step_size(mut self, logarithm: i32) -> GcIncParams {
        self.step_size = Some(logarithm);
        self
    }
}

/// Parameters of the generational mode (manual §2.5.2); those that are `None` stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GcGenParams {
    /// Percent of growth after which what is new is collected.
    pub minor_multiplier: Option<i32>,
    /// Percent of growth after which everything is collected.
    pub minor_to_major: Option<i32>,
}

impl GcGenParams {
    /// Sets the minor multiplier.
    #[must_use]
    pub fn minor_multiplier(mut self, percent: i32) -> GcGenParams {
        self.minor_multiplier = Some(percent);
        self
    }

    /// Sets the growth up to a major collection.
    #[must_use]
    pub fn minor_to_major(mut self, percent: i32) -> GcGenParams {
        self.minor_to_major = Some(percent);
        self
    }
}

impl Lua {
    /// Whether the collector runs by itself.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.gc_stop();
    /// assert!(!lua.gc_is_running());
    /// lua.gc_restart();
    /// assert!(lua.gc_is_running());
    /// ```
    pub fn gc_is_running(&self) -> bool {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).heap.is_collector_running() }
    }

    /// Keeps the collector from running by itself.
    pub fn gc_stop(&self) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).heap.stop_collector() };
    }

    /// Lets the collector run by itself again.
    pub fn gc_restart(&self) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).heap.restart_collector() };
    }

    /// A step of the collector; answers whether it ended a cycle.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.gc_stop();
    /// while !lua.gc_step()? {} // to the end of a cycle
    /// assert!(lua.gc_step_kbytes(1 << 20)?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// None at present.
    pub fn gc_step(&self) -> Result<bool> {
        self.gc_step_kbytes(0)
    }

    /// A step as if so many kilobytes had been allocated.
    ///
    /// # Errors
    /// None at present.
    pub fn gc_step_kbytes(&self, kbytes: i32) -> Result<bool> {
        let entered = self.enter();
        // SAFETY: outside of native steps the state is at a safepoint.
        unsafe {
            Ok(perilune_runtime::collect::explicit_step(
                entered.vm(),
                i64::from(kbytes),
            ))
        }
    }

    /// Sets the pause; answers the one before.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.gc_set_pause(160);
    /// assert_eq!(lua.gc_set_pause(200), 160);
    /// lua.gc_set_step_multiplier(300);
    /// assert_eq!(lua.gc_set_step_multiplier(100), 300);
    /// ```
    pub fn gc_set_pause(&self, percent: i32) -> i32 {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).heap.set_pause(i64::from(percent)) as i32 }
    }

    /// Sets the step multiplier; answers the one before.
    pub fn gc_set_step_multiplier(&self, percent: i32) -> i32 {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).heap.set_step_multiplier(i64::from(percent)) as i32 }
    }

    /// Changes to the incremental mode; a parameter that is 0 stays as it is. Answers the mode before.
    ///
    /// ```
    /// use perilune::state::GcMode;
    /// let lua = perilune::Lua::new();
    /// lua.gc_gen(20, 100);
    /// assert!(matches!(lua.gc_inc(200, 100, 13), GcMode::Generational(_)));
    /// ```
    pub fn gc_inc(&self, pause: i32, step_multiplier: i32, step_size: i32) -> GcMode {
        let entered = self.enter();
        // SAFETY: outside of native steps the state is at a safepoint.
        mode(unsafe {
            perilune_runtime::collect::set_incremental(
                entered.vm(),
                i64::from(pause),
                i64::from(step_multiplier),
                i64::from(step_size),
            )
        })
    }

    /// Changes to the generational mode, likewise.
    pub fn gc_gen(&self, minor_multiplier: i32, major_multiplier: i32) -> GcMode {
        let entered = self.enter();
        // SAFETY: outside of native steps the state is at a safepoint.
        mode(unsafe {
            perilune_runtime::collect::set_generational(
                entered.vm(),
                i64::from(minor_multiplier),
                i64::from(major_multiplier),
            )
        })
    }

    /// Changes the collector's mode; answers the one before, without its parameters.
    ///
    /// ```
    /// use perilune::{Lua, state::{GcGenParams, GcIncParams, GcMode}};
    /// let lua = Lua::new();
    /// let before = lua.gc_set_mode(GcMode::Generational(GcGenParams::default()));
    /// assert_eq!(before, GcMode::Incremental(GcIncParams::default()));
    /// ```
    pub fn gc_set_mode(&self, mode: GcMode) -> GcMode {
        let or_0 = |parameter: Option<i32>| parameter.unwrap_or(0);
        match mode {
            GcMode::Incremental(to) => {
                self.gc_inc(or_0(to.pause), or_0(to.step_multiplier), or_0(to.step_size))
            }
            GcMode::Generational(to) => {
                self.gc_gen(or_0(to.minor_multiplier), or_0(to.minor_to_major))
            }
        }
    }
}

/// A mode without parameters.
fn mode(mode: perilune_runtime::gc::Mode) -> GcMode {
    match mode {
        perilune_runtime::gc::Mode::Incremental => GcMode::Incremental(GcIncParams::default()),
        perilune_runtime::gc::Mode::Generational => GcMode::Generational(GcGenParams::default()),
    }
}
