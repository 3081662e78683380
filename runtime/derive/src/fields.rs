//! `#[derive(UserData)]`
//!
//! The functions that register a type's members are collected by the linker (`inventory`), because
//! the derive macro does not see the `impl` blocks of `userdata_impl`.

use crate::attribute::{LuaAttribute, interface_of, under_conditions};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Fields, Ident, Result};

/// The type of what is collected for a type.
pub(crate) fn registration_name(of: &Ident) -> Ident {
    format_ident!("__PeriluneRegistration{of}")
}

/// The implementation for a type.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        let message = "`UserData` can't be derived for generic types: wrap a concrete one in a \
                       struct";
        return Err(Error::new_spanned(&input.generics, message));
    }
    let interface = interface_of(&input.attrs)?;
    let of = &input.ident;
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().collect(),
            Fields::Unnamed(_) | Fields::Unit => Vec::new(),
        },
        Data::Enum(_) => Vec::new(),
        Data::Union(_) => {
            let message = "`UserData` can't be derived for unions";
            return Err(Error::new_spanned(input, message));
        }
    };
    let mut registrations = Vec::new();
    for field in fields {
        let Some(ident) = &field.ident else {
            continue;
        };
        let refused = ["getter", "setter", "field", "meta", "infallible"];
        let attribute = LuaAttribute::of(&field.attrs, &refused, "fields of structs")?;
        if attribute.skip {
            continue;
        }
        let name = attribute.name(ident);
        let both = !attribute.get && !attribute.set;
        let mut tokens = TokenStream::new();
        if both || attribute.get {
            tokens.extend(quote! {
                registry.add_field_method_get(#name, |_, this| {
                    ::std::result::Result::Ok(::std::clone::Clone::clone(&this.#ident))
                });
                registry.last_getter_reads(#interface::field!(Self, #ident));
            });
        }
        if both || attribute.set {
            tokens.extend(quote! {
                registry.add_field_method_set(#name, |_, this, value| {
                    this.#ident = value;
                    ::std::result::Result::Ok(())
                });
                registry.last_setter_stores(#interface::field!(Self, #ident));
            });
        }
        registrations.push(under_conditions(tokens, &field.attrs));
    }
    let registration = registration_name(of);
    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, unreachable_pub, dead_code)]
        pub struct #registration {
            register: fn(&mut #interface::UserDataRegistry<#of>),
        }

        impl #registration {
            #[doc(hidden)]
            pub const fn new(register: fn(&mut #interface::UserDataRegistry<#of>)) -> Self {
                Self { register }
            }
        }

        #interface::__private::inventory::collect!(#registration);

        impl #interface::UserData for #of {
            fn register(registry: &mut #interface::UserDataRegistry<Self>) {
                #[allow(unused_imports)]
                use #interface::UserDataFields as _;
                #(#registrations)*
                for one in #interface::__private::inventory::iter::<#registration> {
                    (one.register)(registry);
                }
            }
        }
    })
}
