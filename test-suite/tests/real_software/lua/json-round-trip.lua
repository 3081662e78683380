-- Writes and reads back a few megabytes of JSON with dkjson, in pure Lua.

local json = require "dkjson"

local seed = 1

local function random(limit)
    seed = seed * 6364136223846793005 + 1442695040888963407
    return (seed >> 33) % limit + 1
end

local function scalar()
    local kind = random(6)
    if kind == 1 then
        return random(1 << 30) - (1 << 29)
    elseif kind == 2 then
        return (random(1 << 30) - 1) / random(1 << 10)
    elseif kind == 3 then
        return random(2) == 1
    elseif kind == 4 then
        return json.null
    end
    local bytes = {}
    for at = 1, random(40) do
        bytes[at] = utf8.char(random(20) == 1 and random(0xD7FF) or random(95) + 31)
    end
    return table.concat(bytes)
end

local function tree(depth)
    if depth == 0 then
        return scalar()
    end
    local node, order = {}, {}
    if random(2) == 1 then
        for at = 1, random(12) do
            node[at] = tree(depth - 1)
        end
        return node
    end
    for at = 1, random(12) do
        order[at] = "key" .. at
        node[order[at]] = tree(depth - 1)
    end
    return setmetatable(node, { __jsonorder = order })
end

local function digest(text)
    local sum = 5381
    for at = 1, #text do
        sum = sum * 33 ~ text:byte(at)
    end
    return ("%016x"):format(sum)
end

local total = 0
for round = 1, 3 do
    local text = json.encode(tree(6), { indent = round % 2 == 0 })
    local value, after, problem = json.decode(text)
    local again = json.encode(value, { keyorder = { "key1", "key2", "key3" } })
    total = total + #text
    print(round, #text, digest(text), after, problem, #again, text:sub(1, 200))
end
print(total .. " bytes")
