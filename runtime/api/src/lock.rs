//! Who may use a state: the thread that has entered it.
//!
//! With the feature `send` a state has a lock, which a thread holds while it is in the state: from the first
//! use of a handle, or call of a method of [`Lua`](crate::Lua), to the end of that, through all callbacks that
//! run meanwhile. The lock is reentrant, as callbacks use their state. Without the feature nothing here does
//! anything.
//!
//! Invariants:
//! - The machine, and all of [`State`] that is not atomic, is reached only through [`Entered`] (or by what has
//!   a `*mut Vm` from a running native step, whose thread has entered the state).
//! - [`Entered`] is bound to a variable that lives as long as anything of the machine is used: raw values, and
//!   pointers. The test of the repository's rules looks for uses of it as a temporary value.
//! - Whatever has a pointer into the machine is not `Send`, so it stays with the thread that has entered.

use crate::state::{Parts, State};
use perilune_runtime::vm::Vm;
use std::ops::Deref;

#[cfg(feature = "send")]
pub(crate) use with::{Count, DroppedHandles, Held, Lock, Shared, WeakShared};
#[cfg(not(feature = "send"))]
pub(crate) use without::{Count, DroppedHandles, Held, Lock, Shared, WeakShared};

/// A state that the running thread has entered.
pub(crate) struct Entered<'a> {
    state: &'a State,
    _held: Held<'a>,
}

impl<'a> Entered<'a> {
    /// Waits until no other thread is in the state.
    #[inline]
    pub(crate) fn new(state: &'a State) -> Entered<'a> {
        Entered {
            state,
            _held: Held::new(state),
        }
    }

    /// The machine; null when the state is closed.
    #[inline]
    pub(crate) fn vm(&self) -> *mut Vm {
        self.state.machine()
    }
}

impl Deref for Entered<'_> {
    type Target = Parts;

    #[inline]
    fn deref(&self) -> &Parts {
        self.state.parts()
    }
}

/// What there is without the feature.
#[cfg(not(feature = "send"))]
mod without {
    use crate::state::State;
    use std::cell::Cell;
    use std::marker::PhantomData;
    pub(crate) use std::rc::{Rc as Shared, Weak as WeakShared};

    /// No lock.
    #[derive(Default)]
    pub(crate) struct Lock(());

    /// The only thread's right to use the state.
    pub(crate) struct Held<'a>(PhantomData<&'a State>);

    impl<'a> Held<'a> {
        #[inline(always)]
        pub(crate) fn new(_: &'a State) -> Held<'a> {
            Held(PhantomData)
        }

        /// Likewise: nobody else ever has it.
        #[inline(always)]
        pub(crate) fn try_new(state: &'a State) -> Option<Held<'a>> {
            Some(Held::new(state))
        }
    }

    impl Lock {
        /// Whether the running thread is in the state.
        #[inline(always)]
        pub(crate) fn is_held(&self) -> bool {
            true
        }
    }

    /// A number of owners.
    pub(crate) struct Count(Cell<usize>);

    impl Count {
        pub(crate) fn new(count: usize) -> Count {
            Count(Cell::new(count))
        }

        /// One more, if there is any.
        #[inline(always)]
        pub(crate) fn join(&self) -> bool {
            let count = self.0.get();
            if count != 0 {
                self.0.set(count + 1);
            }
            count != 0
        }

        /// One more, for whom is one.
        #[inline(always)]
        pub(crate) fn increase(&self) {
            self.0.set(self.0.get() + 1);
        }

        /// One less; whether it was the last one.
        #[inline(always)]
        pub(crate) fn decrease(&self) -> bool {
            let count = self.0.get() - 1;
            self.0.set(count);
            count == 0
        }

        /// The first one, where there is none any more.
        pub(crate) fn revive(&self) {
            self.0.set(1);
        }
    }

    /// Handles that are dropped while another thread is in the state: none.
    #[derive(Default)]
    pub(crate) struct DroppedHandles(());

    impl DroppedHandles {
        #[inline(always)]
        pub(crate) fn push(&self, _: usize) {}
    }
}

/// What there is with the feature.
#[cfg(feature = "send")]
mod with {
    use crate::state::State;
    use parking_lot::{Mutex, ReentrantMutex, ReentrantMutexGuard};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    pub(crate) use std::sync::{Arc as Shared, Weak as WeakShared};

    /// The lock of a state.
    #[derive(Default)]
    pub(crate) struct Lock(ReentrantMutex<()>);

    /// The running thread's right to use the state.
    pub(crate) struct Held<'a>(#[expect(dead_code)] ReentrantMutexGuard<'a, ()>);

    impl<'a> Held<'a> {
        /// Waits until no other thread is in the state.
        #[inline]
        pub(crate) fn new(state: &'a State) -> Held<'a> {
            let held = Held(state.lock().0.lock());
            held.begin(state);
            held
        }

        /// Likewise, if no other thread is in the state.
        #[inline]
        pub(crate) fn try_new(state: &'a State) -> Option<Held<'a>> {
            let held = Held(state.lock().0.try_lock()?);
            held.begin(state);
            Some(held)
        }

        /// Does what other threads have left to do.
        #[inline]
        fn begin(&self, state: &State) {
            #[cfg(feature = "jit")]
            perilune_tracejit::backend::see_new_code();
            state.free_dropped_handles();
        }
    }

    impl Lock {
        /// Whether the running thread is in the state.
        #[inline]
        pub(crate) fn is_held(&self) -> bool {
            self.0.is_owned_by_current_thread()
        }
    }

    /// A number of owners, which may be in several threads.
    pub(crate) struct Count(AtomicUsize);

    impl Count {
        pub(crate) fn new(count: usize) -> Count {
            Count(AtomicUsize::new(count))
        }

        /// One more, if there is any.
        #[inline]
        pub(crate) fn join(&self) -> bool {
            let more = |count| (count != 0).then_some(count + 1);
            let joined = self
                .0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
            joined.is_ok()
        }

        /// One more, for whom is one.
        #[inline]
        pub(crate) fn increase(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        /// One less; whether it was the last one, who then sees all that the others have done.
        #[inline]
        pub(crate) fn decrease(&self) -> bool {
            self.0.fetch_sub(1, Ordering::AcqRel) == 1
        }

        /// The first one, where there is none any more.
        pub(crate) fn revive(&self) {
            self.0.store(1, Ordering::Relaxed);
        }
    }

    /// The indices of handles that were dropped while another thread was in the state. So dropping a
    /// handle waits for nobody. The next thread that enters frees them.
    #[derive(Default)]
    pub(crate) struct DroppedHandles {
        are_there: AtomicBool,
        indices: Mutex<Vec<usize>>,
    }

    impl DroppedHandles {
        #[cold]
        pub(crate) fn push(&self, index: usize) {
            let mut indices = self.indices.lock();
            indices.push(index);
            self.are_there.store(true, Ordering::Relaxed);
        }

        /// Takes them out, if there are any.
        #[inline]
        pub(crate) fn take(&self) -> Option<Vec<usize>> {
            if !self.are_there.load(Ordering::Relaxed) {
                return None;
            }
            let mut indices = self.indices.lock();
            self.are_there.store(false, Ordering::Relaxed);
            Some(std::mem::take(&mut *indices))
        }
    }
}
