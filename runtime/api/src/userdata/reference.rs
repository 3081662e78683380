//! References to the values in userdata that live as long as one likes.
//!
//! Invariant: a reference keeps its state open, its userdata alive as a root, and its value in place by a
//! use (see `Userdata::uses`), which counts among `Userdata::references`: the userdata may be destroyed
//! meanwhile, and the value then lives on until the last reference is gone.

use crate::convert::bad_argument;
use crate::handle::{root, unroot};
use crate::stack::Slot;
use crate::state::Owner;
use crate::{AnyUserData, Error, FromLua, Lua, Result, Value};
#[cfg(feature = "userdata-wrappers")]
use parking_lot::{Mutex, RwLock};
use perilune_runtime::userdata::{Access, Userdata};
use perilune_runtime::value as raw;
#[cfg(not(feature = "send"))]
use std::cell::{Ref, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};
#[cfg(not(feature = "send"))]
use std::rc::Rc;
use std::sync::Arc;

// SAFETY: what is held is let go by a thread that has entered the state. A value in a userdata of its own, or
// behind an `Arc`, is `Sync`, or it would not be there (`MaybeSync`); what is behind a lock is this reference's
// alone, or `Sync`. The guards of these locks may be dropped by any thread (parking_lot's `send_guard`).
#[cfg(feature = "send")]
unsafe impl<T: Send> Send for UserDataRef<T> {}
// SAFETY: as above, and it gives no more than `&T`.
#[cfg(feature = "send")]
unsafe impl<T: Send + Sync> Sync for UserDataRef<T> {}
// SAFETY: as above; nobody else has the value meanwhile.
#[cfg(feature = "send")]
unsafe impl<T: Send> Send for UserDataRefMut<T> {}
// SAFETY: as above; a shared reference to it gives no more than `&T`.
#[cfg(feature = "send")]
unsafe impl<T: Send + Sync> Sync for UserDataRefMut<T> {}

/// A lock that is held as long as a reference lives.
#[cfg(feature = "userdata-wrappers")]
trait Locked {}
#[cfg(feature = "userdata-wrappers")]
impl<T> Locked for T {}

/// A use that counts as a reference.
struct Held {
    raw: *mut Userdata,
    /// The userdata's index in `Vm::handles`.
    root: usize,
    /// Keeps the state open.
    lua: Lua,
}

impl Held {
    /// Begins a use.
    ///
    /// # Errors
    /// The value is in use otherwise.
    ///
    /// # Safety
    /// The userdata is live, and one of the state, which the caller has entered.
    #[inline(always)]
    unsafe fn new(lua: &Lua, raw: *mut Userdata, is_exclusive: bool) -> Result<Held> {
        // SAFETY: the caller's contract.
        unsafe {
            if is_exclusive {
                if !Userdata::exclude(raw) {
                    return Err(Error::UserDataBorrowMutError);
                }
            } else if !Userdata::share(raw) {
                return Err(Error::UserDataBorrowError);
            }
            (*raw).references += 1;
            Ok(Held {
                raw,
                root: root(&mut *lua.state.vm(), raw::Value::userdata(raw)),
                lua: lua.clone(),
            })
        }
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        let entered = self.lua.enter();
        // SAFETY: the root keeps the userdata alive; the use was begun, and the state is open.
        unsafe {
            (*self.raw).references -= 1;
            Userdata::end_use(self.raw);
            unroot(&mut *entered.vm(), self.root);
        }
    }
}

/// The userdata with the value, if anyone may keep references to that.
fn referable(userdata: &AnyUserData) -> Result<(*mut Userdata, Owner<'_>)> {
    let (raw, lua) = userdata.userdata()?;
    // SAFETY: the handle keeps the userdata alive.
    unsafe {
        if (*raw).value.is_null() {
            return Err(Error::UserDataDestructed);
        }
        if (*raw).access != Access::Owned {
            return Err(Error::UserDataTypeMismatch);
        }
    }
    Ok((raw, lua))
}

