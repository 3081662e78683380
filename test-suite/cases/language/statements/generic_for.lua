local function range(n) local i = 0 return function() i = i + 1 if i <= n then return i, i * i end end end
for i, sq in range(3) do io.write(i, ":", sq, " ") end print()
for k, v in next, {10, 20} do io.write(k, "=", v, " ") end print()
local function stateful(s, c) if c < s then return c + 1 end end
for i in stateful, 3, 0 do io.write(i, " ") end print()
print(pcall(function() for i in 5 do end end)) print(pcall(function() for i in nil do end end))
local t = {}
for x in setmetatable({}, {__call = function(_, s, c) c = (c or 0) + 1 if c < 4 then return c end end}) do t[#t + 1] = x end
print(#t)
local closed = 0
for i in range(5), nil, nil, setmetatable({}, {__close = function() closed = closed + 1 end}) do if i == 2 then break end end
print(closed)
print(pcall(function() for i in range(5), nil, nil, setmetatable({}, {__close = function(_, e) closed = e end}) do error("body", 0) end end), closed)
