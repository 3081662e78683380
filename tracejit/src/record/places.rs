//! Plain fields of Rust values in userdata, written as loads and stores.
//!
//! Guards establish what the interpreter looks at (`userdata/place.rs` of the runtime): that the value is
//! there, of the type that has the field, and that nobody uses it in a way that forbids the access. What
//! the interpreter leaves to the getter or setter is left to it here, too.
//!
//! Invariants:
//! - The payload of every store is what a load of the place answers: signed integers that are narrower
//!   than a register are cut to their bits before the store, and extended after the load, so that the
//!   optimiser may put one in the place of the other.
//! - A boolean's place only ever holds 0 or 1.

use super::values::Source;
use super::{RecordedValue, Recording};
use crate::ir::{Class, Op, Ref};
use perilune_runtime::layout;
use perilune_runtime::userdata::place::{Place, PlainField, Scalar};
use perilune_runtime::userdata::{Access, Userdata};
use perilune_runtime::value::{self, Value};

impl Recording {
    /// What a getter reads, if that is a plain field; `None` for what is left to the getter.
    ///
    /// # Safety
    /// Both are live, and guards establish that this getter is asked.
    pub(super) unsafe fn record_place(
        &mut self,
        getter: Value,
        object: RecordedValue,
    ) -> Option<RecordedValue> {
        // SAFETY: the caller's contract; the value is not changed meanwhile.
        let (place, concrete) = unsafe {
            let field = PlainField::of(getter)?;
            let value = field.readable(object.concrete)?;
            (field.place, field.place.load(value))
        };
        if place.scalar == Scalar::U64 && concrete.tag != value::INTEGER {
            return None;
        }
        // SAFETY: the object is a live userdata.
        let at = unsafe { self.value_in_use(object, false) };
        let source = self.load_place(place, at);
        Some(RecordedValue { concrete, source })
    }

    /// Stores what a setter would store to a plain field; false when that is left to the setter.
    ///
    /// # Safety
    /// All are live, and guards establish that this setter is asked.
    pub(super) unsafe fn record_set_place(
        &mut self,
        setter: Value,
        object: RecordedValue,
        new: RecordedValue,
    ) -> bool {
        // SAFETY: the caller's contract.
        let found = unsafe {
            PlainField::of(setter).and_then(|field| {
                let value = field.writable(object.concrete)?;
                Some((field.place, value, field.place.bits_of(new.concrete)?))
            })
        };
        let Some((place, value, bits)) = found else {
            return false;
        };
        let Some(payload) = self.converted_for(place.scalar, new, bits) else {
            return false;
        };
        // SAFETY: the object is a live userdata.
        let at = unsafe { self.value_in_use(object, true) };
        self.store_place(place, at, payload);
        // SAFETY: nothing has happened to the value since it was found.
        unsafe { place.store(value, bits) };
        true
    }

    /// The address of a userdata's value, with guards that it is there and may be used.
    ///
    /// # Safety
    /// The object is a live userdata whose value may be used.
    unsafe fn value_in_use(&mut self, object: RecordedValue, is_store: bool) -> Ref {
        let userdata: *const Userdata = object.concrete.as_pointer();
        let r = self.payload_of(object);
        // SAFETY: the caller's contract.
        let contents = self.int(unsafe { std::ptr::from_ref((*userdata).contents) } as i64);
        let found = self.memory(Op::Load64, Class::Userdata, layout::USERDATA_CONTENTS, &[r]);
        self.guard(Op::GuardEq, &[found, contents]);
        let at = self.memory(Op::Load64, Class::Userdata, layout::USERDATA_VALUE, &[r]);
        let none = self.int(0);
        self.guard(Op::GuardNe, &[at, none]);
        let uses = self.memory(Op::Load32, Class::Userdata, layout::USERDATA_USES, &[r]);
        if is_store {
            self.guard(Op::GuardEq, &[uses, none]);
            let access = self.memory(Op::Load8, Class::Userdata, layout::USERDATA_ACCESS, &[r]);
            let lent = self.int(Access::Lent as i64);
            self.guard(Op::GuardNe, &[access, lent]);
        } else {
            // Neither negative nor as many as can be counted.
            let most = self.int(i32::MAX.into());
            self.guard(Op::GuardBelow, &[uses, most]);
        }
        at
    }

