local list
for i = 1, 5 do list = {value = i, next = list} end
local n = list
while n do io.write(n.value, " ") n = n.next end
print()
local function reverse(l) local r while l do l.next, r, l = r, l, l.next end return r end
local function each(l) return function(_, c) if c == nil then return l end return c.next end end
list = reverse(list) for node in each(list) do io.write(node.value, " ") end print()
local Queue = {} Queue.__index = Queue
function Queue.new() return setmetatable({first = 1, last = 0}, Queue) end
function Queue:push(v) self.last = self.last + 1 self[self.last] = v end
function Queue:pop() local v = self[self.first] self[self.first] = nil self.first = self.first + 1 return v end Queue.__len = function(q) return q.last - q.first + 1 end
local q = Queue.new()
for i = 1, 100 do q:push(i) if i % 3 == 0 then q:pop() end end
print(#q, q:pop(), q:pop(), q.first, q.last)
local function insert(t, v) if not t then return {v = v} end if v < t.v then t.l = insert(t.l, v) else t.r = insert(t.r, v) end return t end
local function walk(t, f) if t then walk(t.l, f) f(t.v) walk(t.r, f) end end
local tree
for _, v in ipairs{5, 2, 8, 1, 9, 3} do tree = insert(tree, v) end walk(tree, function(v) io.write(v, " ") end)
print()
