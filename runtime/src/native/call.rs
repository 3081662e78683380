//! What a native function sees of the machine during a step.

use std::marker::PhantomData;

/// A running step of a native function.
#[derive(Debug)]
pub struct Call<'c> {
    step: PhantomData<&'c ()>,
}
