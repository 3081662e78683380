-- exit: 7
collectgarbage("stop")
io.write("before")
local x <close> = setmetatable({}, {__close = function() io.write(" closed") end})
setmetatable({}, {__gc = function() io.write(" finalised\n") end})
os.exit(7, true)
