//! What must be `Send` or `Sync` where a state may go from thread to thread (feature `send`), and need not be
//! otherwise.

/// `Send` with the feature `send`; every type without it.
#[cfg(feature = "send")]
pub trait MaybeSend: Send {}
#[cfg(feature = "send")]
impl<T: Send + ?Sized> MaybeSend for T {}

/// `Send` with the feature `send`; every type without it.
#[cfg(not(feature = "send"))]
pub trait MaybeSend {}
#[cfg(not(feature = "send"))]
impl<T: ?Sized> MaybeSend for T {}

/// `Sync` with the feature `send`; every type without it.
#[cfg(feature = "send")]
pub trait MaybeSync: Sync {}
#[cfg(feature = "send")]
impl<T: Sync + ?Sized> MaybeSync for T {}

/// `Sync` with the feature `send`; every type without it.
#[cfg(not(feature = "send"))]
pub trait MaybeSync {}
#[cfg(not(feature = "send"))]
impl<T: ?Sized> MaybeSync for T {}
