local texts = {
  "x =", "x = 1 +", "if", "if x", "if x then", "if x then else", "if x then elseif", "while", "while x", "while x do", "for", "for i", "for i =", "for i = 1", "for i = 1,", "for i = 1, 2", "for i = 1, 2 do",
  "for i in", "for i in x", "for i, in x do end", "repeat", "repeat until", "function", "function f", "function f(", "function f()", "function f(a,)", "function f(a b)", "function f(..., a) end", "function 1() end", "function a.b:c.d() end",
  "local", "local 1", "local function", "local function f.a() end", "local x <", "local x <const", "return return", "return 1,", "return;;", "do", "end", "else", "until", "then", ")", "}", "]", "(", "(1", "(1 2)", "f(", "f(1", "f(1,", "f(1 2)",
  "a.b", "a.1", "a.", "a:", "a:b", "a[", "a[1", "a[1 2]", "a b", "1", "'x'", "x()=1", "x+1=2", "(x)=1", "a, b", "a, b() = 1", "a, 1 = 2", "{}", "x = {", "x = {1 2}", "x = {1,,}", "x = {[1]}", "x = {[1]=}", "x = {a=}", "x = {=1}",
  "x = }", "x = function", "x = not", "x = #", "x = -", "x = 1 ..", "x = ...5", "x = a..", "::", "::a", "::a:", "goto", "goto 1", "x = 'a", "x = [[a", "x = \"a\nb\"", "x = 0x", "x = 1e", "x = ~", "x ~= 1", "x == 1", "local x = = 1",
  "x.y:z = 1", "for a.b in x do end", "for (a) in x do end", "local a, = 1", "f{", "f'", "f\"", "a = b c = d e", "return 1 2", "break 1", "x = (a, b)", "x = function() end end", "local function f() return 1 x = 2 end", "if x then y end", "while x do y end",
}
for _, text in ipairs(texts) do local f, message = load(text, "=s") print(text:gsub("\n", "\\n"), message or "loads") end
