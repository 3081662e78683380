//! A boxed slice that may be written through pointers into it.
//!
//! A `Box` claims to be the only way to its contents: to move it, or the struct around it, is to
//! invalidate all pointers into it. Here the pointers stay valid until the slice is dropped.

use std::ops::Deref;
use std::ptr::NonNull;

/// A slice on Rust's heap, owned through a raw pointer.
///
/// A reference to it (by [`Deref`]) must not be in use while a pointer into it is written through.
pub struct OwnedSlice<T>(NonNull<[T]>);

impl<T> OwnedSlice<T> {
    /// The first element.
    #[inline]
    pub fn as_ptr(&self) -> *const T {
        self.as_mut_ptr()
    }

    /// The first element, to be written.
    #[inline]
    pub fn as_mut_ptr(&self) -> *mut T {
        self.0.as_ptr().cast()
    }
}

impl<T> From<Vec<T>> for OwnedSlice<T> {
    fn from(elements: Vec<T>) -> Self {
        Self(NonNull::from(Box::leak(elements.into_boxed_slice())))
    }
}

impl<T> Deref for OwnedSlice<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the slice lives as long as its owner; the type's contract excludes writes.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for OwnedSlice<T> {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and nobody else frees it.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
