-- runs for ever
while true do string.format('%099d %s %q %.14g', 1, 'x', 'y', 0.1) end
