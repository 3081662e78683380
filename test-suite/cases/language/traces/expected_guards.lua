-- A guard that is expected to hold may leave to where an earlier instruction starts, if nothing was
-- written since: what lies between is done once more, and must not show.

-- The type of an operand changes late in an iteration that has written before.
do
  local log, t = {}, {}
  for i = 1, 300 do
    t[i] = i
  end
  t[150], t[200] = 1.5, "7"
  local sum, calls = 0, 0
  local function count(x)
    calls = calls + 1
    return x
  end
  for i = 1, #t do
    log[#log + 1] = i
    local x = count(i) * 2 + t[i] * 3
    sum = sum + x
  end
  print(#log, calls, sum)
end

-- Operands of one expression change in turn, and a local variable that it replaces is an operand.
do
  local a, b = 1, 1
  local values = { 1, 2, 3, 4, 5, 6, 7, 8 }
  local out = {}
  for i = 1, 400 do
    if i == 120 then
      values[3] = 2.5
    elseif i == 240 then
      values[5] = "5"
    elseif i == 330 then
      values[3], values[5] = 3, 5
    end
    a = (a + values[i % 8 + 1] * 2 + b) % 1000
    b = (values[(i * 3) % 8 + 1] - b + a) % 100
    if i % 50 == 0 then
      out[#out + 1] = string.format("%g,%g", a, b)
    end
  end
  print(table.concat(out, " "))
end

-- A metamethod counts how often it is asked; the value behind it changes its type.
do
  local asked, stored = 0, 0
  local proxy = setmetatable({}, {
    __index = function(_, k)
      asked = asked + 1
      if k % 97 == 0 then
        return k + 0.5
      end
      return k
    end,
    __newindex = function(_, _, v)
      stored = stored + (v == v and 1 or 0)
    end,
  })
  local list, total = { 1, 2, 3, 4 }, 0
  for i = 1, 500 do
    if i == 300 then
      list[2] = 2.25
    end
    local x = list[i % 4 + 1] + proxy[i]
    proxy[i] = x
    total = total + x + list[(i + 1) % 4 + 1]
  end
  print(asked, stored, total)
end

-- Objects made between the guards are made once as far as anyone can tell.
do
  local items, seen = {}, setmetatable({}, { __mode = "k" })
  local names = { "a", "b", "c" }
  for i = 1, 200 do
    local object = { id = i }
    seen[object] = true
    local n = names[i % 3 + 1]
    if i == 150 then
      names[2] = 20
    end
    items[i] = { n = n, object = object, text = n .. i }
  end
  local count = 0
  for i = 1, 200 do
    assert(items[i].object.id == i and seen[items[i].object])
    count = count + #items[i].text
  end
  print(count, items[151].text, items[152].text, items[199].text)
end

-- A loop's end, a division by zero and a bound are reached with values of the next round pending.
do
  local list = { 5, 4, 3, 2, 1, 0, 1, 2 }
  local results = {}
  for round = 1, 120 do
    local ok, message = pcall(function()
      local q, n = 0, 0
      local i = 1
      while true do
        n = n + 1
        q = q + 60 // list[i]
        i = i % (round % 7 + 2) + 1
        if n > 30 then
          return q
        end
      end
    end)
    if round > 112 then
      results[#results + 1] = ok and message or message:gsub("^.-:%d+: ", "")
    end
  end
  print(table.concat(results, "; "))
end
