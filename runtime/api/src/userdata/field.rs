//! Plain fields of userdata types: numbers and booleans that stand at a fixed place in every value.
//!
//! Invariant: a [`Field`] tells the truth: at its offset every value of the type has a field of the type
//! `V`. Only the macro [`field!`](crate::field) makes one, of the compiler's own knowledge.

use crate::{FromLua, IntoLua};
use perilune_runtime::userdata::place::{Place, Scalar};

/// A type of plain fields: `bool`, the integers of up to 64 bits, `f32` and `f64`.
///
/// ```
/// use perilune::userdata::PlainValue;
/// fn sum<V: PlainValue + std::iter::Sum>(values: &[V]) -> V {
///     values.iter().copied().sum()
/// }
/// assert_eq!((sum(&[1_u8, 2]), sum(&[0.5, 0.25])), (3, 0.75));
/// ```
pub trait PlainValue: Copy + IntoLua + FromLua + sealed::Sealed + 'static {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! plain_values {
    ($($kind:ident)*) => {$(
        impl sealed::Sealed for $kind {}
        impl PlainValue for $kind {}
    )*};
}
plain_values! { bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 }

/// A field of type `V` of the struct `T`: what the macro [`field!`](crate::field) gives, and
/// [`add_plain_field`](crate::UserDataFields::add_plain_field) takes.
///
/// ```
/// use perilune::{Lua, UserData, UserDataFields, field, userdata::Field};
/// struct Line { start: f64, end: f64 }
/// const END: fn() -> Field<Line, f64> = || field!(Line, end);
/// impl UserData for Line {
///     fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
///         fields.add_plain_field("start", field!(Line, start));
///         fields.add_plain_field("end_", END());
///     }
/// }
/// let lua = Lua::new();
/// lua.globals().set("line", Line { start: 0.5, end: 2.0 })?;
/// assert_eq!(lua.load("line.end_ - line.start").eval::<f64>()?, 1.5);
/// # Ok::<(), perilune::Error>(())
/// ```
pub struct Field<T, V> {
    offset: usize,
    at: unsafe fn(*const T) -> *const V,
}

impl<T, V> Clone for Field<T, V> {
    fn clone(&self) -> Field<T, V> {
        *self
    }
}

impl<T, V> Copy for Field<T, V> {}

impl<T, V> std::fmt::Debug for Field<T, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Field")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl<T, V> Field<T, V> {
    /// The field at an offset in bytes.
    ///
    /// # Safety
    /// Every `T` has a `V` there, aligned, to which `at` leads, and which no other field overlaps.
    #[doc(hidden)]
    pub const unsafe fn new(offset: usize, at: unsafe fn(*const T) -> *const V) -> Field<T, V> {
        Field { offset, at }
    }

    /// What the field of a value holds.
    pub(super) fn get(self, value: &T) -> V
    where
        V: Copy,
    {
        // SAFETY: the value has the field.
        unsafe { *(self.at)(value) }
    }

    /// Sets the field of a value.
    pub(super) fn set(self, value: &mut T, new: V)
    where
        V: Copy,
    {
        // SAFETY: the value has the field, and the pointer is made of a mutable reference.
        unsafe { *(self.at)(std::ptr::from_mut(value)).cast_mut() = new }
    }

    /// The field as the machine knows it; `None` for one of another type than those of plain values.
    pub(super) fn place(self) -> Option<Place>
    where
        V: 'static,
    {
        // Offsets in traces are signed.
        let offset = i32::try_from(self.offset).ok()?;
        Some(Place {
            offset: offset as u32,
            scalar: Scalar::of::<V>()?,
        })
    }
}

/// A field of a struct, by the names of both: `field!(Point, x)`; also one within another,
/// `field!(Line, start.x)`. See [`UserDataFields::add_plain_field`](crate::UserDataFields::add_plain_field).
#[macro_export]
macro_rules! field {
    ($type:ty, $($field:tt).+) => {{
        // Fields to which there are no references, those of packed structs, are not for this.
        let _: fn(&$type) = |this| {
            let _ = &this.$($field).+;
        };
        // SAFETY: the compiler has computed the offset of this very field, and no coercion changes what a
        // raw pointer points at.
        unsafe {
            $crate::userdata::Field::new(
                ::core::mem::offset_of!($type, $($field).+),
                |this: *const $type| &raw const (*this).$($field).+,
            )
        }
    }};
}
