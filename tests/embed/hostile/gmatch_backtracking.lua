-- runs for ever
for _ in string.rep('a', 4000):gmatch('a*a*a*a*a*b?$x') do end
