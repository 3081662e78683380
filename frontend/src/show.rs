//! What the frontend makes of a text, for people to read: its tokens, and its syntax tree.
//!
//! Neither is part of compiling: both read the text anew.

use crate::ast::{
    Attrib, Block, Expr, ExprId, ExprKind, Exprs, Function, Id, Interner, Line, List, LocalDecl,
    StatKind, TableItem, Tree, Trees,
};
use crate::error::SyntaxError;
use crate::lexer::{Lexer, Token};
use crate::parser::parse;
use std::fmt::Write;

/// The tokens of a text: each line begins with its number in the source.
pub fn tokens(source: &[u8]) -> String {
    let mut lexer = Lexer::new(source);
    let (mut text, mut last) = (String::new(), 0);
    loop {
        let Ok(token) = lexer.next_token() else {
            let error = lexer.explain();
            let _ = write!(text, " <{}>", error.message);
            break;
        };
        if lexer.line() != last {
            last = lexer.line();
            let separator = if text.is_empty() { "" } else { "\n" };
            let _ = write!(text, "{separator}{last:5}");
        }
        let shown = match token {
            Token::EndOfFile => "<eof>".to_owned(),
            _ => String::from_utf8_lossy(&source[lexer.span()]).into_owned(),
        };
        let _ = write!(text, " {}", shown.escape_debug());
        if token == Token::EndOfFile {
            break;
        }
    }
    text.push('\n');
    text
}

/// The syntax tree of a chunk: statements by line, indented as they are nested, expressions with all
/// their parentheses.
///
/// # Errors
/// The text is no program.
pub fn tree(source: &[u8], chunk_name: &[u8]) -> Result<String, SyntaxError> {
    let (chunk, interner) = parse(source, chunk_name)?;
    let mut shower = Shower {
        trees: &chunk.trees,
        tree: &chunk.trees.main,
        interner: &interner,
        text: String::new(),
        depth: 0,
        functions: Vec::new(),
    };
    shower.block(chunk.main.body);
    Ok(shower.text)
}

struct Shower<'a> {
    trees: &'a Trees,
    /// Where the nodes of the function at hand are.
    tree: &'a Tree,
    interner: &'a Interner,
    text: String,
    depth: usize,
    /// Functions in the expressions of the statement at hand.
    functions: Vec<Id<Function>>,
}

impl<'a> Shower<'a> {
    fn line(&mut self, line: Line, text: &str) {
        let indent = 2 * self.depth;
        let _ = writeln!(self.text, "{line:5} {:indent$}{text}", "");
        self.depth += 1;
        for id in std::mem::take(&mut self.functions) {
            let line = self.tree[id].line;
            self.function(line, "function ", id);
        }
        self.depth -= 1;
    }

    fn block(&mut self, block: Block) {
        let tree = self.tree;
        self.depth += 1;
        for stat in &tree[block.stats] {
            self.statement(stat.line, stat.kind);
        }
        self.depth -= 1;
    }

    fn statement(&mut self, line: Line, kind: StatKind) {
        let tree = self.tree;
        match kind {
            StatKind::Local { names, values } => {
                let (names, values) = (self.names(names), self.list(values));
                self.line(line, &format!("local {names} = {values}"));
            }
            StatKind::Assign { targets, values } => {
                let (targets, values) = (self.list(targets), self.list(values));
                self.line(line, &format!("{targets} = {values}"));
            }
            StatKind::Call(call) => {
                let call = self.expression(call);
                self.line(line, &call);
            }
            StatKind::Do(body) => {
                self.line(line, "do");
                self.block(body);
            }
            StatKind::While { cond, body } => {
                let cond = self.expression(cond);
                self.line(line, &format!("while {cond}"));
                self.block(body);
            }
            StatKind::Repeat { body, cond } => {
                let cond = self.expression(cond);
                self.line(line, &format!("repeat until {cond}"));
                self.block(body);
            }
            StatKind::If { arms, otherwise } => {
                for (n, arm) in tree[arms].iter().enumerate() {
                    let cond = self.expression(arm.cond);
                    let word = if n == 0 { "if" } else { "elseif" };
                    let line = if n == 0 { line } else { arm.then_line };
                    self.line(line, &format!("{word} {cond}"));
                    self.block(arm.body);
                }
                if let Some(body) = otherwise {
                    self.line(body.last_line, "else");
                    self.block(body);
                }
            }
            StatKind::Return(values) => {
                let values = self.list(values);
                self.line(line, &format!("return {values}"));
            }
            StatKind::Break => self.line(line, "break"),
            StatKind::Goto(label) => {
                let label = self.name(label);
                self.line(line, &format!("goto {label}"));
            }
            StatKind::Label(label) => {
                let label = self.name(label);
                self.line(line, &format!("::{label}::"));
            }
            _ => self.loop_or_function(line, kind),
        }
    }

    fn loop_or_function(&mut self, line: Line, kind: StatKind) {
        let tree = self.tree;
        match kind {
            StatKind::NumericFor(id) => {
                let numeric = &tree[id];
                let var = self.names(numeric.var);
                let (start, limit) = (
                    self.expression(numeric.start),
                    self.expression(numeric.limit),
                );
                let step = numeric.step.map(|step| self.expression(step));
                let step = step.map(|step| format!(", {step}")).unwrap_or_default();
                self.line(line, &format!("for {var} = {start}, {limit}{step}"));
                self.block(numeric.body);
            }
            StatKind::GenericFor(id) => {
                let generic = &tree[id];
                let (names, values) = (self.names(generic.names), self.list(generic.values));
                self.line(line, &format!("for {names} in {values}"));
                self.block(generic.body);
            }
            StatKind::Function { target, function } => {
                let target = self.expression(target);
                self.function(line, &format!("function {target}"), function);
            }
            StatKind::LocalFunction { name, function } => {
                let name = self.names(name);
                self.function(line, &format!("local function {name}"), function);
            }
            _ => {}
        }
    }

