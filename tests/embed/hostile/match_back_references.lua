-- runs for ever
string.rep('a', 2000):gsub('(.-)(.-)(.-)(.-)%4b$x', '')
