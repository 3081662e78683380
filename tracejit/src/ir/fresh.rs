//! Objects that traces make in the made-up [`World`](super::world::World), and how states compare
//! that hold them.
//!
//! Where an object lies is nobody's business, nor is one that nothing leads to: a trace may make
//! more objects than another that means the same, and in another order. So states name objects in
//! the order in which they are found: from operands, then from slots, then from memory.
//!
//! Invariants:
//! - An object lies in a page of its own, of the addresses from [`FRESH`] on; a table's record slots
//!   lie in its page, too. No other value looks like such an address.
//! - What nobody has written to an object does not depend on its address.

use super::{Class, Helper};
use perilune_runtime::{layout, value};
use std::collections::BTreeMap;

/// Addresses of objects start here.
pub(super) const FRESH: u64 = 0x7000_0000_0000;
const PAGE_BITS: u32 = 12;
/// From a table's address to that of its record slots.
pub(super) const SLOTS: u64 = 0x400;
/// To the tags of its list items.
pub(super) const TAGS: u64 = 0x800;
/// To their payloads.
pub(super) const PAYLOADS: u64 = 0x900;

/// A new object, with what its maker says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum New {
    /// An empty table with room for so many list items.
    Table(u64),
    /// A table of this shape with so many record slots, all nil, and list items.
    Record(u64, u64, u64),
    /// A cell: tag and payload.
    Cell(u64, u64),
    /// A closure of this proto.
    Closure(u64),
}

impl New {
    /// What a helper makes, if it is an object whose parts traces look at.
    pub(super) fn of(helper: Helper, a: u64, b: u64) -> Option<New> {
        match helper {
            Helper::NewTable => Some(New::Table(a >> 32)),
            Helper::NewRecord => Some(New::Record(a, b & 0xffff_ffff, b >> 32)),
            Helper::NewCell => Some(New::Cell(a, b)),
            Helper::NewClosure => Some(New::Closure(a)),
            _ => None,
        }
    }
}

/// The address of the object with this number.
pub(super) fn address(number: u64) -> u64 {
    FRESH + (number << PAGE_BITS)
}

/// The object that an address lies in, and where in it.
pub(super) fn parts(address: u64) -> Option<(u64, u64)> {
    let is_fresh = (FRESH..FRESH + (1 << 40)).contains(&address);
    let offset = address & ((1 << PAGE_BITS) - 1);
    is_fresh.then_some((address - offset, offset))
}

/// Whether a value of this tag has a payload.
pub(super) fn has_payload(tag: u8) -> bool {
    !(value::FALSE..=value::TRUE).contains(&tag)
}

/// The address of the tag that goes with a payload, of a record slot, list item or cell.
pub(super) fn tag_of_payload(class: Class, address: u64) -> Option<(Class, u64)> {
    let (object, offset) = parts(address)?;
    let at = match class {
        Class::Record => offset.checked_sub(SLOTS)?,
        Class::Cell => offset.checked_sub(layout::CELL_VALUE as u64)?,
        Class::Element => {
            let n = offset.checked_sub(PAYLOADS)? / 8;
            return Some((Class::ElementTag, object + TAGS + n));
        }
        _ => return None,
    };
    let is_payload = at % layout::VALUE_SIZE as u64 == layout::VALUE_PAYLOAD as u64;
    let tag = address - layout::VALUE_PAYLOAD as u64 + layout::VALUE_TAG as u64;
    is_payload.then_some((class, tag))
}

/// Whether a program can tell what stands here: marks are the collector's, and what room there is
/// in a list shows in nothing.
pub(super) fn is_seen(class: Class, address: u64, bits: u64) -> bool {
    let is_capacity = parts(address).is_some_and(|(_, at)| at == layout::TABLE_CAPACITY as u64);
    match class {
        Class::Mark => false,
        Class::TableHeader => !is_capacity,
        Class::ElementTag => bits != value::NIL.into(),
        _ => true,
    }
}

/// Names for objects, in the order in which they are found.
#[derive(Default)]
pub(super) struct Names {
    names: BTreeMap<u64, u64>,
    /// Those whose parts were not looked at.
    pub(super) found: Vec<u64>,
}

impl Names {
    /// A value with the name of the object in place of its address.
    pub(super) fn name(&mut self, bits: u64) -> u64 {
        let Some((object, offset)) = parts(bits) else {
            return bits;
        };
        let next = self.names.len() as u64;
        let name = *self.names.entry(object).or_insert_with(|| {
            self.found.push(object);
            next
        });
        address(name) + offset
    }
}
