-- The signs of the NaN that operations make, on x86-64, and those of zeros.
print(0/0, -(0/0), math.huge-math.huge, 0.0*math.huge)
local z, zf, h = 0, 0.0, math.huge
print(z/z, -(z/z), zf/zf, h-h, -h+h, zf*h, h*zf, -zf*h, h/h, -h/h)
print(z%zf, 5%zf, 5.5%0.0, h%2, h%h, -h%3, 5.0%h, -5.0%h)
print(zf//zf, z//zf, h//h, h//1, 1//zf, -1//zf)
print(math.sqrt(-1), math.fmod(1,zf), math.fmod(h,1.0))
print((-2)^0.5, (-8)^(1/3), 0^0, h^0, zf^-1)
print(string.format("%f %g %a %e %.1f", z/z, z/z, z/z, z/z, -(z/z)))
print(tostring(z/z), z/z .. "", -(z/z) .. "")
local n = z/z
local m = -n
print(n+1, 1+n, n-1, 1-n, n*2, -n, n%1, n//1, n^2)
print(m+1, 1+m, m*2, m%1, m//1, m^2, 2^m, 1//m, 1%m)
print(math.abs(n), math.abs(m), math.max(n,1), math.max(1,n), math.min(n,1))
print(pcall(math.floor, n), math.tointeger(n), n==n)
print(string.pack("d", n):byte(1,-1))
print(string.pack("d", m):byte(1,-1))
print(string.unpack("f", string.pack("f", n)), string.unpack("f", string.pack("f", m)))
print(math.modf(n), math.modf(m), math.modf(h), math.exp(n))
for i = 1, 100 do
  local q = i*0.0/0
  if i % 33 == 0 then print(q, -q, 0/q) end
end
local function f(a, b) return a-b end
for i = 1, 100 do local r = f(h, h) if i == 100 then print(r) end end
print(load"return 0/0"(), load"return -(0/0)"(), load"return 1-(0/0)"(), load"return (0/0)*-1"())
print(-0.0, 0.0, -0.0+0, 0-0.0, -0.0-0, 0.0*-1, -(0.0), 0/-1, 0//-1.0, -0.0//1, -0.0%1, 0.0%-1, -0.0^1)
print(string.format("%5.1f|%-8g|%08.2f|%+f|% f", n,n,n,n,n), string.format("%5.1f|%-8g|%08.2f|%+f|% f", m,m,m,m,m))