/// The userdata in a slot that has a `T` of its own to which anyone may keep references, and that value.
#[inline]
fn own_value<T: 'static>(slot: &Slot<'_>) -> Option<(*mut Userdata, *mut T)> {
    let value = slot.raw();
    if value.tag != raw::USERDATA {
        return None;
    }
    let userdata: *mut Userdata = value.as_pointer();
    // SAFETY: the slot keeps the userdata alive.
    unsafe {
        let place = Userdata::value_of::<T>(userdata);
        (!place.is_null() && (*userdata).access == Access::Owned).then_some((userdata, place))
    }
}

/// The userdata that a value is.
fn userdata_of<T>(value: Value) -> Result<AnyUserData> {
    match value {
        Value::UserData(userdata) => Ok(userdata),
        other => {
            let why = format!("expected userdata of type {}", std::any::type_name::<T>());
            Err(Error::from_lua(other.type_name(), "userdata", Some(&why)))
        }
    }
}

/// A borrowed value of a userdata. As an argument of a callback it takes userdata of this type, and
/// those that hold a `Rc<T>`, `Rc<RefCell<T>>` or `Arc<T>`.
///
/// ```
/// use perilune::{Lua, UserData, UserDataRef};
///
/// struct Name(String);
/// impl UserData for Name {}
///
/// let lua = Lua::new();
/// let greet = lua.create_function(|_, name: UserDataRef<Name>| Ok(format!("hello {}", name.0)))?;
/// assert_eq!(greet.call::<String>(Name("Lua".to_owned()))?, "hello Lua");
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct UserDataRef<T: 'static> {
    value: *const T,
    // In this order they are dropped.
    #[cfg(not(feature = "send"))]
    _cell: Option<Ref<'static, T>>,
    #[cfg(feature = "userdata-wrappers")]
    _lock: Option<Box<dyn Locked>>,
    _held: Held,
}

impl<T: 'static> UserDataRef<T> {
    pub(super) fn new(userdata: &AnyUserData) -> Result<UserDataRef<T>> {
        let (raw, lua) = referable(userdata)?;
        let of = |value: *const T, held| UserDataRef {
            value,
            #[cfg(not(feature = "send"))]
            _cell: None,
            #[cfg(feature = "userdata-wrappers")]
            _lock: None,
            _held: held,
        };
        // SAFETY: the handle keeps the userdata alive. What is held keeps the value, or the shared
        // pointer to it, in place.
        unsafe {
            let value = Userdata::value_of::<T>(raw);
            if !value.is_null() {
                return Ok(of(value, Held::new(&lua, raw, false)?));
            }
            #[cfg(not(feature = "send"))]
            {
                if let Some(shared) = Userdata::value_of::<Rc<T>>(raw).as_ref() {
                    return Ok(of(&raw const **shared, Held::new(&lua, raw, false)?));
                }
                if let Some(shared) = Userdata::value_of::<Rc<RefCell<T>>>(raw).as_ref() {
                    let held = Held::new(&lua, raw, false)?;
                    let cell: Ref<'static, T> = shared
                        .try_borrow()
                        .map_err(|_| Error::UserDataBorrowError)?;
                    return Ok(UserDataRef {
                        value: &raw const *cell,
                        _cell: Some(cell),
                        #[cfg(feature = "userdata-wrappers")]
                        _lock: None,
                        _held: held,
                    });
                }
            }
            if let Some(shared) = Userdata::value_of::<Arc<T>>(raw).as_ref() {
                return Ok(of(&raw const **shared, Held::new(&lua, raw, false)?));
            }
            #[cfg(feature = "userdata-wrappers")]
            {
                let refused = || Error::UserDataBorrowError;
                let locked = |value, lock, held| UserDataRef {
                    value,
                    #[cfg(not(feature = "send"))]
                    _cell: None,
                    _lock: Some(lock),
                    _held: held,
                };
                if let Some(shared) = Userdata::value_of::<Arc<Mutex<T>>>(raw).as_ref() {
                    let held = Held::new(&lua, raw, false)?;
                    let lock = shared.try_lock_arc().ok_or_else(refused)?;
                    return Ok(locked(&raw const *lock, Box::new(lock), held));
                }
                if let Some(shared) = Userdata::value_of::<Arc<RwLock<T>>>(raw).as_ref() {
                    let held = Held::new(&lua, raw, false)?;
                    let lock = shared.try_read_arc().ok_or_else(refused)?;
                    return Ok(locked(&raw const *lock, Box::new(lock), held));
                }
            }
        }
        Err(Error::UserDataTypeMismatch)
    }
}

