-- An element that is taken away and stored again, where a metamethod stores something else: no store
-- may be done twice when a trace is left behind it.
local function run(limit, acc)
  local list, i = {}, 0
  while i < limit do
    i = i + 1
    setmetatable(list, { __newindex = function(t, k, v) rawset(t, k, 1) end })
    pcall(function()
      local n = rawlen(list)
      if n > 0 then list[n] = nil end
      list[#list + 1] = i
      if #list > 40 then list = {} end
      for j = 1, #list do
        if j > 8 then break end
        acc = acc + list[j]
      end
    end)
  end
  return acc
end
for n = 30, 45 do print(run(n, -7)) end
