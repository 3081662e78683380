local function f(t, n)
  local sum = 0
  for i = 1, n do
    sum = sum +
      t[i].value
  end
  return sum
end
local t = {}
for i = 1, 200 do t[i] = {value = i} end
print(f(t, 200))
t[150] = nil
print(pcall(f, t, 200))
t[150] = {}
print(pcall(f, t, 200))
t[150] = {value = {}}
print(pcall(f, t, 200))
