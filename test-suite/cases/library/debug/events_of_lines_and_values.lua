-- Lines that hooks see, and the values passed and returned.
local function lines(s)
  local out = {}
  debug.sethook(function(e, l) out[#out+1] = l end, "l")
  load(s)()
  debug.sethook()
  print(table.concat(out, ","))
end
lines[[if
math.sin(1)
then
  a=1
else
  a=2
end
]]
lines[[
local function foo()
end
foo()
A = 1
A = 2
A = 3
]]
lines[[--
if nil then
  a=1
else
  a=2
end
]]
lines[[a=1
repeat
  a=a+1
until a==3
]]
lines[[ do
  return
end
]]
lines[[local a
a=1
while a<=3 do
  a=a+1
end
]]
lines[[while math.sin(1) do
  if math.sin(1)
  then break
  end
end
a=1]]
lines[[for i=1,3 do
  a=i
end
]]
lines[[for i,v in pairs{'a','b'} do
  a=tostring(i) .. v
end
]]
lines[[for i=1,4 do a=1 end
]]
lines[[
_G.a = 10
goto L
a = 20
::L:: a = 3]]
local on = false
local function hook (event)
    if not on then return end
    local ar = debug.getinfo(2, "ruSn")
    local t = {}
    for i = ar.ftransfer, ar.ftransfer + ar.ntransfer - 1 do
      local n, v = debug.getlocal(2, i)
      t[#t + 1] = tostring(n).."="..tostring(v)
    end
    io.write(event, " ", ar.what == "C" and "-" or ar.ftransfer, " ", ar.ntransfer, " ", tostring(ar.name), ": ", table.concat(t, ","), "\n")
end
debug.sethook(hook, "cr")
on = true; math.sin(3); on = false
on = true; select(2, 10, 20, 30, 40); on = false
local function foo (a, ...) return ... end
local function foo1 () on = not on; return foo(20, 10, 0) end
foo1(); on = false
local function foo2(a, b) local c = 1; return b, a end
on = true
foo2(1, 2)
local x = foo2(3)
on = false
debug.sethook()
