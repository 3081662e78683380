local function numbers(n) local t, x = {}, 7 for i = 1, n do x = x * 16807 % 2147483647 t[i] = x % 1000 end return t end
local function quick(t, lo, hi) lo, hi = lo or 1, hi or #t if lo < hi then local p, i = t[hi], lo - 1 for j = lo, hi - 1 do if t[j] <= p then i = i + 1 t[i], t[j] = t[j], t[i] end end t[i + 1], t[hi] = t[hi], t[i + 1] quick(t, lo, i) quick(t, i + 2, hi) end return t end
local function merge(t) if #t < 2 then return t end local m, a, b, r = #t // 2, {}, {}, {} for i, v in ipairs(t) do if i <= m then a[#a + 1] = v else b[#b + 1] = v end end a, b = merge(a), merge(b) local i, j = 1, 1 while a[i] or b[j] do if not b[j] or a[i] and a[i] <= b[j] then r[#r + 1] = a[i] i = i + 1 else r[#r + 1] = b[j] j = j + 1 end end return r end
local function heap(t) local function sift(s, e) while s * 2 <= e do local c = s * 2 if c < e and t[c] < t[c + 1] then c = c + 1 end if t[s] >= t[c] then return end t[s], t[c] = t[c], t[s] s = c end end for i = #t // 2, 1, -1 do sift(i, #t) end for i = #t, 2, -1 do t[1], t[i] = t[i], t[1] sift(1, i - 1) end return t end
local a, b, c, d = quick(numbers(200)), merge(numbers(200)), heap(numbers(200)), numbers(200)
table.sort(d)
print(table.concat(a, ",") == table.concat(d, ","), table.concat(b, ",") == table.concat(d, ","), table.concat(c, ",") == table.concat(d, ","), d[1], d[100], d[200])
