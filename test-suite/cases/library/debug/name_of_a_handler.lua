-- What a division of integers by zero calls is no metamethod.
local function handler(m)
  local info = debug.getinfo(1, "n")
  return m .. " " .. tostring(info.name) .. " " .. info.namewhat
end
local zero, one = 0, 1
local function try(text)
  local f = load("local one, zero, t = ... return " .. text, "=text")
  print(text, select(2, xpcall(f, handler, one, zero, {})))
end
for _, text in ipairs{"one // zero", "one % zero", "one // 0", "one % 0", "1 // zero", "1 % zero",
  "t // 0", "one % t", "one + t", "t .. one", "one < t", "one | 2.5", "-t", "#one", "t.x.y",
  "one.x", "one()", "math.floor(t)", "'a' // 0", "'8' // '0'", "1 << t"} do
  try(text)
end
print(select(2, xpcall(function() for i = 1, 2, zero do end end, handler)))
print(select(2, xpcall(function(...) local a = ... return a // 0 end, handler, 5)))
print(select(2, xpcall(function() return one // zero end, function(m)
  return (debug.traceback(m):gsub("\n[^\n]*%[C%].*", ""))
end)))
