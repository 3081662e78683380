//! What a step of a native function asks the machine to do next.

/// For [`Action::ProtectedCall`]: errors are caught, but the message handler of the protected call
/// around this one hears of them.
pub const CALLERS_HANDLER: u32 = u32::MAX;

/// The state in which a function is run again after [`super::Call::retry_with_room`] had everything collected.
pub const RETRIED: u32 = u32::MAX;

/// What the machine does after a step. Slots are numbered from 1 (the first argument).
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Return `count` values from slot `first` on.
    Return {
        /// The first value.
        first: u32,
        /// How many.
        count: u32,
    },
    /// Call the value in slot `function` with the `args` values after it; then run this function
    /// again in `state`, with the results in slots from `function` on ([`CallResult`] tells how
    /// many) and the slots below untouched.
    Call {
        /// The slot of the function.
        function: u32,
        /// How many arguments follow it.
        args: u32,
        /// How many results are wanted; -1 for all.
        results: i32,
        /// The state in which to go on.
        state: u32,
    },
    /// As `Call`, but an error in the callee comes back as [`CallResult::Failed`], with the error
    /// object in slot `function`. With `handler`, slot 1... of that number holds a message handler
    /// that is called at the point of the error.
    ProtectedCall {
        /// The slot of the function.
        function: u32,
        /// How many arguments follow it.
        args: u32,
        /// Slot of the message handler; 0 for none, [`CALLERS_HANDLER`] for that of the protected
        /// call around this one. Must be 2 when there is one.
        handler: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// Return what the value in slot `function` returns for the `args` values after it.
    TailCall {
        /// The slot of the function.
        function: u32,
        /// How many arguments follow it.
        args: u32,
    },
    /// `slot[target] := slot[object][slot[key]]` with metamethods, then go on in `state`.
    /// Slots above `target` and above the highest operand are lost.
    Index {
        /// The slot of the indexed value.
        object: u32,
        /// The slot of the key.
        key: u32,
        /// The slot of the result.
        target: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// `slot[object][slot[key]] := slot[value]` with metamethods, then go on in `state`.
    SetIndex {
        /// The slot of the indexed value.
        object: u32,
        /// The slot of the key.
        key: u32,
        /// The slot of the value.
        value: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// `slot[target] := #slot[object]` with metamethods, then go on in `state`.
    Length {
        /// The slot of the value.
        object: u32,
        /// The slot of the result.
        target: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// `slot[target] := slot[left] < slot[right]` (a boolean) with metamethods, then go on.
    Less {
        /// The slot of the left operand.
        left: u32,
        /// The slot of the right operand.
        right: u32,
        /// The slot of the result.
        target: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// Arithmetic with metamethods: `slot[target] := slot[left] op slot[right]`, then go on.
    Arithmetic {
        /// The event that names the operation.
        event: crate::metatable::Event,
        /// The slot of the left operand.
        left: u32,
        /// The slot of the right operand.
        right: u32,
        /// The slot of the result.
        target: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// Run a step or cycle of the collector (and due finalisers), then go on in `state`.
    Collect {
        /// Whether a full cycle (else one step).
        full: bool,
        /// Size argument of a step as `collectgarbage("step", n)` has it.
        step: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// Change the collector's mode, then go on in `state` with [`CallResult::Returned`] of 1 if the
    /// mode before was generational, else of 0.
    SetCollectorMode {
        /// The mode to change to: generational or incremental.
        generational: bool,
        /// The mode's parameters as `collectgarbage` has them; 0 leaves one as it is.
        parameters: [i64; 3],
        /// The state in which to go on.
        state: u32,
    },
    /// Resume the coroutine in slot `thread` with the `args` values after it. When it yields or
    /// ends, go on in `state`: [`CallResult::Returned`] with its values from slot `thread` on, or
    /// [`CallResult::Failed`] with the error object in slot `thread`.
    Resume {
        /// The slot of the coroutine.
        thread: u32,
        /// How many arguments follow it.
        args: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// Yield `count` values from slot `first` on. When resumed, go on in `state` with the values
    /// passed to resume from slot `first` on.
    Yield {
        /// The first value.
        first: u32,
        /// How many.
        count: u32,
        /// The state in which to go on.
        state: u32,
    },
    /// Close the suspended or dead coroutine in slot `thread` (its pending to-be-closed
    /// variables); go on in `state` with [`CallResult::Returned`] or, if it was in error,
    /// [`CallResult::Failed`] and the error object in slot `thread`.
    CloseThread {
        /// The slot of the coroutine.
        thread: u32,
        /// The state in which to go on.
        state: u32,
    },
}

/// How the action that ended the previous step went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallResult {
    /// It gave this many values.
    Returned(u32),
    /// It failed; the error object is in the action's slot.
    Failed,
}
