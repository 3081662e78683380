-- skip: gc-stress traces-and-collections: deep stacks are marked again and again
-- What calls back may call itself again: in the end there is an error, which can be caught, and
-- everything goes on.
local function try(name, f)
  local ok, message = pcall(f)
  message = tostring(message)
  local kind = message:match('C stack overflow') or message:match('stack overflow') or message:match('error in error handling') or message
  print(name, ok, kind)
end
local function recursive(make)
  local f
  f = make(function(...) return f(...) end)
  return f
end
try('gsub', recursive(function(f) return function() return (string.gsub('x', 'x', f)) end end))
try('gsub table', function()
  local t
  t = setmetatable({}, {__index = function(_, k) return (string.gsub(k, '.', t)) end})
  return string.gsub('x', '.', t)
end)
try('gmatch', recursive(function(f) return function() for x in string.gmatch('x', 'x') do f() end end end))
try('sort', recursive(function(f) return function() table.sort({2, 1}, f) end end))
try('tostring', function()
  local t = setmetatable({}, {__tostring = function(t) return tostring(t) end})
  return tostring(t)
end)
try('format', function()
  local t = setmetatable({}, {__tostring = function(t) return ('%s'):format(t) end})
  return ('%s'):format(t)
end)
try('load', recursive(function(f) return function() assert(load(f)) end end))
try('require', function()
  local n = 0
  local function loader(name) n = n + 1 package.preload['m' .. n] = loader return require('m' .. n) end
  package.preload.m0 = loader
  return require('m0')
end)
try('pcall', recursive(function(f) return function() local _, e = pcall(f) error(e, 0) end end))
try('xpcall', recursive(function(f) return function() local _, e = xpcall(f, tostring) error(e, 0) end end))
try('table.concat', function()
  local t
  t = setmetatable({}, {__index = function() return table.concat(t, '', 1, 2) end})
  return table.concat(t, '', 1, 1)
end)
try('table.unpack', function()
  local t
  t = setmetatable({}, {__index = function() return (table.unpack(t, 1, 2)) end})
  return table.unpack(t, 1, 1)
end)
try('table.insert', function()
  local t
  t = setmetatable({}, {__newindex = function(_, k, v) table.insert(t, v) end})
  table.insert(t, 1)
end)
try('pairs', function()
  local t
  t = setmetatable({}, {__pairs = function() return pairs(t) end})
  return pairs(t)
end)
try('ipairs', function()
  local t
  t = setmetatable({}, {__index = function() for _ in ipairs(t) do end end})
  for _ in ipairs(t) do end
end)
try('next to nothing', recursive(function(f) return function() local x <close> = setmetatable({}, {__close = f}) end end))
try('wrap', recursive(function(f) return function() return coroutine.wrap(f)() end end))
try('resume', recursive(function(f) return function()
  local ok, e = coroutine.resume(coroutine.create(f))
  error(e, 0)
end end))
try('close', recursive(function(f) return function()
  local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = f}) coroutine.yield() end)
  coroutine.resume(co)
  local ok, e = coroutine.close(co)
  error(e, 0)
end end))
try('handler', function() return error(select(2, xpcall(error, function(e) error(e) end, 'x')), 0) end)
try('hook', function()
  local n = 0
  debug.sethook(function() n = n + 1 end, 'c')
  local function f() return 1 + f() end
  local ok, e = pcall(f)
  debug.sethook()
  error(e, 0)
end)
for _, event in ipairs{'add', 'unm', 'concat', 'eq', 'lt', 'len', 'bnot', 'shl'} do
  local mt = {}
  local t, u = setmetatable({}, mt), setmetatable({}, mt)
  local source = ({add = 'return t + u', unm = 'return -t', concat = 'return t .. u', eq = 'return t == u', lt = 'return t < u',
    len = 'return #t', bnot = 'return ~t', shl = 'return t << u'})[event]
  mt['__' .. event] = load('local t, u = ...; local v = (function(...) ' .. source .. ' end)(...) return v')
  try(event, function() return load('local t, u = ...; ' .. source)(t, u) end)
end
print('still here', pcall(string.gsub, 'abc', '.', string.upper))
