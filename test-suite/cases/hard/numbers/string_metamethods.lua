-- Arithmetic on strings belongs to their metatable; bitwise operations coerce by themselves.
local meta = getmetatable('')
local saved = {}
for _, event in ipairs{'__add', '__sub', '__mul', '__div', '__mod', '__pow', '__unm', '__idiv', '__band', '__bor', '__bxor', '__shl', '__shr', '__bnot'} do
  saved[event] = meta[event]
  print(event, type(meta[event]))
end
local function try(what, f, ...) print(what, pcall(f, ...)) end
local function add(a, b) return a + b end
local function bor(a, b) return a | b end
local function shl(a, b) return a << b end
local function bnot(a) return ~a end
try('coerced', add, '10', 1) try('coerced', add, 1, '10') try('bitwise', bor, '3', 0) try('shift', shl, 1, '4')
meta.__add = function(a, b) return 'added ' .. type(a) .. type(b) end
meta.__bor = function(a, b) return 'or ' .. tostring(a) .. tostring(b) end
meta.__bnot = function(a) return 'not ' .. tostring(a) end
try('replaced', add, '10', 1) try('replaced', add, 'x', {}) try('numbers first', bor, '3', 0) try('then these', bor, 'x', 0)
try('then these', bor, 1.5, 'x') try('then these', bnot, 'x') try('numbers first', bnot, '7') try('fraction', bor, '2.5', 1)
meta.__add = nil meta.__bor = nil meta.__bnot = nil
try('removed', add, '10', 1) try('removed', add, 1, 'x') try('still', bor, '3', 0) try('gone', bor, 'x', 0) try('gone', bnot, 'x')
meta.__add = saved.__add
try('back', add, '10', '0x10') try('fraction', bor, '2.5', 1) try('fraction', bor, 2.5, 0) try('fraction', bor, 1, 2.5)
try('too large', bor, '9223372036854775808', 0) try('too large', bor, 2^63, 0) try('float', bor, '1e2', 0) try('table', bor, {}, '1')
-- Another type's metamethod comes first where it stands first.
local object = setmetatable({}, {__add = function(a, b) return 'object' end})
print(pcall(add, object, '1')) print(pcall(add, '1', object)) print(pcall(add, 'x', object))
