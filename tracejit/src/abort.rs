//! Why recordings are given up: every reason, in one table.
//!
//! Giving up never changes what the program does: recording is executing.

macro_rules! aborts {
    ($($name:ident = $text:literal;)*) => {
        /// Why a recording was given up.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Abort { $(#[doc = $text] $name),* }

        impl Abort {
            /// All reasons.
            pub const ALL: &'static [Abort] = &[$(Abort::$name),*];
            /// What it says in reports.
            pub fn text(self) -> &'static str { match self { $(Abort::$name => $text),* } }
        }
    };
}
aborts! {
    TooLong = "the trace would be too long";
    LeftLoop = "the loop was left";
    InnerLoop = "an inner loop runs often";
    Hook = "a hook was set";
    Fuel = "the fuel ran out";
    LeftRun = "the function that was called from Rust returned";
    Collection = "a collection freed what the trace relies on";
    ShortFunction = "the trace of a function would be short";
    Returns = "the function returns to whoever called its trace";
    MostlySteps = "the runtime would do most of the work";
    CodeFull = "no room for machine code";
    NotAssembled = "the code generator refused the trace";
}
