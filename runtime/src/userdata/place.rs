//! Plain fields of Rust values: numbers and booleans at a fixed place in every value of a type.
//!
//! Where a getter or setter does nothing but read or store such a field, the machine need not call it:
//! the interpreter looks at the place by itself, and so do traces (`record/places.rs` of the compiler),
//! for which it is a load or a store like that of a table's field.
//!
//! Invariants:
//! - The accessor of a plain field is a native closure with the intrinsic [`Intrinsic::PlainField`]. Its
//!   upvalue 2 is the place as an integer ([`Place::to_bits`]), its upvalue 3 the address of the
//!   description of the values that have the field there. Both are there from the start, and never
//!   change.
//! - What is done here in its stead is what the function of the closure would do: where that would raise
//!   an error, or do more (take a string for a number, look into a shared pointer), it is left to it.
//! - Places of fields of one type are the same or do not overlap.

use super::{Access, Contents, Userdata};
use crate::function::{Intrinsic, NativeClosure};
use crate::value::{FALSE, FLOAT, INTEGER, LIGHT_USERDATA, NATIVE_CLOSURE, NIL, USERDATA, Value};
use std::any::TypeId;

macro_rules! scalars {
    ($($name:ident $kind:ident;)*) => {
        /// The type of a plain field.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "they are named after the types")]
        pub enum Scalar { $($name),* }

        impl Scalar {
            /// All of them.
            pub const ALL: &'static [Scalar] = &[$(Scalar::$name),*];

            /// The scalar that a type is; `None` for other types.
            pub fn of<T: 'static>() -> Option<Scalar> {
                let id = TypeId::of::<T>();
                [$((TypeId::of::<$kind>(), Scalar::$name),)* (TypeId::of::<isize>(), SIZES.0), (TypeId::of::<usize>(), SIZES.1)]
                    .into_iter()
                    .find_map(|(known, scalar)| (known == id).then_some(scalar))
            }
        }
    };
}
scalars! {
    Bool bool;
    I8 i8;
    I16 i16;
    I32 i32;
    I64 i64;
    U8 u8;
    U16 u16;
    U32 u32;
    U64 u64;
    F32 f32;
    F64 f64;
}

/// What `isize` and `usize` are.
#[cfg(target_pointer_width = "64")]
const SIZES: (Scalar, Scalar) = (Scalar::I64, Scalar::U64);
#[cfg(not(target_pointer_width = "64"))]
const SIZES: (Scalar, Scalar) = (Scalar::I32, Scalar::U32);

impl Scalar {
    /// The least and the greatest of Lua's integers that it can hold; none for booleans and floats.
    pub fn range(self) -> Option<(i64, i64)> {
        Some(match self {
            Scalar::I8 => (i8::MIN.into(), i8::MAX.into()),
            Scalar::I16 => (i16::MIN.into(), i16::MAX.into()),
            Scalar::I32 => (i32::MIN.into(), i32::MAX.into()),
            Scalar::I64 => (i64::MIN, i64::MAX),
            Scalar::U8 => (0, u8::MAX.into()),
            Scalar::U16 => (0, u16::MAX.into()),
            Scalar::U32 => (0, u32::MAX.into()),
            Scalar::U64 => (0, i64::MAX),
            Scalar::Bool | Scalar::F32 | Scalar::F64 => return None,
        })
    }
}

/// Where in the values of a type a plain field is, and of which type it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Bytes from the value's address.
    pub offset: u32,
    /// The field's type.
    pub scalar: Scalar,
}

/// Bits of a place behind its scalar.
const OFFSET_SHIFT: u32 = 8;

/// The integer that a value becomes as a field of an integer type: a float is cut towards zero.
fn integer_of(v: Value) -> Option<i64> {
    match v.tag {
        INTEGER => Some(v.as_integer()),
        FLOAT => {
            let cut = v.as_float().trunc();
            // 2^63 is a float, and the first that is too large.
            (cut >= i64::MIN as f64 && cut < -(i64::MIN as f64)).then_some(cut as i64)
        }
        _ => None,
    }
}

impl Place {
    /// The place as an integer, as the closure has it.
    pub fn to_bits(self) -> i64 {
        i64::from(self.offset) << OFFSET_SHIFT | self.scalar as i64
    }

    fn from_bits(bits: i64) -> Option<Place> {
        let scalar = *Scalar::ALL.get((bits & 0xff) as usize)?;
        let offset = u32::try_from(bits >> OFFSET_SHIFT).ok()?;
        Some(Place { offset, scalar })
    }

    /// What the field holds.
    ///
    /// # Safety
    /// `value` points at a value of the type that has this field, which nobody changes meanwhile.
    #[inline]
    pub unsafe fn load(self, value: *const ()) -> Value {
        // SAFETY: the caller's contract: a field of this type is there, and fields are aligned.
        unsafe {
            let at = value.byte_add(self.offset as usize);
            let int = |i: i64| Value::integer(i);
            match self.scalar {
                Scalar::Bool => Value::boolean(*at.cast::<bool>()),
                Scalar::I8 => int((*at.cast::<i8>()).into()),
                Scalar::I16 => int((*at.cast::<i16>()).into()),
                Scalar::I32 => int((*at.cast::<i32>()).into()),
                Scalar::I64 => int(*at.cast::<i64>()),
                Scalar::U8 => int((*at.cast::<u8>()).into()),
                Scalar::U16 => int((*at.cast::<u16>()).into()),
                Scalar::U32 => int((*at.cast::<u32>()).into()),
                // What is too large for an integer becomes a float.
                Scalar::U64 => {
                    let n = *at.cast::<u64>();
                    i64::try_from(n).map_or(Value::float(n as f64), int)
                }
                Scalar::F32 => Value::float((*at.cast::<f32>()).into()),
                Scalar::F64 => Value::float(*at.cast::<f64>()),
            }
        }
    }

