-- runs for ever
while true do debug.traceback() debug.getinfo(1, 'nSl') debug.getlocal(1, 1) end
