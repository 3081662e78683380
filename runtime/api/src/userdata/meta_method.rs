//! Names of metamethods.

use crate::{Error, Result};
use std::fmt;

macro_rules! meta_methods {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What the metatable of a userdata type may have.
        ///
        /// There is no `__gc` among them: a type implements `Drop` instead.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum MetaMethod { $($(#[$doc])* $name),* }

        impl MetaMethod {
            /// The field's name, with its two underscores.
            ///
            /// ```
            /// use perilune::MetaMethod;
            /// assert_eq!(MetaMethod::IDiv.name(), "__idiv");
            /// assert_eq!(MetaMethod::Add.to_string(), "__add");
            /// assert!("__len" == MetaMethod::Len);
            /// ```
            pub const fn name(self) -> &'static str {
                match self { $(MetaMethod::$name => $text),* }
            }
        }
    };
}
meta_methods! {
    /// `a + b`
    Add = "__add";
    /// `a - b`
    Sub = "__sub";
    /// `a * b`
    Mul = "__mul";
    /// `a / b`
    Div = "__div";
    /// `a % b`
    Mod = "__mod";
    /// `a ^ b`
    Pow = "__pow";
    /// `-a`
    Unm = "__unm";
    /// `a // b`
    IDiv = "__idiv";
    /// `a & b`
    BAnd = "__band";
    /// `a | b`
    BOr = "__bor";
    /// `a ~ b`
    BXor = "__bxor";
    /// `~a`
    BNot = "__bnot";
    /// `a << b`
    Shl = "__shl";
    /// `a >> b`
    Shr = "__shr";
    /// `a .. b`
    Concat = "__concat";
    /// `#a`
    Len = "__len";
    /// `a == b`
    Eq = "__eq";
    /// `a < b`
    Lt = "__lt";
    /// `a <= b`
    Le = "__le";
    /// `a[key]`, where there is neither a field nor a method of that name.
    Index = "__index";
    /// `a[key] = value`, where there is no field of that name.
    NewIndex = "__newindex";
    /// `a(...)`
    Call = "__call";
    /// What `tostring` and `print` ask.
    ToString = "__tostring";
    /// What `{:#?}` asks before `__tostring`.
    ToDebugString = "__todebugstring";
    /// What `pairs` asks.
    Pairs = "__pairs";
    /// What happens when a to-be-closed variable goes out of scope.
    Close = "__close";
    /// The name of the type as messages and `tostring` have it; a string, not a function.
    Type = "__name";
}

impl MetaMethod {
    /// The name, unless nobody but the state may set it.
    pub(crate) fn validate(name: &str) -> Result<&str> {
        match name {
            "__gc" | "__metatable" => Err(Error::MetaMethodRestricted(name.to_owned())),
            name => Ok(name),
        }
    }
}

impl PartialEq<MetaMethod> for &str {
    fn eq(&self, other: &MetaMethod) -> bool {
        *self == other.name()
    }
}

impl PartialEq<MetaMethod> for String {
    fn eq(&self, other: &MetaMethod) -> bool {
        self == other.name()
    }
}

impl fmt::Display for MetaMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl AsRef<str> for MetaMethod {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl From<MetaMethod> for String {
    fn from(method: MetaMethod) -> String {
        method.name().to_owned()
    }
}
