-- Compiles each file whose name is a line of standard input: as it is, and then damaged in a few
-- ways that depend on nothing but its text, so that errors are compared as often as successes.

local FRAGMENTS = {
    "end", "(", ")", "{", "}", "[[", "]]", "--[[", "'", '"', "=", "~", "local ", "goto x ", "::x::",
    "<const>", "<close>", "return ", "...", "function ", "0x", "1e", "\\", "\0", "\255", ";", ",",
    ":", ".", "..", "nil", "not ", "//", "break ", "\\u{", "\\x", "\\300", "\n", "\r", "for ", "in ",
    "do ", "then ", "elseif ", "until ", "#", "-", "<<", "a.b",
}

local seed

local function random(limit)
    seed = seed * 6364136223846793005 + 1442695040888963407
    return (seed >> 33) % limit + 1
end

local function damaged(text)
    local at, way = random(#text), random(4)
    if way == 1 then
        return text:sub(1, at)
    elseif way == 2 then
        return text:sub(1, at - 1) .. FRAGMENTS[random(#FRAGMENTS)] .. text:sub(at)
    elseif way == 3 then
        return text:sub(1, at - 1) .. text:sub(at + random(8))
    end
    local from = random(#text)
    return text:sub(1, at - 1) .. text:sub(from, from + random(20)) .. text:sub(at)
end

local DAMAGES = tonumber(arg[1])

for path in io.lines() do
    local file = assert(io.open(path, "rb"))
    local text = file:read("a")
    file:close()
    local chunk, message = loadfile(path)
    print(path, chunk and "accepted" or message)
    seed = #text
    for number = 1, #text > 0 and DAMAGES or 0 do
        chunk, message = load(damaged(text), "=" .. number)
        print("", chunk and "accepted" or message)
    end
end
