//! The library `table` (§6.6).
//!
//! Elements are read and written raw as long as that means the same: a present element is never
//! looked up with `__index`, and overwriting one never calls `__newindex`. For the others, and for
//! values that only behave like tables, the machine does it between two steps.
//!
//! - `element`: raw access where it is allowed, and the length.
//! - `transfer`: copying runs of elements, the common part of `insert`, `remove` and `move`.
//! - `sequence`: `insert`, `remove`, `move`.
//! - `list`: `concat`, `pack`, `unpack`.
//! - `sort`: `sort`.

mod element;
mod list;
mod sequence;
mod sort;
mod sort_proxied;
mod sort_uniform;
mod transfer;

use perilune_runtime::native;
use perilune_runtime::native::Native;

/// The functions of the library.
pub const FUNCTIONS: &[Native] = &[
    native!("concat", list::concat),
    native!("insert", sequence::insert, intrinsic Insert),
    native!("move", sequence::move_),
    native!("pack", list::pack),
    native!("remove", sequence::remove),
    native!("sort", sort::sort),
    native!("unpack", list::unpack),
];
