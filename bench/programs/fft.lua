-- Fast Fourier transform, there and back: two parallel float arrays.
local rounds = tonumber((...)) or 12
local SIZE = 4096

local function half_of(n) return (n - n % 2) / 2 end

local function reorder(re, im, n)
  local j = 1
  for i = 1, n - 1 do
    if i < j then re[i], re[j], im[i], im[j] = re[j], re[i], im[j], im[i] end
    local m = half_of(n)
    while m >= 1 and j > m do j = j - m m = half_of(m) end
    j = j + m
  end
end

local function transform(re, im, n, direction)
  reorder(re, im, n)
  local half = 1
  while half < n do
    local angle = direction * math.pi / half
    local wr, wi = math.cos(angle), math.sin(angle)
    local ur, ui = 1.0, 0.0
    for k = 1, half do
      for i = k, n, half * 2 do
        local j = i + half
        local tr, ti = re[j] * ur - im[j] * ui, re[j] * ui + im[j] * ur
        re[j], im[j] = re[i] - tr, im[i] - ti
        re[i], im[i] = re[i] + tr, im[i] + ti
      end
      ur, ui = ur * wr - ui * wi, ur * wi + ui * wr
    end
    half = half * 2
  end
end

local re, im = {}, {}
local seed = 1
for i = 1, SIZE do
  seed = (seed * 16807) % 2147483647
  re[i], im[i] = seed / 2147483647 - 0.5, 0.0
end
local first = re[1]
for _ = 1, rounds do
  transform(re, im, SIZE, 1)
  transform(re, im, SIZE, -1)
  for i = 1, SIZE do re[i], im[i] = re[i] / SIZE, im[i] / SIZE end
end
print(string.format("%.9f %s", re[1], math.abs(re[1] - first) < 1e-9 and "agrees" or "differs"))
