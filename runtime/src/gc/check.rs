//! The whole-heap checker.
