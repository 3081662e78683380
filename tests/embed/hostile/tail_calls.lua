-- runs for ever
local function f() return f() end f()
