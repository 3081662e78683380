local type, tostring, next, select, mtype = type, tostring, next, select, math.type
local sort, concat, format, print, pcall = table.sort, table.concat, string.format, print, pcall
local function show(value, depth)
  local kind = type(value)
  if kind == "string" then return format("%q", value) end
  if kind == "table" then
    if depth > 2 then return "{...}" end
    local items = {}
    for k, v in next, value do items[#items + 1] = show(k, depth + 1) .. "=" .. show(v, depth + 1) end
    sort(items)
    return "{" .. concat(items, ",") .. "}"
  end
  if kind == "function" or kind == "thread" or kind == "userdata" then return kind end
  return tostring(value)
end
local function report(...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = show((select(i, ...)), 0) end
  print(concat(out, " "))
end
local noted = 0
local function note(...)
  noted = noted + 1
  if noted <= 30 then report("note", ...) end
end
local fuel, raise = 20000, error
local function spent() raise("out of fuel", 0) end
