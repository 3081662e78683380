-- A float key becomes an integer only where the conversion is exact.
local t = {}
t[-2^63] = 'least' t[2^63] = 'beyond' t[2^53 + 2] = 'even'
print(t[math.mininteger], t[2^63], t[(1 << 53) + 2], math.type(next({[-2^63] = 1})), math.type(next({[2^63] = 1})))
local n = 0 for _ in pairs(t) do n = n + 1 end print(n)
-- 2^53 + 1 is no float: the float nearest to it is another key than the integer.
local u = {}
u[(1 << 53) + 1] = 'odd' u[2^53 + 1] = 'rounded'
print(u[(1 << 53) + 1], u[1 << 53], u[2^53])
-- The float nearest to maxinteger is 2^63, which is none.
local v = {[math.maxinteger] = 'integer'}
print(v[math.maxinteger + 0.0], v[math.maxinteger], v[2^63 - 1024])
for _, key in ipairs{1.5, -0.5, 2^62, -2^62, 1e15, 1e16, 1e300, math.huge, -math.huge} do
  local w = {}
  w[key] = 'value'
  print(key, math.type(next(w)), rawget(w, key), w[key + 0.0])
end
