local name = os.tmpname()
local function try(text) local f = io.open(name, "w") f:write(text) f:close() f = io.open(name) local n = f:read("n") local rest = f:read("a") f:close() print(text, n, rest) end
for _, text in ipairs{"10", "  10 20", "0x", "0x1p4", "1e", "1e+", "1.5.5", "-", "+5", ".5", "5.", ".", "abc", "0xABCDEFG", "1e5x", "99999999999999999999", "- 5", "0x.8", "", "1,5", "--1", "1-1", "nan", "inf", "1_0"} do try(text) end try(string.rep("1", 250))
os.remove(name)
