-- Writes and runs a program of hot loops of about 100 bytecode instructions a round, all of one kind
-- of work: how long the tracing compiler takes for that kind.
-- Arguments: the kind, the number of loops, and "text" to print the program instead of running it.
local kind, loops = ..., tonumber((select(2, ...))) or 40

-- What a loop does again and again. `#` stands for a number that differs from one place to the next.
local kinds = {
  integers = {"a = a + i", "b = b + i * #", "c = c ~ a", "d = d + (b & #)"},
  floats = {"x = x * 0.5 + #.25", "y = y - x / 3", "z = x - y", "x = x + z * 0.125"},
  fields = {"point.x = point.x + #", "point.y = point.y + point.z", "point.z = i & #"},
  elements = {"a = a + list[i]", "list[#] = a & 255", "b = b + list[i + 1]"},
  calls = {"a = add(a, i)", "b = add(b, #)", "x = scale(x, #)"},
  mixed = {
    "a = a + list[i]", "point.x = point.x + a", "x = x * 0.5 + #", "if a > # then c = c + 1 end",
    "list[#] = a & 255", "b = add(b, #)", "y = scale(x, y)",
  },
}
-- How many statements make 100 instructions or so.
local statements = {integers = 70, floats = 60, fields = 36, elements = 45, calls = 13, mixed = 28}

local prelude = [[
local function add(p, q) return (p + q) & 0xffff end
local function scale(p, q) return p * 0.75 + q end
local point, list = {x = 1, y = 2, z = 3}, table.move(numbers, 1, #numbers, 1, {})
local a, b, c, d, x, y, z = 1, 2, 3, 4, 1.5, 2.5, 3.5
]]

local number = 0
local program = {}
for _ = 1, loops do
  local body = {}
  for k = 1, statements[kind] do
    local list = kinds[kind]
    body[k] = list[(k - 1) % #list + 1]:gsub("#", function()
      number = number % 97 + 1
      return number
    end)
  end
  program[#program + 1] = "sum = sum + (function()\n" .. prelude .. "for i = 1, 400 do\n" .. table.concat(body, "\n")
    .. "\nend\nreturn (a + b + c + d) % 9973 + #string.format('%.3g %.3g %.3g', x, y, z)\nend)()\n"
end
local text = "local sum, numbers = 0, {}\nfor k = 1, 512 do numbers[k] = k end\ncollectgarbage('stop')\n" .. table.concat(program) .. "print(sum)"
if select(3, ...) == "text" then
  print(text)
else
  assert(load(text))()
end
