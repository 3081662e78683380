-- runs for ever
debug.sethook(function() pcall(error) end, 'crl') while true do pcall(error) end
