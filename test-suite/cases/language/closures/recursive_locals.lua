local function f(n) return n == 0 and "base" or f(n - 1) end print(f(3))
local g = function() return g end print(g())
local h h = function(n) return n == 0 and "base" or h(n - 1) end print(h(3))
local function outer() local function inner() return outer ~= nil, inner ~= nil end return inner() end
print(outer())
local Y = function(f) return (function(x) return x(x) end)(function(x) return f(function(...) return x(x)(...) end) end) end
print(Y(function(self) return function(n) return n < 2 and n or self(n - 1) + self(n - 2) end end)(15))
