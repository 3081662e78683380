//! Tests of the parser: the shape of trees, and that grammar and diagnosis agree.

use super::*;
use crate::ast::*;

/// A program with every construct.
const SAMPLE: &str = r#"
local a <const>, b <close>, c = 1, nil, ...
local function fact(n) if n <= 1 then return 1 else return n * fact(n - 1) end end
function t.x.y:m(p, ...) self.q = p; return ... end
do local x = -2 ^ 2 .. "s" end
while not a == b and c do if x then break end goto continue ::continue:: end
repeat local z = #t until z > 3 or z ~= 4
for i = 1, 10, 2 do f(i) end
for k, v in pairs(t) do t[k], u = v, { 1, 2; x = 3, [4] = 5, f(), } end
f "s" { } [[x]] :m(1, 2).y = (function(...) return ... end)(a)
(g or h)()
if a then elseif b then else end
x = a | b & c ~ d << 1 >> 2 // 3 % 4
::l:: ; goto l
return a, b
"#;

fn agree(text: &str) {
    let valid = parse_valid(text.as_bytes(), None).is_ok();
    let error = diagnose(text.as_bytes(), b"=");
    assert_eq!(valid, error.is_none(), "{error:?} in\n{text}");
}

#[test]
fn grammar_and_diagnosis_agree() {
    let words: Vec<&str> = SAMPLE.split_inclusive([' ', '\n']).collect();
    let others = [
        "end ",
        "do ",
        "( ",
        ") ",
        "{ ",
        "} ",
        "[ ",
        "] ",
        "= ",
        ", ",
        "local ",
        "x ",
        "function ",
        "return ",
        "break ",
        "goto x ",
        "::x:: ",
        "1 ",
        "... ",
        "if ",
        "then ",
        "else ",
        "until ",
        "for ",
        "in ",
        "not ",
        "- ",
        ".. ",
        "^ ",
        "\"s\" ",
        "; ",
        ": ",
        ". ",
        "<const> ",
        "repeat ",
        "while ",
        "c = 1 ",
    ];
    agree(SAMPLE);
    for index in 0..words.len() {
        let with = |middle: &[&str], skipped: usize| {
            let parts = [&words[..index], middle, &words[index + skipped..]];
            agree(&parts.concat().concat());
        };
        with(&[], 1);
        with(&[words[index]], 0);
        if index + 1 < words.len() {
            with(&[words[index + 1], words[index]], 2);
        }
        for other in others {
            with(&[other], 1);
            with(&[other], 0);
        }
    }
}

/// The expression with all its parentheses.
fn show_expr(tree: &Tree, expr: ExprId, interner: &Interner) -> String {
    let text = |symbol| String::from_utf8_lossy(interner.resolve(symbol)).into_owned();
    let show = |expr: ExprId| show_expr(tree, expr, interner);
    let list = |exprs: Exprs| show_list(tree, exprs, interner);
    match tree[expr].kind {
        ExprKind::Integer(literal) => literal.integer().to_string(),
        ExprKind::Float(literal) => format!("{:?}", literal.float()),
        ExprKind::String(symbol) => format!("'{}'", text(symbol)),
        ExprKind::Name(name, _) => text(name),
        ExprKind::Index(object, key) => format!("{}[{}]", show(object), show(key)),
        ExprKind::Field(object, name) => format!("{}.{}", show(object), text(name)),
        ExprKind::Call(call) => format!("{}({})", show(tree[call].callee), list(tree[call].args)),
        ExprKind::MethodCall(call) => {
            let call = &tree[call];
            let (object, method) = (show(call.object), text(call.method));
            format!("{object}:{method}({})", list(call.args))
        }
        ExprKind::Binary(op, left, right) => format!("({} {op:?} {})", show(left), show(right)),
        ExprKind::Unary(op, operand) => format!("({op:?} {})", show(operand)),
        ExprKind::Paren(inner) => format!("<{}>", show(inner)),
        ExprKind::Table(items) => {
            let items: Vec<String> = tree[items]
                .iter()
                .filter_map(|item| match *item {
                    TableItem::Positional(value) => Some(show(value)),
                    TableItem::Named(name, value, _) => {
                        Some(format!("{}={}", text(name), show(value)))
                    }
                    TableItem::Integers(run) => Some(format!("{:?}", tree[run])),
                    TableItem::Keyed(key, value, _) => {
                        Some(format!("[{}]={}", show(key), show(value)))
                    }
                    TableItem::Close(_) => None,
                })
                .collect();
            format!("{{{}}}", items.join(","))
        }
        ref other => format!("{other:?}"),
    }
}

