//! Warnings: where `warn`, and errors in finalisers, go.

use crate::{Lua, MaybeSend, Result};
use perilune_runtime::from_rust::call_from_rust;
use perilune_runtime::value as raw;
use perilune_runtime::warn::warn;

impl Lua {
    /// Sets what receives warnings: a piece of message, and whether more of it follows. An error that
    /// it returns is raised by `warn`; where the warning is of a finaliser, nothing comes of it.
    ///
    /// ```
    /// use perilune::Lua;
    /// use std::sync::{Arc, Mutex};
    /// let lua = Lua::new();
    /// let heard = Arc::new(Mutex::new(String::new()));
    /// let log = heard.clone();
    /// lua.set_warning_function(move |_, message, _| {
    ///     log.lock().unwrap().push_str(message);
    ///     Ok(())
    /// });
    /// lua.load("warn('all ', 'is well')").exec()?;
    /// assert_eq!(*heard.lock().unwrap(), "all is well");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there is no memory for the function.
    pub fn set_warning_function<F>(&self, callback: F)
    where
        F: Fn(&Lua, &str, bool) -> Result<()> + MaybeSend + 'static,
    {
        let entered = self.enter();
        let function = self.create_function(
            move |lua, (message, to_continue): (crate::LuaString, bool)| {
                callback(lua, &message.to_string_lossy(), to_continue)
            },
        );
        let function = match function {
            Ok(function) => function,
            Err(error) => panic!("the warning function can't be set: {error}"),
        };
        let report = move |message: &[u8], to_continue: bool| {
            let Ok(lua) = function.0.lua() else {
                return Ok(());
            };
            // SAFETY: warnings are made at safepoints or by native steps, with the saved state up to date;
            // the string is an argument before anything collects, and the handle keeps the function. What
            // the call raises, panics included, passes through.
            unsafe {
                let vm = lua.vm();
                let message = (*vm).string(message)?;
                let args = [message, raw::Value::boolean(to_continue)];
                call_from_rust(vm, function.0.raw(), &args, 0).map(|_| ())
            }
        };
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).warn = Some(Box::new(report)) };
    }

    /// Warnings go nowhere from now on.
    ///
    /// ```
    /// use perilune::Lua;
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
    /// let (lua, count) = (Lua::new(), Arc::new(AtomicU32::new(0)));
    /// let heard = count.clone();
    /// lua.set_warning_function(move |_, _, _| {
    ///     heard.fetch_add(1, Ordering::Relaxed);
    ///     Ok(())
    /// });
    /// lua.warning("the first", false);
    /// lua.remove_warning_function();
    /// lua.warning("the second", false);
    /// assert_eq!(count.load(Ordering::Relaxed), 1);
    /// ```
    pub fn remove_warning_function(&self) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).warn = None };
    }

    /// Sets what receives warnings, by their exact bytes, and can't fail.
    #[doc(hidden)]
    pub fn set_warning_writer(&self, mut write: impl FnMut(&[u8], bool) + MaybeSend + 'static) {
        let entered = self.enter();
        let report = move |message: &[u8], to_continue: bool| {
            write(message, to_continue);
            Ok(())
        };
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).warn = Some(Box::new(report)) };
    }

    /// Emits a warning, or a piece of one.
    pub fn warning(&self, message: impl AsRef<str>, incomplete: bool) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state. There is no Lua code that an error could be
        // raised in.
        let _ = unsafe { warn(entered.vm(), message.as_ref().as_bytes(), incomplete) };
    }
}
