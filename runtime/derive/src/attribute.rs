//! `#[lua(...)]`, and which crate is the embedding interface.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, Ident, LitStr, Meta, Path, Result, parse_quote};

/// What the attributes of a field, function or constant say.
#[derive(Default)]
pub(crate) struct LuaAttribute {
    span: Option<Span>,
    name: Option<String>,
    pub(crate) skip: bool,
    pub(crate) infallible: bool,
    pub(crate) get: bool,
    pub(crate) set: bool,
    pub(crate) getter: bool,
    pub(crate) setter: bool,
    pub(crate) field: bool,
    pub(crate) meta: bool,
}

impl LuaAttribute {
    /// What the attributes say; those in `refused` are not meant for `what`.
    pub(crate) fn of(
        attributes: &[Attribute],
        refused: &[&str],
        what: &str,
    ) -> Result<LuaAttribute> {
        let mut parsed = LuaAttribute::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("lua")) {
            match &attribute.meta {
                Meta::Path(_) => {}
                Meta::List(_) => attribute.parse_nested_meta(|meta| {
                    parsed.span.get_or_insert(
                        meta.path
                            .get_ident()
                            .map_or_else(Span::call_site, Ident::span),
                    );
                    if let Some(name) = refused.iter().find(|name| meta.path.is_ident(name)) {
                        return Err(meta.error(format!("`{name}` is not valid for {what}")));
                    }
                    parsed.take(&meta)
                })?,
                Meta::NameValue(_) => {
                    let message =
                        "`#[lua = \"...\"]` means nothing: write `#[lua(name = \"...\")]`";
                    return Err(Error::new_spanned(attribute, message));
                }
            }
        }
        Ok(parsed)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("name") {
            self.name = Some(meta.value()?.parse::<LitStr>()?.value());
            return Ok(());
        }
        let flags = [
            ("skip", &mut self.skip),
            ("infallible", &mut self.infallible),
            ("get", &mut self.get),
            ("set", &mut self.set),
            ("getter", &mut self.getter),
            ("setter", &mut self.setter),
            ("field", &mut self.field),
            ("meta", &mut self.meta),
        ];
        for (name, flag) in flags {
            if meta.path.is_ident(name) {
                *flag = true;
                return Ok(());
            }
        }
        let known =
            "`skip`, `infallible`, `get`, `set`, `getter`, `setter`, `field`, `meta`, `name`";
        Err(meta.error(format!("unknown attribute, expected one of {known}")))
    }

    /// The place of the first word in parentheses, for messages.
    pub(crate) fn span(&self) -> Span {
        self.span.unwrap_or_else(Span::call_site)
    }

    /// The name in Lua of what is called `ident` in Rust.
    pub(crate) fn name(&self, ident: &Ident) -> String {
        self.name.clone().unwrap_or_else(|| ident.to_string())
    }

    /// Likewise, of a metamethod.
    pub(crate) fn meta_name(&self, ident: &Ident) -> Result<String> {
        let name = self.name(ident);
        if self.name.is_none() && !name.starts_with("__") {
            let message = format!(
                "which metamethod is `{name}`? Write `#[lua(meta, name = \"...\")]`, or begin its name \
                 with `__`"
            );
            return Err(Error::new(ident.span(), message));
        }
        Ok(name)
    }
}

/// The crate of the embedding interface unless an attribute says otherwise.
pub(crate) fn default_interface() -> Path {
    parse_quote!(::perilune)
}

/// The crate of the embedding interface: what `#[lua(crate = ...)]` on a type says.
pub(crate) fn interface_of(attributes: &[Attribute]) -> Result<Path> {
    let mut interface = default_interface();
    let says_something =
        |a: &&Attribute| a.path().is_ident("lua") && !matches!(a.meta, Meta::Path(_));
    for attribute in attributes.iter().filter(says_something) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("unknown attribute of a type, expected `crate = path`"));
            }
            interface = meta.value()?.call(Path::parse_mod_style)?;
            Ok(())
        })?;
    }
    Ok(interface)
}

/// The tokens under the conditions (`#[cfg]`) of the item that they are made for.
pub(crate) fn under_conditions(tokens: TokenStream, attributes: &[Attribute]) -> TokenStream {
    let is_condition = |a: &&Attribute| a.path().is_ident("cfg") || a.path().is_ident("cfg_attr");
    let conditions = attributes.iter().filter(is_condition);
    quote! { #(#conditions)* { #tokens } }
}

/// The attributes that are not ours.
pub(crate) fn without_ours(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| !attribute.path().is_ident("lua"));
}

/// The crate of the embedding interface, as the arguments of `#[userdata_impl]` say it.
pub(crate) fn interface_in(arguments: proc_macro::TokenStream) -> Result<Path> {
    let mut interface = default_interface();
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("crate") {
            return Err(meta.error("unknown argument, expected `crate = path`"));
        }
        interface = meta.value()?.call(Path::parse_mod_style)?;
        Ok(())
    });
    syn::parse::Parser::parse(parser, arguments)?;
    Ok(interface)
}
