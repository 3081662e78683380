-- runs for ever, with much memory
local function f() return 1 + f() end local t = {} while true do pcall(f) t[#t + 1] = {} end
