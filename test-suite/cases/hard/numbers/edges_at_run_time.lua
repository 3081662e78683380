-- As in the other cases of arithmetic, with operands that no compiler can fold, many times over.
local function each(name, f, ...)
  local first
  for i = 1, 120 do
    local result = table.pack(pcall(f, ...))
    local text = {}
    for n = 1, result.n do
      local v = result[n]
      text[n] = math.type(v) == 'float' and string.format('%.17g', v) or tostring(v)
    end
    text = table.concat(text, ' ')
    first = first or text
    if text ~= first then print(name, 'changed', i, text) end
  end
  print(name, first)
end
local least, most = math.mininteger, math.maxinteger
each('minint // -1', function(a, b) return a // b, a % b, -a, a - 1, a * b end, least, -1)
each('maxint + 1', function(a, b) return a + b, a * 2, a * a, -a - 2 end, most, 1)
for _, p in ipairs{{7, 2}, {-7, 2}, {7, -2}, {-7, -2}, {7.5, 2}, {-7.5, 2}, {7.5, -2}, {-7.5, -2}, {0, -3}, {-0.0, 3}} do
  each(p[1] .. ' ' .. p[2], function(a, b) return a // b, a % b end, p[1], p[2])
end
for _, p in ipairs{{5, -math.huge}, {-5, math.huge}, {5.0, -math.huge}, {0.0, -1}, {-0.0, 1}, {0.0, -1.0}, {math.huge, 2}, {5, math.huge}} do
  each(p[1] .. ' ' .. p[2], function(a, b) return a // b, a % b end, p[1], p[2])
end
each('division by 0', function(a) return 1 // a end, 0)
each('modulo 0', function(a) return 1 % a end, 0)
each('float by 0', function(a) return 1 // a, -1 // a, 1 % a, 1 / a end, 0.0)
local z = -0.0
each('-0.0', function(x) return 1 / (x + 0), 1 / (x - 0), 1 / (x * 1), 1 / (0 - x), 1 / (x + x), 1 / -x, 1 / (x // 1), 1 / (x / 1) end, z)
for _, n in ipairs{0, 1, 63, 64, 65, 127, 1000, -1, -63, -64, -65, most, least} do
  each('shift ' .. n, function(a, b) return a << b, a >> b, -1 << b, -1 >> b end, 1, n)
end
for _, p in ipairs{{1 << 53, 2^53}, {(1 << 53) + 1, 2^53}, {most, 2^63}, {least, -2^63}, {most - 511, 2^63 - 1024}, {most, 0/0}, {1, 0/0}} do
  each(p[1] .. ' ' .. p[2], function(a, b) return a == b, a < b, a <= b, b < a, b <= a, a ~= b end, p[1], p[2])
end
each('nan', function(a, b) return tostring(a / b), tostring(-(a / b)) end, 0.0, 0.0)
