//! The macros of the embedding interface: deriving conversions and userdata, and Lua source within
//! Rust source. Programs use them through the facade `perilune`, with its feature `macros`.
//!
//! What is generated names everything by paths that begin with `::perilune`, so it means the same
//! wherever it stands. A mistake in the input is a compile error at the place of the mistake.

mod arguments;
mod attribute;
mod chunk;
mod fields;
mod from_lua;
mod methods;

use proc_macro::TokenStream;

/// The expansion, or the error as one.
fn expansion(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

/// Derives `FromLua` for a type that is `Clone`: a userdata of the type converts to a copy of its
/// value.
#[proc_macro_derive(FromLua)]
pub fn from_lua(input: TokenStream) -> TokenStream {
    expansion(syn::parse(input).map(from_lua::expand))
}

/// Derives `UserData`: the named fields of a struct are fields of its userdata.
///
/// Fields are read and stored, unless an attribute says otherwise: `#[lua(get)]` (read only),
/// `#[lua(set)]` (stored only), `#[lua(skip)]`, `#[lua(name = "...")]`. Their types are `Clone`. Numbers and
/// booleans are plain fields (`UserDataFields::add_plain_field`): compiled code reads and stores them without
/// calls. Methods are added by the attribute macro `userdata_impl`.
#[proc_macro_derive(UserData, attributes(lua))]
pub fn user_data(input: TokenStream) -> TokenStream {
    expansion(syn::parse(input).and_then(|input| fields::expand(&input)))
}

/// Adds the functions and constants of an `impl` block to the type's userdata; the type derives
/// `UserData`. There may be several such blocks.
///
/// Functions with `self` are methods, others functions; constants are fields. Arguments may be
/// references: `&str`, `&[u8]`, `&T` and `&mut T` of userdata, and `Option` of those. The first one may be
/// `&Lua`. Functions return a `Result`, or are `#[lua(infallible)]`. Further attributes are `getter`,
/// `setter`, `field` (the value of a function without arguments), `meta` (a metamethod, or with `field` a
/// field of the metatable), `name = "..."`, and `skip`.
#[proc_macro_attribute]
pub fn userdata_impl(attribute: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(token) = proc_macro2::TokenStream::from(attribute).into_iter().next() {
        let message = "`#[userdata_impl]` does not take arguments";
        return expansion(Err(syn::Error::new(token.span(), message)));
    }
    expansion(syn::parse(item).and_then(methods::expand))
}

/// Lua source as Rust tokens, for `Lua::load`. `$name` is the value of a Rust variable, which the chunk
/// takes over.
///
/// The source is what Rust can split into tokens: strings are in double quotes, and comments are Rust's.
/// Lines count from the first one that has a token.
#[proc_macro]
pub fn chunk(input: TokenStream) -> TokenStream {
    expansion(chunk::expand(input.into()))
}
