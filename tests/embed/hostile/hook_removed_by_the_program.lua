-- runs for ever
while true do debug.sethook() debug.sethook(function() end, 'l') local x = 1 end
