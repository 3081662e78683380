local mt = {} local t = setmetatable({}, mt)
print(pcall(function() return t + 1 end))
mt.__add = function() return "first" end print(t + 1)
mt.__add = function() return "second" end print(t + 1)
mt.__add = nil print((pcall(function() return t + 1 end)))
mt.__index = {a = 1}
print(t.a) mt.__index.a = 2
print(t.a) mt.__index = function() return 3 end
print(t.a) mt.__index = nil
print(t.a)
setmetatable(t, {__index = {a = "other"}}) print(t.a) setmetatable(t, nil) print(t.a)
for i = 1, 4 do if i == 3 then mt.__len = function() return 99 end setmetatable(t, mt) end io.write(#t, " ") end
print()
