-- A hot loop calls a function whose metamethod has a loop of its own, which gets hot while the outer
-- one runs compiled: whatever the inner one is left by, the outer one goes on as before.
local adding = setmetatable({}, {
  __add = function(a, b)
    if b > 200 then
      local n = 0
      for i = 1, b do n = n + 1 end
      return n
    elseif b > 100 then
      return b * 2
    end
    return -b
  end,
})

-- Registers that nobody uses lie between the two functions' frames.
local function with_gap(a, b)
  do local r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 end
  return a + b
end

local function without_gap(a, b)
  do return a + b end
end

for _, f in ipairs {with_gap, without_gap} do
  local last, sum = 0, 0
  for b = 1, 300 do
    last = f(adding, b)
    sum = sum + last
  end
  print(last, sum)
end

-- The same with no result, and with a loop that does nothing.
local idle = setmetatable({}, {
  __add = function(a, b)
    if b > 200 then
      for b = 1, b do end
    end
  end,
})
local results = 0
for b = 1, 300 do
  if with_gap(idle, b) == nil then results = results + 1 end
end
print(results)

-- Other events, and a loop of every kind.
local log = {}
local all = setmetatable({}, {
  __index = function(t, k)
    if k > 150 then local n = 0; while n < k do n = n + 1 end; return n end
    return 0
  end,
  __newindex = function(t, k, v)
    if k > 150 then for i = k, 1, -1 do log[i] = v end end
  end,
  __lt = function(a, b)
    local n = 0
    if type(b) == "number" and b > 150 then repeat n = n + 1 until n == b end
    return n % 2 == 1
  end,
  __call = function(self, k)
    local sum = 0
    if k > 150 then for _, v in ipairs(log) do sum = sum + v end end
    return sum
  end,
  __concat = function(a, k)
    local n = 0
    if k > 150 then for _ in pairs(log) do n = n + 1 end end
    return n
  end,
  __len = function() return 7 end,
  __unm = function() local n = 0; for i = 1, 60 do n = n - 1 end; return n end,
})
local odd, indexed, called, joined, rest = 0, 0, 0, 0, 0
for k = 1, 300 do
  indexed = indexed + all[k]
  all[k] = k
  if all < k then odd = odd + 1 end
  called = called + all(k)
  joined = joined + (all .. k)
  rest = rest + #all + -all
end
print(odd, indexed, called, joined, rest, #log)
