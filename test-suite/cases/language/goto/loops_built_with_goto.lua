local i, sum = 1, 0
::top::
if i <= 10 then
  if i % 2 == 0 then goto skip end
  sum = sum + i
  ::skip::
  i = i + 1
  goto top
end
print(sum)
for a = 1, 3 do for b = 1, 3 do if a * b == 4 then print(a, b) goto found end end end
::found::
do goto over print("never") ::over:: print("after") end
