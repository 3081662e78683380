//! The macros of the embedding interface: deriving conversions and userdata, and Lua source within
//! Rust source. Programs use them through the facade `perilune`, with its feature `macros`.
//!
//! What is generated names everything by paths that begin with `::perilune`, so it means the same
//! wherever it stands; a program that calls its dependency otherwise says so by `crate = path`. A mistake in the input is a compile error at the place of the mistake.

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
///
/// ```
/// use perilune::{AnyUserData, FromLua, Lua};
///
/// #[derive(Clone, Debug, PartialEq, FromLua)]
/// struct Id(u32);
///
/// # fn main() -> perilune::Result<()> {
/// let lua = Lua::new();
/// lua.globals().set("id", AnyUserData::wrap(Id(7)))?;
/// assert_eq!(lua.globals().get::<Id>("id")?, Id(7));
/// # Ok(())
/// # }
/// ```
///
/// `#[lua(crate = path)]` on the type says where the embedding interface is if the dependency is not called
/// `perilune`.
#[proc_macro_derive(FromLua, attributes(lua))]
pub fn from_lua(input: TokenStream) -> TokenStream {
    expansion(syn::parse(input).and_then(from_lua::expand))
}

/// Derives `UserData`: the named fields of a struct are fields of its userdata.
///
/// Fields are read and stored, unless an attribute says otherwise: `#[lua(get)]` (read only),
/// `#[lua(set)]` (stored only), `#[lua(skip)]`, `#[lua(name = "...")]`. Their types are `Clone`. Numbers and
/// booleans are plain fields (`UserDataFields::add_plain_field`): compiled code reads and stores them without
/// calls. Methods are added by the attribute macro `userdata_impl`.
///
/// ```
/// use perilune::{Lua, UserData};
///
/// #[derive(UserData)]
/// struct Point {
///     x: f64,
///     #[lua(get, name = "label")]
///     text: String,
/// }
///
/// # fn main() -> perilune::Result<()> {
/// let lua = Lua::new();
/// lua.globals().set("p", Point { x: 1.5, text: "a".to_owned() })?;
/// lua.load("p.x = 2 * p.x").exec()?;
/// assert_eq!(lua.load("p.label .. p.x").eval::<String>()?, "a3.0");
/// assert!(lua.load("p.label = 'b'").exec().is_err());
/// # Ok(())
/// # }
/// ```
///
/// `#[lua(crate = path)]` on the type says where the embedding interface is if the dependency is not called
/// `perilune`: `#[lua(crate = lua)]` for a dependency `lua`.
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
///
/// ```
/// use perilune::{Lua, UserData, userdata_impl};
///
/// #[derive(UserData)]
/// struct Counter {
///     count: u32,
/// }
///
/// #[userdata_impl]
/// impl Counter {
///     #[lua(infallible)]
///     fn new() -> Self {
///         Counter { count: 0 }
///     }
///
///     #[lua(infallible)]
///     fn add(&mut self, n: u32) {
///         self.count += n;
///     }
///
///     #[lua(meta, infallible)]
///     fn __tostring(&self) -> String {
///         format!("{} so far", self.count)
///     }
/// }
///
/// # fn main() -> perilune::Result<()> {
/// let lua = Lua::new();
/// lua.globals().set("Counter", lua.create_proxy::<Counter>()?)?;
/// lua.load("local c = Counter.new(); c:add(3); assert(tostring(c) == '3 so far')").exec()?;
/// # Ok(())
/// # }
/// ```
///
/// `#[userdata_impl(crate = path)]` says where the embedding interface is if the dependency is not called
/// `perilune`.
#[proc_macro_attribute]
pub fn userdata_impl(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expansion(
        attribute::interface_in(attribute)
            .and_then(|interface| methods::expand(&interface, syn::parse(item)?)),
    )
}

/// What the macro `chunk!` of the embedding interface expands to: the crate of the interface and a chunk's
/// tokens. It is not meant to be written by hand.
#[doc(hidden)]
#[proc_macro]
pub fn chunk(input: TokenStream) -> TokenStream {
    expansion(chunk::expand(input.into()))
}
