-- What the debug interface sees as upvalues of the library's functions.
local function show(name, f)
  local list = {}
  local n = 0
  while true do
    local key, value = debug.getupvalue(f, n + 1)
    if not key then break end
    n = n + 1
    list[n] = "<" .. key .. "> " .. type(value)
  end
  assert(debug.getinfo(f, "u").nups == n)
  print(name, n, table.concat(list, ", "))
end

local function walk(prefix, t)
  local names = {}
  for k, v in next, t do
    if type(v) == "function" then names[#names + 1] = k end
  end
  table.sort(names)
  for _, k in ipairs(names) do show(prefix .. k, t[k]) end
end

walk("", _G)
for _, library in ipairs { "coroutine", "debug", "io", "math", "os", "string", "table", "utf8" } do
  walk(library .. ".", _G[library])
end
for i, searcher in ipairs(package.searchers) do show("searcher " .. i, searcher) end
walk("string metamethod ", getmetatable(""))
walk("file metamethod ", getmetatable(io.stdout))
walk("file method ", getmetatable(io.stdout).__index)

show("gmatch", string.gmatch("a", "b"))
show("wrap", coroutine.wrap(print))
show("lines", io.lines(arg[0]))
show("lines with formats", io.lines(arg[0], "n", "l"))
show("file:lines", io.stdout:lines())
show("codes", (utf8.codes "a"))
show("lax codes", (utf8.codes("a", true)))
show("pairs", (pairs {}))
show("ipairs", (ipairs {}))
print(pairs {} == next, ipairs {} == ipairs {}, utf8.codes "a" == utf8.codes "b")

-- Those that have none can't be reached in other ways either.
print(debug.setupvalue(pairs, 1, 3), debug.upvalueid(pairs, 1))
for k, v in pairs { 1 } do print(k, v) end
