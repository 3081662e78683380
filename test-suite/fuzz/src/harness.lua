-- Runs many programs in one process and writes what each did.
--
-- Standard input holds, for each program, a line `<length> <mode>` and the program's bytes; the
-- mode is `run` or `compile`. Standard output gets, for each, a line with the length of its report
-- and the report, flushed, so that the program that ends the process is known. Between programs
-- everything that a program can reach and change is put back.

local io_read, io_write, stdout = io.read, io.write, io.stdout
local type, tostring, pairs, rawequal, rawset, next = type, tostring, pairs, rawequal, rawset, next
local setmetatable, load, xpcall = debug.setmetatable, load, xpcall
local sethook, traceback, concat = debug.sethook, debug.traceback, table.concat
local collect, select, format = collectgarbage, select, string.format
local LIMIT = 60000

local out, size

-- The `print` of the programs: keeps the text, up to a limit.
function print(...)
  local count = select("#", ...)
  local line = {...}
  for i = 1, count do line[i] = tostring((line[i])) end
  local text = concat(line, "\t")
  if size < LIMIT then out[#out + 1] = text end
  size = size + #text + 1
end

-- What a program may not have: files, processes, the end of the process, the clock.
io, os.exit, os.execute, os.remove, os.rename, os.tmpname, os.getenv = nil
os.clock, os.setlocale, package.loadlib, dofile, loadfile, require = nil
for name in pairs(package.loaded) do
  if name == "io" then package.loaded[name] = nil end
end

local string_metatable = getmetatable("")
local kept = {}
for _, t in ipairs{_G, string, table, math, coroutine, debug, utf8, os, string_metatable} do
  local copy = {}
  for k, v in next, t do copy[k] = v end
  kept[#kept + 1] = {t, copy}
end
local some_thread = coroutine.create(print)

local function restore()
  sethook()
  for i = 1, #kept do
    local t, copy = kept[i][1], kept[i][2]
    setmetatable(t, nil)
    for k in next, t do
      if copy[k] == nil then t[k] = nil end
    end
    for k, v in next, copy do
      if not rawequal(t[k], v) then t[k] = v end
    end
  end
  setmetatable("", string_metatable)
  setmetatable(0, nil)
  setmetatable(nil, nil)
  setmetatable(true, nil)
  setmetatable(print, nil)
  setmetatable(some_thread, nil)
  collect("restart")
  collect("incremental")
end

local function handler(problem)
  if type(problem) ~= "string" then problem = "an error object, a " .. type(problem) end
  return traceback(problem, 1)
end

local function perform(source, mode)
  local chunk, problem = load(source, "=p")
  if not chunk then return "syntax: " .. problem end
  if mode == "compile" then return "compiled" end
  local ok, message = xpcall(chunk, handler)
  if not ok then print("error: " .. message) end
end

stdout:setvbuf("full")
while true do
  local head = io_read("l")
  if not head then break end
  local length, mode = head:match("^(%d+) (%a+)$")
  local source = io_read(length + 0) or ""
  out, size = {}, 0
  local report = perform(source, mode)
  restore()
  report = report or concat(out, "\n")
  io_write(#report, "\n", report)
  stdout:flush()
end
