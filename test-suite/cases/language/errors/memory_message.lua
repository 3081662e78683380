-- Who raises the message of memory errors raises a memory error: no message handler hears of it, and no
-- position is put in front, whatever it passes.
local text = "not enough memory"
local function handler(message) return "handled: " .. tostring(message) end
local function raise() error(text, 0) end

print(xpcall(raise, handler))
print(xpcall(error, handler, "not enough " .. "memory", 0))
print(xpcall(error, handler, text))
print(xpcall(function() error(text) end, handler))
print(xpcall(error, handler, "not enough memory!", 0))

local thread = coroutine.create(raise)
print(coroutine.resume(thread))
print(coroutine.close(thread))
print(xpcall(coroutine.wrap(raise), handler))
print(xpcall(coroutine.wrap(function() error("other", 0) end), handler))

-- Through variables that are closed on the way, and from them.
local closes = setmetatable({}, {__close = function(_, e) print("closed", e) end})
local raises = setmetatable({}, {__close = function(_, e) print("raises", e) raise() end})
print(xpcall(function() local c <close> = closes raise() end, handler))
print(xpcall(function() local c <close> = raises error("other", 0) end, handler))
thread = coroutine.create(function() local c <close> = raises error("other", 0) end)
print(coroutine.resume(thread))
print(coroutine.close(thread))
thread = coroutine.create(function() local c <close> = raises coroutine.yield(1) end)
print(coroutine.resume(thread))
print(coroutine.close(thread))
print(xpcall(coroutine.wrap(function() local c <close> = raises raise() end), handler))

-- What a handler answers is what was caught, whatever it says.
print(xpcall(error, function() return text end, "other"))
print(xpcall(error, function() raise() end, "other"))
