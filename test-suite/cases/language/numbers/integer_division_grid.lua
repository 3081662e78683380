local values = {0, 1, -1, 2, -2, 7, -7, math.maxinteger, math.mininteger}
for _, a in ipairs(values) do
  local row = {}
  for _, b in ipairs(values) do row[#row + 1] = b == 0 and "-" or (a // b) .. "/" .. (a % b) end
  print(table.concat(row, " "))
end
