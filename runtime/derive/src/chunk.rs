//! `chunk!`
//!
//! The text of the tokens is put together again with the white space that was between them, so that
//! lines stay lines. `$name` becomes `name`, a variable of the chunk's environment.

use proc_macro2::{Delimiter, Group, Ident, LineColumn, TokenStream, TokenTree};
use quote::quote;
use syn::{Error, Result};

/// The source so far.
#[derive(Default)]
struct Source {
    text: String,
    /// Where the last token ended.
    end: Option<LineColumn>,
    captures: Vec<Ident>,
}

impl Source {
    /// Adds a token that stood there.
    fn add(&mut self, text: &str, start: LineColumn, end: LineColumn) {
        if let Some(before) = self.end {
            if start.line > before.line {
                let lines = start.line - before.line;
                self.text.extend(std::iter::repeat_n('\n', lines));
                self.text.extend(std::iter::repeat_n(' ', start.column));
            } else {
                let columns = start.column.saturating_sub(before.column);
                self.text.extend(std::iter::repeat_n(' ', columns));
            }
        }
        self.text.push_str(text);
        self.end = Some(end);
    }

    fn add_all(&mut self, tokens: TokenStream) -> Result<()> {
        let mut tokens = tokens.into_iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '$' => match tokens.next() {
                    Some(TokenTree::Ident(ident)) => {
                        let (start, end) = (punct.span().start(), ident.span().end());
                        self.add(&ident.to_string(), start, end);
                        if !self.captures.contains(&ident) {
                            self.captures.push(ident);
                        }
                    }
                    _ => {
                        let message = "`$` is followed by the name of a variable";
                        return Err(Error::new(punct.span(), message));
                    }
                },
                TokenTree::Group(group) => self.add_group(&group)?,
                token => {
                    let span = token.span();
                    let text = span.source_text().unwrap_or_else(|| token.to_string());
                    self.add(&text, span.start(), span.end());
                }
            }
        }
        Ok(())
    }

    fn add_group(&mut self, group: &Group) -> Result<()> {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        let (first, last) = (group.span_open(), group.span_close());
        self.add(open, first.start(), first.end());
        self.add_all(group.stream())?;
        self.add(close, last.start(), last.end());
        Ok(())
    }
}

/// A value that `Lua::load` takes. The first token is the crate of the embedding interface: `$crate`, as
/// a macro of that crate has written it, whatever a program calls its dependency.
pub(crate) fn expand(tokens: TokenStream) -> Result<TokenStream> {
    let mut tokens = tokens.into_iter();
    let interface = tokens.next();
    let mut source = Source::default();
    source.add_all(tokens.collect())?;
    let Source { text, captures, .. } = source;
    let names = captures.iter().map(Ident::to_string);
    let environment = if captures.is_empty() {
        quote! { #interface::__private::NO_CAPTURES }
    } else {
        quote! {
            ::std::option::Option::Some(move |lua: &#interface::Lua| {
                let environment = #interface::__private::environment(lua)?;
                #(environment.raw_set(#names, #captures)?;)*
                ::std::result::Result::Ok(environment)
            })
        }
    };
    Ok(quote! { #interface::__private::captured_chunk(#text, #environment) })
}
