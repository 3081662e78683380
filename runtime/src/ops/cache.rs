//! Inline caches.
//!
//! The word after a field access is `shape id (u32) | slot (u16) << 32 | kind (u16) << 48`.
//! An own-field hit is `kind == 0`; kinds above name a [`CacheRecord`] of the proto by `slot`, and
//! then the id in the word is stored with its top bit set, so that one compare finds own hits.
//! Zero is "empty": no shape has id 0.

use crate::table::Table;

/// What an inherited or transition inline cache needs beyond its word.
#[derive(Clone, Copy, Debug)]
pub struct CacheRecord {
    /// Shape id of the receiver.
    pub receiver_shape: u32,
    /// Shape id of the metatable (for inherited) or of the table afterwards (for a transition).
    pub other_shape: u32,
    /// The object that holds the field (inherited); null for a transition.
    pub holder: *mut Table,
    /// Shape id of the holder.
    pub holder_shape: u32,
    /// The slot.
    pub slot: u32,
}
