//! Names of Rust types as messages show them: without the modules they are in.

/// The name of `T` without paths: `Vec<Option<String>>`.
pub(crate) fn type_name<T: ?Sized>() -> String {
    let full = std::any::type_name::<T>();
    let mut short = String::with_capacity(full.len());
    // Where the name that is being read begins; a path's last one stays.
    let mut start = 0;
    let mut rest = full;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("::") && short.len() > start {
            short.truncate(start);
            rest = &rest[2..];
            continue;
        }
        short.push(c);
        rest = &rest[c.len_utf8()..];
        // A path may also go on behind a type: `<T as Trait>::Item`.
        if !(c.is_alphanumeric() || c == '_') {
            start = short.len();
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::type_name;
    use std::collections::HashMap;

    #[test]
    fn paths_are_left_out() {
        assert_eq!(type_name::<i32>(), "i32");
        assert_eq!(type_name::<String>(), "String");
        assert_eq!(type_name::<[Vec<String>; 3]>(), "[Vec<String>; 3]");
        assert_eq!(type_name::<(&str, Option<bool>)>(), "(&str, Option<bool>)");
        assert_eq!(
            type_name::<HashMap<String, Box<[u8]>>>(),
            "HashMap<String, Box<[u8]>>"
        );
        assert_eq!(
            type_name::<dyn Fn(String) -> i32>(),
            "dyn Fn(String) -> i32"
        );
    }
}
