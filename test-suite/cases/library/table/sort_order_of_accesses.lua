-- Comparisons, reads and writes of table.sort happen in a fixed order, and equal elements end up where
-- that puts them. (The pivot of large, badly balanced lists is random.)
local seed=42
local function rnd(n) seed=(seed*1103515245+12345)%2147483648 return seed//8%n+1 end
local function h(s) local x=0 for i=1,#s do x=(x*31+s:byte(i))%1000000007 end return x end
for _,n in ipairs{2,3,4,5,7,10,50,100,101,102,103,130,300} do
 for k=1,4 do
  local m = ({3,10,1000,1000000})[k]
  local t={} for i=1,n do t[i]={rnd(m),i} end
  local log={}
  local ok,e=pcall(table.sort,t,function(a,b) log[#log+1]=a[2]..":"..b[2] return a[1]<b[1] end)
  local o={} for i=1,n do o[i]=t[i][2] end
  print(n,k,ok,e,#log,h(table.concat(log,",")),h(table.concat(o,",")))
 end
end
-- proxies
for _,n in ipairs{2,3,5,10,110} do
  local t={} for i=1,n do t[i]={rnd(5),i} end
  local log={}
  local p=setmetatable({},{__index=function(_,i) log[#log+1]="g"..i return t[i] end,__newindex=function(_,i,v) log[#log+1]="s"..i..":"..v[2] t[i]=v end,__len=function() return n end})
  local ok,e=pcall(table.sort,p,function(a,b) log[#log+1]="c"..a[2]..":"..b[2] return a[1]<b[1] end)
  local o={} for i=1,n do o[i]=t[i][2] end
  print(n,ok,e,#log,h(table.concat(log,",")),h(table.concat(o,",")))
  if n<=5 then print(table.concat(log," ")) end
  -- error in comparator in the middle
  local c=0
  local t={} for i=1,n do t[i]={rnd(5),i} end
  local p=setmetatable({},{__index=t,__newindex=t,__len=function() return n end})
  print(pcall(table.sort,p,function(a,b) c=c+1 if c==n then error("x",0) end return a[1]<b[1] end))
  local o={} for i=1,n do o[i]=t[i][2] end
  print(h(table.concat(o,",")))
  local t={} for i=1,n do t[i]={rnd(5),i} end
  local c=0
  print(pcall(table.sort,t,function(a,b) c=c+1 if c==n then error("x",0) end return a[1]<b[1] end))
  local o={} for i=1,n do o[i]=t[i][2] end
  print(h(table.concat(o,",")))
  -- invalid order functions
  local t={} for i=1,n do t[i]=rnd(50) end
  print(pcall(table.sort,t,function(a,b) return true end))
  local t={} for i=1,n do t[i]=rnd(50) end
  print(pcall(table.sort,t,function(a,b) return false end), table.concat(t," "))
  local t={} for i=1,n do t[i]=rnd(50) end
  print(pcall(table.sort,t,function(a,b) return a<=b end), #t)
  local t={} for i=1,n do t[i]=rnd(50) end t[n//2+1]="x"
  print(pcall(table.sort,t), h(table.concat(t," ")))
  local t={} for i=1,n do t[i]=rnd(50)+.5 end t[n//2+1]=0/0
  print(pcall(table.sort,t), h(table.concat(t," ")))
  local t={} for i=1,n do t[i]=setmetatable({rnd(3),i},{__lt=function(a,b) return a[1]<b[1] end}) end
  print(pcall(table.sort,t)) local o={} for i=1,n do o[i]=t[i][2] end
  print(h(table.concat(o,",")))
  local t={} for i=1,n do t[i]=rnd(3)==1 and rnd(9) or rnd(9)+.0 end
  print(pcall(table.sort,t), h(table.concat(t," ")))
  -- list changed by comparator
  local t={} for i=1,n do t[i]=rnd(50) end
  print(pcall(table.sort,t,function(a,b) t[1]=1 return a<b end), h(table.concat(t," ")))
  local t={} for i=1,n do t[i]=rnd(50) end local c=0
  print(pcall(table.sort,t,function(a,b) c=c+1 if c==3 then for i=1,n do t[i]=nil end end return a<b end))
  local t=setmetatable({},{__len=function() return n end}) t[1]=1 
  print(pcall(table.sort,t,function(a,b) return (a or 0)<(b or 0) end),t[1],t[n])
end
