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
    #[cfg(feature = "jit")]
    pub(crate) tracing: perilune_tracejit::Options,
    /// How the compiler's statistics are wanted at the end: as JSON or not.
    pub(crate) statistics: Option<bool>,
    pub(crate) gc_stress: Option<u32>,
    pub(crate) failing_allocation: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            reads_environment: true,
            jit: true,
            #[cfg(feature = "jit")]
            tracing: perilune_tracejit::Options::default(),
            statistics: None,
            gc_stress: None,
            failing_allocation: None,
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
            "unknown engine mode '{}' (known: off, on, hot=N, exit=N, maxtrace=N, regs=N, deopt=N, opt=0, -PASS, +PASS, eval, record-only, \
             verify, dump=STAGE+..., stats[=json], gc=stress[=N], alloc=fail=N)",
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
        let unknown = || UnknownMode(mode.to_owned());
        match mode.rsplit_once('=') {
            None if mode == "off" => self.jit = false,
            None if mode == "on" => self.jit = true,
            None if mode == "stats" => self.want_statistics(false),
            Some(("stats", "json")) => self.want_statistics(true),
            Some(("gc", "stress")) => self.gc_stress = Some(1),
            Some(("gc=stress", n)) => self.gc_stress = Some(positive(n).ok_or_else(unknown)?),
            Some(("alloc=fail", n)) => {
                self.failing_allocation = Some(u64::from(positive(n).ok_or_else(unknown)?));
            }
            _ if self.set_tracing(mode) => {}
            _ => return Err(unknown()),
        }
        Ok(self)
    }

    /// Whether statistics of the compiler are wanted at the end, and then whether as JSON.
    pub fn wanted_statistics(&self) -> Option<bool> {
        self.statistics
    }

    fn want_statistics(&mut self, json: bool) {
        self.statistics = Some(json);
        #[cfg(feature = "jit")]
        {
            self.tracing.statistics = true;
        }
    }

    #[cfg(feature = "jit")]
    fn set_tracing(&mut self, mode: &str) -> bool {
        self.tracing.set(mode)
    }
    #[cfg(not(feature = "jit"))]
    fn set_tracing(&mut self, _mode: &str) -> bool {
        false
    }
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|&n| n > 0)
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
        let options = Options::new().with_mode("alloc=fail=7");
        assert_eq!(options.expect("a mode").failing_allocation, Some(7));
        for bad in [
            "",
            "fast",
            "on=",
            "gc=stress=",
            "gc=stress=0",
            "gc=stress=x",
            "alloc=fail",
            "alloc=fail=0",
        ] {
            assert!(Options::new().with_mode(bad).is_err(), "{bad}");
        }
    }
}
