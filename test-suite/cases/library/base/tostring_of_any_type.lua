-- Every type of value may have __tostring, strings and numbers included.
getmetatable("").__tostring = function(s) return "S" end
print("x", tostring("y"), ("%s %5s"):format("z", "w"))
print(pcall(error, "m"))
getmetatable("").__tostring = nil
debug.setmetatable(1, {__tostring=function() return "one" end, __name="N"})
print(1, 2.5, tostring(3), ("%s %4s|%d"):format(4, 5, 6), 1 .. 2, table.concat{1,2})
io.write(1, "\n")
print(string.rep(1, 2), #tostring(12), ("%q"):format(1))
debug.setmetatable(true, {__tostring=function() return "T" end}) print(true, ("%s"):format(false))
debug.setmetatable(nil, {__tostring=function() return "N" end}) print(nil, ("%s"):format(nil), tostring(nil))
debug.setmetatable(print, {__tostring=function() return "F" end}) print(print, ("%s"):format(print))
debug.setmetatable(print, {__name="NAME"}) print((tostring(print):gsub("0x%x+","")))
debug.setmetatable(nil, {__name="NAME"}) print(nil, pcall(string.rep,nil), pcall(function() return nil+1 end))
debug.setmetatable(1, {__name="NUM"}) print(1, pcall(ipairs), pcall(string.rep,"x",{}), pcall(table.concat, 1), pcall(function() return 1 < "x" end))
debug.setmetatable(1, nil) debug.setmetatable(nil, nil)
print(("%q %q %s %q %q %d %s"):format("a", true, true, false, "b", 7, "c"), ("%q"):format(nil))
