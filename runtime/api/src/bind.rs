//! Functions with bound arguments.
//!
//! What is bound are upvalues of a native closure, no handles: the collector sees them, and a bound
//! function that its own state holds does not keep the state alive.

use crate::handle::Handle;
use crate::{Function, IntoLuaMulti, Result};
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, Local, Native, NativeResult};
use perilune_runtime::value as raw;

/// Upvalues: how many arguments are bound, the function, the arguments.
const BOUND: Native = native!("?", call_bound, yieldable, private_upvalues);

fn call_bound(call: &mut Call<'_>) -> NativeResult {
    let bound = call.upvalue(1).as_integer().unwrap_or(0) as u32;
    call.shift_slots(1, bound + 1)?;
    for n in 1..=bound + 1 {
        let value = call.upvalue(n + 1);
        call.set_slot(n, value);
    }
    Ok(Action::TailCall {
        function: 1,
        args: call.top() - 1,
    })
}

impl Function {
    /// A function that calls this one with `args` in front of its own arguments.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let power: perilune::Function = lua.load("function(a, b) return a ^ b end").eval()?;
    /// let power_of_two = power.bind(2)?;
    /// assert_eq!(power_of_two.call::<i64>(10)?, 1024);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn bind(&self, args: impl IntoLuaMulti) -> Result<Function> {
        let lua = self.0.lua()?;
        let args = args.into_lua_multi(&lua)?;
        let mut upvalues = vec![raw::Value::integer(args.len() as i64), self.0.raw()];
        for value in &args {
            upvalues.push(value.to_raw(&lua.state)?);
        }
        // SAFETY: values of this state, which the handles keep alive.
        let upvalues = upvalues
            .into_iter()
            .map(|value| unsafe { Local::from_raw(value) });
        let upvalues: Vec<Local<'_>> = upvalues.collect();
        let mut made = raw::Value::NIL;
        lua.with_call(|call| {
            made = call.new_closure(BOUND, &upvalues)?.raw();
            Ok(())
        })?;
        // Nothing has collected since it was made.
        Ok(Function(Handle::new(&lua.state, made)))
    }
}
