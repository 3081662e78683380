//! Errors as the embedder sees them.
//!
//! A Rust error that a callback returns travels through Lua as an error object and comes back as
//! the same error: [`Error::CallbackError`] holds it as its cause, with the traceback at the place
//! where the callback was called.

use perilune_runtime::error::Limit;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// A result of the embedding interface.
///
/// ```
/// use perilune::{Lua, Result};
/// fn answer(lua: &Lua) -> Result<i64> {
///     lua.load("6 * 7").eval()
/// }
/// assert_eq!(answer(&Lua::new())?, 42);
/// # Ok::<(), perilune::Error>(())
/// ```
pub type Result<T> = std::result::Result<T, Error>;

/// Errors of other kinds than ours, as [`Error::ExternalError`] holds them: shared with other
/// threads where they need be.
type OtherError = dyn StdError + Send + Sync;

/// What running out of memory is called.
pub(crate) const NO_MEMORY: &str = "not enough memory";

/// Why an operation of the embedding interface failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The text of a chunk is not valid Lua, or a binary chunk is damaged.
    SyntaxError {
        /// The message, with its position.
        message: String,
        /// Whether the text ended too early, so that more of it might mend it.
        incomplete_input: bool,
    },
    /// A Lua error: the error object as text (its own if it is a string or number or has
    /// `__tostring`), and the stack at the point of the error behind it.
    RuntimeError(String),
    /// Memory ran out, or the memory limit was reached.
    MemoryError(String),
    /// What was asked for is not allowed in a safe state.
    SafetyError(String),
    /// Memory can't be limited. A state of our own always can be, so this never happens; the variant is
    /// there for programs that name it.
    MemoryControlNotAvailable,
    /// A callback that needs its captures for itself was called from within its own call.
    RecursiveMutCallback,
    /// A callback, or what it belongs to, is gone: its scope has ended, or its state is being closed.
    CallbackDestructed,
    /// There is no room on the stack for so many arguments or results.
    StackError,
    /// Too many arguments for [`crate::Function::bind`].
    BindError,
    /// An argument of a callback was not what it takes.
    BadArgument {
        /// The function, if known.
        to: Option<String>,
        /// The argument's number, from 1.
        pos: usize,
        /// The argument's name, if known.
        name: Option<String>,
        /// Why it was refused.
        cause: Arc<Error>,
    },
    /// A Lua value could not become a Rust value.
    FromLuaConversionError {
        /// The Lua type that was found.
        from: &'static str,
        /// The Rust type that was wanted.
        to: String,
        /// More, if there is more to say.
        message: Option<String>,
    },
    /// A coroutine was resumed that has ended, has failed, or is running.
    CoroutineUnresumable,
    /// A userdata does not hold a value of the type that was asked for.
    UserDataTypeMismatch,
    /// The value of a userdata is gone: taken, or dropped at the end of its scope.
    UserDataDestructed,
    /// The value of a userdata is borrowed for writing, and can't be borrowed.
    UserDataBorrowError,
    /// The value of a userdata is borrowed, and can't be borrowed for writing.
    UserDataBorrowMutError,
    /// A metamethod that a program may not set, by its name.
    MetaMethodRestricted(String),
    /// A metamethod is of a type that it can't have.
    MetaMethodTypeError {
        /// Its name.
        method: String,
        /// The type that it has.
        type_name: &'static str,
        /// More, if there is more to say.
        message: Option<String>,
    },
    /// A [`crate::RegistryKey`] belongs to another state.
    MismatchedRegistryKey,
    /// A callback returned an error.
    CallbackError {
        /// The stack at the place where the callback was called.
        traceback: String,
        /// What it returned.
        cause: Arc<Error>,
    },
    /// Lua code raised the error object of a panic again, after the panic had gone on in Rust.
    PreviouslyResumedPanic,
    /// A Rust value could not be serialized to a Lua value, or a Lua value not to another form.
    #[cfg(feature = "serde")]
    SerializeError(String),
    /// A Rust value could not be made of a Lua value.
    #[cfg(feature = "serde")]
    DeserializeError(String),
    /// A limit that ended the program, and that it could not catch.
    LimitReached(Limit),
    /// An error of the embedder's own kind.
    ExternalError(Arc<OtherError>),
    /// An error, and what was being done.
    WithContext {
        /// What was being done.
        context: String,
        /// The error.
        cause: Arc<Error>,
    },
}

