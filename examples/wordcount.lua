-- Counts the words of a text: perilune examples/wordcount.lua README.md
local path = arg[1] or error("usage: wordcount.lua FILE", 0)
local counts, words = {}, {}
for line in io.lines(path) do
  for word in line:lower():gmatch("%a+") do
    if not counts[word] then words[#words + 1] = word end
    counts[word] = (counts[word] or 0) + 1
  end
end
table.sort(words, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)
for i = 1, math.min(10, #words) do
  print(string.format("%5d %s", counts[words[i]], words[i]))
end
