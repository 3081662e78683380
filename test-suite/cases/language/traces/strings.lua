-- Strings in hot loops: methods, concatenation, names of types; and what changes under way.
local function types(...)
  local out = ""
  for _, v in ipairs({ ... }) do out = out .. type(v) .. " " end
  return out
end
for _ = 1, 100 do types(1, 2.5, "x", true, {}, print, types) end
print(types(1, 2.5, "x", true, {}, print, types))

local parts = {}
for i = 1, 200 do
  local n = i % 3 == 0 and i / 2 or i % 5 == 0 and -0.0 or i
  local s = "<" .. n .. ">"
  local t = n .. s
  parts[#parts + 1] = #s .. t .. (i % 7 == 0 and 1e100 or i % 11 == 0 and 0 / 0 * -1 or "")
end
print((table.concat(parts, ","):gsub("nan", "NaN"):gsub("%-NaN", "NaN")))

local long = ("x"):rep(50)
local total = 0
for i = 1, 300 do
  local s = long .. i .. long
  total = total + #s + s:byte(51) + #s:sub(10, -10)
end
print(total)

-- Something that is no string or number comes along.
local joined = setmetatable({}, { __concat = function(a, b) return "joined" end })
local function join(a, b) return a .. b end
local last
for i = 1, 200 do last = join(i % 50 == 0 and joined or "a", i) end
print(last, join(joined, 1), join("b", "c"), join(1, 2), pcall(join, nil, 1))

-- The methods of strings change.
local metatable = getmetatable("")
local function measure(s) return s:len() end
local sum = 0
for i = 1, 300 do
  if i == 200 then string.len = function() return 1000 end end
  sum = sum + measure("abc")
end
print(sum)
local index = metatable.__index
for i = 1, 300 do
  if i == 100 then metatable.__index = { len = function() return 7 end } end
  if i == 200 then metatable.__index = function(_, name) return function() return #name end end end
  if i == 250 then metatable.__index = index end
  sum = sum + measure("abc")
end
print(sum)
local function missing(s) return s:nothing() end
for _ = 1, 100 do pcall(missing, "x") end
print(select(2, pcall(missing, "x")))
