local tasks, log = {}, {}
local function spawn(name, f) tasks[#tasks + 1] = {name = name, co = coroutine.create(f)} end
for n = 1, 3 do spawn("task" .. n, function() for i = 1, n do log[#log + 1] = n .. ":" .. i coroutine.yield() end if n == 2 then error("task failed", 0) end end) end
while #tasks > 0 do for i = #tasks, 1, -1 do local t = tasks[i] local ok, e = coroutine.resume(t.co) if not ok then log[#log + 1] = t.name .. " " .. e end if coroutine.status(t.co) == "dead" then table.remove(tasks, i) end end end
print(table.concat(log, " "))
local function channel() local queue, waiting = {}, {} return {send = function(v) queue[#queue + 1] = v end, receive = function() while #queue == 0 do coroutine.yield() end return table.remove(queue, 1) end} end
local c, results = channel(), {}
local consumer = coroutine.create(function() while true do local v = c.receive() if v == "stop" then return #results end results[#results + 1] = v * 2 end end)
for i = 1, 3 do c.send(i) coroutine.resume(consumer) end c.send("stop")
print(coroutine.resume(consumer))
print(table.concat(results, " "))
