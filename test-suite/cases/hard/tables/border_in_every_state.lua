-- With holes the length may be any border: but a border, the same through every alias and at every
-- look until the table changes, and the same to all that rest on it.
local function is_border(t, n)
  return (n == 0 or t[n] ~= nil) and t[n + 1] == nil
end
local state = 42
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % n + 1
end
local wrong = 0
for round = 1, 200 do
  local t = {}
  local alias = t
  for step = 1, 60 do
    local key = random(40)
    if random(3) == 1 then alias[key] = nil else t[key] = step end
    local n = #t
    if not is_border(alias, n) or n ~= #alias or n ~= #t or n ~= rawlen(t) then wrong = wrong + 1 end
    if select('#', table.unpack(t)) ~= n then wrong = wrong + 1 end
  end
end
print(wrong)
-- In a hot loop that grows and shrinks through an alias.
local t = {}
local alias = t
for i = 1, 300 do
  t[#alias + 1] = i
  if i % 3 == 0 then alias[#t] = nil end
end
print(#t, #alias, t[#t], alias[#alias + 1])
for i = #t, 1, -1 do alias[#t] = nil if #t ~= i - 1 then print('lost', i) end end
print(#t, next(t))
-- Constructors with holes, of every length.
local sizes = {}
for n = 1, 20 do
  local parts = {}
  for i = 1, n do parts[i] = i % 4 == 0 and 'nil' or tostring(i) end
  local made = load('return {' .. table.concat(parts, ',') .. '}')()
  sizes[n] = tostring(is_border(made, #made) and #made == #made)
end
print(table.concat(sizes, ' '))
