local function depth() local n = 1 while debug.getinfo(n) do n = n + 1 end return n end
local function plain() return depth() end
local function closing() local c <close> = nil return depth() end
print(closing() - plain())
local function tail() return debug.getinfo(1, "t").istailcall end
local function with_close() local c <close> = nil return tail() end
local function without() return tail() end
print(with_close(), without())
local function iterate()
  local closed = false
  local c = setmetatable({}, {__close = function() closed = true end})
  local function it() for i in next, {1}, nil, c do return tail() end end
  local r = it()
  return r, closed
end
print(iterate())