impl Error {
    /// A Lua error with a message.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let fail = lua.create_function(|_, ()| Err::<(), _>(perilune::Error::runtime("no luck")))?;
    /// let message: String = lua.load("local _, e = pcall(...) return tostring(e)").call(fail)?;
    /// assert!(message.starts_with("runtime error: no luck"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn runtime(message: impl fmt::Display) -> Error {
        Error::RuntimeError(message.to_string())
    }

    /// An error of the embedder's own kind; an [`Error`] stays what it is.
    pub fn external(error: impl Into<Box<OtherError>>) -> Error {
        let error = error.into();
        match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => Error::ExternalError(error.into()),
        }
    }

    /// The external error, with or without context, if it is one and of type `T`. Where an error came
    /// through a callback, [`Error::chain`] leads to it.
    ///
    /// ```
    /// use perilune::{Error, ErrorContext};
    /// let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
    /// let error = Error::external(missing).context("reading the settings");
    /// assert!(error.downcast_ref::<std::io::Error>().is_some());
    /// assert!(error.downcast_ref::<std::fmt::Error>().is_none());
    /// ```
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        match self {
            Error::ExternalError(error) => error.downcast_ref(),
            Error::WithContext { cause, .. } => cause.downcast_ref(),
            _ => None,
        }
    }

    /// This error, and the ones within, from the outside in. What an external error is comes in its
    /// own place.
    ///
    /// ```
    /// use perilune::{Error, ErrorContext};
    /// let error = Error::external("too large").context("reading the size");
    /// let texts: Vec<String> = error.chain().map(|error| error.to_string()).collect();
    /// assert_eq!(texts, ["reading the size\ntoo large", "too large"]);
    /// ```
    pub fn chain(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        std::iter::successors(Some(named(self)), |error| {
            match error.downcast_ref::<Error>()? {
                Error::BadArgument { cause, .. }
                | Error::CallbackError { cause, .. }
                | Error::WithContext { cause, .. } => Some(named(cause)),
                _ => None,
            }
        })
    }

    /// The error without the places it came through.
    ///
    /// ```
    /// use perilune::{Error, ErrorContext};
    /// let error = Error::runtime("no").context("asking");
    /// assert_eq!(error.parent().map(|error| error.to_string()), Some("runtime error: no".to_owned()));
    /// ```
    pub fn parent(&self) -> Option<&Error> {
        match self {
            Error::CallbackError { cause, .. } | Error::WithContext { cause, .. } => Some(cause),
            _ => None,
        }
    }

    /// What a method is that was called for something it does not belong to.
    pub(crate) fn bad_self_argument(to: &str, cause: Error) -> Error {
        Error::BadArgument {
            to: Some(to.to_owned()),
            pos: 1,
            name: Some("self".to_owned()),
            cause: Arc::new(cause),
        }
    }

    /// Memory ran out.
    pub(crate) fn memory() -> Error {
        Error::MemoryError(NO_MEMORY.to_owned())
    }

    /// The state of a handle is gone.
    pub(crate) fn state_is_gone() -> Error {
        Error::RuntimeError("Lua instance is destroyed".to_owned())
    }

    /// The limit that ended the program, if that is the error or its cause.
    pub(crate) fn limit(&self) -> Option<Limit> {
        match self {
            Error::LimitReached(limit) => Some(*limit),
            Error::CallbackError { cause, .. } | Error::WithContext { cause, .. } => cause.limit(),
            _ => None,
        }
    }

    /// What a failed conversion from Lua is.
    pub(crate) fn from_lua(from: &'static str, to: &str, message: Option<&str>) -> Error {
        Error::FromLuaConversionError {
            from,
            to: to.to_owned(),
            message: message.map(str::to_owned),
        }
    }
}

/// The error, or what it is if it is an external one.
fn named(error: &Error) -> &(dyn StdError + 'static) {
    match error {
        Error::ExternalError(other) => &**other,
        error => error,
    }
}

/// Adds to an error, or to the error of a result, what was being done.
///
/// ```
/// use perilune::{Error, ErrorContext};
/// let parsed = "x".parse::<i64>().map_err(Error::external);
/// let error = parsed.with_context(|error| format!("a bad size: {error}")).unwrap_err();
/// assert!(error.to_string().starts_with("a bad size: invalid digit"));
/// ```
pub trait ErrorContext: Sized {
    /// Adds `context`.
    #[must_use]
    fn context<C: fmt::Display>(self, context: C) -> Self;

