//! Full userdata: a Rust value with a metatable and user values.
//!
//! The value stands behind a pointer, with a description of its type ([`Contents`]) and a count of
//! those who look at it, so that both the interpreter and traces can tell with a few loads whether a
//! field of it may be read.
//!
//! Invariants:
//! - `value` is null, or points at a live value of the type that `contents` describes.
//! - `uses` is the number of shared uses of the value, or -1 while one use has it for itself. A value
//!   in use is not dropped: who destroys the userdata makes it *doomed*, and the last use drops it.
//! - Dropping a value may run any code of the embedder. So the collector does not: what it frees is
//!   put aside (`Heap::dropped`), and dropped at the next safepoint.

pub mod finalize;
pub mod members;
pub mod place;

use crate::gc::GcHeader;
use crate::table::Table;
use crate::value::Value;
use std::alloc::Layout;
use std::any::TypeId;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A type of values in userdata.
#[derive(Debug)]
pub struct Contents {
    type_id: Option<fn() -> TypeId>,
    layout: Layout,
    needs_drop: bool,
    drop: unsafe fn(*mut ()),
    extra: Option<Extra>,
}

/// Something that the embedding interface does with values of a type: the first pointer is to the value, what
/// the second is to is between the interface and its function.
pub type Extra = unsafe fn(*const (), *mut ());

/// # Safety
/// `value` points at a live `T`, which is not used afterwards.
unsafe fn drop_value<T>(value: *mut ()) {
    // SAFETY: the caller's contract.
    unsafe { value.cast::<T>().drop_in_place() }
}

struct Of<T>(PhantomData<T>);

impl<T: 'static> Of<T> {
    const CONTENTS: &'static Contents = &Contents {
        type_id: Some(TypeId::of::<T>),
        layout: Layout::new::<T>(),
        needs_drop: std::mem::needs_drop::<T>(),
        drop: drop_value::<T>,
        extra: None,
    };
}

impl<T> Of<T> {
    const UNNAMED: &'static Contents = &Contents {
        type_id: None,
        layout: Layout::new::<T>(),
        needs_drop: std::mem::needs_drop::<T>(),
        drop: drop_value::<T>,
        extra: None,
    };
}

impl Contents {
    /// The description of `T`. There may be several of one type, but never one of several types.
    #[inline(always)]
    pub fn of<T: 'static>() -> &'static Contents {
        Of::<T>::CONTENTS
    }

    /// The description of a type whose values do not live for ever, so that nobody can ask for it.
    pub fn unnamed<T>() -> &'static Contents {
        Of::<T>::UNNAMED
    }

    /// Another description of `T`, of values with which `extra` is done.
    pub const fn with_extra<T: 'static>(extra: Extra) -> Contents {
        Contents {
            type_id: Some(TypeId::of::<T>),
            layout: Layout::new::<T>(),
            needs_drop: std::mem::needs_drop::<T>(),
            drop: drop_value::<T>,
            extra: Some(extra),
        }
    }

    /// What is done with values of this description.
    pub fn extra(&self) -> Option<Extra> {
        self.extra
    }

    /// The type; `None` for one that has no name.
    #[inline]
    pub fn type_id(&self) -> Option<TypeId> {
        self.type_id.map(|type_id| type_id())
    }

    /// Whether it describes `T`.
    #[inline(always)]
    pub fn is<T: 'static>(&'static self) -> bool {
        std::ptr::eq(self, Contents::of::<T>()) || self.type_id() == Some(TypeId::of::<T>())
    }
}

/// A value of its own allocation, of a type known at run time.
#[derive(Debug)]
pub struct Boxed {
    value: NonNull<()>,
    contents: &'static Contents,
}

impl Boxed {
    /// Moves `value` to the heap; gives it back when the system has no memory.
    pub fn new<T>(value: T, contents: &'static Contents) -> Result<Boxed, T> {
        let layout = Layout::new::<T>();
        debug_assert_eq!(layout, contents.layout);
        let place = if layout.size() == 0 {
            Some(NonNull::<T>::dangling())
        } else {
            // SAFETY: the size is not zero.
            NonNull::new(unsafe { std::alloc::alloc(layout) }.cast())
        };
        let Some(place) = place else {
            return Err(value);
        };
        // SAFETY: the place is a new one with the layout of `T`.
        unsafe { place.write(value) };
        Ok(Boxed {
            value: place.cast(),
            contents,
        })
    }

    /// The value.
    ///
    /// # Safety
    /// `T` is its type.
    pub unsafe fn into_inner<T>(self) -> T {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: the caller's contract; the place is freed, the value not dropped.
        unsafe {
            let value = this.value.cast::<T>().read();
            free(this.value, this.contents.layout);
            value
        }
    }

    /// Place and type, which is now the caller's to drop and free.
    pub fn into_parts(self) -> (NonNull<()>, &'static Contents) {
        let this = std::mem::ManuallyDrop::new(self);
        (this.value, this.contents)
    }

    /// The reverse of [`Boxed::into_parts`].
    ///
    /// # Safety
    /// Both are what that has answered, once.
    pub unsafe fn from_parts(value: NonNull<()>, contents: &'static Contents) -> Boxed {
        Boxed { value, contents }
    }

    /// Bytes of the value.
    pub fn size(&self) -> usize {
        self.contents.layout.size()
    }

