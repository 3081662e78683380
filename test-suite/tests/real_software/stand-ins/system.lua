-- A stand-in for lua-system: a clock that advances by one millisecond whenever it is read, so that
-- reported durations are the same in every run.

local now = 1577836800

local function tick()
    now = now + 0.001
    return now
end

return { gettime = tick, monotime = tick, sleep = tick }
