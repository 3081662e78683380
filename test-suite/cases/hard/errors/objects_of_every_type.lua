-- Errors are values of any type, nil included, on every way out.
local function closer(log) return setmetatable({}, {__close = function(_, e) log[#log + 1] = type(e) end}) end
local function raise(v) error(v) end
local object = setmetatable({}, {__tostring = function() return 'object' end, __eq = function() return true end})
for _, v in ipairs{'text', 42, 1.5, true, false, object, print, 'nil'} do
  if v == 'nil' then v = nil end
  local log = {}
  local same = function(e) return rawequal(e, v) or type(v) == 'string' and type(e) == 'string' end
  local ok, e = pcall(raise, v)
  log[#log + 1] = tostring(ok) .. tostring(same(e))
  ok, e = xpcall(raise, function(e) log[#log + 1] = 'handler ' .. type(e) return e end, v)
  log[#log + 1] = tostring(same(e))
  local co = coroutine.create(function() local x <close> = closer(log) raise(v) end)
  ok, e = coroutine.resume(co)
  log[#log + 1] = tostring(ok) .. tostring(same(e)) .. coroutine.status(co)
  ok, e = coroutine.close(co)
  log[#log + 1] = tostring(ok) .. tostring(same(e))
  ok, e = pcall(coroutine.wrap(function() raise(v) end))
  log[#log + 1] = tostring(ok) .. tostring(same(e))
  ok, e = pcall(function() local x <close> = closer(log) raise(v) end)
  log[#log + 1] = tostring(ok) .. tostring(same(e))
  ok, e = pcall(function() local x <close> = setmetatable({}, {__close = function() error(v) end}) raise('other') end)
  log[#log + 1] = tostring(ok) .. tostring(same(e))
  ok, e = pcall(function() for _ in raise, v do end end)
  log[#log + 1] = tostring(ok) .. tostring(same(e))
  print(type(v), table.concat(log, ' '))
end
-- Handlers that fail, and with what.
local function handlers(f) print(xpcall(error, f, 'first')) end
handlers(function(e) error(nil) end)
handlers(function(e) error({}) end)
handlers(function(e) if e == 'first' then error('second', 0) end return 'handled ' .. tostring(e) end)
handlers(function(e) local n = nil; return n.x end)
handlers(function(e) return nil, 'dropped' end)
handlers(function() end)
handlers(function(e) return coroutine.isyieldable() end)
handlers(function(e) return select(2, pcall(error, 'inner', 0)) .. e end)
handlers(function(e) return select(2, xpcall(error, function(e) return e .. '!' end, 'inner')) end)
print(pcall(xpcall, error, nil, 'x'))
print(pcall(xpcall, error, 'no function', 'x'))
local depth = 0
print(xpcall(error, function(e) depth = depth + 1 error(e, 0) end, 'again'))
print(depth > 5, depth < 250)
