-- A float minus an integer constant is the float plus the constant's negation, in loops, too: the sign of a
-- zero tells. Minus a float constant it is not.
local function text(x) return x == 0 and (1 / x > 0 and "0" or "-0") or tostring(x) end

local starts = {-0.0, 0.0, 3.0, 1.5, -2.5, 2.0^53, -1e300, 1 / 0, 5e-324}
for _, start in ipairs(starts) do
  local a, b, c, d, e = start, start, start, start, start
  local zeros = 0
  for i = 1, 200 do
    a = start - 0
    b = start - 0.0
    c = start - 3
    d = d - 1
    e = start - math.mininteger
    if 1 / a < 0 then zeros = zeros + 1 end
  end
  print(text(start), text(a), text(b), text(c), text(d), text(e), zeros)
end

local function difference(x)
  local sum = 0
  for i = 1, 300 do
    local y = x - 2
    sum = sum + y
    if i == 150 then x = -0.0 end
    if i == 200 then x = 7 end
  end
  return text(sum), math.type(sum)
end
print(difference(2.0))
print(difference(2))
