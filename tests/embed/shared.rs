//! What tests share with callbacks: cells behind shared pointers; with the feature `send` such as may be sent, under
//! the same names.

#[cfg(feature = "send")]
pub(crate) use std::sync::Arc as Rc;
#[cfg(not(feature = "send"))]
pub(crate) use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// A cell that threads may share.
#[cfg(feature = "send")]
#[derive(Debug, Default)]
pub(crate) struct Cell<T>(parking_lot::Mutex<T>);

#[cfg(feature = "send")]
impl<T> Cell<T> {
    pub(crate) fn new(value: T) -> Cell<T> {
        Cell(parking_lot::Mutex::new(value))
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.lock() = value;
    }

    pub(crate) fn get(&self) -> T
    where
        T: Copy,
    {
        *self.0.lock()
    }
}

/// A cell that threads may share, and that is borrowed.
#[cfg(feature = "send")]
#[derive(Debug, Default)]
pub(crate) struct RefCell<T>(parking_lot::RwLock<T>);

#[cfg(feature = "send")]
impl<T> RefCell<T> {
    pub(crate) fn new(value: T) -> RefCell<T> {
        RefCell(parking_lot::RwLock::new(value))
    }

    pub(crate) fn borrow(&self) -> parking_lot::RwLockReadGuard<'_, T> {
        self.0.read_recursive()
    }

    pub(crate) fn borrow_mut(&self) -> parking_lot::RwLockWriteGuard<'_, T> {
        self.0.write()
    }

    pub(crate) fn take(&self) -> T
    where
        T: Default,
    {
        std::mem::take(&mut *self.0.write())
    }
}
