-- Processor time counts whole microseconds.
for _ = 1, 100 do
  local time = os.clock()
  assert(time == math.floor(time * 1e6 + 0.5) / 1e6)
  assert(#string.format("%.14g", time % 1) <= 8)
end
print(math.type(os.clock()))
