//! The garbage collector: non-moving, incremental mark and sweep, generational by sticky marks.

/// What kind of heap object a header belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// [`crate::string::LuaString`]
    String,
    /// [`crate::table::Table`]
    Table,
    /// [`crate::function::LuaClosure`]
    LuaClosure,
    /// [`crate::function::NativeClosure`]
    NativeClosure,
    /// [`crate::userdata::Userdata`]
    Userdata,
    /// [`crate::coroutine::Thread`]
    Thread,
    /// [`crate::function::Cell`]
    Cell,
    /// [`crate::function::Proto`]
    Proto,
}

/// The first 16 bytes of every heap object.
#[derive(Debug)]
#[repr(C)]
pub struct GcHeader {
    /// The next object in the list that owns this one.
    pub next: *mut GcHeader,
    /// What it is.
    pub kind: Kind,
    /// Colour, age and finalisation bits; see `gc`.
    pub mark: u8,
    /// Bits for the object's own use.
    pub flags: u8,
    /// Padding.
    pub reserved: u8,
    /// A word for the object's own use (a string's hash, a table's shape id).
    pub extra: u32,
}
