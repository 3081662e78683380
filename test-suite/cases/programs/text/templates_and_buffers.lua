local function render(template, env) return (template:gsub("{{(.-)}}", function(code) return tostring(assert(load("return " .. code, "=template", "t", env))()) end)) end
print(render("Hello {{name}}, {{n + 1}} items: {{table.concat(list, '/')}}", {name = "x", n = 2, list = {1, 2, 3}, table = table}))
print(pcall(render, "{{1 +}}", {}))
local buffer = {}
for i = 1, 1000 do buffer[#buffer + 1] = ("%03d"):format(i % 1000) end
local s = table.concat(buffer)
print(#s, s:sub(1, 12), s:sub(-6))
local acc = ""
for i = 1, 300 do acc = acc .. i % 10 end
print(#acc, acc:sub(1, 20))
local n = 0
for d in s:gmatch("99%d") do n = n + 1 end
print(n, select(2, s:gsub("0", "")))
