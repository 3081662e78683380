//! Native functions.

/// A native function (a placeholder until the interface lands).
pub type NativeFn = for<'a> fn(&'a mut ());
