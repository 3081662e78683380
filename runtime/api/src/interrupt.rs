//! Interruptions, and the deadline.

use crate::callback;
use crate::lock::{Shared, WeakShared};
use crate::state::State;
use crate::{Error, Lua, MaybeSend, Result};
use perilune_runtime::native;
use perilune_runtime::native::{Call, Local, LocalView, Native, NativeResult};
use perilune_runtime::vm::pending;
use perilune_runtime::watch;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The time between two calls of an interrupt function.
const TICK: Duration = Duration::from_millis(1);

/// What running code is to do after an interruption or a hook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VmState {
    /// Go on.
    Continue,
    /// Yield, if it is a coroutine that may: it goes on when it is resumed.
    Yield,
}

impl Lua {
    /// Sets a function that running Lua code calls now and then: soon after code is called from Rust,
    /// about every millisecond while it runs, and when an [`InterruptHandle`](crate::InterruptHandle)
    /// asks for it.
    ///
    /// An error that it returns is raised in the running code. With [`VmState::Yield`] a running
    /// coroutine yields, without values, as soon as it is in Lua code and may yield; when it is resumed
    /// it goes on, and what it is resumed with is dropped.
    ///
    /// Where a library function is interrupted, the function can neither call Lua nor collect garbage: calls
    /// are errors then.
    ///
    /// ```
    /// use perilune::{Lua, VmState};
    /// let lua = Lua::new();
    /// lua.set_interrupt(|_| Ok(VmState::Yield));
    /// let endless = lua.load("while true do end").into_function()?;
    /// let thread = lua.create_thread(endless)?;
    /// for _ in 0..3 {
    ///     thread.resume::<()>(())?;
    ///     assert!(thread.is_resumable());
    /// }
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there is no memory for it.
    pub fn set_interrupt<F>(&self, callback: F)
    where
        F: Fn(&Lua) -> Result<VmState> + MaybeSend + 'static,
    {
        let entered = self.enter();
        let interrupt = Interrupt {
            state: Shared::downgrade(&self.state),
            callback: Shared::new(callback),
        };
        let mut function = None;
        let made = self.with_call(|call| {
            let userdata = call.new_userdata(interrupt, None, 0)?;
            function = Some(call.new_closure(INTERRUPT, &[userdata.into()])?.raw());
            Ok(())
        });
        if let Err(error) = made {
            panic!("an interrupt function can't be set: {error}");
        }
        // SAFETY: the machine lives as long as the state; its link names it.
        unsafe {
            let vm = entered.vm();
            (*vm).interrupt = function;
            (*vm).pending.fetch_or(pending::TICK, Ordering::Relaxed);
            let link = (*vm).link.clone();
            // Without threads, calls from Rust and requests are what it is called for.
            let ticks = watch::watch(link, Instant::now() + TICK, Some(TICK)).ok();
            entered.control.ticks.replace(ticks);
        }
    }

    /// Removes the function that [`Lua::set_interrupt`] has set.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.set_interrupt(|_| Err(perilune::Error::runtime("no more")));
    /// lua.remove_interrupt();
    /// assert_eq!(lua.load("1 + 1").eval::<i64>()?, 2);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn remove_interrupt(&self) {
        let entered = self.enter();
        entered.control.ticks.replace(None);
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).interrupt = None };
    }

    /// Sets a point in time after which Lua code ends with
    /// [`Error::LimitReached`], as it does without fuel (see [`Lua::set_fuel`]); `None` for none.
    ///
    /// # Errors
    /// The system has no threads, or no more of them: one has to look at the clock.
    ///
    /// ```
    /// use perilune::{Error, Limit, Lua};
    /// use std::time::{Duration, Instant};
    /// let lua = Lua::new();
    /// lua.set_deadline(Some(Instant::now() + Duration::from_millis(20)))?;
    /// let endless = lua.load("while true do pcall(error) end").exec();
    /// assert!(matches!(endless, Err(Error::LimitReached(Limit::Deadline))));
    /// lua.set_deadline(None)?;
    /// assert_eq!(lua.load("return 1 + 1").eval::<i64>()?, 2);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_deadline(&self, deadline: Option<Instant>) -> Result<()> {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state; its link names it.
        let link = unsafe {
            let vm = entered.vm();
            (*vm).limits.deadline = deadline;
            (*vm).link.clone()
        };
        let watch = match deadline {
            Some(at) => Some(watch::watch(link, at, None).map_err(Error::external)?),
            None => None,
        };
        entered.control.deadline.replace(watch);
        Ok(())
    }
}

/// The function that is asked at an interruption; its upvalue holds an [`Interrupt`].
const INTERRUPT: Native = native!("?", ask, private_upvalues);

/// What decides how running code goes on.
type InterruptCallback = dyn Fn(&Lua) -> Result<VmState>;

struct Interrupt {
    state: WeakShared<State>,
    callback: Shared<InterruptCallback>,
}

fn ask(call: &mut Call<'_>) -> NativeResult {
    let found = match call.upvalue(1).view() {
        LocalView::Userdata(userdata) => call
            .userdata_mut::<Interrupt>(userdata)
            .map(|interrupt| (interrupt.state.upgrade(), interrupt.callback.clone())),
        _ => None,
    };
    let Some((Some(state), callback)) = found else {
        return Ok(call.return_none());
    };
    let Ok(lua) = Lua::of(&state) else {
        return Ok(call.return_none());
    };
    let wants_pause = callback::answer(&lua, |lua| callback(lua))? == VmState::Yield;
    Ok(call.return_one(Local::boolean(wants_pause)))
}

impl State {
    /// Code is about to be called from Rust: the interrupt function, if there is one, is to be asked.
    #[inline]
    pub(crate) fn expect_interrupt(&self) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe {
            let vm = entered.vm();
            if (*vm).interrupt.is_some() {
                (*vm).pending.fetch_or(pending::TICK, Ordering::Relaxed);
            }
        }
    }
}
