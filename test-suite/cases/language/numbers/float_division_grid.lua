local values = {0.0, -0.0, 1.5, -1.5, 2.0, math.huge, -math.huge}
for _, a in ipairs(values) do
  local row = {}
  for _, b in ipairs(values) do
    local q, r = a // b, a % b
    row[#row + 1] = (q ~= q and "nan" or tostring(q)) .. "/" .. (r ~= r and "nan" or tostring(r))
  end
  print(table.concat(row, " "))
end
