//! Names of Rust types as messages have them: without the paths of modules.

/// The name of `T` without paths: `Option<Rc<String>>`.
pub(crate) fn short_type_name<T: ?Sized>() -> String {
    shorten(std::any::type_name::<T>())
}

/// `T.name`, as messages call a method.
pub(crate) fn full_name<T>(name: &str) -> String {
    format!("{}.{name}", short_type_name::<T>())
}

fn shorten(full: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '{' || c == '}';
    let mut short = String::with_capacity(full.len());
    let mut rest = full;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let path = &rest[..end];
        // What follows a generic type (`<T>::f`) belongs to it.
        if let Some(item) = path.strip_prefix("::") {
            short.push_str("::");
            short.push_str(item.rsplit("::").next().unwrap_or(item));
        } else {
            short.push_str(path.rsplit("::").next().unwrap_or(path));
        }
        rest = &rest[end..];
        let end = rest.find(is_part).unwrap_or(rest.len());
        short.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    // Lifetimes that nobody has named say nothing.
    short.replace("<'_>", "").replace("'_, ", "")
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn paths_are_left_out_everywhere() {
        let cases = [
            ("alloc::string::String", "String"),
            (
                "core::option::Option<alloc::vec::Vec<my_crate::inner::Type>>",
                "Option<Vec<Type>>",
            ),
            ("(i32, &a::b::C)", "(i32, &C)"),
            ("[a::B; 3]", "[B; 3]"),
            ("a::B<'_>", "B"),
            ("a::B<'_, c::D>", "B<D>"),
            ("i64", "i64"),
        ];
        for (full, short) in cases {
            assert_eq!(shorten(full), short, "{full}");
        }
    }
}
