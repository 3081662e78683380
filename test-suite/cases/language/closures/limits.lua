local lines = {"local x0 = 0"}
for i = 1, 199 do lines[#lines + 1] = "local x" .. i .. " = " .. i end
print(load(table.concat(lines, "\n")) ~= nil)
lines[#lines + 1] = "local one_too_many" print(load(table.concat(lines, "\n"), "=many"))
local parts = {}
for i = 1, 150 do parts[#parts + 1] = "local a" .. i end
parts[#parts + 1] = "local function f()"
for i = 1, 150 do parts[#parts + 1] = "local b" .. i end
parts[#parts + 1] = "return function() "
for i = 1, 150 do parts[#parts + 1] = "a" .. i .. " = 0" end
for i = 1, 150 do parts[#parts + 1] = "b" .. i .. " = 0" end
parts[#parts + 1] = " end end"
print(load(table.concat(parts, " "), "=upvalues"))
print(load("return " .. string.rep("a.", 10000) .. "b") ~= nil, load("return " .. string.rep("-", 150) .. "1") ~= nil)
print(pcall(load, "x = " .. string.rep("{", 250) .. string.rep("}", 250), "=nested"))
print(pcall(load, "return " .. string.rep("a..", 250) .. "a", "=concat"))
print(load("local function f(" .. string.rep("a,", 260) .. "a) end", "=parameters"))
