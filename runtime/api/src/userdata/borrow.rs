//! Borrows of the values in userdata, for the time of a call.
//!
//! Invariant: a [`Lease`] stands for one use of the userdata (`Userdata::uses`): while it lives, the
//! value is neither moved nor dropped, and a mutable reference to it is the only one.

use crate::{Error, Result};
use perilune_runtime::userdata::{Contents, Userdata};
use std::cell::Cell;
#[cfg(not(feature = "send"))]
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};

/// A use of a userdata's value.
pub(crate) struct Lease(*mut Userdata);

impl Lease {
    /// Begins a shared use.
    ///
    /// # Safety
    /// The userdata lives as long as the lease.
    #[inline(always)]
    pub(crate) unsafe fn shared(userdata: *mut Userdata) -> Result<Lease> {
        // SAFETY: the caller's contract.
        if unsafe { Userdata::share(userdata) } {
            Ok(Lease(userdata))
        } else {
            Err(Error::UserDataBorrowError)
        }
    }

    /// Begins an exclusive use.
    ///
    /// # Safety
    /// As [`Lease::shared`].
    #[inline(always)]
    pub(super) unsafe fn exclusive(userdata: *mut Userdata) -> Result<Lease> {
        // SAFETY: the caller's contract.
        if unsafe { Userdata::exclude(userdata) } {
            Ok(Lease(userdata))
        } else {
            Err(Error::UserDataBorrowMutError)
        }
    }
}

impl Drop for Lease {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the userdata lives, and this use was begun.
        unsafe { Userdata::end_use(self.0) }
    }
}

/// Calls a function with the value of a userdata that holds it in a shared pointer.
type WithShared = unsafe fn(*mut Userdata, &mut dyn FnMut(*const ())) -> Result<()>;
/// Likewise, with exclusive access.
type WithExclusive = unsafe fn(*mut Userdata, &mut dyn FnMut(*mut ())) -> Result<()>;

/// The only userdata of a registry; null when its scope has ended.
pub(crate) type OnlyUserdata = Rc<Cell<*const Userdata>>;

/// In which userdata a registry's methods find their value.
#[derive(Clone)]
pub(crate) enum Target {
    /// In those of the type, and those with shared pointers to the type.
    Type(&'static Contents, WithShared, WithExclusive),
    /// In one.
    One(OnlyUserdata),
}

impl Target {
    /// The userdata of type `T`.
    pub(crate) fn of<T: 'static>() -> Target {
        Target::Type(Contents::of::<T>(), with_shared::<T>, with_exclusive::<T>)
    }

    /// The value, if the userdata holds it itself.
    ///
    /// # Safety
    /// The userdata is live, and `T` is the type of the target.
    #[inline(always)]
    unsafe fn place<T>(&self, userdata: *mut Userdata) -> Result<Option<*mut T>> {
        // SAFETY: the caller's contract.
        unsafe {
            if (*userdata).value.is_null() {
                return Err(Error::UserDataDestructed);
            }
            Ok(self.is_own(userdata).then_some((*userdata).value.cast()))
        }
    }

    /// The value that the userdata holds itself, and a shared use of it.
    ///
    /// # Errors
    /// There is none, or it is being changed: [`Target::share`] says what it is.
    ///
    /// # Safety
    /// The userdata lives as long as the lease, and `T` is the type of the target.
    #[inline(always)]
    pub(super) unsafe fn own_shared<T>(
        &self,
        userdata: *mut Userdata,
    ) -> std::result::Result<(*const T, Lease), ()> {
        // SAFETY: the caller's contract.
        unsafe {
            if !self.is_own(userdata) || (*userdata).value.is_null() || !Userdata::share(userdata) {
                return Err(());
            }
            Ok(((*userdata).value.cast_const().cast(), Lease(userdata)))
        }
    }

