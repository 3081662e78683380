-- Eratosthenes: one large array of booleans, strided stores.
local n = tonumber((...)) or 1000000

local function primes(limit)
  local flags = {}
  for i = 1, limit do flags[i] = true end
  local found = 0
  for i = 2, limit do
    if flags[i] then
      found = found + 1
      for j = i * i, limit, i do flags[j] = false end
    end
  end
  return found
end

local total = 0
for _ = 1, 3 do total = total + primes(n) end
print(string.format("%d", total))
