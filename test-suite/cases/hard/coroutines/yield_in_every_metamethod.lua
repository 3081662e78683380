-- Every metamethod may yield, whichever operand has it and in whatever form the instruction comes.
local yield = coroutine.yield
local mt = {}
for _, event in ipairs{'add', 'sub', 'mul', 'div', 'mod', 'pow', 'unm', 'idiv', 'band', 'bor', 'bxor', 'shl', 'shr',
  'bnot', 'concat', 'len', 'eq', 'lt', 'le', 'index', 'newindex', 'call', 'close'} do
  mt['__' .. event] = function(a, b) return yield(event) end
end
local function object() return setmetatable({}, mt) end
local a, b = object(), object()
local function show(v) return type(v) == 'table' and 'object' or tostring(v) end
local function drive(source)
  local body = assert(load('local a, b, yield = ...; ' .. source))
  local co, log = coroutine.create(body), {}
  local result = table.pack(coroutine.resume(co, a, b, yield))
  while coroutine.status(co) ~= 'dead' do
    log[#log + 1] = show(result[2])
    result = table.pack(coroutine.resume(co, #log))
  end
  for n = 1, result.n do result[n] = show(result[n]) end
  print(source, table.concat(result, ' '), table.concat(log, ' '))
end
for _, operator in ipairs{'+', '-', '*', '/', '%', '^', '//', '&', '|', '~', '<<', '>>', '..', '<', '<=', '>', '>=', '==', '~='} do
  for _, operands in ipairs{{'a', 'b'}, {'a', '3'}, {'3', 'a'}, {'a', '2.5'}, {'a', '"s"'}, {'"s"', 'a'}} do
    drive(('return %s %s %s'):format(operands[1], operator, operands[2]))
  end
end
for _, source in ipairs{'return -a, ~a, #a', 'return a.x, a[1], a[b], a[true]', 'a.x = 1 a[1] = 2 a[b] = 3',
  'return a(1, 2, 3)', 'return (a(1))', 'return a:method()', 'return a.x.y', 'local t <close> = a; return 1, 2, 3',
  'do local t <close> = a; local u <close> = b end return "end"', 'if not (a < b) then return "no" end return "yes"',
  'return not (a <= b), not (a == b), not (a ~= b)', 'while a < b do return "in" end', 'repeat local x = a until a == b return "out"',
  'return a .. b .. "x" .. a .. 1', 'return "x" .. "y" .. a', 'return "x" .. a .. b', 'return 1 .. a .. 2 .. b .. 3',
  'for i in a do return i end', 'for i in next, {}, nil, a do end return "closed"', 'return ({a.x, a.y, n = a.z}).n', 'return ("x"):rep(a.n)',
  'return pcall(function() return a + b end)', 'return pcall(function() local t <close> = a; error("e", 0) end)',
  'return select(2, pcall(function() local t <close> = a; error(yield("v"), 0) end))', 'local x, y = a.x, b.y; return x + y',
  'return a + b + a.x', 'a.x, b.y = b.z, a.w', 'goto l ::l:: return a < b and a.x or b.y',
  'return table.unpack({a.x, b.x})', 'return a and b.x, a or b.x', 'return (function(...) return select("#", ...) end)(a.x, b.x)'} do
  drive(source)
end
