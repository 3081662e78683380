-- Lua patterns: find, gmatch, gsub with strings, tables and functions.
local rounds = tonumber((...)) or 30

local lines = {}
for i = 1, 300 do
  lines[i] = string.format("2024-%02d-%02d host%d user%d [%s] size=%d ip=10.%d.%d.1", i % 12 + 1, i % 28 + 1, i % 9, i % 50, i % 3 == 0 and "error" or "info", i * 37, i % 256, i % 100)
end
local text = table.concat(lines, "\n")
local total, errors, checksum = 0, 0, 0
for _ = 1, rounds do
  for year, month, day, level, size in text:gmatch("(%d+)-(%d+)-(%d+) %S+ %S+ %[(%a+)%] size=(%d+)") do
    total = total + size
    if level == "error" then errors = errors + 1 end
  end
  local swapped = text:gsub("(%w+)=(%w+)", "%2=%1")
  local upper = swapped:gsub("%f[%a]%a+", function(word) return #word > 4 and word:upper() or nil end)
  local mapped = upper:gsub("%[(%a+)%]", { ERROR = "E", info = "I" })
  for word in mapped:gmatch("user%d+") do checksum = (checksum + #word) % 1000003 end
  if not mapped:find("no such text anywhere", 1, true) then checksum = checksum + #mapped % 97 end
  checksum = checksum + select(2, mapped:gsub("%s+", " "))
end
print(string.format("%d %d %d", total, errors, checksum))
