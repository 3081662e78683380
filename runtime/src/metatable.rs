//! Metamethod events (manual §2.4) and metatables of values.
//!
//! Invariant: the first eight events are "fast": a table's `header.flags` bit `event as u8` caches
//! that the table, used as a metatable, has no such field.

macro_rules! events {
    ($($name:ident = $text:literal;)*) => {
        /// A metamethod event.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Event { $(#[doc = $text] $name),* }

        impl Event {
            /// All events; an event's number is its index.
            pub const ALL: &'static [Event] = &[$(Event::$name),*];
            /// The field's name in a metatable.
            pub const fn name(self) -> &'static str { match self { $(Event::$name => $text),* } }
        }
    };
}
events! {
    Index = "__index";
    NewIndex = "__newindex";
    Gc = "__gc";
    Mode = "__mode";
    Len = "__len";
    Eq = "__eq";
    Call = "__call";
    Close = "__close";
    Add = "__add";
    Sub = "__sub";
    Mul = "__mul";
    Mod = "__mod";
    Pow = "__pow";
    Div = "__div";
    IDiv = "__idiv";
    BAnd = "__band";
    BOr = "__bor";
    BXor = "__bxor";
    Shl = "__shl";
    Shr = "__shr";
    Unm = "__unm";
    BNot = "__bnot";
    Lt = "__lt";
    Le = "__le";
    Concat = "__concat";
    ToString = "__tostring";
    Name = "__name";
    Pairs = "__pairs";
    Metatable = "__metatable";
}

/// How many events have a bit in the absent-event cache.
pub const FAST_EVENTS: u8 = 8;

/// How many basic types may have a metatable of their own.
pub const TYPE_METATABLES: usize = 8;