    /// Likewise, and an exclusive use.
    ///
    /// # Errors
    /// As [`Target::own_shared`].
    ///
    /// # Safety
    /// As [`Target::own_shared`].
    #[inline(always)]
    pub(super) unsafe fn own_exclusive<T>(
        &self,
        userdata: *mut Userdata,
    ) -> std::result::Result<(*mut T, Lease), ()> {
        // SAFETY: the caller's contract.
        unsafe {
            if !self.is_own(userdata) || (*userdata).value.is_null() || !Userdata::exclude(userdata)
            {
                return Err(());
            }
            Ok(((*userdata).value.cast(), Lease(userdata)))
        }
    }

    /// Whether the userdata holds a value of the target's type itself.
    ///
    /// # Safety
    /// The userdata is live.
    #[inline(always)]
    unsafe fn is_own(&self, userdata: *const Userdata) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            match self {
                Target::Type(contents, ..) => {
                    std::ptr::eq((*userdata).contents, *contents)
                        || (*userdata).contents.type_id() == contents.type_id()
                }
                Target::One(one) => std::ptr::eq(userdata, one.get()),
            }
        }
    }

    /// Calls `f` with the value.
    ///
    /// # Errors
    /// The userdata has no such value, or it is being changed.
    ///
    /// # Safety
    /// The userdata lives until `f` returns, and `T` is the type of the target.
    #[inline(always)]
    pub(crate) unsafe fn share<T, R>(
        &self,
        userdata: *mut Userdata,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R> {
        // SAFETY: the caller's contract; the lease keeps the value in place.
        unsafe {
            if let Some(value) = self.place::<T>(userdata)? {
                let _lease = Lease::shared(userdata)?;
                return Ok(f(&*value));
            }
            let Target::Type(_, with, _) = self else {
                return Err(Error::UserDataTypeMismatch);
            };
            let (mut f, mut result) = (Some(f), None);
            with(userdata, &mut |value| {
                result = f.take().map(|f| f(&*value.cast::<T>()));
            })?;
            result.ok_or(Error::UserDataTypeMismatch)
        }
    }

    /// Calls `f` with the value, to be changed.
    ///
    /// # Errors
    /// The userdata has no such value, or it is in use, or shared.
    ///
    /// # Safety
    /// As [`Target::share`].
    #[inline(always)]
    pub(crate) unsafe fn exclude<T, R>(
        &self,
        userdata: *mut Userdata,
        f: impl FnOnce(&mut T) -> R,
    ) -> Result<R> {
        // SAFETY: the caller's contract; the lease keeps the value in place and others away.
        unsafe {
            if let Some(value) = self.place::<T>(userdata)? {
                let _lease = Lease::exclusive(userdata)?;
                return Ok(f(&mut *value));
            }
            let Target::Type(_, _, with) = self else {
                return Err(Error::UserDataTypeMismatch);
            };
            let (mut f, mut result) = (Some(f), None);
            with(userdata, &mut |value| {
                result = f.take().map(|f| f(&mut *value.cast::<T>()));
            })?;
            result.ok_or(Error::UserDataTypeMismatch)
        }
    }
}

