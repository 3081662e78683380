local account = {balance = 0}
function account:deposit(n) self.balance = self.balance + n return self end
function account.new(b) return setmetatable({balance = b}, {__index = account}) end
print(account:deposit(5):deposit(10).balance, account.new(100):deposit(1).balance)
local a = {b = {c = {}}}
function a.b.c.f(x) return x * 2 end
function a.b.c:g() return self == a.b.c end
print(a.b.c.f(4), a.b.c:g(), ("text"):upper(), ("x"):rep(3))
local f = function(t) return t[1] or t end print(f{"table"}, f"string", f[[long]])
print(pcall(function() return account:missing() end))
print(pcall(function() return (nil):x() end))
print(pcall(function() return ("x"):nothing() end))
