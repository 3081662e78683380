-- exit: 1
local x = 5
if x then
  print("unfinished"
