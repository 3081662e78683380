local t = {1, 2, x = 3, [10] = 4, "third", ["key with space"] = 5; 6, [1 + 1.0] = "overwritten?"}
print(#t, t[1], t[2], t[3], t[4], t.x, t[10], t["key with space"])
local n = {{1, 2}, {a = {b = {c = "deep"}}}} print(n[1][2], n[2].a.b.c)
local big = {} for i = 1, 200 do big[i] = i end
local literal = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55, table.unpack(big)}
print(#literal, literal[55], literal[56], literal[255])
print(pcall(function() return {[nil] = 1} end)) print(pcall(function() return {[0/0] = 1} end))
