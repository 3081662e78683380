-- A stand-in for LuaFileSystem in pure Lua: as much of it as the programs run here need, from the
-- standard library and POSIX commands. Both implementations run the same stand-in, so it need be
-- plain rather than fast.

local lfs = { _VERSION = "LuaFileSystem 1.8.0 (stand-in)" }

local function quoted(path)
    return "'" .. path:gsub("'", "'\\''") .. "'"
end

local function lines_of(command)
    local pipe = assert(io.popen(command .. " 2>/dev/null", "r"))
    local lines = {}
    for line in pipe:lines() do
        lines[#lines + 1] = line
    end
    return lines, pipe:close()
end

-- Numbers of errors, as POSIX systems have them.
local EISDIR = 21

-- What can be learnt by opening: it needs no process, and almost all questions are of this kind.
local function mode_and_size(path)
    local file, message, number = io.open(path, "rb")
    if not file then
        return nil, message, number
    end
    local _, _, reading = file:read(0)
    local size = file:seek("end")
    file:close()
    if reading == EISDIR then
        return "directory", 4096
    end
    return "file", size
end

local FIELDS = { modification = "%Y", access = "%X", change = "%Z", ino = "%i", dev = "%d", nlink = "%h" }

local function attribute(path, name)
    local mode, size, number = mode_and_size(path)
    if not mode then
        local reason = size:match(": ([^:]*)$") or size
        return nil, ("cannot obtain information from file '%s': %s"):format(path, reason), number
    elseif name == "mode" then
        return mode
    elseif name == "size" then
        return size
    elseif FIELDS[name] then
        return math.tointeger(lines_of(("stat -L -c %s %s"):format(FIELDS[name], quoted(path)))[1])
    end
    error(("invalid attribute name '%s'"):format(name), 3)
end

function lfs.attributes(path, wanted)
    if type(wanted) == "string" then
        return attribute(path, wanted)
    end
    local found = type(wanted) == "table" and wanted or {}
    for _, name in ipairs { "mode", "size", "modification", "access", "change" } do
        local value, message, number = attribute(path, name)
        if value == nil then
            return nil, message, number
        end
        found[name] = value
    end
    return found
end

function lfs.symlinkattributes(path, wanted)
    if lines_of(("test -L %s && echo link"):format(quoted(path)))[1] then
        return wanted == nil and { mode = "link" } or "link"
    end
    return lfs.attributes(path, wanted)
end

function lfs.dir(path)
    if attribute(path, "mode") ~= "directory" then
        error(("cannot open %s: Not a directory"):format(path), 2)
    end
    local names, at = lines_of("LC_ALL=C ls -a " .. quoted(path)), 0
    return function()
        at = at + 1
        return names[at]
    end
end

function lfs.currentdir()
    return lines_of("pwd")[1]
end

local function run(command)
    if os.execute(command .. " 2>/dev/null") then
        return true
    end
    return nil, command:match("^%S+") .. " failed", 1
end

function lfs.mkdir(path)
    return run("mkdir " .. quoted(path))
end

function lfs.rmdir(path)
    return run("rmdir " .. quoted(path))
end

function lfs.touch(path)
    return run("touch " .. quoted(path))
end

-- The working directory can't be changed from Lua.
function lfs.chdir(path)
    if path == "." or path == lfs.currentdir() then
        return true
    end
    return nil, ("Unable to change working directory to '%s'"):format(path)
end

return lfs
