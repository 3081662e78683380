local nan = 0/0
local t = {}
print(t[nan], rawget(t, nan))
print(pcall(function() t[nan] = 1 end))
print(pcall(rawset, t, nan, 1))
print(pcall(function() t[nil] = 1 end))
print(pcall(next, t, nan))