    /// Adds what `f` says of the error.
    #[must_use]
    fn with_context<C: fmt::Display>(self, f: impl FnOnce(&Error) -> C) -> Self;
}

impl ErrorContext for Error {
    fn context<C: fmt::Display>(self, context: C) -> Self {
        let context = context.to_string();
        match self {
            // As with mlua, the context that is added last is the one that counts.
            Error::WithContext { cause, .. } => Error::WithContext { context, cause },
            cause => Error::WithContext {
                context,
                cause: Arc::new(cause),
            },
        }
    }

    fn with_context<C: fmt::Display>(self, f: impl FnOnce(&Error) -> C) -> Self {
        let context = f(&self);
        self.context(context.to_string())
    }
}

impl<T> ErrorContext for Result<T> {
    fn context<C: fmt::Display>(self, context: C) -> Self {
        self.map_err(|error| error.context(context))
    }

    fn with_context<C: fmt::Display>(self, f: impl FnOnce(&Error) -> C) -> Self {
        self.map_err(|error| error.with_context(f))
    }
}

/// Makes an [`Error`] of any error.
///
/// ```
/// use perilune::{Error, ExternalError, ExternalResult};
/// fn size(text: &str) -> perilune::Result<u32> {
///     text.parse().into_lua_err()
/// }
/// assert!(matches!(size("x"), Err(Error::ExternalError(_))));
/// assert!(matches!("no".into_lua_err(), Error::ExternalError(_)));
/// assert_eq!(size("7")?, 7);
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait ExternalError {
    /// The [`Error`].
    fn into_lua_err(self) -> Error;
}

impl<E: Into<Box<OtherError>>> ExternalError for E {
    fn into_lua_err(self) -> Error {
        Error::external(self)
    }
}

/// Makes the error of a result an [`Error`].
///
/// ```
/// use perilune::{ExternalResult, Lua};
/// let lua = perilune::Lua::new();
/// let parse = lua.create_function(|_, text: String| text.parse::<u8>().into_lua_err())?;
/// assert_eq!(parse.call::<u8>("7")?, 7);
/// assert!(parse.call::<u8>("777").is_err());
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait ExternalResult<T> {
    /// The result.
    ///
    /// # Errors
    /// The same error, as an [`Error`].
    fn into_lua_err(self) -> Result<T>;
}

impl<T, E: ExternalError> ExternalResult<T> for std::result::Result<T, E> {
    fn into_lua_err(self) -> Result<T> {
        self.map_err(ExternalError::into_lua_err)
    }
}

/// A Lua error as it left the engine: its object and exact texts.
///
/// ```
/// use perilune::{Raised, Value};
/// let lua = perilune::Lua::new();
/// let fail = lua.load("error({})").into_function()?;
/// let Raised { object, message, traceback, .. } = fail.call_raw(&[], true).unwrap_err();
/// assert!(object.is_table());
/// assert!(message.starts_with(b"(error object is a table value)"));
/// assert!(traceback.is_none());
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Raised {
    /// The error object.
    pub object: crate::Value,
    /// Its text: its own if it is a string or number or has `__tostring`.
    pub message: Vec<u8>,
    /// The stack at the point of the error, if it was asked for and the object has no text of its
    /// own making.
    pub traceback: Option<Vec<u8>>,
    /// Whether memory ran out.
    pub out_of_memory: bool,
    /// The limit that ended the program, if that is why.
    pub limit: Option<Limit>,
}

impl From<Error> for Raised {
    fn from(error: Error) -> Raised {
        Raised {
            message: error.to_string().into_bytes(),
            out_of_memory: matches!(error, Error::MemoryError(_)),
            limit: error.limit(),
            object: crate::Value::Error(Box::new(error)),
            traceback: None,
        }
    }
}

