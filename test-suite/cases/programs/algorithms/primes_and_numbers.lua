local sieve, primes = {}, {}
for i = 2, 500 do if not sieve[i] then primes[#primes + 1] = i for j = i * i, 500, i do sieve[j] = true end end end
print(#primes, primes[#primes])
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return a end
print(gcd(1071, 462), gcd(2^40 | 0, 6^10 // 1 | 0))
local function power(b, e, m) local r = 1 b = b % m while e > 0 do if e & 1 == 1 then r = r * b % m end b = b * b % m e = e >> 1 end return r end
print(power(3, 200, 1000007), power(2, 62, 1 << 40))
local perfect = {}
for n = 2, 500 do local s = 1 for d = 2, n // 2 do if n % d == 0 then s = s + d end end if s == n then perfect[#perfect + 1] = n end end
print(table.concat(perfect, " "))
local function collatz(n) local c = 0 while n ~= 1 do n = n % 2 == 0 and n // 2 or 3 * n + 1 c = c + 1 end return c end
print(collatz(27), collatz(97))
local crc = 0xFFFFFFFF
for c in ("123456789"):gmatch(".") do crc = crc ~ c:byte() for _ = 1, 8 do crc = crc & 1 == 1 and (crc >> 1) ~ 0xEDB88320 or crc >> 1 end end
print(string.format("%08X", crc ~ 0xFFFFFFFF))
