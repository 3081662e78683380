-- runs for ever
local a, b = ('x'):rep(1000) .. 'a', ('x'):rep(1000) .. 'b' while a < b do end
