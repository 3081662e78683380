-- runs for ever
while true do pcall(string.gsub, 'x', 'x', function() error('x') end) end
