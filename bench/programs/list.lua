-- Linked lists and a recursive function over three of them.
local rounds = tonumber((...)) or 40

local function make(n) if n == 0 then return nil end return { value = n, next = make(n - 1) } end
local function length(l) if not l then return 0 end return 1 + length(l.next) end
local function shorter(a, b)
  while b do
    if not a then return true end
    a, b = a.next, b.next
  end
  return false
end
local function tail(x, y, z)
  if shorter(y, x) then
    return tail(tail(x.next, y, z), tail(y.next, z, x), tail(z.next, x, y))
  end
  return z
end
local sum = 0
for _ = 1, rounds do sum = sum + length(tail(make(15), make(10), make(6))) end
print(string.format("%d", sum))
