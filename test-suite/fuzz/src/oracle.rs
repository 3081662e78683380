//! What the two sides of a comparison can do: features that programs may need.

use std::collections::BTreeSet;

/// Every feature that kits and probes name.
const ALL: &[&str] = &["slow"];

/// The features that generated programs may use.
#[derive(Clone, Debug)]
pub(crate) struct Features(BTreeSet<&'static str>);

impl Features {
    /// What every campaign uses: programs of a few milliseconds.
    pub(crate) fn usual() -> Features {
        Features(ALL.iter().copied().filter(|&name| name != "slow").collect())
    }

    /// Everything.
    pub(crate) fn all_of_them() -> Features {
        Features(ALL.iter().copied().collect())
    }

    /// Whether all of `needs` are there.
    pub(crate) fn all(&self, needs: &[&str]) -> bool {
        needs.iter().all(|name| self.0.contains(name))
    }
}
