//! What must be `Send` or `Sync` where a state may go from thread to thread (feature `send`), and need not be
//! otherwise.

/// `Send` with the feature `send`; every type without it.
///
/// ```
/// use perilune::{Lua, MaybeSend};
/// /// Compiles with the feature and without.
/// fn global<T: perilune::IntoLua + Clone + MaybeSend + 'static>(lua: &Lua, value: T) -> perilune::Result<()> {
///     let get = lua.create_function(move |_, ()| Ok(value.clone()))?;
///     lua.globals().set("get", get)
/// }
/// let lua = Lua::new();
/// global(&lua, 7)?;
/// assert_eq!(lua.load("get()").eval::<i64>()?, 7);
/// # Ok::<(), perilune::Error>(())
/// ```
#[cfg(feature = "send")]
pub trait MaybeSend: Send {}
#[cfg(feature = "send")]
impl<T: Send + ?Sized> MaybeSend for T {}

/// `Send` with the feature `send`; every type without it.
///
/// ```
/// use perilune::{Lua, MaybeSend};
/// /// Compiles with the feature and without.
/// fn global<T: perilune::IntoLua + Clone + MaybeSend + 'static>(lua: &Lua, value: T) -> perilune::Result<()> {
///     let get = lua.create_function(move |_, ()| Ok(value.clone()))?;
///     lua.globals().set("get", get)
/// }
/// let lua = Lua::new();
/// global(&lua, 7)?;
/// assert_eq!(lua.load("get()").eval::<i64>()?, 7);
/// # Ok::<(), perilune::Error>(())
/// ```
#[cfg(not(feature = "send"))]
pub trait MaybeSend {}
#[cfg(not(feature = "send"))]
impl<T: ?Sized> MaybeSend for T {}

/// `Sync` with the feature `send`; every type without it.
///
/// ```
/// use perilune::{AnyUserData, Lua, MaybeSend, MaybeSync};
/// /// Compiles with the feature and without.
/// fn keep<T: MaybeSend + MaybeSync + 'static>(lua: &Lua, value: T) -> perilune::Result<()> {
///     lua.globals().set("kept", AnyUserData::wrap(value))
/// }
/// let lua = Lua::new();
/// keep(&lua, vec![1, 2])?;
/// assert!(lua.globals().get::<AnyUserData>("kept")?.is::<Vec<i32>>());
/// # Ok::<(), perilune::Error>(())
/// ```
#[cfg(feature = "send")]
pub trait MaybeSync: Sync {}
#[cfg(feature = "send")]
impl<T: Sync + ?Sized> MaybeSync for T {}

/// `Sync` with the feature `send`; every type without it.
///
/// ```
/// use perilune::{AnyUserData, Lua, MaybeSend, MaybeSync};
/// /// Compiles with the feature and without.
/// fn keep<T: MaybeSend + MaybeSync + 'static>(lua: &Lua, value: T) -> perilune::Result<()> {
///     lua.globals().set("kept", AnyUserData::wrap(value))
/// }
/// let lua = Lua::new();
/// keep(&lua, vec![1, 2])?;
/// assert!(lua.globals().get::<AnyUserData>("kept")?.is::<Vec<i32>>());
/// # Ok::<(), perilune::Error>(())
/// ```
#[cfg(not(feature = "send"))]
pub trait MaybeSync {}
#[cfg(not(feature = "send"))]
impl<T: ?Sized> MaybeSync for T {}
