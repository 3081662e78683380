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
pub type Result<T> = std::result::Result<T, Error>;

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
    MemoryError,
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
    /// A Rust value could not become a Lua value.
    ToLuaConversionError {
        /// The Rust type.
        from: String,
        /// The Lua type that was wanted.
        to: &'static str,
        /// More, if there is more to say.
        message: Option<String>,
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
    /// The state of a callback is being closed, or its scope has ended.
    CallbackDestructed,
    /// A userdata holds a value of another type.
    UserDataTypeMismatch,
    /// The value of a userdata was taken or dropped.
    UserDataDestructed,
    /// The value of a userdata is borrowed mutably: a method that changes it has called back.
    UserDataBorrowError,
    /// The value of a userdata is borrowed, or shared, and can't be borrowed mutably.
    UserDataBorrowMutError,
    /// A metamethod that programs may not set or see: `__gc`, `__metatable`.
    MetaMethodRestricted(String),
    /// A metamethod (`__index`, `__newindex`) is of a type that it can't have.
    MetaMethodTypeError {
        /// The metamethod.
        method: String,
        /// The Lua type that was found.
        type_name: &'static str,
        /// More, if there is more to say.
        message: Option<String>,
    },
    /// A callback that needs its captures for itself was called from within its own call.
    RecursiveMutCallback,
    /// A callback returned an error.
    CallbackError {
        /// The stack at the place where the callback was called.
        traceback: String,
        /// What it returned.
        cause: Arc<Error>,
    },
    /// A limit that ended the program, and that it could not catch.
    LimitReached(Limit),
    /// An error of the embedder's own kind.
    ExternalError(Arc<dyn StdError + Send + Sync>),
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
    pub fn runtime(message: impl fmt::Display) -> Error {
        Error::RuntimeError(message.to_string())
    }

    /// An error of the embedder's own kind; an [`Error`] stays what it is.
    pub fn external(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        let error = error.into();
        match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => Error::ExternalError(error.into()),
        }
    }

    /// The external error of type `T` in this one, if there is one.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        match self {
            Error::ExternalError(error) => error.downcast_ref(),
            Error::CallbackError { cause, .. }
            | Error::WithContext { cause, .. }
            | Error::BadArgument { cause, .. } => cause.downcast_ref(),
            _ => None,
        }
    }

    /// The error without the places it came through.
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

/// Adds to an error, or to the error of a result, what was being done.
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
pub trait ExternalError {
    /// The [`Error`].
    fn into_lua_err(self) -> Error;
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> ExternalError for E {
    fn into_lua_err(self) -> Error {
        Error::external(self)
    }
}

/// Makes the error of a result an [`Error`].
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

impl From<Raised> for Error {
    fn from(raised: Raised) -> Error {
        if let Some(limit) = raised.limit {
            return Error::LimitReached(limit);
        }
        if raised.out_of_memory {
            return Error::MemoryError;
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
            Error::MemoryError => write!(f, "not enough memory"),
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
            Error::ToLuaConversionError { from, to, message } => {
                write!(f, "error converting {from} to Lua {to}")?;
                more(f, message)
            }
            Error::FromLuaConversionError { from, to, message } => {
                write!(f, "error converting Lua {from} to {to}")?;
                more(f, message)
            }
            Error::LimitReached(limit) => write!(f, "limit reached: {}", limit.text()),
            Error::CallbackDestructed => write!(f, "the callback's state is being closed"),
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
            Error::RecursiveMutCallback => write!(f, "mutable callback called recursively"),
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

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::CallbackError { cause, .. } => Some(&**cause),
            Error::ExternalError(error) => error.source(),
            Error::WithContext { cause, .. } | Error::BadArgument { cause, .. } => Some(&**cause),
            _ => None,
        }
    }
}