    /// The bits that a value is as such a field. `None` when a value of this kind is left to the setter,
    /// or refused by it.
    #[inline]
    pub fn bits_of(self, v: Value) -> Option<u64> {
        if let Some((least, greatest)) = self.scalar.range() {
            let n = integer_of(v).filter(|n| (least..=greatest).contains(n))?;
            return Some(n as u64);
        }
        if self.scalar == Scalar::Bool {
            return Some(u64::from(v.tag != FALSE && v.tag != NIL));
        }
        let f = match v.tag {
            FLOAT => v.as_float(),
            INTEGER => v.as_integer() as f64,
            _ => return None,
        };
        Some(match self.scalar {
            Scalar::F32 => (f as f32).to_bits().into(),
            _ => f.to_bits(),
        })
    }

    /// Stores bits to the field.
    ///
    /// # Safety
    /// `value` points at a value of the type that has this field, which nobody else uses; the bits are
    /// what [`Place::bits_of`] has answered.
    #[inline]
    pub unsafe fn store(self, value: *mut (), bits: u64) {
        // SAFETY: as in `load`.
        unsafe {
            let at = value.byte_add(self.offset as usize);
            match self.scalar {
                Scalar::Bool => *at.cast::<bool>() = bits != 0,
                Scalar::I8 | Scalar::U8 => *at.cast::<u8>() = bits as u8,
                Scalar::I16 | Scalar::U16 => *at.cast::<u16>() = bits as u16,
                Scalar::I32 | Scalar::U32 | Scalar::F32 => *at.cast::<u32>() = bits as u32,
                Scalar::I64 | Scalar::U64 | Scalar::F64 => *at.cast::<u64>() = bits,
            }
        }
    }
}

/// A plain field, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct PlainField {
    /// Where it is.
    pub place: Place,
    /// The values that have it.
    contents: &'static Contents,
}

impl PlainField {
    /// The plain field that an accessor reads or stores; `None` for other functions.
    ///
    /// # Safety
    /// The value is live.
    #[inline]
    pub unsafe fn of(accessor: Value) -> Option<PlainField> {
        if accessor.tag != NATIVE_CLOSURE {
            return None;
        }
        let closure: *mut NativeClosure = accessor.as_pointer();
        // SAFETY: the caller's contract; such a closure has three upvalues, and what the third points at
        // is never freed.
        unsafe {
            if (*closure).description.intrinsic != Some(Intrinsic::PlainField) {
                return None;
            }
            let (place, contents) = (
                *NativeClosure::upvalue(closure, 1),
                *NativeClosure::upvalue(closure, 2),
            );
            debug_assert!(place.tag == INTEGER && contents.tag == LIGHT_USERDATA);
            Some(PlainField {
                place: Place::from_bits(place.as_integer())?,
                contents: &*contents.as_pointer::<Contents>(),
            })
        }
    }

    /// The field at `place` in values that are described so.
    pub fn new(place: Place, contents: &'static Contents) -> PlainField {
        PlainField { place, contents }
    }

    /// The upvalues of its accessors behind the first.
    pub fn upvalues(self) -> [Value; 2] {
        let contents = std::ptr::from_ref(self.contents).cast_mut().cast();
        [
            Value::integer(self.place.to_bits()),
            Value::light_userdata(contents),
        ]
    }

    /// The value of a userdata, if it has the field.
    ///
    /// # Safety
    /// The object is live.
    #[inline]
    unsafe fn value_of(&self, object: Value) -> Option<(*mut Userdata, *mut ())> {
        if object.tag != USERDATA {
            return None;
        }
        let userdata: *mut Userdata = object.as_pointer();
        // SAFETY: the caller's contract.
        unsafe {
            let (value, contents) = ((*userdata).value, (*userdata).contents);
            let has_it = std::ptr::eq(contents, self.contents)
                || contents.type_id.is_some() && contents.type_id() == self.contents.type_id();
            (has_it && !value.is_null()).then_some((userdata, value))
        }
    }

    /// The value of a userdata, if the field may be read there now.
    ///
    /// # Safety
    /// The object is live.
    #[inline]
    pub unsafe fn readable(&self, object: Value) -> Option<*const ()> {
        // SAFETY: the caller's contract.
        unsafe {
            let (userdata, value) = self.value_of(object)?;
            (0..i32::MAX)
                .contains(&(*userdata).uses)
                .then_some(value.cast_const())
        }
    }

    /// The value of a userdata, if the field may be changed there now.
    ///
    /// # Safety
    /// The object is live.
    #[inline]
    pub unsafe fn writable(&self, object: Value) -> Option<*mut ()> {
        // SAFETY: the caller's contract.
        unsafe {
            let (userdata, value) = self.value_of(object)?;
            ((*userdata).uses == 0 && (*userdata).access != Access::Lent).then_some(value)
        }
    }

    /// What an accessor reads of an object, if it reads a plain field there.
    ///
    /// # Safety
    /// Both are live.
    #[inline]
    pub unsafe fn read(accessor: Value, object: Value) -> Option<Value> {
        // SAFETY: the caller's contract.
        unsafe {
            let field = PlainField::of(accessor)?;
            Some(field.place.load(field.readable(object)?))
        }
    }

    /// Stores what an accessor would store; false when the accessor is to be called.
    ///
    /// # Safety
    /// All are live.
    #[inline]
    pub unsafe fn write(accessor: Value, object: Value, new: Value) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            let Some(field) = PlainField::of(accessor) else {
                return false;
            };
            let (Some(value), Some(bits)) = (field.writable(object), field.place.bits_of(new))
            else {
                return false;
            };
            field.place.store(value, bits);
            true
        }
    }
}
