-- Writes and runs a program of many different hot loops, each of some 50 to 150 bytecode
-- instructions a round: what takes time is compiling them. The choices are the same in every run.
-- Arguments: the number of loops, and "text" to print the program instead of running it.
local loops = tonumber((...)) or 150

-- What each loop may do. `#` stands for a number that differs from one place to the next.
local statements = {
  -- Numbers.
  "a = (a * 3 + i + #) & 0xffff",
  "a = a ~ (i << 2) % 1021",
  "b = b + a // (i + #)",
  "x = x * 0.5 + i / 4 - #",
  "y = y + (x - y) * 0.125",
  "x = -x + #.5",
  "local d = x * x + y * y; if d > 1e6 then x, y = 1, # end",
  "b = max(a, b - #)",
  "a = a + floor(x)",
  -- Fields.
  "point.x = point.x + #",
  "point.y = point.y - point.x * 0.25",
  "point.x, point.y = point.y, point.x",
  "box.corner.x = box.corner.x + i * #; a = a + box.size",
  "box.size = box.size % 97 + #",
  -- Elements.
  "a = a + list[i % 16 + 1]",
  "list[i % 16 + 1] = a + #",
  "row[i % 8 + 2] = row[i % 8 + 1] * 0.5 + row[i % 8 + 3]",
  "local r = grid[i % 4 + 1]; r[#] = r[#] + 1; b = b + r[#]",
  "a = a + #list",
  -- Calls.
  "a = add(a, i)",
  "x = scale(x, #)",
  "y = y + length2(point)",
  "b = clamp(b, 0, 1000 + #)",
  "account:deposit(i); a = a + account:balance()",
  "count()",
  -- Strings.
  "b = b + #names[i % 8 + 1]",
  "if names[i % 8 + 1] == 'delta' then a = a + # end",
  "a = a + byte(text, i % 10 + 1)",
  "if sub(text, i % 9 + 1, i % 9 + 2) ~= 'ne' then b = b + 1 end",
  -- Small objects and branches.
  "local t = {x = i, y = a}; a = a + t.x; b = b + t.y % #",
  "local p <const> = {i, x}; y = y + p[2] - p[1]",
  "if i % 8 == 3 then b = b + # else b = b - 1 end",
  "if x < y then x = x + # end",
}

local prelude = [[
local max, floor, byte, sub = math.max, math.floor, string.byte, string.sub
local function add(p, q) return (p + q) & 0xffff end
local function scale(p, q) return p * 0.75 + q end
local function length2(p) return p.x * p.x + p.y * p.y end
local function clamp(p, low, high) if p < low then return low elseif p > high then return high end return p end
local calls = 0
local function count() calls = calls + 1 end
local Account = {}
Account.__index = Account
function Account:deposit(v) self.total = (self.total + v) & 0xffff end
function Account:balance() return self.total end
local account = setmetatable({total = 0}, Account)
local point, box = {x = 1.5, y = 2.5}, {size = 3, corner = {x = 0}}
local names = {"alpha", "beta", "gamma", "delta", "alpha", "beta", "gamma", "epsilon"}
local text = "one two three"
local list, row, grid = {}, {}, {}
for k = 1, 16 do list[k] = k end
for k = 1, 12 do row[k] = k * 0.5 end
for k = 1, 4 do grid[k] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10} end
local a, b, x, y = 1, 2, 3.5, 4.5
]]

-- A generator of our own, so that every implementation runs the same program.
local seed = 42
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % n + 1
end

-- What traces rely on does not die, or it would be chance how many are made.
local program = {"collectgarbage('stop')\nlocal results = {}\n"}
for _ = 1, loops do
  local body = {}
  for k = 1, 9 + random(12) do
    local statement = statements[random(#statements)]
    -- `#list` and `#names` are lengths.
    body[k] = "  do " .. statement:gsub("#(%W)", function(after) return random(9) .. after end)
      :gsub("#$", function() return random(9) end) .. " end\n"
  end
  program[#program + 1] = "results[#results + 1] = (function()\n" .. prelude .. "for i = 1, 400 do\n" .. table.concat(body) .. "end\n"
    .. "return string.format('%d %d %.6g %.6g', a, b, x, y)\nend)()\n"
end
program[#program + 1] = "return results"
local text = table.concat(program)
if select(2, ...) == "text" then
  print(text)
  return
end
local sum = 0
for line in table.concat(assert(load(text))(), "\n"):gmatch("[^\n]+") do
  for k = 1, #line do sum = (sum * 31 + line:byte(k)) % 1000000007 end
end
print(sum)
