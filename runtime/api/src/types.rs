//! Small types of the interface: numbers, light userdata, and one of two things.

use std::ffi::c_void;

/// A Lua integer.
///
/// ```
/// use perilune::{Integer, Value};
/// let largest: Integer = perilune::Lua::new().load("math.maxinteger").eval()?;
/// assert_eq!(largest, Integer::MAX);
/// # Ok::<(), perilune::Error>(())
/// ```
pub type Integer = i64;
/// A Lua float.
///
/// ```
/// use perilune::{Number, Value};
/// let n: Number = perilune::Lua::new().load("1 / 4").eval()?;
/// assert_eq!(n, 0.25);
/// # Ok::<(), perilune::Error>(())
/// ```
pub type Number = f64;

/// A light userdata: an address, which Lua only compares.
///
/// ```
/// use perilune::LightUserData;
/// let lua = perilune::Lua::new();
/// let mut buffer = [0_u8; 16];
/// let address = LightUserData(buffer.as_mut_ptr().cast());
/// lua.globals().set("buffer", address)?;
/// assert_eq!(lua.globals().get::<LightUserData>("buffer")?, address);
/// # Ok::<(), perilune::Error>(())
/// ```
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
    ///
    /// ```
    /// use perilune::Either;
    /// let either: Either<i64, &str> = Either::Left(7);
    /// assert!(either.is_left() && !either.is_right());
    /// assert_eq!((either.left(), either.right()), (Some(7), None));
    /// assert_eq!(either.as_ref().left(), Some(&7));
    /// assert_eq!(either.either(|n| n as usize, str::len), 7);
    /// ```
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
