-- How often load calls a reader function: until the chunk is complete or known to be wrong.
local function try(name, pieces, chunkname, mode)
  local n = 0
  local f, m = load(function()
    n = n + 1
    local p = pieces[n]
    if p == "ERR" then error("reader error") end
    if p == "ERRT" then error({}) end
    return p
  end, chunkname or "=x", mode)
  print(name, n, f and "ok" or "nil", type(m) == "string" and m or type(m))
end
local function chars(s) local t = {} for c in s:gmatch "." do t[#t+1] = c end return t end
try("ok", {"return ", "1"})
try("early", {"x = = 1\n", "y", "z", "w"})
try("early2", {"x = ", "= ", "1 ", "w"})
try("chars", chars("x = = 1 more text here"))
try("chars2", chars("local t = {1,2,3} ) more"))
try("chars3", chars("goto = 1 more text"))
try("nested", chars("for i=1 do end more"))
try("badstr", chars("x = 'abc\nmore more"))
try("badesc", chars("x = 'ab\\qc' more more"))
try("badnum", chars("x = 3xyz more more"))
try("break", chars("do break end x = 1 y = 2"))
try("goto", chars("do goto nope end x = 1 y = 2"))
try("const", chars("local x <const> = 1; x = 2 y = 3 z = 4"))
try("attr", chars("local x <foo> = 1; x = 2 y = 3 z = 4"))
try("vararg", chars("function f() return ... end more more"))
try("binbad", {"\27Lua", "xxxx", "yyyy", "zzzz", "wwww"})
try("binshort", {"\27Lu"})
try("binver", chars("\27Lua\x53aaaaaaaaaaaaaa"))
try("mode t bin", {"\27Lua", "more", "more"}, "=x", "t")
try("mode b text", {"x = 1", "more", "more"}, "=x", "b")
try("mode b text1", chars("x = 1 more"), "=x", "b")
try("mode b empty", {}, "=x", "b")
try("number", {"return ", 12, 34})
try("empty", {"return 1", "", "x = = "})
try("return", chars("return 1 more"))
try("eof", {"for"})
try("long", {"x = [[aaa", "bbb", "]] = y", "more"})
try("comment", {"-- abc", "def\n", "= 1", "more"})
try("overreg", chars("x = 1 until y z w"))
try("twoeq", {"x", " ", "=", " ", "1", " ", "=", " ", "2", " ", "3"})
try("concat", {"a.", ".", ".", "b c d", "e"})
try("num", {"x = 1", "2", "3 ", "y", "= 1"})
try("hash", {"#", "abc\n", "return 1"})
try("bom", {"\xEF\xBB\xBF", "return 1", "x"})
try("hex", chars("x = 'ab\\xg0' more"))
try("decimal", chars("x = 'ab\\300' more"))
try("unicode", chars("x = '\\u{110000000000}' more"))
try("unicode brace", chars("x = '\\u{41' more"))
try("long string", chars("x = [==[ abc ]=] ]==] y more"))
try("bad long string", chars("x = [==abc more"))
try("escaped line", chars("x = 'abc\\\ndef\n' more"))
try("comment at the end", chars("x = 1 --[[ ]] ] more"))
try("table", chars("t = {x = 1, y = } more"))
try("table name", chars("t = {x y} more more"))
try("call", chars("f(1, 2 3) more"))
try("method", chars("a:b = 1 more"))
try("until", chars("repeat local x until ) more"))
try("label", chars("::a:: x = 1 ::a:: more more"))
try("close", chars("local a <close>, b <close> = 1 more"))
try("unknown byte", chars("x = 1 @ more"))
-- Whole binary chunks: nothing is read behind the end.
do
  local binary = string.dump(function(a) return a + 1 end)
  local calls = 0
  local f = load(function() calls = calls + 1 return binary:sub(calls, calls) end)
  print("binary", calls == #binary, f and f(41))
  calls = 0
  f = load(function() calls = calls + 1 return calls == 1 and binary or "more" end)
  print("binary at once", calls, f and f(41))
end
-- A reader that never ends, behind an error.
do
  local calls = 0
  print(load(function() calls = calls + 1 return calls == 1 and "x = = " or "y = 1 " end, "=endless"))
  print(calls)
end