    fn load_place(&mut self, place: Place, at: Ref) -> Source {
        let offset = place.offset as i32;
        let mut load = |op, behind: i32| self.memory(op, Class::RustField, offset + behind, &[at]);
        let (tag, payload) = match place.scalar {
            Scalar::F64 => (value::FLOAT, load(Op::LoadFloat, 0)),
            Scalar::F32 => {
                let bits = load(Op::Load32, 0);
                (value::FLOAT, self.emit(Op::FloatFromSingle, 0, &[bits]))
            }
            Scalar::Bool => {
                let flag = load(Op::Load8, 0);
                return self.boolean_of(flag);
            }
            Scalar::I64 => (value::INTEGER, load(Op::Load64, 0)),
            Scalar::U64 => {
                let (n, zero) = (load(Op::Load64, 0), self.int(0));
                self.guard(Op::GuardLe, &[zero, n]);
                (value::INTEGER, n)
            }
            Scalar::U32 => (value::INTEGER, load(Op::Load32, 0)),
            Scalar::U8 => (value::INTEGER, load(Op::Load8, 0)),
            Scalar::I32 => {
                let bits = load(Op::Load32, 0);
                (value::INTEGER, self.sign_extended(bits, 32))
            }
            Scalar::I8 => {
                let bits = load(Op::Load8, 0);
                (value::INTEGER, self.sign_extended(bits, 8))
            }
            Scalar::U16 | Scalar::I16 => {
                let (low, high) = (load(Op::Load8, 0), load(Op::Load8, 1));
                let eight = self.int(8);
                let high = self.emit(Op::Shl, 0, &[high, eight]);
                let bits = self.emit(Op::Or, 0, &[low, high]);
                match place.scalar {
                    Scalar::U16 => (value::INTEGER, bits),
                    _ => (value::INTEGER, self.sign_extended(bits, 16)),
                }
            }
        };
        let tag = self.int(tag.into());
        Source::Refs { tag, payload }
    }

    /// The value of a flag that is 0 or 1.
    fn boolean_of(&mut self, flag: Ref) -> Source {
        const { assert!(value::TRUE - value::FALSE == 2) };
        let (least, payload) = (self.int(value::FALSE.into()), self.int(0));
        let twice = self.emit(Op::Add, 0, &[flag, flag]);
        let tag = self.emit(Op::Add, 0, &[twice, least]);
        Source::Refs { tag, payload }
    }

    /// An integer of so many bits, with its sign.
    fn sign_extended(&mut self, bits: Ref, width: u32) -> Ref {
        let sign = self.int(1 << (width - 1));
        let flipped = self.emit(Op::Xor, 0, &[bits, sign]);
        self.emit(Op::Sub, 0, &[flipped, sign])
    }

    /// A value as the payload of a field, guarded to be one that the field takes, as it was seen to be;
    /// `None` where that is left to the setter.
    fn converted_for(&mut self, scalar: Scalar, new: RecordedValue, bits: u64) -> Option<Ref> {
        if scalar == Scalar::Bool {
            self.guard_tag(new);
            return Some(self.int(bits as i64));
        }
        let is_float = match new.concrete.tag {
            value::FLOAT => true,
            value::INTEGER => false,
            _ => return None,
        };
        let Some((least, greatest)) = scalar.range() else {
            self.guard_tag(new);
            let payload = self.payload_of(new);
            let float = match is_float {
                true => payload,
                false => self.emit(Op::IntToFloat, 0, &[payload]),
            };
            return Some(match scalar {
                Scalar::F32 => self.emit(Op::SingleBits, 0, &[float]),
                _ => float,
            });
        };
        // The least integer is also what comes out for floats that are none.
        let is_any = scalar == Scalar::I64;
        if is_float && is_any && bits as i64 == i64::MIN {
            return None;
        }
        self.guard_tag(new);
        let payload = self.payload_of(new);
        let n = match is_float {
            true => self.emit(Op::FloatToInt, 0, &[payload]),
            false => payload,
        };
        if is_any {
            if is_float {
                let least = self.int(i64::MIN);
                self.guard(Op::GuardNe, &[n, least]);
            }
            return Some(n);
        }
        if least == 0 {
            let (zero, limit) = (self.int(0), self.int(greatest.wrapping_add(1)));
            match scalar {
                Scalar::U64 => self.guard(Op::GuardLe, &[zero, n]),
                _ => self.guard(Op::GuardBelow, &[n, limit]),
            }
            return Some(n);
        }
        let (least, mask) = (self.int(least), self.int(greatest * 2 + 1));
        let greatest = self.int(greatest);
        self.guard(Op::GuardLe, &[least, n]);
        self.guard(Op::GuardLe, &[n, greatest]);
        Some(self.emit(Op::And, 0, &[n, mask]))
    }

    fn store_place(&mut self, place: Place, at: Ref, payload: Ref) {
        let offset = place.offset as i32;
        let op = match place.scalar {
            Scalar::F64 => Op::StoreFloat,
            Scalar::I64 | Scalar::U64 => Op::Store64,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => Op::Store32,
            Scalar::I8 | Scalar::U8 | Scalar::Bool => Op::Store8,
            Scalar::I16 | Scalar::U16 => {
                let (eight, mask) = (self.int(8), self.int(0xff));
                let low = self.emit(Op::And, 0, &[payload, mask]);
                let high = self.emit(Op::Shr, 0, &[payload, eight]);
                self.memory(Op::Store8, Class::RustField, offset, &[at, low]);
                self.memory(Op::Store8, Class::RustField, offset + 1, &[at, high]);
                return;
            }
        };
        self.memory(op, Class::RustField, offset, &[at, payload]);
    }
}
