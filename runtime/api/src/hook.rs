//! Hooks: functions that running Lua code calls as it goes on.
//!
//! A hook function is a native closure whose upvalue holds the callback. The function of a global hook
//! holds none: it looks for that in the state, and removes itself where there is none any more.

use crate::debug::{Debug, DebugEvent};
use crate::interrupt::VmState;
use crate::lock::{Shared, WeakShared};
use crate::state::State;
use crate::{Lua, MaybeSend, Result, Thread, callback};
use perilune_runtime::hook::{HOOK_CALL, HOOK_COUNT, HOOK_LINE, HOOK_RETURN};
use perilune_runtime::native;
use perilune_runtime::native::{Call, Local, LocalView, Native, NativeResult};
use std::ops::{BitOr, BitOrAssign};

/// When a hook is to be called.
///
/// ```
/// use perilune::HookTriggers;
/// let calls = HookTriggers::ON_CALLS | HookTriggers::ON_RETURNS;
/// let same = HookTriggers::new().on_calls().on_returns();
/// assert_eq!((calls.on_calls, calls.on_returns), (same.on_calls, same.on_returns));
/// assert!(HookTriggers::EVERY_LINE.every_line && !calls.every_line);
/// assert!(HookTriggers::new().every_line().every_nth_instruction(10).every_line);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HookTriggers {
    /// Before each call.
    pub on_calls: bool,
    /// Before each return.
    pub on_returns: bool,
    /// Before each line.
    pub every_line: bool,
    /// After so many instructions, again and again.
    pub every_nth_instruction: Option<u32>,
}

impl HookTriggers {
    /// Before each call.
    pub const ON_CALLS: HookTriggers = HookTriggers::new().on_calls();
    /// Before each return.
    pub const ON_RETURNS: HookTriggers = HookTriggers::new().on_returns();
    /// Before each line.
    pub const EVERY_LINE: HookTriggers = HookTriggers::new().every_line();

    /// Never.
    pub const fn new() -> HookTriggers {
        HookTriggers {
            on_calls: false,
            on_returns: false,
            every_line: false,
            every_nth_instruction: None,
        }
    }

    /// Also before each call.
    #[must_use]
    pub const fn on_calls(mut self) -> HookTriggers {
        self.on_calls = true;
        self
    }

    /// Also before each return.
    #[must_use]
    pub const fn on_returns(mut self) -> HookTriggers {
        self.on_returns = true;
        self
    }

    /// Also before each line.
    #[must_use]
    pub const fn every_line(mut self) -> HookTriggers {
        self.every_line = true;
        self
    }

    /// Also after `n` instructions, again and again.
    #[must_use]
    pub const fn every_nth_instruction(mut self, n: u32) -> HookTriggers {
        self.every_nth_instruction = Some(n);
        self
    }

    /// Mask and count, as the runtime wants them.
    fn events(self) -> (u8, u32) {
        let mut mask = 0;
        for (is_wanted, bit) in [
            (self.on_calls, HOOK_CALL),
            (self.on_returns, HOOK_RETURN),
            (self.every_line, HOOK_LINE),
            (
                self.every_nth_instruction.is_some_and(|n| n > 0),
                HOOK_COUNT,
            ),
        ] {
            if is_wanted {
                mask |= bit;
            }
        }
        (mask, self.every_nth_instruction.unwrap_or(0))
    }
}

impl BitOr for HookTriggers {
    type Output = HookTriggers;

    fn bitor(self, other: HookTriggers) -> HookTriggers {
        HookTriggers {
            on_calls: self.on_calls || other.on_calls,
            on_returns: self.on_returns || other.on_returns,
            every_line: self.every_line || other.every_line,
            every_nth_instruction: self.every_nth_instruction.or(other.every_nth_instruction),
        }
    }
}

impl BitOrAssign for HookTriggers {
    fn bitor_assign(&mut self, other: HookTriggers) {
        *self = *self | other;
    }
}

