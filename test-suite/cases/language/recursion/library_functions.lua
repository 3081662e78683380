-- Functions of the standard library in hot loops, over all kinds of arguments.
local function try(f, ...)
  local results = {}
  for i = 1, 40 do
    local ok, v = pcall(f, i, ...)
    results[#results + 1] = ok and tostring(v) or tostring(v):gsub("^[^:]*:%d+: ", "")
  end
  print(table.concat(results, " "))
end
try(function(i) return math.floor(i * 0.75 - 10) end)
try(function(i) return math.floor(i % 3 == 0 and 2^70 or -i - 0.5) end)
try(function(i) return math.abs(i % 2 == 0 and -i or i - 20.5) end)
try(function(i) return math.abs(i == 30 and math.mininteger or -i) end)
try(function(i) return math.max(i, 20) + math.min(i, 10) end)
try(function(i) return math.max(i % 5 == 0 and 0/0 or 1.5, i / 10) end)
try(function(i) return string.format("%.6g", math.sqrt(i) + math.sin(i) * math.cos(i)) end)
try(function(i) return ("hello world"):byte(i - 15) end)
try(function(i) return ("hello world"):sub(i - 20, 20 - i) end)
try(function(i) return ("hello world"):sub(i % 4, -1 - i % 3) end)
try(function(i) return math.floor(i == 35 and {} or i) end)
local mt = {__index = function(t, k) return k * 2 end}
try(function(i) local t = setmetatable({i}, mt) return t[1] + t[2] end)
try(function(i) return #setmetatable({}, i == 33 and 1 or mt) end)
local t = {}
try(function(i) table.insert(t, i * 1.5) return #t + t[#t] end)
try(function(i) t[#t + 1] = i return t[#t // 2] end)
try(function(i) local s = 0 for k, v in ipairs(t) do s = s + k * v end return s end)
try(function(i) local s = 0 for k, v in pairs({a = i, b = 2, 3}) do s = s + v end return s end)
try(function(i) local n = 0 for k in next, t do n = n + 1 if i == 20 and n == 5 then t.extra = true end end return n end)
try(function(i) local u = {1, i, x = i} u.y = u.x u.z = nil u[3] = u.z return #u + u.y end)
try(function(i) return select("#", table.unpack({1, 2, 3}, 1, i % 4)) end)
local protected = setmetatable({}, {__metatable = "no"})
try(function(i) return setmetatable(i == 25 and protected or {}, mt) == nil end)
local frozen = setmetatable({}, {__newindex = function(t, k, v) rawset(t, k, v + 1) end})
try(function(i) frozen["k" .. i % 3] = i return frozen["k" .. i % 3] end)