impl<T> Deref for UserDataRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: what is held keeps the value in place, and nobody changes it.
        unsafe { &*self.value }
    }
}

impl<T: fmt::Debug> fmt::Debug for UserDataRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for UserDataRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: 'static> FromLua for UserDataRef<T> {
    fn from_lua(value: Value, _: &Lua) -> Result<UserDataRef<T>> {
        userdata_of::<T>(value)?.borrow()
    }

    #[inline(always)]
    fn from_slot(slot: Slot<'_>) -> Result<UserDataRef<T>> {
        let Some((userdata, value)) = own_value::<T>(&slot) else {
            return UserDataRef::from_lua(slot.value(), slot.lua());
        };
        Ok(UserDataRef {
            value,
            #[cfg(not(feature = "send"))]
            _cell: None,
            #[cfg(feature = "userdata-wrappers")]
            _lock: None,
            // SAFETY: the slot keeps the userdata alive, which is one of its state.
            _held: unsafe { Held::new(slot.lua(), userdata, false)? },
        })
    }

    /// Inlined, as moving a reference about costs as much as making it.
    #[inline(always)]
    fn from_slot_arg(slot: Slot<'_>, pos: usize, to: Option<&str>) -> Result<UserDataRef<T>> {
        match UserDataRef::from_slot(slot) {
            Ok(reference) => Ok(reference),
            Err(cause) => Err(bad_argument(cause, pos, to)),
        }
    }
}

/// A mutably borrowed value of a userdata; takes those that hold a `Rc<RefCell<T>>`, too.
///
/// ```
/// use perilune::{Lua, UserData, UserDataRefMut};
/// struct Count(u32);
/// impl UserData for Count {}
/// let lua = Lua::new();
/// let next = lua.create_function(|_, mut count: UserDataRefMut<Count>| {
///     count.0 += 1;
///     Ok(count.0)
/// })?;
/// lua.globals().set("count", Count(1))?;
/// assert_eq!(lua.load("local next = ... return next(count) + next(count)").call::<u32>(next)?, 5);
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct UserDataRefMut<T: 'static> {
    value: *mut T,
    // In this order they are dropped.
    #[cfg(not(feature = "send"))]
    _cell: Option<RefMut<'static, T>>,
    #[cfg(feature = "userdata-wrappers")]
    _lock: Option<Box<dyn Locked>>,
    _held: Held,
}