fn show_list(tree: &Tree, exprs: Exprs, interner: &Interner) -> String {
    let shown = tree[exprs].iter();
    let shown = shown.map(|&expr| show_expr(tree, expr, interner));
    shown.collect::<Vec<_>>().join(",")
}

/// The expressions of the first statement.
fn show_stat(text: &str) -> String {
    let (chunk, interner) = parse_valid(text.as_bytes(), None).expect("valid");
    let tree = &chunk.trees.main;
    let show = |expr: ExprId| show_expr(tree, expr, &interner);
    let list = |exprs: Exprs| show_list(tree, exprs, &interner);
    match tree[chunk.main.body.stats][0].kind {
        StatKind::Return(values) => list(values),
        StatKind::Assign { targets, values } => format!("{} = {}", list(targets), list(values)),
        StatKind::Local { values, .. } => list(values),
        StatKind::Call(call) => show(call),
        StatKind::While { cond, .. } | StatKind::Repeat { cond, .. } => show(cond),
        StatKind::If { arms, .. } => tree[arms]
            .iter()
            .map(|arm| show(arm.cond))
            .collect::<Vec<_>>()
            .join(","),
        StatKind::NumericFor(numeric) => {
            let numeric = &tree[numeric];
            let step = numeric.step.map(show).unwrap_or_default();
            format!("{};{};{step}", show(numeric.start), show(numeric.limit))
        }
        StatKind::GenericFor(generic) => list(tree[generic].values),
        StatKind::Function { target, .. } => show(target),
        other => format!("{other:?}"),
    }
}

#[test]
fn shapes_of_trees() {
    for (text, expected) in [
        ("return a + b * c - d", "((a Add (b Mul c)) Sub d)"),
        ("return a .. b .. c", "(a Concat (b Concat c))"),
        ("return a ^ b ^ c", "(a Pow (b Pow c))"),
        ("return -a ^ -b ^ c", "(Neg (a Pow (Neg (b Pow c))))"),
        ("return 2 ^ 3 ^ 4, 5", "(2 Pow (3 Pow 4)),5"),
        ("return not a == b", "((Not a) Eq b)"),
        ("return -x * #y", "((Neg x) Mul (Len y))"),
        ("return - - a .. b", "((Neg (Neg a)) Concat b)"),
        (
            "return a or b and c < d | e ~ f & g << h .. i + j * k",
            "(a Or (b And (c Lt (d BOr (e BXor (f BAnd (g Shl (h Concat (i Add (j Mul k))))))))))",
        ),
        (
            "return a * b + c .. d << e & f ~ g | h < i and j or k",
            "((((((((((a Mul b) Add c) Concat d) Shl e) BAnd f) BXor g) BOr h) Lt i) And j) Or k)",
        ),
        (
            "return a < b == c, d // e % f / g",
            "((a Lt b) Eq c),(((d IDiv e) Mod f) Div g)",
        ),
        ("return (a + b) * (c - d)", "(<(a Add b)> Mul <(c Sub d)>)"),
        (
            "return a.b[c + d].e(f + g, h).i",
            "a.b[(c Add d)].e((f Add g),h).i",
        ),
        ("return a:b(c):d'e'{f}", "a:b(c):d('e')({f})"),
        (
            "return 1 + f(2 + 3, 4 * g(5 ^ 6)) * 7",
            "(1 Add (f((2 Add 3),(4 Mul g((5 Pow 6)))) Mul 7))",
        ),
        (
            "return {a + b; c, [d + e] = f + g, h = i .. j, k * l,}",
            "{(a Add b),c,[(d Add e)]=(f Add g),h=(i Concat j),(k Mul l)}",
        ),
        (
            "a.b, c[d + e], f = g + h, i * j",
            "a.b,c[(d Add e)],f = (g Add h),(i Mul j)",
        ),
        ("a = 1 + 2", "a = (1 Add 2)"),
        ("local a, b = c + d, e", "(c Add d),e"),
        (
            "for i = a + b, c * d, e - f do x = y + z end",
            "(a Add b);(c Mul d);(e Sub f)",
        ),
        (
            "for i = a + b, c * d do x = y + z end",
            "(a Add b);(c Mul d);",
        ),
        (
            "for a in b + c, d * e do f(g + h) end",
            "(b Add c),(d Mul e)",
        ),
        ("while a + b < c do d = e + f end", "((a Add b) Lt c)"),
        ("repeat a = b + c until d * e == f", "((d Mul e) Eq f)"),
        (
            "if a + b then c = d + e elseif f * g then h(i + j) else k = l + m end",
            "(a Add b),(f Mul g)",
        ),
        ("function a.b.c:d() return e + f end", "a.b.c.d"),
        ("f(1, 2.5, 3, 4 ^ 5, 6)", "f(1,2.5,3,(4 Pow 5),6)"),
        ("f\n(g)", "f(g)"),
    ] {
        assert_eq!(show_stat(text), expected, "{text}");
    }
}

