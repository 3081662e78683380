//! Programs, and what the reference implementation prints for them.
//!
//! Each is compiled twice: as usual, and with conditional jumps of very short reach, so that
//! most of them are expanded.

use super::super::compile_with_reach;
use super::evaluate::run;
use crate::bytecode::dump::{dump, undump};

fn check(source: &str, expected: &str) {
    let (chunk, interner) = crate::parse(source.as_bytes(), b"=test").expect("valid program");
    for reach in [i16::MAX as i64, 2, 20] {
        let proto = compile_with_reach(&chunk, &interner, b"=test", reach).expect("compiles");
        assert_eq!(run(&proto), expected, "with reach {reach}");
        for strip in [false, true] {
            let dumped = undump(&dump(&proto, strip), b"=test").expect("valid dump");
            assert_eq!(run(&dumped), expected, "dumped, stripped: {strip}");
        }
    }
}

#[test]
fn arithmetic_and_logic() {
    check(
        r##"local a, b, c = 1, 2, nil
print(a + b, a - b, 10 - a, 3 * b, b * 3, a < b, a <= 1, 1 < a, b > 1, a >= 2, a == 1, a ~= 1, nil == c)
print(a and b, c and b, c or b, a or b, not a, not c, not (a < b), not (a == b))
print((a and b) or c, (c and a) or b, c and a or b, a and c or b, not (a and c), a and not c)
print(a < b and b > 1 and "yes" or "no", c == nil and "nil", false or nil, nil and 1, false and 1, nil or false)
local x = a > 1 and b or c == nil
print(x, not x, x == (b == 2))
local t = {a < b, a > b, c, not c, a == b or b}
print(t[1], t[2], t[3], t[4], t[5])
print(1 .. 2 .. a .. b, "x" .. a + b .. "y", ("a" .. "b") .. ("c" .. "d"))
print(-a, ~b, #"abc", -(-a), 7 // 2, 7 % 3, 6 & 3, 6 | 3, 6 ~ 3, 1 << b, 8 >> a)
print(2 + 3 == 5, 1 < 2, "a" == "a", 1 == 1.0, a == 1.0, b ~= 2.0)
if not c and a == 1 and (b == 3 or b == 2) then print "deep" end
if c or not (a < b or b < a) then print "bad" else print "good" end
while a and b do if b == 4 then break end b = b + 1 end
print(b)
"##,
        r##"3 -1 9 6 6 true true false true false true false true
2 nil 2 1 false true false true
2 2 2 2 true true
yes nil nil nil false false
true false true
true false nil true 2
1212 x3y abcd
-1 -3 3 1 3 1 2 7 5 4 4
true true true true true false
deep
good
4
"##,
    );
}

#[test]
fn assignment() {
    check(
        r##"local a, b, c = 1, 2
a, b = b, a
print(a, b, c)
local t = {1, 2, 3}
local i = 1
i, t[i] = i + 1, 20
print(i, t[1], t[2])
local u = {x = {y = {}}}
u.x.y.z, u.x.w = 5, 6
print(u.x.y.z, u.x.w)
u, u.x = {}, 7
print(u.x)
local v = {}
v, v.v, v.w = {name = "new"}, 1
print(v.name, v.v)
local function three() return 1, 2, 3 end
local p, q, r, s = three()
print(p, q, r, s)
p, q, r, s = 0, three()
print(p, q, r, s)
p, q = three(), 9
print(p, q)
p, q = three(), 8, 7
print(p, q)
local m, n = three(), three()
print(m, n)
local o = (three())
print(o, (three()))
t = {three(), three()}
print(#t, t[1], t[2], t[4])
t = {three(), (three())}
print(#t)
t = {[1] = 5, n = 6, three()}
print(t[1], t[2], t[3], t.n)
x, y = 3
print(x, y)
x, y = y, x
print(x, y)
local k = "key"
t[k], t.other, t[1], t[100000] = 1, 2, 3, 4
print(t.key, t.other, t[1], t[100000])
do local a <const>, b <const> = 5, 6; local c <const> = 7; print(a + b + c, c) end
"##,
        r##"2 1 nil
2 20 2
5 6
nil
new nil
1 2 3 nil
0 1 2 3
1 9
1 8
1 1
1 1
4 1 1 3
2
1 2 3 6
3 nil
nil 3
1 2 3 4
18 7
"##,
    );
}

#[test]
fn captured_evaluation_order() {
    check(
        r##"local n = 0
local function bump() n = n + 1; return n end
local t = {}
t[n] = bump()
print(t[0], t[1])
print(n + bump(), bump() + n, n == bump(), n < bump())
local u = {name = "old"}
local function swap() u = {name = "new"}; return 1 end
u.x = swap()
print(u.name, u.x)
local w = u[swap() == 1 and "x"]
print(w)
print(n .. bump(), ({n, bump()})[1] == nil)
"##,
        r##"nil 1
4 6 true false
new 1
nil
56 false
"##,
    );
}

#[test]
fn closures() {
    check(
        r##"local fs = {}
for i = 1, 3 do fs[i] = function() i = i + 10; return i end end
print(fs[1](), fs[1](), fs[2](), fs[3]())
local gs = {}
for a, b in iterate, 3, 0 do gs[a] = function() b = b + 1; return a, b end end
print(gs[1]())
print(gs[1]())
print(gs[3]())
local j = 0
local hs = {}
while j < 3 do j = j + 1; local x = j; hs[j] = function() x = x * 2; return x end end
print(hs[1](), hs[1](), hs[3]())
local k = 0
repeat local y = k; hs[k] = function() y = y + 1; return y end; k = k + 1 until y == 2
print(hs[0](), hs[1](), hs[2](), hs[2]())
local function counter(start) return function() start = start + 1; return start end end
local c1, c2 = counter(5), counter(50)
print(c1(), c1(), c2())
local function fact(n) if n <= 1 then return 1 end return n * fact(n - 1) end
print(fact(10))
local shared = 1
local function set(v) shared = v end
local function get() return shared end
set(7)
print(get(), shared)
shared = 8
print(get())
local function outer() local v = 1; return function() return function() v = v + 1; return v + shared end end end
print(outer()()())
local function params(a, b, ...) local f = function() a = a + 1; return a, b end; f(); return a, b, f(), ... end
print(params(1, 2, 3, 4))
"##,
        r##"11 21 12 13
1 1
1 2
3 21
2 4 6
1 2 3 4
6 7 51
3628800
7 7
8
10
2 2 3 3 4
"##,
    );
}

#[test]
fn gotos() {
    check(
        r##"local fs = {}
do
  local i = 1
  ::top::
  local x = i * 10
  fs[i] = function() x = x + 1; return x end
  i = i + 1
  if i <= 3 then goto top end
end
print(fs[1](), fs[1](), fs[2](), fs[3]())
for i = 1, 5 do
  if i % 2 == 0 then goto continue end
  local y = i
  print(y)
  ::continue::
end
for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto next end
    if i == 2 then goto done end
    print(i, j)
  end
  ::next::
end
::done::
do goto out; local unused; ::out:: end
do
  local k = 0
  ::a:: k = k + 1
  if k < 3 then goto a end
  goto b
  ::c:: print("c", k) goto e
  ::b:: print("b", k) goto c
  ::e::
end
local function f(n) do goto skip end ::back:: do return "back" .. n end ::skip:: if n > 1 then goto back end return "end" end
print(f(1), f(2))
while true do
  do local z = 1; local g = function() return z end; if g() == 1 then break end end
end
repeat if j then break end; goto cont; ::cont:: until true
"##,
        r##"11 12 21 31
1
3
5
1 1
b 3
c 3
end back2
"##,
    );
}

#[test]
fn to_be_closed() {
    check(
        r##"local function note(name) return closable(function() print("close " .. name) end) end
do local a <close> = note "a"; local b <close> = note "b"; print "in" end
local function f(x)
  local a <close> = note "fa"
  if x == 1 then return "one" end
  do local b <close> = note "fb"; if x == 2 then return "two", "2" end end
  for i = 1, 2 do local c <close> = note("fc" .. i); if x == 3 then return "three" end end
  return x
end
print(f(1))
print(f(2))
print(f(3))
print(f(4))
for i = 1, 3 do
  local a <close> = note("loop" .. i)
  if i == 2 then break end
end
for i = 1, 2 do
  do local a <close> = note("g" .. i); if i == 1 then goto continue end end
  print "after"
  ::continue::
end
for i = 1, 2 do
  if i == 1 then goto continue end
  local a <close> = note("late" .. i)
  print "late"
  ::continue::
end
for a, b in iterate, 2, 0, note "iterator" do print(a, b) end
for a in iterate, 5, 0, note "iterator2" do if a == 2 then break end end
local function g() for a in iterate, 5, 0, note "iterator3" do if a == 2 then return a, "r" end end end
print(g())
do
  local i = 1
  ::again::
  local a <close> = note("again" .. i)
  i = i + 1
  if i < 4 then goto again end
end
local n = 0
repeat local a <close> = note("rep" .. n); n = n + 1; local seen = n until seen == 2
do local a <close> = note "captured"; local h = function() return a end; print(h() == a) end
local function t(...) local a <close> = note "t"; return select("#", ...) end
print(t(1, 2, 3))
do local a <close> = nil; local b <close> = false; print "none" end
while true do local a <close> = note "while"; if true then break end end
do goto l; local x <close> = note "never"; ::l:: end
do goto l1; do local y = 1 end ::l1:: local z <close> = note "z"; if not z then goto l2 end print "z" ::l2:: end
local e <close> = note "main"
do local b <close> = note "error"; error "failed" end
"##,
        r##"in
close b
close a
close fa
one
close fb
close fa
two 2
close fb
close fc1
close fa
three
close fb
close fc1
close fc2
close fa
4
close loop1
close loop2
close g1
close g2
after
late
close late2
1 0
2 10
close iterator
close iterator2
close iterator3
2 r
close again1
close again2
close again3
close rep0
close rep1
true
close captured
close t
3
none
close while
z
close z
close error
close main
error: failed
"##,
    );
}

#[test]
fn varargs_and_calls() {
    check(
        r##"local function f(...) return ... end
local function g(a, ...) local x, y = ...; return x, y, select("#", ...), a end
print(f(), f(1), f(1, 2, 3))
print((f(1, 2, 3)))
print(g(1, 2, 3, 4))
local function h(...) local t = {..., "last"}; local u = {"first", ...}; return #t, #u, ... end
print(h(1, 2, 3))
local function tail(n, ...) if n == 0 then return ... end return tail(n - 1, n, ...) end
print(tail(5))
local obj = {v = 1}
function obj:add(n) self.v = self.v + n; return self end
function obj.static(...) return select("#", ...) end
print(obj:add(2):add(3).v, obj.static(nil, nil))
print(obj:add(f(1, 2)).v, f(obj:add(1)).v)
local function none() end
print(none(), (none()), none())
print(select("#", none()), select("#", (none())), select("#", nil, none()))
local t = {f(1, 2), f(3, 4), n = f(5, 6)}
print(#t, t.n)
local s = "x"
print(s .. f("y", "z") .. "w")
local function many(...) return ..., ... end
print(many(1, 2))
"##,
        r##"nil 1 1 2 3
1
2 3 3 1
2 4 1 2 3
1 2 3 4 5
6 2
7 8
nil nil
0 1 1
2 5
xyw
1 1 2
"##,
    );
}

#[test]
fn long_names_and_tables() {
    check(
        r##"local t = {}
function t:a_method_name_that_is_longer_than_forty_characters_in_all() return self == t end
print(t:a_method_name_that_is_longer_than_forty_characters_in_all())
t.a_field_name_that_is_longer_than_forty_characters_in_all = 5
print(t.a_field_name_that_is_longer_than_forty_characters_in_all)
a_global_name_that_is_longer_than_forty_characters_in_all = 6
print(a_global_name_that_is_longer_than_forty_characters_in_all)
t[0] = "zero" t[-1] = "minus" t[65535] = "max" t[65536] = "more" t[1.5] = "float"
print(t[0], t[-1], t[65535], t[65536], t[1.5])
t[true], t[false] = 1, 0
print(t[true], t[false])
local list = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,print}
print(#list, list[1], list[50], list[51], list[53])
do local _ENV = {print = print}; x = 5; print(x, y) end
print(x)
local function env(_ENV) y = 3; return function() return y end end
print(env({})())
local nested = {a = {b = {c = {1, 2, {3}}}}}
print(nested.a.b.c[3][1], nested["a"]["b"].c[2])
"##,
        r##"true
5
6
zero minus max more float
1 0
54 1 50 51 53
5 nil
nil
3
3 2
"##,
    );
}

#[test]
fn loops() {
    check(
        r##"for i = 1, 3 do print(i) end
for i = 3, 1, -1 do print(i) end
for i = 1, 0 do print "never" end
for i = 1, 3 do local i = i * 2; print(i) end
for i = 1, 3 do i = i * 2; print(i) end
local n = 3
while n > 0 do n = n - 1; if n == 1 then goto out end end
::out:: print(n)
repeat n = n + 1; local done = n > 3 until done
print(n)
for a, b, c in iterate, 2, 0 do print(a, b, c) end
for a in iterate, 2, 0 do for b in iterate, a, 0 do print(a, b) end end
while true do while true do break end break end
repeat break until false
for i = 1, 10 do if i > 2 then break elseif i == 1 then print "one" else print "other" end end
local function early() for i = 1, 10 do while true do if i == 3 then return i end break end end end
print(early())
repeat local x = 1; if x then goto skip end; print "never"; ::skip:: until x == 1
if n then elseif n then print "never" else print "never" end
if nil then print "never" elseif false then print "never" elseif not n then print "never" else print "else" end
while false do end
while nil do print "never" end
repeat until 1
"##,
        r##"1
2
3
3
2
1
2
4
6
2
4
6
1
4
1 0 nil
2 10 nil
1 1
2 1
2 2
one
other
3
else
"##,
    );
}

#[test]
fn nested_conditions() {
    check(
        r##"local function f(a, b, c, d)
  local r = a and b or c and d
  local s = (a or b) and (c or d)
  local t = not (a and b) or not (c or d)
  local u = a == b and c ~= d or a ~= c
  if (a and b or c) and not (d and a) then r = r or "then" else r = r and "else" end
  return r, s, t, u, (a and 1 or 2), (a or b or c or d or 5)
end
local values = {nil, false, true, 1}
for i = 1, 4 do for j = 1, 4 do for k = 1, 4 do
  print(f(values[i], values[j], values[k], values[5 - i]))
end end end
"##,
        r##"nil nil true true 2 1
false nil true true 2 1
1 nil true true 2 true
1 nil true true 2 1
nil false true false 2 1
false false true true 2 1
1 false true true 2 true
1 false true true 2 1
nil 1 true false 2 true
false 1 true true 2 true
1 true true true 2 true
1 1 true true 2 true
nil 1 true false 2 1
false 1 true true 2 1
1 true true true 2 1
1 1 true true 2 1
nil nil true true 2 true
false nil true false 2 true
true nil true true 2 true
true nil true true 2 1
nil false true true 2 true
false false true true 2 true
true false true true 2 true
true false true true 2 1
nil true true true 2 true
false true true false 2 true
true true true true 2 true
true 1 true true 2 true
nil true true true 2 1
false true true false 2 1
true true true true 2 1
true 1 true true 2 1
nil false true true 1 true
false false true true 1 true
then true true false 1 true
then 1 true true 1 true
nil false true true 1 true
false false true true 1 true
then true true false 1 true
then 1 true true 1 true
true false true true 1 true
true false true true 1 true
true true false true 1 true
true 1 false true 1 true
1 false true true 1 true
1 false true true 1 true
1 true false false 1 true
1 1 false true 1 true
nil nil true true 1 1
false nil true true 1 1
then true true true 1 1
then 1 true false 1 1
nil nil true true 1 1
false nil true true 1 1
then true true true 1 1
then 1 true false 1 1
true nil true true 1 1
true nil true true 1 1
true true false true 1 1
true 1 false false 1 1
1 nil true true 1 1
1 nil true true 1 1
1 true false true 1 1
1 1 false true 1 1
"##,
    );
}
