//! `#[derive(FromLua)]`

use crate::attribute::interface_of;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result, parse_quote};

/// The implementation for a type.
pub(crate) fn expand(input: DeriveInput) -> Result<TokenStream> {
    let interface = interface_of(&input.attrs)?;
    let DeriveInput {
        ident,
        mut generics,
        ..
    } = input;
    let name = ident.to_string();
    let bounds = parse_quote!(Self: 'static + ::std::clone::Clone);
    generics.make_where_clause().predicates.push(bounds);
    let (parameters, arguments, where_clause) = generics.split_for_impl();
    Ok(quote! {
        impl #parameters #interface::FromLua for #ident #arguments #where_clause {
            fn from_lua(
                value: #interface::Value,
                _: &#interface::Lua,
            ) -> #interface::Result<Self> {
                match value {
                    #interface::Value::UserData(userdata) => {
                        ::std::result::Result::Ok(userdata.borrow::<Self>()?.clone())
                    }
                    other => ::std::result::Result::Err(
                        #interface::Error::FromLuaConversionError {
                            from: other.type_name(),
                            to: ::std::string::String::from(#name),
                            message: ::std::option::Option::None,
                        },
                    ),
                }
            }
        }
    })
}
