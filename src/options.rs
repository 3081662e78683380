//! Options of a state, engine modes among them: the one switchboard behind `-j` on the command
//! line and `PERILUNE_JIT` in the environment.

use std::fmt;

/// How a state is set up.
///
/// ```
/// let options = perilune::Options::new().with_mode("off")?.with_mode("gc=stress=100")?;
/// let lua = perilune::Lua::with_options(&options)?;
/// lua.load(b"assert(1 + 1 == 2)").exec()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) reads_environment: bool,
    pub(crate) jit: bool,
    pub(crate) gc_stress: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            reads_environment: true,
            jit: true,
            gc_stress: None,
        }
    }
}

/// A word that is no engine mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMode(String);

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown engine mode '{}' (known: off, on, gc=stress[=N])",
            self.0
        )
    }
}

impl std::error::Error for UnknownMode {}

impl Options {
    /// The defaults: environment variables are read, hot paths are compiled.
    pub fn new() -> Options {
        Options::default()
    }

    /// Keeps the libraries from reading environment variables (`LUA_PATH` and its kin).
    #[must_use]
    pub fn without_environment(mut self) -> Options {
        self.reads_environment = false;
        self
    }

    /// Sets one engine mode; what it says overrides what earlier ones said.
    ///
    /// # Errors
    /// When there is no such mode.
    pub fn with_mode(mut self, mode: &str) -> Result<Options, UnknownMode> {
        match mode {
            "off" => self.jit = false,
            "on" => self.jit = true,
            "gc=stress" => self.gc_stress = Some(1),
            _ => {
                let interval = mode.strip_prefix("gc=stress=").and_then(|n| n.parse().ok());
                let interval = interval.filter(|&n: &u32| n > 0);
                self.gc_stress = Some(interval.ok_or_else(|| UnknownMode(mode.to_owned()))?);
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn modes_are_read() {
        let options = Options::new()
            .with_mode("off")
            .and_then(|o| o.with_mode("gc=stress=9"));
        let options = options.expect("known modes");
        assert!(!options.jit);
        assert_eq!(options.gc_stress, Some(9));
        for bad in ["", "fast", "gc=stress=", "gc=stress=0", "gc=stress=x"] {
            assert!(Options::new().with_mode(bad).is_err(), "{bad}");
        }
    }
}