/// The string that the program returns.
fn returned_string(text: &[u8]) -> Vec<u8> {
    let (chunk, interner) = parse_valid(text, None).expect("valid");
    let tree = &chunk.trees.main;
    match tree[chunk.main.body.stats][0].kind {
        StatKind::Return(values) => match tree[tree[values][0]].kind {
            ExprKind::String(symbol) => interner.resolve(symbol).to_vec(),
            _ => panic!("no string"),
        },
        _ => panic!("no return"),
    }
}

#[test]
fn strings() {
    let cases: &[(&[u8], &[u8])] = &[
        (
            b"'a\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"'",
            b"a\x07\x08\x0c\n\r\t\x0b\\'\"",
        ),
        (b"'\\65\\066\\x43\\0\\1234'", b"ABC\0\x7b4"),
        (b"'\\u{41}\\u{7FF}\\u{FFFF}'", b"A\xdf\xbf\xef\xbf\xbf"),
        (
            b"'\\u{10FFFF}\\u{7FFFFFFF}'",
            b"\xf4\x8f\xbf\xbf\xfd\xbf\xbf\xbf\xbf\xbf",
        ),
        (b"'a\\z  \n\t b\\\r\nc\\\nd'", b"ab\nc\nd"),
        (b"[[\na\r\nb\n\rc\rd\n]]", b"a\nb\nc\nd\n"),
        (b"[==[]]]=]]==]", b"]]]=]"),
        (b"[=[[[\\n]]]=]", b"[[\\n]]"),
        (b"'\xff\xfe'", b"\xff\xfe"),
        (b"--[==[\n]]\n]==] ''", b""),
    ];
    for (literal, expected) in cases {
        let text = [b"return ", *literal].concat();
        assert_eq!(returned_string(&text), *expected, "{}", text.escape_ascii());
    }
}

/// Upvalues of the inner functions, by their names and sources.
#[test]
fn upvalues_in_order_of_first_use() {
    let text = b"local a, b, c <const> = 1, 2, 3 function f() local d return function() \
        g = d + b + c; a = b end end";
    let (chunk, interner) = parse_valid(text, None).expect("valid");
    let trees = &chunk.trees;
    let stats = &trees.main[chunk.main.body.stats];
    let StatKind::Function { function, .. } = stats[1].kind else {
        panic!("no function");
    };
    let function = &trees.main[function];
    let names = |info: &FunctionInfo| -> Vec<String> {
        let names = info
            .upvalues
            .iter()
            .map(|upvalue| interner.resolve(upvalue.name));
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect()
    };
    assert_eq!(names(&function.info), ["_ENV", "b", "a"]);
    let tree = &trees.inner;
    let StatKind::Return(values) = tree[function.body.stats][1].kind else {
        panic!("no return");
    };
    let ExprKind::Function(inner) = tree[tree[values][0]].kind else {
        panic!("no function");
    };
    let inner = &tree[inner];
    assert_eq!(names(&inner.info), ["_ENV", "d", "b", "a"]);
    let sources: Vec<_> = inner.info.upvalues.iter().map(|u| u.source).collect();
    let outer = UpvalueSource::Upvalue;
    assert_eq!(
        sources,
        [
            outer(0),
            UpvalueSource::Local(LocalId(0)),
            outer(1),
            outer(2)
        ]
    );
    let reassigned: Vec<_> = inner
        .info
        .upvalues
        .iter()
        .map(|u| u.reassigned.get())
        .collect();
    assert_eq!(reassigned, [false, false, false, true]);
    let locals = &chunk.main.info.locals;
    assert!(locals[0].captured && locals[0].reassigned);
    assert!(locals[1].captured && !locals[1].reassigned);
    assert_eq!(locals[2].constant, Some(ConstantValue::Integer(3)));
}
