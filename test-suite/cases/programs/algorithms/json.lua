local function encode(v)
  local t = type(v)
  if t == "string" then return '"' .. v:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"' end
  if t ~= "table" then return tostring(v) end
  local parts = {}
  if #v > 0 then
    for i, x in ipairs(v) do parts[i] = encode(x) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys = {} for k in pairs(v) do keys[#keys + 1] = k end table.sort(keys)
  for i, k in ipairs(keys) do parts[i] = encode(k) .. ":" .. encode(v[k]) end
  return "{" .. table.concat(parts, ",") .. "}"
end
local decode
local function skip(s, i) return s:match("^%s*()", i) end
local function value(s, i)
  i = skip(s, i)
  local c = s:sub(i, i)
  if c == "{" or c == "[" then
    local result, close = {}, c == "{" and "}" or "]"
    i = skip(s, i + 1)
    while s:sub(i, i) ~= close do
      local k, v
      if close == "}" then k, i = value(s, i) i = skip(s, i) assert(s:sub(i, i) == ":", "colon expected") i = i + 1 end
      v, i = value(s, i)
      result[k or #result + 1] = v
      i = skip(s, i)
      if s:sub(i, i) == "," then i = i + 1 elseif s:sub(i, i) ~= close then error("unexpected '" .. s:sub(i, i) .. "' at " .. i, 0) end
      i = skip(s, i)
    end
    return result, i + 1
  elseif c == '"' then
    local text, e = s:match('^"([^"]*)"()', i)
    return text:gsub("\\u(%x%x%x%x)", function(h) return utf8.char(tonumber(h, 16)) end), e
  end
  local word, e = s:match("^([%w.+-]+)()", i)
  if word == "true" then return true, e elseif word == "false" then return false, e elseif word == "null" then return nil, e end
  return tonumber(word) or error("bad value at " .. i, 0), e
end
local text = encode{name = "moon \"1\"\n", list = {1, 2.5, {x = true}, "s"}, nested = {a = {b = {c = 3}}}}
print(text)
print(encode((value(text, 1))) == text)
print(pcall(value, '{"a" 1}', 1))
print(pcall(value, "[1 2]", 1))
print(pcall(value, "[@]", 1))
