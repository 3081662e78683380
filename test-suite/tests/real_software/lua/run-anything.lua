-- Runs a file whatever it needs: each global that is missing, and each module, is a stand-in that
-- accepts every operation. Then calls every function that the file has made known, with several
-- kinds of arguments. What is printed, returned and raised, with tracebacks, shows far more of the
-- file's code than its author's environment could without being installed.
--
-- usage: run-anything.lua file

require "repeatable"
require "ordered"

local path = arg[1]
local LIMIT = 3000 -- operations on stand-ins per call, against loops that wait for something
local CALLS = 1500

-- What the script itself needs, out of reach of the file.
local next, pairs, ipairs, type, tostring, select = next, pairs, ipairs, type, tostring, select
local error, pcall, xpcall, setmetatable, rawget = error, pcall, xpcall, setmetatable, rawget
local concat, unpack = table.concat, table.unpack
local traceback, getinfo, getlocal, getupvalue =
    debug.traceback, debug.getinfo, debug.getlocal, debug.getupvalue
local loadfile, output, globals = loadfile, io.stdout, _G

-- The stand-in.

local anything, operations = {}, 0
local metatable = { __name = "anything", __metatable = false }

local function count()
    operations = operations + 1
    if operations > LIMIT then
        error("enough", 0)
    end
end

local function itself()
    count()
    return anything
end

local EVENTS = "index add sub mul div mod pow unm idiv band bor bxor bnot shl shr concat"
for event in EVENTS:gmatch("%a+") do
    metatable["__" .. event] = itself
end

function metatable.__newindex()
    count()
end

-- Now and then another kind of value, so that more paths are taken.
local turn = 0

function metatable.__call()
    count()
    turn = turn + 1
    if turn % 7 == 0 then
        return nil
    elseif turn % 11 == 0 then
        return "text" .. turn, 3
    elseif turn % 13 == 0 then
        return turn, anything
    end
    return anything
end

function metatable.__lt()
    count()
    turn = turn + 1
    return turn % 2 == 0
end

metatable.__le = metatable.__lt

function metatable.__eq()
    count()
    return true
end

function metatable.__len()
    count()
    return 2
end

function metatable.__tostring()
    return "anything"
end

function metatable.__pairs()
    count()
    return function(_, key)
        if not key then
            return 1, anything
        end
    end, anything, nil
end

setmetatable(anything, metatable)

-- Nothing outside of the process is touched.

-- A function of its own each time: tracebacks tell functions by their names in the libraries.
local function refusing()
    return function()
        count()
        return nil, "refused", 2
    end
end

local function forbidding()
    return function()
        error("forbidden", 0)
    end
end

for _, name in ipairs { "execute", "remove", "rename", "tmpname", "getenv", "setlocale" } do
    os[name] = refusing()
end
for _, name in ipairs { "open", "popen", "tmpfile", "read", "input", "output" } do
    io[name] = refusing()
end
for _, name in ipairs { "sethook", "debug", "getregistry" } do
    debug[name] = refusing()
end
for _, name in ipairs { "loadfile", "dofile", "collectgarbage" } do
    globals[name] = refusing()
end
io.lines, os.exit = forbidding(), forbidding()

local load = load

function globals.load(chunk, ...)
    return load(type(chunk) == "string" and chunk or "", ...)
end

function globals.require()
    return anything
end

-- Addresses differ from run to run, and some texts are long.
local function shown(value)
    local succeeded, text = pcall(tostring, value)
    return succeeded and text:gsub("0x%x+", "address"):sub(1, 500) or "?"
end

function print(...)
    local texts = { ... }
    for at = 1, select("#", ...) do
        texts[at] = shown(texts[at])
    end
    output:write(concat(texts, "\t"), "\n")
end

function io.write(...)
    for at = 1, select("#", ...) do
        output:write(shown((select(at, ...))))
    end
    return io.stdout
end

-- Running.

local function handler(message)
    return shown(message) .. "\n" .. traceback("", 2)
end

local waiting, seen = {}, {}

local function report(what, succeeded, ...)
    local texts = {}
    for at = 1, select("#", ...) do
        local value = select(at, ...)
        texts[at] = succeeded and shown(value) or value
        if type(value) == "function" or type(value) == "table" then
            waiting[#waiting + 1] = { what .. " result " .. at, value }
        end
    end
    output:write(what, " ", tostring(succeeded), " ", concat(texts, " "), "\n")
end

local ARGUMENTS = {
    {}, { anything, anything, anything, anything }, { "text", 2, "x" }, { 1, 2, 3 },
    { {}, {}, 3 }, { nil, 1 }, { anything, "a.b-c", 10, {} }, { ipairs, tostring, 2 },
    { 2.5, "10", true }, { "k=v; x [1]", "%w+", 1 },
}

local calls = 0

local function exercise(name, body)
    local info = getinfo(body, "Su")
    local names = {}
    for at = 1, 3 do
        names[#names + 1] = shown((getlocal(body, at)))
        names[#names + 1] = shown((getupvalue(body, at)))
    end
    output:write(concat({ name, info.linedefined, info.lastlinedefined, info.nups, info.nparams,
        tostring(info.isvararg), concat(names, " ") }, " "), "\n")
    for number, arguments in ipairs(ARGUMENTS) do
        calls = calls + 1
        if calls > CALLS then
            break
        end
        operations = 0
        local fresh = {}
        for at = 1, 4 do
            local value = arguments[at]
            local is_table = type(value) == "table" and value ~= anything
            fresh[at] = is_table and { 1, 2, a = "b" } or value
        end
        report(name .. " " .. number, xpcall(body, handler, unpack(fresh, 1, 4)))
    end
end

local libraries = {}
for _, library in next, package.loaded do
    libraries[library] = true
end

local environment = setmetatable({}, {
    __index = function(_, name)
        local value = globals[name]
        if value == nil then
            return itself()
        end
        return value
    end,
})
environment._G = environment
libraries[environment] = true
globals.arg = { [0] = path }

local chunk, message = loadfile(path, "t", environment)
if not chunk then
    print(message)
    return
end
report("main", xpcall(chunk, handler, "a", "b"))
for name, value in pairs(environment) do
    waiting[#waiting + 1] = { shown(name), value }
end
local at = 0
while at < #waiting and at < 400 do
    at = at + 1
    local name, value = unpack(waiting[at])
    if value ~= anything and not libraries[value] and not seen[value] then
        seen[value] = true
        if type(value) == "table" then
            for key, field in pairs(value) do
                waiting[#waiting + 1] = { name .. "." .. shown(key), field }
            end
        elseif type(value) == "function" and getinfo(value, "S").what ~= "C" then
            exercise(name, value)
        end
    end
end