/// # Safety
/// The userdata lives until `f` returns.
unsafe fn with_shared<T: 'static>(
    userdata: *mut Userdata,
    f: &mut dyn FnMut(*const ()),
) -> Result<()> {
    // SAFETY: the caller's contract; the lease keeps the pointer in place.
    unsafe {
        #[cfg(not(feature = "send"))]
        {
            if let Some(shared) = Userdata::value_of::<Rc<T>>(userdata).as_ref() {
                let _lease = Lease::shared(userdata)?;
                f((&raw const **shared).cast());
                return Ok(());
            }
            if let Some(shared) = Userdata::value_of::<Rc<RefCell<T>>>(userdata).as_ref() {
                let _lease = Lease::shared(userdata)?;
                let value = shared
                    .try_borrow()
                    .map_err(|_| Error::UserDataBorrowError)?;
                f((&raw const *value).cast());
                return Ok(());
            }
        }
        if let Some(shared) = Userdata::value_of::<Arc<T>>(userdata).as_ref() {
            let _lease = Lease::shared(userdata)?;
            f((&raw const **shared).cast());
            return Ok(());
        }
        if let Some(shared) = Userdata::value_of::<Arc<Mutex<T>>>(userdata).as_ref() {
            let _lease = Lease::shared(userdata)?;
            let value = shared.try_lock().map_err(|_| Error::UserDataBorrowError)?;
            f((&raw const *value).cast());
            return Ok(());
        }
        if let Some(shared) = Userdata::value_of::<Arc<RwLock<T>>>(userdata).as_ref() {
            let _lease = Lease::shared(userdata)?;
            let value = shared.try_read().map_err(|_| Error::UserDataBorrowError)?;
            f((&raw const *value).cast());
            return Ok(());
        }
        #[cfg(feature = "userdata-wrappers")]
        {
            type Mutex<T> = Arc<parking_lot::Mutex<T>>;
            type RwLock<T> = Arc<parking_lot::RwLock<T>>;
            if let Some(shared) = Userdata::value_of::<Mutex<T>>(userdata).as_ref() {
                let _lease = Lease::shared(userdata)?;
                let value = shared.try_lock().ok_or(Error::UserDataBorrowError)?;
                f((&raw const *value).cast());
                return Ok(());
            }
            if let Some(shared) = Userdata::value_of::<RwLock<T>>(userdata).as_ref() {
                let _lease = Lease::shared(userdata)?;
                let value = shared.try_read().ok_or(Error::UserDataBorrowError)?;
                f((&raw const *value).cast());
                return Ok(());
            }
        }
        Err(Error::UserDataTypeMismatch)
    }
}

/// # Safety
/// The userdata lives until `f` returns.
unsafe fn with_exclusive<T: 'static>(
    userdata: *mut Userdata,
    f: &mut dyn FnMut(*mut ()),
) -> Result<()> {
    let refused = || Error::UserDataBorrowMutError;
    // SAFETY: the caller's contract; the lease keeps the pointer in place and others away.
    unsafe {
        #[cfg(not(feature = "send"))]
        {
            if let Some(shared) = Userdata::value_of::<Rc<T>>(userdata).as_mut() {
                let _lease = Lease::exclusive(userdata)?;
                f((&raw mut *Rc::get_mut(shared).ok_or_else(refused)?).cast());
                return Ok(());
            }
            if let Some(shared) = Userdata::value_of::<Rc<RefCell<T>>>(userdata).as_ref() {
                let _lease = Lease::exclusive(userdata)?;
                let mut value = shared.try_borrow_mut().map_err(|_| refused())?;
                f((&raw mut *value).cast());
                return Ok(());
            }
        }
        if let Some(shared) = Userdata::value_of::<Arc<T>>(userdata).as_mut() {
            let _lease = Lease::exclusive(userdata)?;
            f((&raw mut *Arc::get_mut(shared).ok_or_else(refused)?).cast());
            return Ok(());
        }
        if let Some(shared) = Userdata::value_of::<Arc<Mutex<T>>>(userdata).as_ref() {
            let _lease = Lease::exclusive(userdata)?;
            let mut value = shared.try_lock().map_err(|_| refused())?;
            f((&raw mut *value).cast());
            return Ok(());
        }
        if let Some(shared) = Userdata::value_of::<Arc<RwLock<T>>>(userdata).as_ref() {
            let _lease = Lease::exclusive(userdata)?;
            let mut value = shared.try_write().map_err(|_| refused())?;
            f((&raw mut *value).cast());
            return Ok(());
        }
        #[cfg(feature = "userdata-wrappers")]
        {
            type Mutex<T> = Arc<parking_lot::Mutex<T>>;
            type RwLock<T> = Arc<parking_lot::RwLock<T>>;
            if let Some(shared) = Userdata::value_of::<Mutex<T>>(userdata).as_ref() {
                let _lease = Lease::shared(userdata)?;
                let mut value = shared.try_lock().ok_or_else(refused)?;
                f((&raw mut *value).cast());
                return Ok(());
            }
            if let Some(shared) = Userdata::value_of::<RwLock<T>>(userdata).as_ref() {
                let _lease = Lease::shared(userdata)?;
                let mut value = shared.try_write().ok_or_else(refused)?;
                f((&raw mut *value).cast());
                return Ok(());
            }
        }
        Err(Error::UserDataTypeMismatch)
    }
}
