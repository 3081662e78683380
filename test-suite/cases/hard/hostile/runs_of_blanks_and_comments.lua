-- Nothing but blanks, in any amount, costs no native stack.
for _, blank in ipairs{"\n", "\r\n", " \t\n", "--x\n", "--[[x]]", "--[==[\n]==]\n", "--\n\n  --[[]] "} do
  local source = blank:rep(200000) .. "return 1"
  print(load(source)(), select(2, load(source .. " x")))
  local n = 0
  print(load(function() n = n + 1 if n < 200000 then return blank elseif n == 200000 then return "return n" end end) ~= nil)
end
