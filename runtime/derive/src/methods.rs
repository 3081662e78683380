//! `#[userdata_impl]`

use crate::arguments::{Parameters, Receiver, State};
use crate::attribute::{LuaAttribute, under_conditions, without_ours};
use crate::fields::registration_name;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ImplItem, ImplItemConst, ImplItemFn, ItemImpl, Path, Result, Type};

/// The block, and the function that registers what is in it.
pub(crate) fn expand(interface: &Path, mut block: ItemImpl) -> Result<TokenStream> {
    let of = match &*block.self_ty {
        Type::Path(path) => path.path.clone(),
        other => {
            let message = "`#[userdata_impl]` wants the name of a type";
            return Err(Error::new_spanned(other, message));
        }
    };
    let Some(last) = of.segments.last() else {
        return Err(Error::new_spanned(&of, "this type has no name"));
    };
    let registration = registration_name(&last.ident);
    let mut registrations = Vec::new();
    for item in &block.items {
        let (tokens, attributes) = match item {
            ImplItem::Const(constant) => (expand_constant(&of, constant)?, &constant.attrs),
            ImplItem::Fn(function) => (expand_function(interface, &of, function)?, &function.attrs),
            _ => continue,
        };
        registrations.push(under_conditions(tokens, attributes));
    }
    for item in &mut block.items {
        match item {
            ImplItem::Const(constant) => without_ours(&mut constant.attrs),
            ImplItem::Fn(function) => without_ours(&mut function.attrs),
            _ => {}
        }
    }
    Ok(quote! {
        #block

        const _: () = {
            fn register(registry: &mut #interface::UserDataRegistry<#of>) {
                #[allow(unused_imports)]
                use #interface::{UserDataFields as _, UserDataMethods as _};
                #(#registrations)*
            }

            #interface::__private::inventory::submit! {
                #registration::new(register)
            }
        };
    })
}

