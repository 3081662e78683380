//! Options of a state, engine modes among them: the one switchboard behind `-j` on the command
//! line and `PERILUNE_JIT` in the environment.

use crate::{LuaOptions, StdLib};
use perilune_frontend::bytecode::list::list;
use perilune_frontend::bytecode::proto::Proto;
use perilune_frontend::show;
use perilune_runtime::report::Report;
use std::fmt;
use std::path::Path;

/// How a state is set up.
///
/// ```
/// let options = perilune::Options::new().with_mode("off")?.with_mode("gc=stress=100")?;
/// let lua = perilune::Lua::with_options(&options)?;
/// lua.load("assert(1 + 1 == 2)").exec()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) reads_environment: bool,
    pub(crate) libraries: StdLib,
    pub(crate) lua: LuaOptions,
    pub(crate) jit: bool,
    #[cfg(feature = "jit")]
    pub(crate) tracing: perilune_tracejit::Options,
    /// How the compiler's statistics are wanted at the end: as JSON or not.
    pub(crate) statistics: Option<bool>,
    pub(crate) gc_stress: Option<u32>,
    pub(crate) failing_allocation: Option<u64>,
    /// What to print of every chunk that is loaded.
    pub(crate) chunks: ChunkDump,
    /// Where that, and what is printed of traces, goes.
    pub(crate) report: Report,
}

/// Stages of compiling a chunk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChunkDump {
    pub(crate) tokens: bool,
    pub(crate) ast: bool,
    pub(crate) bytecode: bool,
}

impl ChunkDump {
    pub(crate) fn is_wanted(self) -> bool {
        self.tokens || self.ast || self.bytecode
    }

    /// Tells of a chunk.
    pub(crate) fn tell(self, report: &Report, source: &[u8], name: &[u8], proto: &Proto) {
        let title = String::from_utf8_lossy(name.split(|&b| b == b'\n').next().unwrap_or(name));
        let is_text = source.first() != Some(&0x1b);
        if self.tokens && is_text {
            let tokens = show::tokens(source);
            report.add(&format!("-- tokens of {title}\n{tokens}\n"));
        }
        if self.ast
            && is_text
            && let Ok(tree) = show::tree(source, name)
        {
            report.add(&format!("-- syntax tree of {title}\n{tree}\n"));
        }
        if self.bytecode {
            let listing = list(proto, true);
            report.add(&format!("-- bytecode of {title}\n{listing}\n"));
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            reads_environment: true,
            libraries: StdLib::ALL,
            lua: LuaOptions::new(),
            jit: true,
            #[cfg(feature = "jit")]
            tracing: perilune_tracejit::Options::default(),
            statistics: None,
            gc_stress: None,
            failing_allocation: None,
            chunks: ChunkDump::default(),
            report: Report::default(),
        }
    }
}

/// A word that is no engine mode, or one that can't be.
///
/// ```
/// use perilune::{Options, UnknownMode};
/// let refused: UnknownMode = Options::new().with_mode("faster").unwrap_err();
/// assert!(refused.to_string().contains("faster"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMode {
    mode: String,
    reason: Option<String>,
}

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = &self.mode;
        if let Some(reason) = &self.reason {
            return write!(f, "engine mode '{mode}': {reason}");
        }
        write!(
            f,
            "unknown engine mode '{mode}' (known: off, on, hot=N, exit=N, maxtrace=N, regs=N, \
             deopt=N, code=N, opt=0, -PASS, +PASS, eval, record-only, verify, dump=STAGE+..., \
             dump-to=FILE, stats[=json], gc=stress[=N], alloc=fail=N)"
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

    /// Sets which libraries are opened; all of them are otherwise. The basic functions are always there.
    #[must_use]
    pub fn libraries(mut self, libraries: StdLib) -> Options {
        self.libraries = libraries;
        self
    }

    /// Sets what [`LuaOptions`] are about.
    ///
    /// ```
    /// use perilune::{Lua, LuaOptions, Options, StdLib};
    /// let options = Options::new()
    ///     .without_environment()
    ///     .libraries(StdLib::STRING)
    ///     .lua_options(LuaOptions::new().catch_rust_panics(false));
    /// let lua = Lua::with_options(&options)?;
    /// assert!(lua.load("os == nil and string ~= nil").eval::<bool>()?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[must_use]
    pub fn lua_options(mut self, options: LuaOptions) -> Options {
        self.lua = options;
        self
    }

    /// Sets one engine mode; what it says overrides what earlier ones said.
    ///
    /// # Errors
    /// When there is no such mode.
    pub fn with_mode(mut self, mode: &str) -> Result<Options, UnknownMode> {
        let unknown = || UnknownMode {
            mode: mode.to_owned(),
            reason: None,
        };
        let parts = match mode.split_once('=') {
            // A file's name may have any signs.
            Some(("dump-to", file)) => Some(("dump-to", file)),
            _ => mode.rsplit_once('='),
        };
        match parts {
            None if mode == "off" => self.jit = false,
            None if mode == "on" => self.jit = true,
            None if mode == "stats" => self.want_statistics(false),
            Some(("stats", "json")) => self.want_statistics(true),
            Some(("gc", "stress")) => self.gc_stress = Some(1),
            Some(("gc=stress", n)) => self.gc_stress = Some(positive(n).ok_or_else(unknown)?),
            Some(("alloc=fail", n)) => {
                self.failing_allocation = Some(u64::from(positive(n).ok_or_else(unknown)?));
            }
            Some(("dump", stages)) => {
                for stage in stages.split('+') {
                    if !self.set_dump(stage) {
                        return Err(unknown());
                    }
                }
            }
            Some(("dump-to", file)) => {
                let report = Report::to_file(Path::new(file)).map_err(|error| UnknownMode {
                    mode: mode.to_owned(),
                    reason: Some(error.to_string()),
                })?;
                self.report = report;
            }
            _ if self.set_tracing(mode) => {}
            _ => return Err(unknown()),
        }
        Ok(self)
    }

    /// Whether statistics of the compiler are wanted at the end, and then whether as JSON.
    ///
    /// ```
    /// use perilune::Options;
    /// assert_eq!(Options::new().wanted_statistics(), None);
    /// let options = Options::new().with_mode("stats=json")?;
    /// assert_eq!(options.wanted_statistics(), Some(true));
    /// # Ok::<(), perilune::UnknownMode>(())
    /// ```
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

    fn set_dump(&mut self, stage: &str) -> bool {
        match stage {
            "tokens" => self.chunks.tokens = true,
            "ast" => self.chunks.ast = true,
            "bytecode" => self.chunks.bytecode = true,
            _ => {
                #[cfg(feature = "jit")]
                return self.tracing.dump.set(stage);
                #[cfg(not(feature = "jit"))]
                return false;
            }
        }
        true
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
    use crate::Options;

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
            "dump",
            "dump=",
            "dump=irr",
            "dump=ir+",
            "dump-to=",
            "dump-to=/no/such/folder/x",
            "-nopass",
            "regs=2",
            "maxtrace=0",
        ] {
            assert!(Options::new().with_mode(bad).is_err(), "{bad}");
        }
    }
}
