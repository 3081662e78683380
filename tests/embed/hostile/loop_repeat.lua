-- runs for ever
repeat until false
