//! Argument checks.
