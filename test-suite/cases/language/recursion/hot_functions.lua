-- Functions that are hot by themselves: recursion, returns into callers of many kinds, and construction.
local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end
print(fib(20))
local function tree(d) if d == 0 then return {} end return {tree(d-1), tree(d-1)} end
local function count(t) if not t[1] then return 1 end return 1 + count(t[1]) + count(t[2]) end
local s = 0
for i = 1, 4 do s = s + count(tree(7)) end
print(s)
local function ack(m, n) if m == 0 then return n+1 elseif n == 0 then return ack(m-1, 1) else return ack(m-1, ack(m, n-1)) end end
print(ack(2, 9))
local P = {} P.__index = P
function P.new(x, y) return setmetatable({x=x, y=y}, P) end
function P:add(o) local r = {} r.x = self.x + o.x; r.y = self.y + o.y return setmetatable(r, P) end
local p = P.new(0,0)
for i = 1, 400 do p = p:add(P.new(i, 1.5)) end
print(p.x, p.y)
local fs = {}
for i = 1, 50 do local j = i; fs[i] = function() j = j + 1 return j end end
local t = 0
for k = 1, 10 do for i = 1, 50 do t = t + fs[i]() end end
print(t)
