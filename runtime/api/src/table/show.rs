//! Tables as `{:#?}` shows them, and compared with Rust's sequences.

use crate::{Integer, IntoLua, Table, Value};
use std::ffi::c_void;
use std::fmt;

impl Table {
    /// Writes the table as [`Value::show`] does.
    pub(crate) fn show(
        &self,
        f: &mut fmt::Formatter<'_>,
        indent: usize,
        outer: &mut Vec<*const c_void>,
    ) -> fmt::Result {
        let entries = self.pairs::<Value, Value>().filter_map(Result::ok);
        let mut entries: Vec<(Value, Value)> = entries.collect();
        if entries.is_empty() {
            return f.write_str("{}");
        }
        entries.sort_by(|(a, _), (b, _)| a.order(b));
        let is_sequence = (1..)
            .zip(&entries)
            .all(|(n, (key, _))| *key == Value::Integer(n));
        outer.push(self.to_pointer());
        f.write_str("{\n")?;
        for (key, value) in &entries {
            write!(f, "{:1$}", "", indent + 2)?;
            match key {
                _ if is_sequence => {}
                Value::String(name) if is_name(&name.as_bytes()) => {
                    write!(f, "{} = ", name.display())?;
                }
                key => {
                    f.write_str("[")?;
                    key.show(f, 0, &mut vec![self.to_pointer()])?;
                    f.write_str("] = ")?;
                }
            }
            value.show(f, indent + 2, outer)?;
            f.write_str(",\n")?;
        }
        outer.pop();
        write!(f, "{:1$}}}", "", indent)
    }
}

/// Whether a key could be written as a name (reserved words aside).
fn is_name(key: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    key.first().is_some_and(is_letter)
        && key
            .iter()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// `{:#?}` shows what is in the table, in an order of its keys.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.show(f, 0, &mut Vec::new());
        }
        write!(f, "Table({:?})", self.0)
    }
}

macro_rules! equal_to_sequences {
    ($([$($generics:tt)*] $kind:ty;)*) => {$(
        /// Whether the values from 1 to the border are these.
        impl<T, $($generics)*> PartialEq<$kind> for Table
        where
            T: IntoLua + Clone,
        {
            fn eq(&self, other: &$kind) -> bool {
                let Ok(lua) = self.0.lua() else { return false };
                self.raw_len() == other.len()
                    && (1 as Integer..).zip(other.iter()).all(|(n, expected)| {
                        let found = self.raw_get::<Value>(n);
                        let expected = expected.clone().into_lua(&lua);
                        matches!((found, expected), (Ok(a), Ok(b)) if a == b)
                    })
            }
        }
    )*};
}
equal_to_sequences! {
    [] [T];
    [] &[T];
    [const N: usize] [T; N];
}