    /// Whether dropping it runs code.
    pub(crate) fn needs_drop(&self) -> bool {
        self.contents.needs_drop
    }
}

impl Drop for Boxed {
    fn drop(&mut self) {
        struct Freed<'a>(&'a Boxed);
        impl Drop for Freed<'_> {
            fn drop(&mut self) {
                // SAFETY: the value was dropped, or its drop has panicked: nobody uses the place.
                unsafe { free(self.0.value, self.0.contents.layout) }
            }
        }
        let boxed = Freed(self);
        // SAFETY: the value is live and of this type.
        unsafe { (boxed.0.contents.drop)(boxed.0.value.as_ptr()) }
    }
}

/// # Safety
/// The place was allocated with this layout, if that has a size.
unsafe fn free(place: NonNull<()>, layout: Layout) {
    if layout.size() != 0 {
        // SAFETY: the caller's contract.
        unsafe { std::alloc::dealloc(place.as_ptr().cast(), layout) }
    }
}

/// Whose the value is, and what may be done with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Access {
    /// The userdata's own.
    Owned,
    /// The userdata's own, within a scope: nobody may keep it.
    Scoped,
    /// Another's, lent for a scope to be read.
    Lent,
    /// Another's, lent for a scope to be changed.
    LentExclusively,
}

/// A full userdata.
#[repr(C)]
pub struct Userdata {
    /// Collector's header.
    pub header: GcHeader,
    /// Its metatable; null when none.
    pub metatable: *mut Table,
    /// The Rust value; null when it was taken or destroyed.
    pub value: *mut (),
    /// The type of the value.
    pub contents: &'static Contents,
    /// Shared uses of the value, or -1.
    pub uses: i32,
    /// How many of the uses are references that outlive the calls that made them.
    pub references: u32,
    /// Whose the value is.
    pub access: Access,
    /// A value that the last use drops.
    pub doomed: Option<Boxed>,
    /// Its user values.
    pub user_values: Box<[Value]>,
    /// Bytes charged to the heap for user values and data.
    pub charged: usize,
}

impl Userdata {
    /// The value, if it is a `T`; null when it is of another type, or gone.
    ///
    /// # Safety
    /// `this` is live.
    #[inline(always)]
    pub unsafe fn value_of<T: 'static>(this: *const Userdata) -> *mut T {
        // SAFETY: the caller's contract.
        unsafe {
            if (*this).contents.is::<T>() {
                (*this).value.cast()
            } else {
                std::ptr::null_mut()
            }
        }
    }

    /// What `Call::new_userdata` stores: values that are borrowed at run time.
    ///
    /// # Safety
    /// `this` is live for `'a`, and its value is not taken during it.
    #[inline]
    pub unsafe fn cell<'a, T: 'static>(this: *const Userdata) -> Option<&'a RefCell<T>> {
        // SAFETY: the caller's contract; the value is of this type.
        unsafe { Userdata::value_of::<RefCell<T>>(this).as_ref() }
    }

    /// Begins a shared use; false when the value is being used exclusively.
    ///
    /// # Safety
    /// `this` is live.
    #[inline(always)]
    pub unsafe fn share(this: *mut Userdata) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            let uses = (*this).uses;
            if uses < 0 || uses == i32::MAX {
                return false;
            }
            (*this).uses = uses + 1;
            true
        }
    }

    /// Begins an exclusive use; false when the value is in use, or only lent to be read.
    ///
    /// # Safety
    /// `this` is live.
    #[inline(always)]
    pub unsafe fn exclude(this: *mut Userdata) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            if (*this).uses != 0 || (*this).access == Access::Lent {
                return false;
            }
            (*this).uses = -1;
            true
        }
    }

    /// Ends a use; drops the value if it was destroyed meanwhile and this was the last use.
    ///
    /// # Safety
    /// `this` is live, and the use was begun.
    #[inline(always)]
    pub unsafe fn end_use(this: *mut Userdata) {
        // SAFETY: the caller's contract.
        unsafe {
            (*this).uses -= (*this).uses.signum();
            if (*this).uses == 0 && (*this).doomed.is_some() {
                let doomed = (*this).doomed.take();
                drop(doomed);
            }
        }
    }

    /// Takes the value away, if it is the userdata's own.
    ///
    /// # Safety
    /// `this` is live, and its value not in use.
    pub unsafe fn take(this: *mut Userdata) -> Option<Boxed> {
        // SAFETY: the caller's contract; the pointer is not used for the value any more.
        unsafe {
            let value = NonNull::new(std::mem::replace(&mut (*this).value, std::ptr::null_mut()))?;
            match (*this).access {
                Access::Owned | Access::Scoped => Some(Boxed {
                    value,
                    contents: (*this).contents,
                }),
                Access::Lent | Access::LentExclusively => None,
            }
        }
    }

    /// What is left to drop when the userdata is freed. A value that is in use even now (only a debug
    /// interface can take a userdata away from a function that uses it) stays for ever.
    ///
    /// # Safety
    /// `this` is live, and freed afterwards.
    pub(crate) unsafe fn release(this: *mut Userdata) -> Option<Boxed> {
        // SAFETY: the caller's contract.
        unsafe {
            let in_use = (*this).uses != 0;
            let doomed = (*this).doomed.take();
            let value = Userdata::take(this).or(doomed);
            if in_use {
                std::mem::forget(value);
                return None;
            }
            value
        }
    }
}
