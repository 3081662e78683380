-- runs for ever
string.rep('a', 30):match(string.rep('a?', 30) .. string.rep('a', 31) .. '$x')
