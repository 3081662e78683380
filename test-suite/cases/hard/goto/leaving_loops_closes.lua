-- `break` and `goto` out of loops leave each closure its own variable, and close what is to be.
local log = {}
local function closer(name) return setmetatable({}, {__close = function() log[#log + 1] = name end}) end
local kept = {}
for i = 1, 5 do
  local x = i * 10
  kept[i] = function() x = x + 1 return x end
  if i == 3 then break end
end
print(#kept, kept[1](), kept[2](), kept[3](), kept[3]())
local i = 0
while true do
  i = i + 1
  local x = i
  kept[i] = function() return x, i end
  if i == 4 then break end
end
print(kept[1](), kept[4]())
repeat
  local x <close> = closer('repeat')
  local y = i
  kept[1] = function() y = y + 1 return y end
  if y then break end
until true
print(kept[1](), kept[1](), table.concat(log, ' '))
log = {}
for i = 1, 3 do
  local outer <close> = closer('outer' .. i)
  for j = 1, 3 do
    local inner <close> = closer('inner' .. j)
    local x = i * 10 + j
    kept[#kept + 1] = function() return x end
    if j == 2 then goto next end
  end
  ::next::
end
print(table.concat(log, ' '), kept[#kept](), kept[#kept - 1]())
log = {}
local closed = closer('fourth value')
for k in next, {1, 2, 3}, nil, closed do
  local inner <close> = closer('body')
  if k == 2 then goto out end
end
::out::
print(table.concat(log, ', '))
log = {}
do
  local n = 0
  ::again::
  do
    local c <close> = closer('pass ' .. n)
    local x = n
    kept[n + 1] = function() x = x + 1 return x end
    n = n + 1
    if n < 3 then goto again end
  end
end
print(table.concat(log, ', '), kept[1](), kept[2](), kept[3](), kept[1]())
