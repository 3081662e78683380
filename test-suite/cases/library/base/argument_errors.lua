-- Messages for wrong arguments of the basic, coroutine and debug libraries.
local function try(code)
  local f, message = load(code, "=c")
  if f then
    local _, result = pcall(f)
    message = type(result) == "table" and "a table" or tostring(result)
  end
  print(code, "->", message)
end

for _, code in ipairs {
  "setmetatable(1, {})",
  "setmetatable({})",
  "setmetatable({}, 1)",
  "setmetatable(setmetatable({}, {__metatable=1}), {})",
  "tonumber()",
  "tonumber(1, 2)",
  "tonumber('z', 99)",
  "tonumber({}, 10)",
  "ipairs()",
  "pairs()",
  "select(0)",
  "select(-5, 1)",
  "next({}, 'x')",
  "next(1)",
  "error()",
  "error(nil)",
  "error({})",
  "error('m', 0)",
  "error('m', 1)",
  "error('m', 2)",
  "assert(false)",
  "assert(nil, 'msg')",
  "assert(false, {})",
  "assert()",
  "type()",
  "xpcall(1)",
  "xpcall(print, 1)",
  "pcall()",
  "collectgarbage('x')",
  "load({})",
  "load(1)",
  "load('x', 'n', 'b')",
  "load('x=', 'n')",
  "loadfile(1)",
  "dofile('/nonexist')",
  "print(setmetatable({}, {__tostring=function() return {} end}))",
  "tostring()",
  "warn()",
  "warn(1, {})",
} do
  try(code)
end
