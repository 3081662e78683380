-- Building strings piece by piece, with and without a buffer.
local n = tonumber((...)) or 20000

local parts = {}
for i = 1, n do parts[#parts + 1] = "item " .. i .. ";" end
local joined = table.concat(parts)
local grown = ""
for i = 1, n / 10 do grown = grown .. i % 10 end
local formatted = {}
for i = 1, n do formatted[i] = string.format("%05d:%s", i, i % 2 == 0 and "even" or "odd") end
local upper = joined:upper():lower():rep(2)
local reversed = 0
for i = 1, n / 10 do reversed = reversed + #parts[i]:reverse() end
local checksum = 0
for i = 1, #joined, 17 do checksum = (checksum * 31 + joined:byte(i)) % 1000003 end
print(string.format("%d %d %d %d %d %d", #joined, #grown, #table.concat(formatted), #upper, reversed, checksum))
