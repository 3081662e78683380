-- runs for ever
local s = 'return load(s)()' _ENV.s = s while true do pcall(load(s)) end
