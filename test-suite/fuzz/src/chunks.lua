-- Loads and runs damaged binary chunks: whatever is accepted must be harmless.
-- Arguments: first seed, number of seeds, files with Lua text. The error stream tells which seed is
-- running.

local first, count = tonumber(arg[1]), tonumber(arg[2])
local dumps = {}
for n = 3, #arg do
  local f = loadfile(arg[n])
  if f then
    dumps[#dumps + 1] = string.dump(f)
    dumps[#dumps + 1] = string.dump(f, true)
  end
end

local state
local function random(bound)
  state = state ~ state << 13
  state = state ~ state >> 7
  state = state ~ state << 17
  return math.ult(bound, 2) and 0 or (state & math.maxinteger) % bound
end

-- Whoever was stopped once is not to go on after catching that.
local stopped
local function limit() stopped = true error("too long", 0) end
local function passing_on(...)
  if stopped then limit() end
  return ...
end
local function protected_call(...) return passing_on(pcall(...)) end
local function nothing() end
-- Hooks do not reach finalisers, so nothing would end one that runs for ever.
local function without_finaliser(t, metatable)
  if type(metatable) == "table" then rawset(metatable, "__gc", nil) end
  return setmetatable(t, metatable)
end
local math_copy = {}
for name, value in pairs(math) do math_copy[name] = value end
local env = {
  print = nothing, pcall = protected_call, error = error, select = select, tostring = tostring,
  type = type, next = next, pairs = pairs, ipairs = ipairs, setmetatable = without_finaliser,
  string = {rep = nothing, sub = string.sub, format = string.format}, math = math_copy,
  table = {concat = table.concat, unpack = table.unpack, insert = table.insert},
}
env._G = env

local accepted = 0
for seed = first, first + count - 1 do
  state = seed * 0x9E3779B97F4A7C15 | 1
  random(1) random(1)
  local bytes = dumps[1 + random(#dumps)]
  for _ = 1, 1 + random(4) do
    local at = 1 + random(#bytes)
    local kind = random(5)
    if kind == 0 then
      bytes = bytes:sub(1, at - 1) .. string.char(random(256)) .. bytes:sub(at + 1)
    elseif kind == 1 then
      bytes = bytes:sub(1, at - 1) .. string.char((bytes:byte(at) or 0) ~ 1 << random(8)) .. bytes:sub(at + 1)
    elseif kind == 2 then
      bytes = bytes:sub(1, at - 1) .. bytes:sub(at + 1 + random(9))
    elseif kind == 3 then
      local from = 1 + random(#bytes)
      bytes = bytes:sub(1, at - 1) .. bytes:sub(from, from + random(24)) .. bytes:sub(at)
    else
      bytes = bytes:sub(1, at)
    end
  end
  local f = load(bytes, "damaged", "b", env)
  if f then
    accepted, stopped = accepted + 1, false
    io.stderr:write("seed ", seed, "\n")
    local co = coroutine.create(f)
    debug.sethook(co, limit, "", 20000)
    for _ = 1, 3 do
      if not coroutine.resume(co, 1, "two", {3}) then break end
    end
    debug.sethook(co)
    pcall(debug.traceback, co)
    pcall(string.dump, f)
  end
end
collectgarbage()
print(count, accepted)
