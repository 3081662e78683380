local x <const> = 10
local s <const>, y = "text", 2
print(x + y, s)
for _, text in ipairs{
  "local x <const> = 1; x = 2", "local x <close> = nil; x = 2", "local x <const> = 1; function f() x = 2 end",
  "local x <unknown> = 1", "local a <close>, b <close> = nil, nil", "for i <const> = 1, 2 do end", "local x <const>; x = 1",
} do print(load(text)) end
