//! Data that a program keeps with a state: one value of each type.
//!
//! Invariant: while any value is borrowed, none is put in or taken out, so values stay where they are.

use crate::lock::Entered;
use crate::{Lua, MaybeSend};
use std::any::{Any, TypeId};
use std::cell::{BorrowError, BorrowMutError, Cell, Ref, RefCell, RefMut, UnsafeCell};
use std::collections::HashMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The values of a state, by type.
#[derive(Default)]
pub(crate) struct AppData {
    values: UnsafeCell<HashMap<TypeId, RefCell<Box<dyn Any>>>>,
    /// How many borrows there are.
    borrows: Cell<usize>,
}

impl AppData {
    /// The values, to be changed, if none is borrowed.
    fn change<T>(&self, change: impl FnOnce(&mut Values) -> T) -> Option<T> {
        if self.borrows.get() != 0 {
            return None;
        }
        // SAFETY: nothing refers to the values, and `change` is ours: it runs no other code.
        Some(change(unsafe { &mut *self.values.get() }))
    }

    /// The value of type `T`.
    fn find<T: 'static>(&self) -> Option<&RefCell<Box<dyn Any>>> {
        // SAFETY: they are not changed while the reference is used: it is either borrowed from, or dropped
        // at once.
        unsafe { &*self.values.get() }.get(&TypeId::of::<T>())
    }

    /// Drops all values, as the state goes.
    pub(crate) fn clear(&self) {
        let values = self.change(std::mem::take);
        drop(values);
    }
}

type Values = HashMap<TypeId, RefCell<Box<dyn Any>>>;

/// What was under a type.
fn unwrap<T: 'static>(value: Option<RefCell<Box<dyn Any>>>) -> Option<T> {
    value?.into_inner().downcast().ok().map(|value| *value)
}

