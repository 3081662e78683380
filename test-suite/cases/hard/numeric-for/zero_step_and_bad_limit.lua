-- Which of several mistakes in the bounds of a loop is reported.
local function try(start, limit, step)
  print(pcall(function() for i = start, limit, step do end end))
end
try(1, true, 0)
try(1, nil, 0)
try(1, "x", 0)
try(1.0, true, 0)
try(1, true, 0.0)
try(1, 2, 0)
try(1.0, 2, 0)
try({}, true, 0)
try({}, 2, 0)
try(1, true, {})
