-- runs for ever
while true do string.unpack('i4', string.pack('i4', 1)) end
