-- Makes programs repeatable that look at the clock or ask for random numbers: time stands still
-- until it is looked at.

local start, ticks = 1577836800, 0

local function tick()
    ticks = ticks + 1
    return ticks / 1024
end

local time, date = os.time, os.date

os.clock = tick

function os.time(fields)
    return fields and time(fields) or start + tick() // 1 | 0
end

function os.date(format, at)
    return date(format, at or start)
end

math.randomseed(42)
