local t = {}
for i = 1, 50 do t[i] = i t["k" .. i] = i t[i + 0.5] = i end
local count, sum = 0, 0
for k, v in pairs(t) do
  t[k] = nil
  count, sum = count + 1, sum + v
  if count % 40 == 0 then collectgarbage() end
end
print(count, sum, next(t))
t = {a = 1, b = 2, c = 3}
for k in pairs(t) do t[k] = t[k] * 10 end
print(t.a, t.b, t.c)
