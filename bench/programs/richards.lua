-- An operating system's scheduler: tasks of several kinds pass packets through queues.
local rounds = tonumber((...)) or 10

local IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = 1, 2, 3, 4, 5, 6
local DEVICE_PACKET, WORK_PACKET = 1, 2

local Packet = {}
Packet.__index = Packet
function Packet.new(link, task, kind)
  return setmetatable({ link = link, task = task, kind = kind, datum = 0, data = { 0, 0, 0, 0 } }, Packet)
end
function Packet:append_to(queue)
  self.link = nil
  if not queue then return self end
  local last = queue
  while last.link do last = last.link end
  last.link = self
  return queue
end

local Scheduler = {}
Scheduler.__index = Scheduler
function Scheduler.new()
  return setmetatable({ tasks = {}, first = nil, current = nil, queued = 0, held = 0 }, Scheduler)
end

local Task = {}
Task.__index = Task
function Scheduler:add(class, id, priority, queue, waiting, fields)
  local task = setmetatable(fields, class)
  task.id, task.priority, task.queue, task.link, task.scheduler = id, priority, queue, self.first, self
  task.packet_pending, task.task_waiting, task.task_held = queue ~= nil, waiting, false
  self.first = task
  self.tasks[id] = task
end

function Task:is_blocked() return self.task_held or (not self.packet_pending and self.task_waiting) end
function Task:start()
  local packet
  if self.packet_pending and self.task_waiting then
    packet = self.queue
    self.queue = packet.link
    self.task_waiting = false
    self.packet_pending = self.queue ~= nil
  end
  return self:run(packet)
end
function Task:add_packet(packet, running)
  if not self.queue then
    self.queue = packet
    self.packet_pending = true
    if self.priority > running.priority then return self end
  else
    packet:append_to(self.queue)
  end
  return running
end

function Scheduler:run()
  self.current = self.first
  while self.current do
    local task = self.current
    if task:is_blocked() then self.current = task.link else self.current = task:start() end
  end
end
function Scheduler:wait_current() self.current.task_waiting = true return self.current end
function Scheduler:hold_current()
  self.held = self.held + 1
  self.current.task_held = true
  return self.current.link
end
function Scheduler:release(id)
  local task = self.tasks[id]
  task.task_held = false
  if task.priority > self.current.priority then return task end
  return self.current
end
function Scheduler:queue_packet(packet)
  local task = self.tasks[packet.task]
  self.queued = self.queued + 1
  packet.link = nil
  packet.task = self.current.id
  return task:add_packet(packet, self.current)
end

local function subclass(run)
  local class = setmetatable({ run = run }, Task)
  class.__index = class
  return class
end

local Idle = subclass(function(self)
  self.count = self.count - 1
  if self.count == 0 then return self.scheduler:hold_current() end
  if self.control % 2 == 0 then
    self.control = self.control / 2
    return self.scheduler:release(DEVICE_A)
  end
  local half = (self.control - 1) / 2
  -- Exclusive or with 0xD008, bit by bit: Lua 5.1 has no operator for it.
  local result, bit, mask = 0, 1, 53256
  while half > 0 or mask > 0 do
    if half % 2 ~= mask % 2 then result = result + bit end
    half, mask, bit = (half - half % 2) / 2, (mask - mask % 2) / 2, bit * 2
  end
  self.control = result
  return self.scheduler:release(DEVICE_B)
end)

local Worker = subclass(function(self, packet)
  if not packet then return self.scheduler:wait_current() end
  self.destination = self.destination == HANDLER_A and HANDLER_B or HANDLER_A
  packet.task, packet.datum = self.destination, 0
  for i = 1, 4 do
    self.letter = self.letter + 1
    if self.letter > 26 then self.letter = 1 end
    packet.data[i] = 64 + self.letter
  end
  return self.scheduler:queue_packet(packet)
end)

local Handler = subclass(function(self, packet)
  if packet then
    if packet.kind == WORK_PACKET then
      self.work = packet:append_to(self.work)
    else
      self.device = packet:append_to(self.device)
    end
  end
  local work = self.work
  if work then
    if work.datum >= 4 then
      self.work = work.link
      return self.scheduler:queue_packet(work)
    end
    local device = self.device
    if device then
      self.device = device.link
      work.datum = work.datum + 1
      device.datum = work.data[work.datum]
      return self.scheduler:queue_packet(device)
    end
  end
  return self.scheduler:wait_current()
end)

local Device = subclass(function(self, packet)
  if packet then
    self.pending = packet
    return self.scheduler:hold_current()
  end
  local pending = self.pending
  if not pending then return self.scheduler:wait_current() end
  self.pending = nil
  return self.scheduler:queue_packet(pending)
end)

local function packets(count, task, kind)
  local queue
  for _ = 1, count do queue = Packet.new(queue, task, kind) end
  return queue
end

local queued, held = 0, 0
for _ = 1, rounds do
  local s = Scheduler.new()
  s:add(Idle, IDLE, 0, nil, false, { control = 1, count = 10000 })
  s:add(Worker, WORKER, 1000, packets(2, 0, WORK_PACKET), true, { destination = HANDLER_A, letter = 0 })
  s:add(Handler, HANDLER_A, 2000, packets(3, DEVICE_A, DEVICE_PACKET), true, {})
  s:add(Handler, HANDLER_B, 3000, packets(3, DEVICE_B, DEVICE_PACKET), true, {})
  s:add(Device, DEVICE_A, 4000, nil, true, {})
  s:add(Device, DEVICE_B, 5000, nil, true, {})
  s:run()
  queued, held = queued + s.queued, held + s.held
end
print(string.format("%d %d", queued, held))