    /// A function as a statement of its own: its head, then its body.
    fn function(&mut self, line: Line, head: &str, function: Id<Function>) {
        let outer = self.tree;
        let function = &outer[function];
        self.tree = &self.trees.inner;
        let mut params = self.names(function.params);
        if function.is_vararg {
            params += if params.is_empty() { "..." } else { ", ..." };
        }
        self.line(line, &format!("{head}({params})"));
        self.block(function.body);
        self.tree = outer;
    }

    fn name(&self, symbol: crate::ast::Symbol) -> String {
        String::from_utf8_lossy(self.interner.resolve(symbol)).into_owned()
    }

    fn names(&self, names: List<LocalDecl>) -> String {
        let name = |decl: &LocalDecl| {
            let attrib = match decl.attrib {
                Attrib::None => "",
                Attrib::Const => " <const>",
                Attrib::Close => " <close>",
            };
            self.name(decl.name) + attrib
        };
        let names: Vec<String> = self.tree[names].iter().map(name).collect();
        names.join(", ")
    }

    fn list(&mut self, exprs: Exprs) -> String {
        let tree: &'a Tree = self.tree;
        let shown: Vec<String> = tree[exprs].iter().map(|&e| self.expression(e)).collect();
        shown.join(", ")
    }

    /// An expression, without recursion along its left edge, which may be long.
    fn expression(&mut self, id: ExprId) -> String {
        let tree: &'a Tree = self.tree;
        let mut edge = vec![&tree[id]];
        while let Some(left) = edge[edge.len() - 1].left(tree) {
            edge.push(left);
        }
        let mut text = String::new();
        while let Some(expr) = edge.pop() {
            text = self.with_left(expr, &text);
        }
        text
    }

    /// An expression whose left part is shown already.
    fn with_left(&mut self, expr: &Expr, left: &str) -> String {
        let tree: &'a Tree = self.tree;
        match expr.kind {
            ExprKind::Nil => "nil".to_owned(),
            ExprKind::True => "true".to_owned(),
            ExprKind::False => "false".to_owned(),
            ExprKind::Vararg => "...".to_owned(),
            ExprKind::Integer(literal) => literal.integer().to_string(),
            ExprKind::Float(literal) => format!("{:?}", literal.float()),
            ExprKind::String(symbol) => format!("{:?}", self.name(symbol)),
            ExprKind::Function(id) => {
                self.functions.push(id);
                let function = &tree[id];
                format!(
                    "function <lines {} to {}>",
                    function.line, function.end_line
                )
            }
            ExprKind::Name(name, _) => self.name(name),
            ExprKind::Index(_, key) => format!("{left}[{}]", self.expression(key)),
            ExprKind::Field(_, name) => format!("{left}.{}", self.name(name)),
            ExprKind::Call(call) => format!("{left}({})", self.list(tree[call].args)),
            ExprKind::MethodCall(call) => {
                let call = &tree[call];
                let (method, args) = (self.name(call.method), self.list(call.args));
                format!("{left}:{method}({args})")
            }
            ExprKind::Table(items) => {
                let items: Vec<String> = tree[items].iter().filter_map(|i| self.item(i)).collect();
                format!("{{{}}}", items.join(", "))
            }
            ExprKind::Binary(op, _, right) => {
                format!("({left} {op:?} {})", self.expression(right))
            }
            ExprKind::Unary(op, operand) => format!("({op:?} {})", self.expression(operand)),
            ExprKind::Paren(inner) => format!("({})", self.expression(inner)),
        }
    }

    fn item(&mut self, item: &TableItem) -> Option<String> {
        let tree: &'a Tree = self.tree;
        Some(match *item {
            TableItem::Positional(value) => self.expression(value),
            TableItem::Integers(run) => {
                let run = tree[run].iter().map(|(i, _)| i.to_string());
                run.collect::<Vec<_>>().join(", ")
            }
            TableItem::Named(name, value, _) => {
                format!("{} = {}", self.name(name), self.expression(value))
            }
            TableItem::Keyed(key, value, _) => {
                format!("[{}] = {}", self.expression(key), self.expression(value))
            }
            TableItem::Close(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{tokens, tree};

    const TEXT: &[u8] = b"local x <const>, t = 1, {a = 2, [3] = 'four'; 5, 6}
for i = 1, 10 do
  if not t.a[i] then t:f(i + 1, function(y, ...) return y end)
  else break end
end
function t.g() goto done ::done:: end
";

    #[test]
    fn tokens_by_line() {
        let expected = "    1 local x < const > , t = 1 , { a = 2 , [ 3 ] = \\'four\\' ; 5 , 6 }
    2 for i = 1 , 10 do
    3 if not t . a [ i ] then t : f ( i + 1 , function ( y , ... ) return y end )
    4 else break end
    5 end
    6 function t . g ( ) goto done :: done :: end
    7 <eof>
";
        assert_eq!(tokens(TEXT), expected);
        assert_eq!(tokens(b"x = 'abc"), "    1 x = <unfinished string>\n");
    }

    #[test]
    fn trees_by_statement() {
        let expected = r#"    1   local x <const>, t = 1, {a = 2, [3] = "four", 5, 6}
    2   for i = 1, 10
    3     if (Not t.a[i])
    3       t:f((i Add 1), function <lines 3 to 3>)
    3         function (y, ...)
    3           return y
    4     else
    4       break
    6   function t.g()
    6     goto done
    6     ::done::
"#;
        assert_eq!(tree(TEXT, b"=t").expect("a program"), expected);
        assert!(tree(b"x = = 1", b"=t").is_err());
    }
}