impl From<Raised> for Error {
    fn from(raised: Raised) -> Error {
        if let Some(limit) = raised.limit {
            return Error::LimitReached(limit);
        }
        if raised.out_of_memory {
            return Error::memory();
        }
        if let crate::Value::Error(error) = raised.object {
            return *error;
        }
        let mut text = String::from_utf8_lossy(&raised.message).into_owned();
        if let Some(traceback) = raised.traceback {
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(&traceback));
        }
        Error::RuntimeError(text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = |f: &mut fmt::Formatter<'_>, message: &Option<String>| match message {
            Some(message) => write!(f, " ({message})"),
            None => Ok(()),
        };
        match self {
            Error::SyntaxError { message, .. } => write!(f, "syntax error: {message}"),
            Error::RuntimeError(message) => write!(f, "runtime error: {message}"),
            Error::MemoryError(message) => write!(f, "memory error: {message}"),
            Error::SafetyError(message) => write!(f, "safety error: {message}"),
            Error::MemoryControlNotAvailable => write!(f, "memory control is not available"),
            Error::RecursiveMutCallback => write!(f, "mutable callback called recursively"),
            Error::CallbackDestructed => {
                write!(
                    f,
                    "a destructed callback or destructed userdata method was called"
                )
            }
            Error::StackError => write!(f, "out of Lua stack, too many arguments or results"),
            Error::BindError => write!(f, "too many arguments to Function::bind"),
            Error::BadArgument {
                to,
                pos,
                name,
                cause,
            } => {
                write!(f, "bad argument ")?;
                match name {
                    Some(name) => write!(f, "`{name}`")?,
                    None => write!(f, "#{pos}")?,
                }
                if let Some(to) = to {
                    write!(f, " to `{to}`")?;
                }
                write!(f, ": {cause}")
            }
            Error::FromLuaConversionError { from, to, message } => {
                write!(f, "error converting Lua {from} to {to}")?;
                more(f, message)
            }
            Error::CoroutineUnresumable => write!(f, "coroutine is non-resumable"),
            Error::UserDataTypeMismatch => write!(f, "userdata is not expected type"),
            Error::UserDataDestructed => write!(f, "userdata has been destructed"),
            Error::UserDataBorrowError => write!(f, "error borrowing userdata"),
            Error::UserDataBorrowMutError => write!(f, "error mutably borrowing userdata"),
            Error::MetaMethodRestricted(method) => write!(f, "metamethod {method} is restricted"),
            Error::MetaMethodTypeError {
                method,
                type_name,
                message,
            } => {
                write!(f, "metamethod {method} has unsupported type {type_name}")?;
                more(f, message)
            }
            Error::MismatchedRegistryKey => write!(f, "RegistryKey used from different Lua state"),
            Error::PreviouslyResumedPanic => write!(f, "previously resumed panic returned again"),
            #[cfg(feature = "serde")]
            Error::SerializeError(message) => write!(f, "serialize error: {message}"),
            #[cfg(feature = "serde")]
            Error::DeserializeError(message) => write!(f, "deserialize error: {message}"),
            Error::LimitReached(limit) => write!(f, "limit reached: {}", limit.text()),
            Error::CallbackError { traceback, cause } => {
                // The innermost traceback shows all of the stack.
                let (mut cause, mut traceback) = (cause, traceback);
                while let Error::CallbackError {
                    cause: inner,
                    traceback: at,
                } = &**cause
                {
                    (cause, traceback) = (inner, at);
                }
                write!(f, "{cause}\n{traceback}")
            }
            Error::ExternalError(error) => error.fmt(f),
            Error::WithContext { context, cause } => write!(f, "{context}\n{cause}"),
        }
    }
}

/// As the [`Error`] that it is, or as a foreign one (feature `anyhow`).
#[cfg(feature = "anyhow")]
impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Error {
        error.downcast().unwrap_or_else(Error::external)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The texts of the other variants contain what is within them.
            Error::ExternalError(error) => error.source(),
            Error::WithContext { cause, .. } => cause.source(),
            _ => None,
        }
    }
}

macro_rules! from_other_errors {
    ($($kind:ty)*) => {$(
        impl From<$kind> for Error {
            fn from(error: $kind) -> Error {
                Error::external(error)
            }
        }
    )*};
}
from_other_errors! { std::io::Error std::net::AddrParseError std::str::Utf8Error }

#[cfg(feature = "serde")]
impl ::serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error::SerializeError(message.to_string())
    }
}

#[cfg(feature = "serde")]
impl ::serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error::DeserializeError(message.to_string())
    }
}