/// What a hook does.
pub(crate) type HookCallback = Shared<dyn Fn(&Lua, &Debug<'_>) -> Result<VmState>>;

/// What the upvalue of a hook function holds.
struct Hook {
    state: WeakShared<State>,
    /// `None`: that of the state's global hook.
    callback: Option<HookCallback>,
}

const HOOK: Native = native!("?", run_hook, private_upvalues);

/// `hook(event, line)`; true when the thread is to pause.
fn run_hook(call: &mut Call<'_>) -> NativeResult {
    let found = match call.upvalue(1).view() {
        LocalView::Userdata(userdata) => call
            .userdata_mut::<Hook>(userdata)
            .map(|hook| (hook.state.upgrade(), hook.callback.clone())),
        _ => None,
    };
    let Some((Some(state), own)) = found else {
        return Ok(call.return_none());
    };
    let entered = state.enter();
    let Some(callback) = own.or_else(|| entered.control.global_hook.borrow().clone()) else {
        let (thread, _) = call.running();
        call.set_hook(thread, Local::NIL, 0, 0);
        return Ok(call.return_none());
    };
    let event = match call.slot(1).as_bytes() {
        Some(b"call") => DebugEvent::Call,
        Some(b"tail call") => DebugEvent::TailCall,
        Some(b"return") => DebugEvent::Ret,
        Some(b"line") => DebugEvent::Line,
        _ => DebugEvent::Count,
    };
    let Ok(lua) = Lua::of(&state) else {
        return Ok(call.return_none());
    };
    // Level 0 is this function.
    let answer = callback::answer(&lua, |lua| match Debug::at(lua, 1, event) {
        Some(debug) => callback(lua, &debug),
        None => Ok(VmState::Continue),
    })?;
    Ok(call.return_one(Local::boolean(answer == VmState::Yield)))
}

impl Lua {
    /// Sets what the running thread calls as its code goes on: when, the triggers say. It replaces the
    /// thread's hook, also one that `debug.sethook` has set. Threads that this one makes do not
    /// have it.
    ///
    /// An error that it returns is raised. With [`VmState::Yield`] before a line or an instruction, a
    /// coroutine that may yield does so, without values. Code of a thread with a hook is not compiled.
    ///
    /// ```
    /// use perilune::{Error, HookTriggers, Lua};
    /// let lua = Lua::new();
    /// lua.set_hook(HookTriggers::new().every_nth_instruction(1000), |_, _| {
    ///     Err(Error::runtime("that is enough"))
    /// })?;
    /// assert!(lua.load("while true do end").exec().is_err());
    /// lua.remove_hook();
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn set_hook<F>(&self, triggers: HookTriggers, callback: F) -> Result<()>
    where
        F: Fn(&Lua, &Debug<'_>) -> Result<VmState> + MaybeSend + 'static,
    {
        self.current_thread().set_hook(triggers, callback)
    }

    /// Removes the hook of the running thread.
    ///
    /// ```
    /// use perilune::{HookTriggers, Lua, VmState};
    /// use std::sync::{Arc, Mutex};
    /// let lua = Lua::new();
    /// let lines = Arc::new(Mutex::new(Vec::new()));
    /// let seen = lines.clone();
    /// lua.set_hook(HookTriggers::EVERY_LINE, move |_, debug| {
    ///     seen.lock().expect("one thread").extend(debug.current_line());
    ///     Ok(VmState::Continue)
    /// })?;
    /// lua.load("local a = 1\nlocal b = 2\n").exec()?;
    /// lua.remove_hook();
    /// lua.load("local a = 1\n").exec()?;
    /// assert_eq!(lines.lock().expect("one thread")[..2], [1, 2]);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn remove_hook(&self) {
        self.current_thread().remove_hook();
    }

    /// As [`Lua::set_hook`], for the running thread and the threads that it makes, and those that these
    /// make. There is one such hook; it replaces the one before in all threads.
    ///
    /// ```
    /// use perilune::{Error, HookTriggers, Lua};
    /// let lua = Lua::new();
    /// lua.set_global_hook(HookTriggers::new().every_nth_instruction(1000), |_, _| {
    ///     Err(Error::runtime("that is enough"))
    /// })?;
    /// assert!(lua.load("coroutine.wrap(function() while true do end end)()").exec().is_err());
    /// lua.remove_global_hook();
    /// assert!(lua.load("for i = 1, 10000 do end").exec().is_ok());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn set_global_hook<F>(&self, triggers: HookTriggers, callback: F) -> Result<()>
    where
        F: Fn(&Lua, &Debug<'_>) -> Result<VmState> + MaybeSend + 'static,
    {
        let entered = self.enter();
        let before = entered
            .control
            .global_hook
            .replace(Some(Shared::new(callback)));
        drop(before);
        self.current_thread().hook_with(triggers, None, true)
    }

    /// Removes the global hook: from each thread when that would call it the next time.
    pub fn remove_global_hook(&self) {
        let entered = self.enter();
        let before = entered.control.global_hook.replace(None);
        drop(before);
    }
}

impl Thread {
    /// As [`Lua::set_hook`], for this coroutine.
    ///
    /// ```
    /// use perilune::{HookTriggers, Lua, VmState};
    /// let lua = Lua::new();
    /// let thread = lua.create_thread(lua.load("x = 1\nx = 2").into_function()?)?;
    /// thread.set_hook(HookTriggers::EVERY_LINE, |_, _| Ok(VmState::Yield))?;
    /// thread.resume::<()>(())?; // up to the first line
    /// thread.resume::<()>(())?; // up to the second
    /// assert_eq!(lua.globals().get::<i64>("x")?, 1);
    /// thread.remove_hook();
    /// thread.resume::<()>(())?;
    /// assert!(thread.is_finished());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn set_hook<F>(&self, triggers: HookTriggers, callback: F) -> Result<()>
    where
        F: Fn(&Lua, &Debug<'_>) -> Result<VmState> + MaybeSend + 'static,
    {
        self.hook_with(triggers, Some(Shared::new(callback)), false)
    }

    /// Removes the coroutine's hook.
    pub fn remove_hook(&self) {
        self.ask(|call, thread| call.set_hook(thread, Local::NIL, 0, 0));
    }

    fn hook_with(
        &self,
        triggers: HookTriggers,
        callback: Option<HookCallback>,
        is_inherited: bool,
    ) -> Result<()> {
        let _entered = self.0.state.enter();
        let hook = Hook {
            state: Shared::downgrade(&self.0.state),
            callback,
        };
        let made = self.ask(|call, thread| {
            let userdata = call.new_userdata(hook, None, 0)?;
            let function = call.new_closure(HOOK, &[userdata.into()])?;
            call.set_embedders_hook(thread, function, triggers.events(), is_inherited);
            Ok(())
        });
        match made {
            Some(Err(error)) => Err(self.0.state.describe(error).into()),
            _ => Ok(()),
        }
    }
}
