-- exit: 1
local function recurse(n) if n == 0 then error("bottom") end recurse(n - 1) return 0 end
recurse(40)
