-- Keys in hash parts, looked up once and used again: values change, keys come, go and move in between.

local function words(n)
  local list = {}
  for i = 1, n do list[i] = "word" .. i * i % 23 end
  return list
end

-- Counting, with keys that come in the middle.
do
  local counts = {}
  for i = 1, 40 do counts["first" .. i] = 0 end
  for _, w in ipairs(words(300)) do counts[w] = (counts[w] or 0) + 1 end
  for _, w in ipairs(words(300)) do counts[w] = counts[w] + 0.5 end
  local sum, n = 0, 0
  for k, v in pairs(counts) do sum = sum + v n = n + 1 end
  print(sum, n, counts.word1, counts.word4)
end

-- Between load and store the table gets new keys, and is rehashed.
do
  local t = {}
  for i = 1, 30 do t["k" .. i] = i end
  local fresh = 0
  local function grow(v)
    fresh = fresh + 1
    if fresh % 3 == 0 then t["new" .. fresh] = fresh end
    if fresh % 5 == 0 then t[fresh + 0.5] = fresh end
    return v + 1
  end
  for r = 1, 20 do
    for i = 1, 30 do
      local k = "k" .. i
      t[k] = grow(t[k])
    end
  end
  local sum, n = 0, 0
  for k, v in pairs(t) do sum = sum + v n = n + 1 end
  print(sum, n, t.k1, t.k30)
end

-- Removed and added again; the same key in other tables; tables that turn into dictionaries.
do
  local small, large = {a = 1, b = 2}, {}
  for i = 1, 60 do large["x" .. i] = i end
  large.a, large.b = 10, 20
  local tables = {small, large}
  local keys = {"a", "b"}
  local sum = 0
  for i = 1, 400 do
    local t, k = tables[i % 2 + 1], keys[i // 2 % 2 + 1]
    if i % 50 == 0 then t[k] = nil end
    sum = sum + (t[k] or 0)
    t[k] = (t[k] or 0) + 1
    if i == 200 then for j = 1, 60 do small["y" .. j] = j end end
  end
  print(sum, small.a, small.b, large.a, large.b)
end

-- Integers beyond the array part, floats that are integers and others, booleans, tables, functions.
do
  local object = {}
  local t = {[1000000] = 1, [-5] = 2, [2.5] = 3, [true] = 4, [object] = 5, [print] = 6, [2^53] = 7}
  local keys = {1000000, 1e6, -5, -5.0, 2.5, true, object, print, 2^53, math.tointeger(2^53)}
  for r = 1, 60 do
    for i = 1, #keys do t[keys[i]] = t[keys[i]] + i end
  end
  print(t[1000000], t[-5], t[2.5], t[true], t[object], t[print], t[2^53])
end

-- Values of all types, and objects that the collector must not lose.
do
  local t = {}
  for i = 1, 30 do t["k" .. i] = i end
  local values = {1, 1.5, "s", true, false, {}, print, function() end}
  local log = {}
  for r = 1, 40 do
    for i = 1, 30 do
      local k = "k" .. i
      local old = t[k]
      local name = type(old)
      log[name] = (log[name] or 0) + 1
      local v = values[(r + i) % #values + 1]
      if name == "table" then v = {r} end
      t[k] = v
    end
    if r % 10 == 0 then collectgarbage() end
  end
  local names = {}
  for name, n in pairs(log) do names[#names + 1] = name .. n end
  table.sort(names)
  print(table.concat(names, " "))
  for i = 1, 60 do t.k1 = {i} t.k1 = {t.k1[1]} end
  collectgarbage()
  print(t.k1[1])
end

-- The key does not change: one lookup for all rounds, while other names of the table store there.
do
  local t = {}
  for i = 1, 40 do t["k" .. i] = 0 end
  local alias, key = t, "k" .. 7
  for i = 1, 200 do
    t[key] = t[key] + 1
    if i % 3 == 0 then alias.k7 = alias.k7 + 100 end
    if i == 150 then alias["k7"] = nil alias.other = 1 alias["k7"] = 5 end
  end
  print(t.k7)
end

-- Metamethods are asked only where there is no value.
do
  local asked, stored = 0, 0
  local t = {}
  for i = 1, 40 do t["k" .. i] = i end
  setmetatable(t, {
    __index = function(_, k) asked = asked + 1 return -1 end,
    __newindex = function(t, k, v) stored = stored + 1 if stored % 2 == 0 then rawset(t, k, v) end end,
  })
  local sum = 0
  for r = 1, 12 do
    for i = 1, 45 do
      local k = "k" .. i
      sum = sum + t[k]
      t[k] = i
      if (r + i) % 9 == 0 then t[k] = nil end
    end
  end
  print(sum, asked, stored)
end
