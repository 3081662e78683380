-- Message, variable and line of an error do not depend on how often the instruction ran before.
local function run(name, f)
  local ok, message = pcall(f)
  print(name, ok, message)
end
local up = {value = 1}
global = {value = 1}
local function at(i, good, bad) if i == 250 then return bad end return good end
run('local', function()
  for i = 1, 300 do
    local x = at(i, up, nil)
    local _ = x.value
  end
end)
run('upvalue', function()
  for i = 1, 300 do
    up = at(i, up, nil)
    local _ = up.value
  end
end)
up = {value = 1}
run('global', function()
  for i = 1, 300 do
    global = at(i, global, 7)
    local _ = global.value.x or
      global.value
  end
end)
run('field', function()
  local t = {inner = {value = 1}}
  for i = 1, 300 do
    t.inner = at(i, t.inner, nil)
    local _ = t.inner.value
  end
end)
run('method', function()
  local t = {m = function() end}
  for i = 1, 300 do
    t.m = at(i, t.m, nil)
    t:m()
  end
end)
run('call of a local', function()
  for i = 1, 300 do
    local f = at(i, print and type, 'text')
    f(i)
  end
end)
run('call of a global', function()
  for i = 1, 300 do
    called = at(i, type, nil)
    called(
      i)
  end
end)
run('arithmetic on a local', function()
  local sum = 0
  for i = 1, 300 do
    local x = at(i, 1, {})
    sum = sum
      + x
  end
end)
run('arithmetic on a field', function()
  local t = {n = 0}
  for i = 1, 300 do
    t.n = at(i, t.n, 'abc')
    t.n = t.n + 1
  end
end)
run('arithmetic on a constant', function()
  for i = 1, 300 do
    local x = at(i, 1, nil)
    local _ = 10 - x
  end
end)
run('concatenation', function()
  for i = 1, 300 do
    local x = at(i, 'a', {})
    local _ = 'x' .. i .. x .. 'y'
  end
end)
run('comparison', function()
  for i = 1, 300 do
    local x = at(i, 1, 'text')
    if x < i then end
  end
end)
run('comparison with a constant', function()
  for i = 1, 300 do
    local x = at(i, 1, {})
    if x < 5 then end
  end
end)
run('bitwise', function()
  for i = 1, 300 do
    local x = at(i, 1, 1.5)
    local _ = x | i
  end
end)
run('length', function()
  for i = 1, 300 do
    local x = at(i, {}, 5)
    local _ = #x
  end
end)
run('index to store', function()
  for i = 1, 300 do
    local x = at(i, {}, false)
    x[i] = i
  end
end)
run('nil index', function()
  local t = {}
  for i = 1, 300 do t[at(i, i, nil)] = i end
end)
run('division', function()
  for i = 1, 300 do
    local _ = i // at(i, 1, 0)
  end
end)
run('iterator', function()
  for i = 1, 300 do
    for _ in at(i, next, nil), {} do end
  end
end)
run('for', function()
  for i = 1, 300 do
    for _ = 1, at(i, 2, {}) do end
  end
end)
