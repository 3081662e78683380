for _, class in ipairs{"%a", "%c", "%d", "%g", "%l", "%p", "%s", "%u", "%w", "%x", "%A", "%S", "."} do
  local n, first, last = 0
  for i = 0, 255 do if string.char(i):find(class) then n = n + 1 first = first or i last = i end end
  print(class, n, first, last)
end