impl<T: 'static> UserDataRefMut<T> {
    pub(super) fn new(userdata: &AnyUserData) -> Result<UserDataRefMut<T>> {
        let (raw, lua) = referable(userdata)?;
        // SAFETY: as in `UserDataRef::new`, with the value for the reference alone.
        unsafe {
            let value = Userdata::value_of::<T>(raw);
            if !value.is_null() {
                return Ok(UserDataRefMut {
                    value,
                    #[cfg(not(feature = "send"))]
                    _cell: None,
                    #[cfg(feature = "userdata-wrappers")]
                    _lock: None,
                    _held: Held::new(&lua, raw, true)?,
                });
            }
            #[cfg(not(feature = "send"))]
            {
                if let Some(shared) = Userdata::value_of::<Rc<RefCell<T>>>(raw).as_ref() {
                    let held = Held::new(&lua, raw, true)?;
                    let mut cell: RefMut<'static, T> = shared
                        .try_borrow_mut()
                        .map_err(|_| Error::UserDataBorrowMutError)?;
                    return Ok(UserDataRefMut {
                        value: &raw mut *cell,
                        _cell: Some(cell),
                        #[cfg(feature = "userdata-wrappers")]
                        _lock: None,
                        _held: held,
                    });
                }
                if !Userdata::value_of::<Rc<T>>(raw).is_null() {
                    return Err(Error::UserDataBorrowMutError);
                }
            }
            if !Userdata::value_of::<Arc<T>>(raw).is_null() {
                return Err(Error::UserDataBorrowMutError);
            }
            #[cfg(feature = "userdata-wrappers")]
            {
                let refused = || Error::UserDataBorrowMutError;
                let locked = |value, lock, held| UserDataRefMut {
                    value,
                    #[cfg(not(feature = "send"))]
                    _cell: None,
                    _lock: Some(lock),
                    _held: held,
                };
                if let Some(shared) = Userdata::value_of::<Arc<Mutex<T>>>(raw).as_ref() {
                    let held = Held::new(&lua, raw, true)?;
                    let mut lock = shared.try_lock_arc().ok_or_else(refused)?;
                    return Ok(locked(&raw mut *lock, Box::new(lock), held));
                }
                if let Some(shared) = Userdata::value_of::<Arc<RwLock<T>>>(raw).as_ref() {
                    let held = Held::new(&lua, raw, true)?;
                    let mut lock = shared.try_write_arc().ok_or_else(refused)?;
                    return Ok(locked(&raw mut *lock, Box::new(lock), held));
                }
            }
        }
        Err(Error::UserDataTypeMismatch)
    }
}

impl<T> Deref for UserDataRefMut<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: what is held keeps the value in place, and others away.
        unsafe { &*self.value }
    }
}

impl<T> DerefMut for UserDataRefMut<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`.
        unsafe { &mut *self.value }
    }
}

impl<T: fmt::Debug> fmt::Debug for UserDataRefMut<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for UserDataRefMut<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: 'static> FromLua for UserDataRefMut<T> {
    fn from_lua(value: Value, _: &Lua) -> Result<UserDataRefMut<T>> {
        userdata_of::<T>(value)?.borrow_mut()
    }

    #[inline(always)]
    fn from_slot(slot: Slot<'_>) -> Result<UserDataRefMut<T>> {
        let Some((userdata, value)) = own_value::<T>(&slot) else {
            return UserDataRefMut::from_lua(slot.value(), slot.lua());
        };
        Ok(UserDataRefMut {
            value,
            #[cfg(not(feature = "send"))]
            _cell: None,
            #[cfg(feature = "userdata-wrappers")]
            _lock: None,
            // SAFETY: the slot keeps the userdata alive, which is one of its state.
            _held: unsafe { Held::new(slot.lua(), userdata, true)? },
        })
    }

    /// Inlined, as moving a reference about costs as much as making it.
    #[inline(always)]
    fn from_slot_arg(slot: Slot<'_>, pos: usize, to: Option<&str>) -> Result<UserDataRefMut<T>> {
        match UserDataRefMut::from_slot(slot) {
            Ok(reference) => Ok(reference),
            Err(cause) => Err(bad_argument(cause, pos, to)),
        }
    }
}

/// A value taken out of a userdata, which is destructed then: for arguments that are consumed.
///
/// ```
/// use perilune::{Lua, UserData, UserDataOwned};
/// struct Ticket(u32);
/// impl UserData for Ticket {}
/// let lua = Lua::new();
/// let hand_in = lua.create_function(|_, ticket: UserDataOwned<Ticket>| Ok(ticket.0.0))?;
/// let ticket = lua.create_userdata(Ticket(7))?;
/// assert_eq!(hand_in.call::<u32>(&ticket)?, 7);
/// assert!(hand_in.call::<u32>(&ticket).is_err()); // it is gone
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct UserDataOwned<T>(pub T);

impl<T> Deref for UserDataOwned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for UserDataOwned<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for UserDataOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for UserDataOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: 'static> FromLua for UserDataOwned<T> {
    fn from_lua(value: Value, _: &Lua) -> Result<UserDataOwned<T>> {
        userdata_of::<T>(value)?.take().map(UserDataOwned)
    }
}