impl Lua {
    /// Keeps a value with the state; answers the one of its type that was there.
    ///
    /// ```
    /// struct Hits(u32);
    /// let lua = perilune::Lua::new();
    /// lua.set_app_data(Hits(0));
    /// let hit = lua.create_function(|lua, ()| {
    ///     if let Some(mut hits) = lua.app_data_mut::<Hits>() {
    ///         hits.0 += 1;
    ///     }
    ///     Ok(())
    /// })?;
    /// hit.call::<()>(())?;
    /// assert_eq!(lua.app_data_ref::<Hits>().map(|hits| hits.0), Some(1));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Panics
    /// While any value is borrowed.
    #[track_caller]
    pub fn set_app_data<T: MaybeSend + 'static>(&self, data: T) -> Option<T> {
        match self.try_set_app_data(data) {
            Ok(before) => before,
            Err(_) => panic!("cannot mutably borrow app data container"),
        }
    }

    /// Keeps a value with the state; answers the one of its type that was there.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.set_app_data(1_u8);
    /// let borrowed = lua.app_data_ref::<u8>();
    /// assert_eq!(lua.try_set_app_data("text"), Err("text"));
    /// drop(borrowed);
    /// assert_eq!(lua.try_set_app_data("text"), Ok(None));
    /// ```
    ///
    /// # Errors
    /// The value itself, while any value is borrowed.
    pub fn try_set_app_data<T: MaybeSend + 'static>(&self, data: T) -> Result<Option<T>, T> {
        let entered = self.enter();
        let app_data = &entered.app_data;
        if app_data.borrows.get() != 0 {
            return Err(data);
        }
        let data: Box<dyn Any> = Box::new(data);
        let before = app_data.change(|values| values.insert(TypeId::of::<T>(), RefCell::new(data)));
        Ok(unwrap(before.flatten()))
    }

    /// The value of type `T`.
    ///
    /// # Panics
    /// While it is borrowed mutably.
    #[track_caller]
    pub fn app_data_ref<T: 'static>(&self) -> Option<AppDataRef<'_, T>> {
        match self.try_app_data_ref() {
            Ok(data) => data,
            Err(error) => panic!("already mutably borrowed: {error:?}"),
        }
    }

    /// The value of type `T`.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.set_app_data(vec![1, 2]);
    /// let borrowed = lua.app_data_mut::<Vec<i32>>();
    /// assert!(lua.try_app_data_ref::<Vec<i32>>().is_err());
    /// assert!(lua.try_app_data_mut::<Vec<i32>>().is_err());
    /// drop(borrowed);
    /// assert_eq!(lua.try_app_data_ref::<Vec<i32>>().ok().flatten().map(|v| v.len()), Some(2));
    /// ```
    ///
    /// # Errors
    /// While it is borrowed mutably.
    pub fn try_app_data_ref<T: 'static>(&self) -> Result<Option<AppDataRef<'_, T>>, BorrowError> {
        let entered = self.enter();
        let app_data = &self.state.parts().app_data;
        let Some(cell) = app_data.find::<T>() else {
            return Ok(None);
        };
        let data = Ref::filter_map(cell.try_borrow()?, |data| data.downcast_ref::<T>());
        Ok(data.ok().map(|data| AppDataRef {
            data,
            _count: Count::new(&app_data.borrows),
            _entered: entered,
        }))
    }

    /// The value of type `T`, to be changed.
    ///
    /// # Panics
    /// While it is borrowed.
    #[track_caller]
    pub fn app_data_mut<T: 'static>(&self) -> Option<AppDataRefMut<'_, T>> {
        match self.try_app_data_mut() {
            Ok(data) => data,
            Err(error) => panic!("already borrowed: {error:?}"),
        }
    }

    /// The value of type `T`, to be changed.
    ///
    /// # Errors
    /// While it is borrowed.
    pub fn try_app_data_mut<T: 'static>(
        &self,
    ) -> Result<Option<AppDataRefMut<'_, T>>, BorrowMutError> {
        let entered = self.enter();
        let app_data = &self.state.parts().app_data;
        let Some(cell) = app_data.find::<T>() else {
            return Ok(None);
        };
        let data = RefMut::filter_map(cell.try_borrow_mut()?, |data| data.downcast_mut::<T>());
        Ok(data.ok().map(|data| AppDataRefMut {
            data,
            _count: Count::new(&app_data.borrows),
            _entered: entered,
        }))
    }

    /// Takes the value of type `T` away.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.set_app_data("kept");
    /// assert_eq!(lua.remove_app_data::<&str>(), Some("kept"));
    /// assert_eq!(lua.remove_app_data::<&str>(), None);
    /// ```
    ///
    /// # Panics
    /// While any value is borrowed.
    #[track_caller]
    pub fn remove_app_data<T: 'static>(&self) -> Option<T> {
        let entered = self.enter();
        let app_data = &entered.app_data;
        match app_data.change(|values| values.remove(&TypeId::of::<T>())) {
            Some(value) => unwrap(value),
            None => panic!("cannot mutably borrow app data container"),
        }
    }
}

/// A borrow that is counted.
struct Count<'a>(&'a Cell<usize>);

impl<'a> Count<'a> {
    fn new(borrows: &'a Cell<usize>) -> Count<'a> {
        borrows.set(borrows.get() + 1);
        Count(borrows)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// See [`Lua::app_data_ref`]. With the feature `send` other threads wait for the state while it lives.
///
/// ```
/// use perilune::{AppDataRef, AppDataRefMut};
/// let lua = perilune::Lua::new();
/// lua.set_app_data(String::from("a"));
/// let mut text: AppDataRefMut<'_, String> = lua.app_data_mut().expect("it is there");
/// text.push('b');
/// drop(text);
/// let text: AppDataRef<'_, String> = lua.app_data_ref().expect("it is there");
/// assert_eq!(text.as_str(), "ab");
/// ```
pub struct AppDataRef<'a, T: ?Sized> {
    data: Ref<'a, T>,
    _count: Count<'a>,
    _entered: Entered<'a>,
}

/// See [`Lua::app_data_mut`]. With the feature `send` other threads wait for the state while it lives.
pub struct AppDataRefMut<'a, T: ?Sized> {
    data: RefMut<'a, T>,
    _count: Count<'a>,
    _entered: Entered<'a>,
}

macro_rules! shown_as_the_data {
    ($($borrow:ident)*) => {$(
        impl<T: ?Sized> Deref for $borrow<'_, T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.data
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $borrow<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $borrow<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )*};
}
shown_as_the_data! { AppDataRef AppDataRefMut }

impl<T: ?Sized> DerefMut for AppDataRefMut<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.data
    }
}
