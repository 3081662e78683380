-- Traces that return several times, then call deeper than where they began, and are left there: at
-- every depth of the stack of frames, so that one of them is at its limit.
local count = 0
local function f8(n) count = count + 1 if count % 7 == 0 then return n + 1 end return n end
local function f7(n) count = count + 1 if count % 5 == 0 then return f8(n) + 2 end return f8(n) + 1 end
local function f6(n) count = count + 1 if count % 3 == 0 then return f7(n) + 2 end return f7(n) + 1 end
local function f5(n) count = count + 1 if count % 11 == 0 then return f6(n) + 2 end return f6(n) + 1 end
local function f4(n) return f5(n) + 1 end
local function f3(n) return f4(n) + 1 end
local function f2(n) return f3(n) + 1 end
local function f1(n) return f2(n) + 1 end
local function walk(depth, n)
  if depth == 0 then return n end
  local r = walk(depth - 1, n)
  if depth % 4 == 0 then return f1(r) + 1 end
  return r + 1
end
local sum = 0
for depth = 1, 270 do
  for _ = 1, 4 do sum = sum + walk(depth, depth) end
end
print(sum)
