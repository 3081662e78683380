print(pcall(pcall, error, "x"))
print(pcall(pcall))
print(pcall(function() return pcall(function() error("in", 0) end) end))
local function try(f) local ok, e = pcall(f) return ok and "ok" or "failed: " .. e end
print(try(function() error(try(function() error("deep", 0) end), 0) end))
print(select("#", pcall(function() return nil, nil end)), pcall(function(...) return ... end, 1, nil, 3))
local depth = 0
local function nest(n) depth = n local ok, e = pcall(function() if n < 50 then nest(n + 1) end error("up", 0) end) return e end
print(nest(1), depth)
print(xpcall(function(...) return select("#", ...), ... end, print, 1, 2))
print(xpcall(function() local function inner() error("trace") end inner() end, function(m) return (debug.traceback(m, 1):gsub("\n%s*%[C%].*", "")) end))
