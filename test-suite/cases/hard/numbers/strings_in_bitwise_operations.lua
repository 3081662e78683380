for _, f in ipairs{
  function() return "3" | 0 end, function() return 15 & "0xff" end, function() return ~"0" end,
  function() return "1" << "4" end, function() return 2.0 | 1 end, function() local x = "3" return x ~ 1 end,
} do print(pcall(f)) end
print(pcall(function() return 2.5 | 0 end))
print(pcall(function() return "2.5" | 0 end))
print(pcall(function() return "a" | 0 end))
print(pcall(function() return 1 | {} end))
print(pcall(function() return 2^63 | 0 end))
print(pcall(function() return 1 << 0/0 end))
local s = "x"
print(pcall(function() return s & 1 end))
