//! `#[derive(FromLua)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

/// The implementation for a type.
pub(crate) fn expand(input: DeriveInput) -> TokenStream {
    let DeriveInput {
        ident,
        mut generics,
        ..
    } = input;
    let name = ident.to_string();
    let bounds = parse_quote!(Self: 'static + ::std::clone::Clone);
    generics.make_where_clause().predicates.push(bounds);
    let (parameters, arguments, where_clause) = generics.split_for_impl();
    quote! {
        impl #parameters ::perilune::FromLua for #ident #arguments #where_clause {
            fn from_lua(
                value: ::perilune::Value,
                _: &::perilune::Lua,
            ) -> ::perilune::Result<Self> {
                match value {
                    ::perilune::Value::UserData(userdata) => {
                        ::std::result::Result::Ok(userdata.borrow::<Self>()?.clone())
                    }
                    other => ::std::result::Result::Err(
                        ::perilune::Error::FromLuaConversionError {
                            from: other.type_name(),
                            to: ::std::string::String::from(#name),
                            message: ::std::option::Option::None,
                        },
                    ),
                }
            }
        }
    }
}
