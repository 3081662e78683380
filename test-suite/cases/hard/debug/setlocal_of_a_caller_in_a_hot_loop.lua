-- A local of an inlined function, and of the loop's own, set from outside.
local function change(name, value)
  for level = 2, 3 do
    local j = 1
    while true do
      local n = debug.getlocal(level, j)
      if not n then break end
      if n == name then debug.setlocal(level, j, value) return end
      j = j + 1
    end
  end
end
local function body(n)
  local inner = n * 2
  if n % 50 == 49 then change("inner", 1000) end
  return inner + 1
end
local sum, own = 0, 0
for i = 1, 400 do
  own = own + 1
  if i % 70 == 0 then change("own", 0) end
  sum = sum + body(i) + own
end
print(sum, own)
