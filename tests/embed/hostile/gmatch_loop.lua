-- runs for ever
while true do for w in ('a b c'):gmatch('%a+') do end end
