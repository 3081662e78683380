local function tokenize(s) local t = {} for n, o in s:gmatch("%s*([%d.]*)%s*([-+*/^()]?)") do if n ~= "" then t[#t + 1] = tonumber(n) end if o ~= "" then t[#t + 1] = o end end return t end
local function parse(tokens)
  local i, expression = 1, nil
  local function atom() local t = tokens[i] i = i + 1 if t == "(" then local v = expression(0) if tokens[i] ~= ")" then error("')' expected", 0) end i = i + 1 return v elseif t == "-" then return -expression(5) elseif type(t) == "number" then return t end error("unexpected " .. tostring(t), 0) end
  local priority = {["+"] = {1, 2}, ["-"] = {1, 2}, ["*"] = {3, 4}, ["/"] = {3, 4}, ["^"] = {8, 7}}
  local apply = {["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end, ["*"] = function(a, b) return a * b end, ["/"] = function(a, b) return a / b end, ["^"] = function(a, b) return a ^ b end}
  function expression(limit) local left = atom() while true do local o = tokens[i] local p = priority[o] if not p or p[1] <= limit then return left end i = i + 1 left = apply[o](left, expression(p[2] - 1)) end end
  return expression(0)
end
for _, s in ipairs{"1 + 2 * 3", "(1 + 2) * 3", "2 ^ 3 ^ 2", "-2 ^ 2", "10 / 4 - 1", "1 - 2 - 3", "((((7))))", "1 +", "(1", "2 * (3 + 4) * 5"} do print(s, pcall(parse, tokenize(s))) end