fn expand_constant(of: &Path, constant: &ImplItemConst) -> Result<TokenStream> {
    let refused = ["get", "set", "getter", "setter", "infallible"];
    let attribute = LuaAttribute::of(&constant.attrs, &refused, "constants")?;
    if attribute.skip {
        return Ok(TokenStream::new());
    }
    let ident = &constant.ident;
    Ok(if attribute.meta {
        let name = attribute.meta_name(ident)?;
        quote! { registry.add_meta_field(#name, #of::#ident); }
    } else {
        let name = attribute.name(ident);
        quote! { registry.add_field(#name, #of::#ident); }
    })
}

fn expand_function(interface: &Path, of: &Path, function: &ImplItemFn) -> Result<TokenStream> {
    let attribute = LuaAttribute::of(&function.attrs, &["get", "set"], "functions")?;
    if attribute.skip {
        return Ok(TokenStream::new());
    }
    let roles = [attribute.getter, attribute.setter, attribute.field];
    if roles.iter().filter(|&&is_set| is_set).count() > 1 {
        let message = "a function is at most one of `getter`, `setter` and `field`";
        return Err(Error::new(attribute.span(), message));
    }
    if attribute.meta && (attribute.getter || attribute.setter) {
        let message = "`meta` goes with `field` only";
        return Err(Error::new(attribute.span(), message));
    }
    let method = Method {
        interface,
        of,
        function,
        parameters: Parameters::of(&function.sig, interface)?,
        is_async: function.sig.asyncness.is_some(),
        attribute,
    };
    if !method.is_async && method.parameters.state == Some(State::Owned) {
        return Err(method.error("`Lua` is had by value in async functions only: take `&Lua`"));
    }
    if method.attribute.getter {
        method.expand_getter()
    } else if method.attribute.setter {
        method.expand_setter()
    } else if method.attribute.field {
        method.expand_field()
    } else if method.attribute.meta {
        method.expand_meta()
    } else {
        Ok(method.expand_method())
    }
}

/// A function of the block.
struct Method<'a> {
    interface: &'a Path,
    of: &'a Path,
    function: &'a ImplItemFn,
    attribute: LuaAttribute,
    parameters: Parameters,
    is_async: bool,
}

impl Method<'_> {
    fn error(&self, message: &str) -> Error {
        Error::new_spanned(&self.function.sig, message)
    }

    fn name(&self) -> String {
        self.attribute.name(&self.function.sig.ident)
    }

    /// The call, as a `Result`.
    fn call(&self) -> TokenStream {
        let (of, ident) = (self.of, &self.function.sig.ident);
        let this = match self.parameters.receiver {
            Receiver::Shared if self.is_async => quote! { &*this },
            Receiver::Exclusive if self.is_async => quote! { &mut *this },
            _ => quote! { this },
        };
        let state = match (self.is_async, self.parameters.state) {
            (true, Some(State::Borrowed)) => quote! { let lua = &lua; },
            _ => quote! { let _ = &lua; },
        };
        let passed = self.parameters.passed(&this);
        let wait = self.is_async.then(|| quote! { .await });
        let call = quote! { #of::#ident(#passed) #wait };
        if self.attribute.infallible {
            quote! { #state ::std::result::Result::Ok(#call) }
        } else {
            quote! { #state #call }
        }
    }

    /// The body of the closure that makes the call.
    fn body(&self) -> TokenStream {
        let call = self.call();
        if self.is_async {
            quote! { async move { #call } }
        } else {
            quote! { { #call } }
        }
    }

    fn expand_getter(&self) -> Result<TokenStream> {
        if self.is_async {
            return Err(self.error("a getter can't be async"));
        }
        if self.parameters.receiver != Receiver::Shared {
            return Err(self.error("a getter takes `&self`"));
        }
        if !self.parameters.arguments.is_empty() {
            return Err(self.error("a getter takes no arguments"));
        }
        let (name, body) = (self.name(), self.body());
        Ok(quote! { registry.add_field_method_get(#name, |lua, this| #body); })
    }

    fn expand_setter(&self) -> Result<TokenStream> {
        if self.is_async {
            return Err(self.error("a setter can't be async"));
        }
        if !matches!(
            self.parameters.receiver,
            Receiver::Shared | Receiver::Exclusive
        ) {
            return Err(self.error("a setter takes `&self` or `&mut self`"));
        }
        if self.parameters.arguments.len() != 1 {
            return Err(self.error("a setter takes one argument: the value"));
        }
        let (name, body, pattern) = (self.name(), self.body(), self.parameters.value_pattern());
        Ok(quote! { registry.add_field_method_set(#name, |lua, this, #pattern| #body); })
    }

    fn expand_field(&self) -> Result<TokenStream> {
        if self.is_async {
            return Err(self.error("a field's function can't be async"));
        }
        if self.parameters.receiver != Receiver::None {
            return Err(self.error("a field's function does not take `self`"));
        }
        if !self.parameters.arguments.is_empty() || self.parameters.state.is_some() {
            return Err(self.error("a field's function takes no arguments"));
        }
        let (of, ident, name) = (self.of, &self.function.sig.ident, self.name());
        Ok(if self.attribute.meta {
            quote! { registry.add_meta_field(#name, #of::#ident()); }
        } else {
            quote! { registry.add_field(#name, #of::#ident()); }
        })
    }

    fn expand_meta(&self) -> Result<TokenStream> {
        let name = self.attribute.meta_name(&self.function.sig.ident)?;
        let (body, pattern) = (self.body(), self.parameters.pattern());
        Ok(match (self.parameters.receiver, self.is_async) {
            (Receiver::Owned, _) => {
                let message = "a metamethod takes `&self` or `&mut self`, not `self`";
                return Err(self.error(message));
            }
            (Receiver::None, is_async) => {
                // Lua passes the userdata all the same.
                let pattern = self.parameters.pattern_behind_self(self.interface);
                if is_async {
                    quote! { registry.add_async_meta_function(#name, |lua, #pattern| #body); }
                } else {
                    quote! { registry.add_meta_function(#name, |lua, #pattern| #body); }
                }
            }
            (Receiver::Shared, false) => {
                quote! { registry.add_meta_method(#name, |lua, this, #pattern| #body); }
            }
            (Receiver::Exclusive, false) => {
                quote! { registry.add_meta_method_mut(#name, |lua, this, #pattern| #body); }
            }
            (Receiver::Shared, true) => {
                quote! { registry.add_async_meta_method(#name, |lua, this, #pattern| #body); }
            }
            (Receiver::Exclusive, true) => quote! {
                registry.add_async_meta_method_mut(#name, |lua, mut this, #pattern| #body);
            },
        })
    }

    fn expand_method(&self) -> TokenStream {
        let (name, body, pattern) = (self.name(), self.body(), self.parameters.pattern());
        match (self.parameters.receiver, self.is_async) {
            (Receiver::None, false) => {
                quote! { registry.add_function(#name, |lua, #pattern| #body); }
            }
            (Receiver::Shared, false) => {
                quote! { registry.add_method(#name, |lua, this, #pattern| #body); }
            }
            (Receiver::Exclusive, false) => {
                quote! { registry.add_method_mut(#name, |lua, this, #pattern| #body); }
            }
            (Receiver::Owned, false) => {
                quote! { registry.add_method_once(#name, |lua, this, #pattern| #body); }
            }
            (Receiver::None, true) => {
                quote! { registry.add_async_function(#name, |lua, #pattern| #body); }
            }
            (Receiver::Shared, true) => {
                quote! { registry.add_async_method(#name, |lua, this, #pattern| #body); }
            }
            (Receiver::Exclusive, true) => {
                quote! { registry.add_async_method_mut(#name, |lua, mut this, #pattern| #body); }
            }
            (Receiver::Owned, true) => {
                quote! { registry.add_async_method_once(#name, |lua, this, #pattern| #body); }
            }
        }
    }
}
