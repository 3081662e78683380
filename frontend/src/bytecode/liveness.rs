//! Register liveness by backward dataflow.

/// Which registers are live where.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Liveness {}
