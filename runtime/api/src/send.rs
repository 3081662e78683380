//! What must be `Send` where a state is (feature `send`), and need not be otherwise.

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
