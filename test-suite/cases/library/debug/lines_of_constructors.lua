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
