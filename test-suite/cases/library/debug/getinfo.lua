local function f(a, b, ...) local c end
local i = debug.getinfo(f)
print(i.what, i.short_src, i.linedefined, i.lastlinedefined, i.nups, i.nparams, i.isvararg, i.func == f, i.currentline, i.source) i = debug.getinfo(print)
print(i.what, i.short_src, i.source, i.currentline, i.linedefined, i.nups, i.nparams, i.isvararg) i = debug.getinfo(1)
print(i.what, i.currentline, i.name, i.namewhat, i.istailcall)
print(debug.getinfo(100), pcall(debug.getinfo, 1, "X"))
print(pcall(debug.getinfo, "x"))
print(pcall(debug.getinfo, 1, ">"))
local lines = {}
for l in pairs(debug.getinfo(load("local a\n\nlocal b = 1\nreturn a"), "L").activelines) do lines[#lines + 1] = l end
table.sort(lines)
print(table.concat(lines, " "))
local t = {m = function() return debug.getinfo(1, "n") end}
function globalname() return debug.getinfo(1, "n") end
local r = t.m()
print(r.name, r.namewhat) r = t:m()
print(r.name, r.namewhat) r = globalname()
print(r.name, r.namewhat)
for _, v in ipairs{globalname} do r = v() print(r.name, r.namewhat) end r = (function() return debug.getinfo(1, "n") end)()
print(r.name, r.namewhat)
print(next(debug.getinfo(1, "")), debug.getinfo(1, "f").func ~= nil, debug.getinfo(1, "r").ntransfer)
for x in function(_, c) if not c then r = debug.getinfo(1, "n") return 1 end end do end
print(r.name, r.namewhat)
