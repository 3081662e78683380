-- A JSON reader and writer over generated text: byte access, string building, small tables.
local rounds = tonumber((...)) or 15

local byte, sub, find, format = string.byte, string.sub, string.find, string.format

local Reader = {}
Reader.__index = Reader

function Reader:space()
  local text, at = self.text, self.at
  while true do
    local c = byte(text, at)
    if c ~= 32 and c ~= 10 and c ~= 9 then break end
    at = at + 1
  end
  self.at = at
  return byte(text, at)
end

function Reader:string()
  local stop = find(self.text, '"', self.at + 1, true)
  local text = sub(self.text, self.at + 1, stop - 1)
  self.at = stop + 1
  return text
end

function Reader:object()
  local result = {}
  self.at = self.at + 1
  while self:space() ~= 125 do
    local key = self:string()
    self:space()
    self.at = self.at + 1
    result[key] = self:value()
    if self:space() == 44 then self.at = self.at + 1 end
  end
  self.at = self.at + 1
  return result
end

function Reader:array()
  local result = {}
  self.at = self.at + 1
  while self:space() ~= 93 do
    result[#result + 1] = self:value()
    if self:space() == 44 then self.at = self.at + 1 end
  end
  self.at = self.at + 1
  return result
end

function Reader:value()
  local c = self:space()
  if c == 123 then return self:object() end
  if c == 91 then return self:array() end
  if c == 34 then return self:string() end
  local from, to, word = find(self.text, "^([%w.+-]+)", self.at)
  self.at = to + 1
  if word == "true" then return true end
  if word == "false" then return false end
  return tonumber(word)
end

local function write(value, out)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = '"' .. value .. '"'
  elseif kind == "table" then
    if value[1] ~= nil then
      out[#out + 1] = "["
      for i, item in ipairs(value) do
        if i > 1 then out[#out + 1] = "," end
        write(item, out)
      end
      out[#out + 1] = "]"
    else
      local keys = {}
      for key in pairs(value) do keys[#keys + 1] = key end
      table.sort(keys)
      out[#out + 1] = "{"
      for i, key in ipairs(keys) do
        if i > 1 then out[#out + 1] = "," end
        out[#out + 1] = '"' .. key .. '":'
        write(value[key], out)
      end
      out[#out + 1] = "}"
    end
  elseif kind == "number" then
    out[#out + 1] = format("%.14g", value)
  else
    out[#out + 1] = tostring(value)
  end
end

local records = {}
for i = 1, 200 do
  records[i] = { id = i, name = "record " .. i, price = i * 1.25, tags = { "a" .. i % 7, "b", "c" }, open = i % 3 == 0 }
end
local out = {}
write({ records = records, version = 2 }, out)
local text = table.concat(out)
local checksum = 0
for _ = 1, rounds do
  local read = setmetatable({ text = text, at = 1 }, Reader):value()
  local again = {}
  write(read, again)
  local copy = table.concat(again)
  assert(copy == text)
  checksum = (checksum * 31 + #copy + read.records[200].id) % 1000003
end
print(string.format("%d %d", #text, checksum))
