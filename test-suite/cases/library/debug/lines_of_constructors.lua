-- Lines that hooks see, and that are active, around table constructors, captured locals and loops
-- that end at once.

local function active(f)
  local lines = {}
  for line in pairs(debug.getinfo(f, "L").activelines) do lines[#lines + 1] = line end
  table.sort(lines)
  return table.concat(lines, " ")
end

local function visited(f, ...)
  local lines = {}
  debug.sethook(function(_, line) lines[#lines + 1] = line end, "l")
  f(...)
  debug.sethook()
  lines[#lines] = nil
  return table.concat(lines, " ")
end

local function show(name, f, ...)
  print(name, "active", active(f))
  print("", "visited", visited(f, ...))
end

show("last constant", function()
  local t = {
    1,
    "two",
    nil
  }
  return t
end)

show("last variable", function(a)
  local t = {
    a,
    a.b,
    a.c
    ,
    a
  }
  return t
end, {})

show("last call", function()
  local t = {
    1,
    tostring(2)
  }
  return t
end)

show("nested", function()
  return {
    scores = {
      one = "x",
    },
    list = {
      'a',
      'b',
    },
    dates = {
      first = { year = 1 },
    },
    {
      1
    },
    {
    },
  }
end)

show("brace below", function()
  local t =
  {
    1
  }
  local s = tostring
  {
  }
  return
  {
  }
end)

show("numbers", function()
  local t = {
    1, 2, 3, 4, 5, 6, 7, 8,
    9, 10, 11, 12, 13, 14, 15, 16,
    17
  }
  return t
end)

show("captured", function()
  local t = {
    x = 1,
    y = 2,
  }
  local u = (
    "a"
  )
  local v = tostring(
    "a"
  )
  return 0 or function() return t, u, v end
end)

show("until true", function(a)
  repeat
    if a then
      a = 1
      break
    end
    if a == 2 then
      a = 3
    else
      a = 4
    end
  until true
  repeat
    a = 5
  until 1
  return a
end)

show("declarations", function()
  local a
  local b
  local c, d
  local function f() return a, b end
  local e = nil
  local g
  do
    local h
    local i
  end
  return f, c, d, e, g
end)

show("loop header", function()
  for _, args in ipairs({
    1,
    2,
  }) do
    tostring(args)
  end
end)

show("fifty tables", function()
  local t = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    {
      a = 1,
    },
  }
  local u = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    {
      a = 1,
    },
    x = 1,
    2
  }
  return #t, #u, t[50].a, u[51]
end)

show("ends of blocks", function()
  do
    local a = 1
    t = function()
      return a
    end
  end
  do
    local b = 1
    t = b
  end
  do
    local c = 1
    t = function() return c end
    if t then
      t = nil
    end
  end
end)

show("captured in loops", function(a)
  for _, v in ipairs {
    1,
  } do
    t = function() return v end
    t = v
  end
end)

show("calls in constructors", function(f)
  local t = {
    a = f(
      1
    ),
    b = f(f(
      f {
      }
    )
    ),
    [f(
      1
    )] = f(
      2
    ),
  }
end, function(...) return ... end)
