-- runs for ever
local function bomb() while true do coroutine.resume(coroutine.create(bomb)) end end bomb()
