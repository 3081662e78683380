//! Parameters of functions in a `userdata_impl` block: how each is had from Lua, and how it is passed
//! on.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Error, FnArg, GenericArgument, Ident, Pat, Path, PathArguments, Result, Signature, Type,
};

/// What a function takes as `self`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// Nothing.
    None,
    /// `&self`
    Shared,
    /// `&mut self`
    Exclusive,
    /// `self`
    Owned,
}

/// How a function takes the state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// `&Lua`
    Borrowed,
    /// `Lua`: in async functions only.
    Owned,
}

/// How an argument is passed on.
enum Passing {
    Value,
    Reference,
    MutableReference,
    OptionalReference,
    OptionalMutableReference,
}

/// A parameter.
pub(crate) struct Argument {
    ident: Ident,
    passing: Passing,
    /// The type that is converted from Lua.
    converted: TokenStream,
}

/// All parameters of a function.
pub(crate) struct Parameters {
    pub(crate) receiver: Receiver,
    pub(crate) state: Option<State>,
    pub(crate) arguments: Vec<Argument>,
}

impl Parameters {
    /// The parameters that a signature has; `interface` is the crate that the conversions are in.
    pub(crate) fn of(signature: &Signature, interface: &Path) -> Result<Parameters> {
        let mut parameters = Parameters {
            receiver: Receiver::None,
            state: None,
            arguments: Vec::new(),
        };
        let mut is_first = true;
        for parameter in &signature.inputs {
            match parameter {
                FnArg::Receiver(receiver) => {
                    parameters.receiver = match (&receiver.reference, receiver.mutability) {
                        (None, _) => Receiver::Owned,
                        (Some(_), None) => Receiver::Shared,
                        (Some(_), Some(_)) => Receiver::Exclusive,
                    };
                }
                FnArg::Typed(typed) => {
                    if std::mem::take(&mut is_first)
                        && let Some(state) = state_of(&typed.ty)
                    {
                        parameters.state = Some(state);
                        continue;
                    }
                    let number = parameters.arguments.len();
                    let argument = Argument::of(&typed.pat, &typed.ty, number, interface)?;
                    parameters.arguments.push(argument);
                }
            }
        }
        Ok(parameters)
    }

    /// The pattern by which a closure takes the arguments.
    pub(crate) fn pattern(&self) -> TokenStream {
        let names = self.arguments.iter().map(Argument::binding);
        let types = self.arguments.iter().map(|argument| &argument.converted);
        quote! { (#(#names,)*): (#(#types,)*) }
    }

    /// The pattern by which a setter's closure takes the value.
    pub(crate) fn value_pattern(&self) -> TokenStream {
        let patterns = self.arguments.iter().map(|argument| {
            let (name, kind) = (argument.binding(), &argument.converted);
            quote! { #name: #kind }
        });
        quote! { #(#patterns),* }
    }

    /// As [`Parameters::pattern`], behind an argument that is not looked at.
    pub(crate) fn pattern_behind_self(&self, interface: &Path) -> TokenStream {
        let names = self.arguments.iter().map(Argument::binding);
        let types = self.arguments.iter().map(|argument| &argument.converted);
        quote! { (_, #(#names,)*): (#interface::Value, #(#types,)*) }
    }

    /// The arguments as they are passed on, behind `this` and the state.
    pub(crate) fn passed(&self, this: &TokenStream) -> TokenStream {
        let this = (self.receiver != Receiver::None).then_some(this);
        let lua = self.state.map(|_| quote! { lua });
        let arguments = self.arguments.iter().map(Argument::passed);
        let all = this.into_iter().cloned().chain(lua).chain(arguments);
        quote! { #(#all),* }
    }
}

impl Argument {
    fn of(pattern: &Pat, kind: &Type, number: usize, interface: &Path) -> Result<Argument> {
        let ident = match pattern {
            Pat::Ident(pattern) => pattern.ident.clone(),
            _ => quote::format_ident!("argument_{number}"),
        };
        let (passing, converted) = match (kind, option_of(kind)) {
            (Type::Reference(_), _) => {
                let (is_mutable, converted) = converted_reference(kind, interface)?;
                let passing = if is_mutable {
                    Passing::MutableReference
                } else {
                    Passing::Reference
                };
                (passing, converted)
            }
            (_, Some(inner @ Type::Reference(_))) => {
                let (is_mutable, converted) = converted_reference(inner, interface)?;
                let passing = if is_mutable {
                    Passing::OptionalMutableReference
                } else {
                    Passing::OptionalReference
                };
                (passing, quote! { ::std::option::Option<#converted> })
            }
            _ => (Passing::Value, quote! { #kind }),
        };
        Ok(Argument {
            ident,
            passing,
            converted,
        })
    }

    fn binding(&self) -> TokenStream {
        let ident = &self.ident;
        match self.passing {
            Passing::MutableReference | Passing::OptionalMutableReference => quote! { mut #ident },
            _ => quote! { #ident },
        }
    }

    fn passed(&self) -> TokenStream {
        let ident = &self.ident;
        match self.passing {
            Passing::Value => quote! { #ident },
            Passing::Reference => quote! { &*#ident },
            Passing::MutableReference => quote! { &mut *#ident },
            Passing::OptionalReference => quote! { #ident.as_deref() },
            Passing::OptionalMutableReference => quote! { #ident.as_deref_mut() },
        }
    }
}

/// `Lua` or `&Lua`.
fn state_of(kind: &Type) -> Option<State> {
    let is_lua = |kind: &Type| match kind {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Lua"),
        _ => false,
    };
    match kind {
        Type::Reference(reference) if reference.mutability.is_none() && is_lua(&reference.elem) => {
            Some(State::Borrowed)
        }
        kind if is_lua(kind) => Some(State::Owned),
        _ => None,
    }
}

/// The type in an `Option`.
fn option_of(kind: &Type) -> Option<&Type> {
    let Type::Path(path) = kind else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == "Option")?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a reference is mutable, and the type that dereferences to what it refers to.
fn converted_reference(kind: &Type, interface: &Path) -> Result<(bool, TokenStream)> {
    let Type::Reference(reference) = kind else {
        return Err(Error::new_spanned(kind, "this is no reference"));
    };
    let (is_mutable, inner) = (reference.mutability.is_some(), &*reference.elem);
    let is = |kind: &Type, name: &str| matches!(kind, Type::Path(path) if path.path.is_ident(name));
    let converted = match inner {
        Type::Slice(slice) if !is_mutable && is(&slice.elem, "u8") => {
            quote! { #interface::BorrowedBytes }
        }
        Type::Slice(_) => {
            let message = "slices other than `&[u8]` can't be had from Lua";
            return Err(Error::new_spanned(kind, message));
        }
        inner if !is_mutable && is(inner, "str") => quote! { #interface::BorrowedStr },
        inner if is_mutable => quote! { #interface::UserDataRefMut<#inner> },
        inner => quote! { #interface::UserDataRef<#inner> },
    };
    Ok((is_mutable, converted))
}
