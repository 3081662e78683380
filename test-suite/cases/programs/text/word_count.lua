local text = [[the quick brown fox jumps over the lazy dog the dog sleeps and the fox runs]]
local counts, order = {}, {}
for word in text:gmatch("%a+") do if not counts[word] then order[#order + 1] = word end counts[word] = (counts[word] or 0) + 1 end
table.sort(order, function(a, b) if counts[a] ~= counts[b] then return counts[a] > counts[b] end return a < b end)
for i = 1, 5 do print(counts[order[i]], order[i]) end
print((text:gsub("%w+", function(w) return w:sub(1, 1):upper() .. w:sub(2) end)))
local longest = ""
for w in text:gmatch("%w+") do if #w > #longest then longest = w end end
print(longest, text:len(), select(2, text:gsub("o", "")))
