-- runs for ever
debug.sethook(function() while true do end end, '', 10) for i = 1, 100 do end
