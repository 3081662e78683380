-- runs for ever
string.rep('a', 2000):find('.-.-.-.-.-.-b$x')
