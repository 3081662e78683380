//! Tests of the compiler: the code it makes for single constructs, and what programs do when a
//! small evaluator executes their bytecode.

mod evaluate;
mod listing;
mod programs;
