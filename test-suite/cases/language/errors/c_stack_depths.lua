-- How deep each kind of nested C call goes, to the call.
local count, t
t = setmetatable({}, {__index = function(_, key) count = count + 1 return t[key] end})
local function read() return t.x end

local function depth(name, f)
  count = 0
  local results = table.pack(f())
  print(name, count, table.unpack(results, 1, 2))
end

depth("pcall", function() return pcall(read) end)
depth("pcall twice", function() return pcall(pcall, read) end)
depth("xpcall", function() return xpcall(read, function(m) return m end) end)
depth("resume", function() return coroutine.resume(coroutine.create(read)) end)
depth("wrap", function() return coroutine.wrap(function() return pcall(read) end)() end)
depth("load", function() return pcall(load("return ...")(read)) end)
depth("sort", function() return pcall(table.sort, {2, 1}, read) end)
depth("gsub", function() return pcall(string.gsub, "x", ".", read) end)
depth("close", function()
  return pcall(function() local v <close> = setmetatable({}, {__close = read}) end)
end)
depth("in handler", function() return xpcall(error, read) end)
depth("handler after overflow", function()
  return xpcall(read, function() count = 0 return t.x end)
end)

local function count_calls(name, f)
  count = 0
  local succeeded, message = f()
  print(name, count, succeeded, #tostring(message) < 80 and message or #message)
end
local function wrapped() count = count + 1 return coroutine.wrap(wrapped)() end
count_calls("wrap in wrap", function() return pcall(wrapped) end)
local function created()
  count = count + 1
  local co = coroutine.create(created)
  local succeeded, message = coroutine.resume(co)
  if not succeeded then error(message .. " " .. coroutine.status(co), 0) end
end
count_calls("create in create", function() return pcall(created) end)
local function close() count = count + 1 local v <close> = setmetatable({}, {__close = close}) end
count_calls("close in close", function() return pcall(close) end)
local function protected() count = count + 1 return xpcall(protected, protected) end
count_calls("xpcall in xpcall", function() return xpcall(protected, protected) end)
for before = 190, 200 do
  count = 0
  local u
  u = setmetatable({}, {__index = function(_, key)
    count = count + 1
    if count == before then
      local co = coroutine.create(function() return u[key] end)
      local _, message = coroutine.resume(co)
      return tostring(message) .. " " .. coroutine.status(co)
    end
    return u[key]
  end})
  print(before, pcall(function() return u.x end))
  print(count)
end
