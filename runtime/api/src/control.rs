//! What a state keeps for threads, limits and interruptions.
//!
//! Invariant: no cell here stays borrowed while a callback runs.

use crate::hook::HookCallback;
use crate::thread::{ThreadEventCallback, ThreadTriggers};
use perilune_runtime::watch::Watch;
use std::cell::{Cell, RefCell};

/// See the module's text.
#[derive(Default)]
pub(crate) struct Control {
    /// Has the interrupt function called now and then.
    pub(crate) ticks: RefCell<Option<Watch>>,
    /// Has the deadline looked at when it is there.
    pub(crate) deadline: RefCell<Option<Watch>>,
    /// Hears of threads.
    pub(crate) thread_events: RefCell<Option<(ThreadTriggers, ThreadEventCallback)>>,
    /// The global hook.
    pub(crate) global_hook: RefCell<Option<HookCallback>>,
    /// How many coroutines of asynchronous functions are kept.
    pub(crate) thread_pool_size: Cell<usize>,
    /// Asynchronous functions that wait.
    #[cfg(feature = "async")]
    pub(crate) futures: crate::future::Futures,
    /// Whether it is being told.
    pub(crate) is_telling: Cell<bool>,
}

impl Control {
    /// Whether anyone hears of threads, and may keep them.
    #[cfg(feature = "async")]
    pub(crate) fn hears_of_threads(&self) -> bool {
        self.thread_events.borrow().is_some()
    }
}
