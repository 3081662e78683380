-- Makes programs repeatable that depend on the order of traversal, which the reference
-- implementation randomises: `pairs` goes by type, then by value, then as `next` does.

local next, pairs, type, sort = next, pairs, type, table.sort
local getmetatable = debug.getmetatable

local RANK = { boolean = 1, number = 2, string = 3 }

local function ordered_before(a, b)
    local a_type, b_type = type(a), type(b)
    if a_type ~= b_type then
        return RANK[a_type] < RANK[b_type]
    elseif a_type == "boolean" then
        return a and not b
    end
    return a < b
end

function _G.pairs(table)
    local metatable = getmetatable(table)
    if type(table) ~= "table" or metatable and metatable.__pairs then
        return pairs(table)
    end
    local keys, others = {}, {}
    for key in next, table do
        local list = RANK[type(key)] and keys or others
        list[#list + 1] = key
    end
    sort(keys, ordered_before)
    for _, key in ipairs(others) do
        keys[#keys + 1] = key
    end
    local at = 0
    return function()
        -- What was removed during the traversal is passed over, as `next` would.
        repeat
            at = at + 1
            local key = keys[at]
            local value = key ~= nil and table[key]
            if key ~= nil and value ~= nil then
                return key, value
            end
        until key == nil
    end, table, nil
end
