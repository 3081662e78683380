//! Full userdata: a boxed Rust value with a metatable and user values.

use crate::gc::GcHeader;
use crate::table::Table;
use crate::value::Value;

/// A full userdata.
#[repr(C)]
pub struct Userdata {
    /// Collector's header.
    pub header: GcHeader,
    /// Its metatable; null when none.
    pub metatable: *mut Table,
    /// Its user values.
    pub user_values: Box<[Value]>,
    /// The Rust value; borrowed dynamically, taken when the userdata is destroyed.
    pub data: Box<dyn std::any::Any>,
    /// Bytes charged to the heap for user values and data.
    pub charged: usize,
}
