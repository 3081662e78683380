//! Errors as the embedder sees them.

use std::fmt;

/// A result of the embedding interface.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation of the embedding interface failed.
#[derive(Clone, Debug)]
pub enum Error {
    /// The text of a chunk is not valid Lua, or a binary chunk is damaged.
    SyntaxError {
        /// The message, with its position.
        message: String,
        /// Whether the text ended too early, so that more of it might mend it.
        incomplete_input: bool,
    },
    /// A Lua error.
    RuntimeError {
        /// The error object as text: its own if it is a string or number or has `__tostring`.
        message: String,
        /// The stack at the point of the error.
        traceback: Option<String>,
    },
    /// Memory ran out, or the memory limit was reached.
    MemoryError,
    /// A value was of another type than asked for.
    ConversionError {
        /// The Lua type that was found.
        from: &'static str,
        /// What was asked for.
        to: &'static str,
    },
}

/// A Lua error as it left the engine: its object and exact texts.
#[derive(Clone, Debug)]
pub struct Raised {
    /// The error object.
    pub object: super::Value,
    /// Its text: its own if it is a string or number or has `__tostring`.
    pub message: Vec<u8>,
    /// The stack at the point of the error, if it was asked for and the object has no text of its
    /// own making.
    pub traceback: Option<Vec<u8>>,
    /// Whether memory ran out.
    pub out_of_memory: bool,
}

impl From<Raised> for Error {
    fn from(raised: Raised) -> Error {
        if raised.out_of_memory {
            return Error::MemoryError;
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Error::RuntimeError {
            message: text(raised.message),
            traceback: raised.traceback.map(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::SyntaxError { message, .. } => write!(f, "{message}"),
            Error::RuntimeError {
                message,
                traceback: Some(traceback),
            } => {
                write!(f, "{message}\n{traceback}")
            }
            Error::RuntimeError {
                message,
                traceback: None,
            } => write!(f, "{message}"),
            Error::MemoryError => write!(f, "not enough memory"),
            Error::ConversionError { from, to } => write!(f, "cannot convert {from} to {to}"),
        }
    }
}

impl std::error::Error for Error {}
