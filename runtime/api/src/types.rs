//! Small types of the interface: numbers, light userdata, and one of two things.

use std::ffi::c_void;

/// A Lua integer.
pub type Integer = i64;
/// A Lua float.
pub type Number = f64;

/// A light userdata: an address, which Lua only compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LightUserData(pub *mut c_void);

#[cfg(feature = "send")]
// SAFETY: it is an address; whoever follows it answers for that.
unsafe impl Send for LightUserData {}
#[cfg(feature = "send")]
// SAFETY: likewise.
unsafe impl Sync for LightUserData {}

/// One of two things: as a parameter it takes what is an `L`, or else an `R`.
///
/// ```
/// use perilune::{Either, Lua};
/// let lua = Lua::new();
/// let either: Either<i64, String> = lua.load("'text'").eval()?;
/// assert_eq!(either, Either::Right("text".to_owned()));
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Either<L, R> {
    /// The first.
    Left(L),
    /// The second.
    Right(R),
}

impl<L, R> Either<L, R> {
    /// The first, if it is that.
    pub fn left(self) -> Option<L> {
        match self {
            Either::Left(left) => Some(left),
            Either::Right(_) => None,
        }
    }

    /// The second, if it is that.
    pub fn right(self) -> Option<R> {
        match self {
            Either::Left(_) => None,
            Either::Right(right) => Some(right),
        }
    }

    /// Whether it is the first.
    pub fn is_left(&self) -> bool {
        matches!(self, Either::Left(_))
    }

    /// Whether it is the second.
    pub fn is_right(&self) -> bool {
        matches!(self, Either::Right(_))
    }

    /// The first or second, by reference.
    pub fn as_ref(&self) -> Either<&L, &R> {
        match self {
            Either::Left(left) => Either::Left(left),
            Either::Right(right) => Either::Right(right),
        }
    }

    /// What `left` or `right` makes of it.
    pub fn either<T>(self, left: impl FnOnce(L) -> T, right: impl FnOnce(R) -> T) -> T {
        match self {
            Either::Left(value) => left(value),
            Either::Right(value) => right(value),
        }
    }
}
