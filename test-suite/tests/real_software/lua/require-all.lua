-- Requires every module of the folders given, in the order of their names, and prints what each
-- gave. What can't be loaded (a C module is missing, or it was written for another version) must
-- fail with the same message everywhere.

local pairs, next, type, tostring = pairs, next, type, tostring
local sort, concat = table.sort, table.concat

local function modules_in(folder)
    local names = {}
    local pipe = assert(io.popen(("cd '%s' && find -L . -name '*.lua' | LC_ALL=C sort"):format(folder)))
    for path in pipe:lines() do
        names[#names + 1] = path:sub(3, -5):gsub("/init$", ""):gsub("/", ".")
    end
    pipe:close()
    return names
end

-- What modules print and change while they load is part of the comparison, but none may end the
-- process.
function os.exit(status)
    error("exit " .. tostring(status))
end

local function described(value)
    if type(value) ~= "table" then
        return type(value)
    end
    local fields = {}
    for key, field in next, value do
        fields[#fields + 1] = tostring(key):gsub("0x%x+", "address") .. ":" .. type(field)
    end
    sort(fields)
    return concat(fields, " ")
end

local loaded = 0
for _, folder in ipairs(arg) do
    for _, name in ipairs(modules_in(folder)) do
        local succeeded, value = pcall(require, name)
        loaded = loaded + (succeeded and 1 or 0)
        print(name, succeeded and described(value) or value)
    end
end
print(loaded .. " modules loaded")
