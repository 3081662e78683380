-- An incremental solver of one-way constraints with strengths: many small polymorphic methods.
local size = tonumber((...)) or 1000

-- A smaller number is stronger.
local REQUIRED, STRONG, PREFERRED, WEAK_DEFAULT, WEAKEST = 0, 1, 2, 3, 6

local Variable = {}
Variable.__index = Variable
function Variable.new(value)
  return setmetatable({ value = value, constraints = {}, determined_by = nil, mark = 0, strength = WEAKEST, stay = true }, Variable)
end
function Variable:remove(constraint)
  local list = self.constraints
  for i = 1, #list do
    if list[i] == constraint then table.remove(list, i) break end
  end
  if self.determined_by == constraint then self.determined_by = nil end
end

local function weaker(a, b) return a > b end
local function stronger(a, b) return a < b end
local function weakest_of(a, b) if a > b then return a end return b end

-- Constraints on one variable.
local Unary = {}
Unary.__index = Unary
function Unary:choose(mark) self.satisfied = self.output.mark ~= mark and stronger(self.strength, self.output.strength) end
function Unary:attach() local l = self.output.constraints l[#l + 1] = self self.satisfied = false end
function Unary:detach() self.output:remove(self) self.satisfied = false end
function Unary:target() return self.output end
function Unary:inputs_known() return true end
function Unary:mark_inputs() end
function Unary:recalculate()
  local out = self.output
  out.strength, out.stay = self.strength, not self.is_edit
  if out.stay then self:execute() end
end
function Unary:execute() end
function Unary:unsatisfy() self.satisfied = false end

-- Constraints between two variables, which may run either way.
local Binary = {}
Binary.__index = Binary
function Binary:choose(mark)
  local a, b = self.first, self.second
  self.direction = nil
  if a.mark == mark then
    if b.mark ~= mark and stronger(self.strength, b.strength) then self.direction = "forward" end
  elseif b.mark == mark then
    if stronger(self.strength, a.strength) then self.direction = "backward" end
  elseif weaker(a.strength, b.strength) then
    if stronger(self.strength, a.strength) then self.direction = "backward" end
  elseif stronger(self.strength, b.strength) then
    self.direction = "forward"
  end
  self.satisfied = self.direction ~= nil
end
function Binary:attach()
  local l = self.first.constraints l[#l + 1] = self
  l = self.second.constraints l[#l + 1] = self
  if self.scale then
    l = self.scale.constraints l[#l + 1] = self
    l = self.offset.constraints l[#l + 1] = self
  end
  self.satisfied = false
end
function Binary:detach()
  self.first:remove(self) self.second:remove(self)
  if self.scale then self.scale:remove(self) self.offset:remove(self) end
  self.satisfied = false
end
function Binary:source() if self.direction == "forward" then return self.first end return self.second end
function Binary:target() if self.direction == "forward" then return self.second end return self.first end
function Binary:known(v, mark) return v.mark == mark or v.stay or v.determined_by == nil end
function Binary:inputs_known(mark)
  if not self:known(self:source(), mark) then return false end
  return not self.scale or self:known(self.scale, mark) and self:known(self.offset, mark)
end
function Binary:mark_inputs(mark)
  self:source().mark = mark
  if self.scale then self.scale.mark, self.offset.mark = mark, mark end
end
function Binary:recalculate()
  local from, to = self:source(), self:target()
  to.strength = weakest_of(self.strength, from.strength)
  to.stay = from.stay and (not self.scale or self.scale.stay and self.offset.stay)
  if to.stay then self:execute() end
end
function Binary:unsatisfy() self.satisfied = false end
function Binary:execute() self:target().value = self:source().value end

local Scale = setmetatable({}, { __index = Binary })
Scale.__index = Scale
function Scale:execute()
  if self.direction == "forward" then
    self.second.value = self.first.value * self.scale.value + self.offset.value
  else
    self.first.value = (self.second.value - self.offset.value) / self.scale.value
  end
end

local Planner = {}
Planner.__index = Planner
function Planner:next_mark() self.mark = self.mark + 1 return self.mark end
function Planner:satisfy(constraint, mark)
  constraint:choose(mark)
  if not constraint.satisfied then
    if constraint.strength == REQUIRED then error("a required constraint can't be satisfied") end
    return nil
  end
  constraint:mark_inputs(mark)
  local out = constraint:target()
  local overridden = out.determined_by
  if overridden then overridden:unsatisfy() end
  out.determined_by = constraint
  if not self:propagate(constraint, mark) then error("a cycle of constraints") end
  out.mark = mark
  return overridden
end
function Planner:add(constraint)
  constraint:attach()
  local mark = self:next_mark()
  local overridden = self:satisfy(constraint, mark)
  while overridden do overridden = self:satisfy(overridden, mark) end
  return constraint
end
function Planner:remove(constraint)
  local out = constraint.satisfied and constraint:target()
  constraint:unsatisfy()
  constraint:detach()
  if not out then return end
  out.determined_by, out.strength, out.stay = nil, WEAKEST, true
  local unsatisfied, todo = {}, { out }
  while #todo > 0 do
    local v = table.remove(todo)
    for _, c in ipairs(v.constraints) do
      if not c.satisfied then unsatisfied[#unsatisfied + 1] = c end
    end
    self:consumers(v, function(c) c:recalculate() todo[#todo + 1] = c:target() end)
  end
  for strength = REQUIRED, WEAKEST do
    for _, c in ipairs(unsatisfied) do
      if c.strength == strength and not c.satisfied then
        local mark = self:next_mark()
        local overridden = self:satisfy(c, mark)
        while overridden do overridden = self:satisfy(overridden, mark) end
      end
    end
  end
end
function Planner:consumers(variable, visit)
  local by = variable.determined_by
  for _, c in ipairs(variable.constraints) do
    if c ~= by and c.satisfied then visit(c) end
  end
end
function Planner:propagate(constraint, mark)
  local todo = { constraint }
  while #todo > 0 do
    local c = table.remove(todo)
    if c:target().mark == mark then return false end
    c:recalculate()
    self:consumers(c:target(), function(next_one) todo[#todo + 1] = next_one end)
  end
  return true
end
function Planner:plan_from(sources)
  local mark = self:next_mark()
  local plan, todo = {}, {}
  for _, c in ipairs(sources) do todo[#todo + 1] = c end
  while #todo > 0 do
    local c = table.remove(todo)
    if c:target().mark ~= mark and c:inputs_known(mark) then
      plan[#plan + 1] = c
      c:target().mark = mark
      self:consumers(c:target(), function(next_one) todo[#todo + 1] = next_one end)
    end
  end
  return plan
end

local function new_planner() return setmetatable({ mark = 0 }, Planner) end
local function stay(variable, strength) return setmetatable({ output = variable, strength = strength, is_edit = false }, Unary) end
local function edit(variable, strength) return setmetatable({ output = variable, strength = strength, is_edit = true }, Unary) end
local function equal(a, b, strength) return setmetatable({ first = a, second = b, strength = strength }, Binary) end
local function scaled(a, scale, offset, b, strength)
  return setmetatable({ first = a, scale = scale, offset = offset, second = b, strength = strength }, Scale)
end
local function change(planner, variable, value)
  local e = planner:add(edit(variable, PREFERRED))
  local plan = planner:plan_from { e }
  for _ = 1, 10 do
    variable.value = value
    for _, c in ipairs(plan) do c:execute() end
  end
  planner:remove(e)
end

local function chain(n)
  local planner, variables = new_planner(), {}
  for i = 1, n do variables[i] = Variable.new(0) end
  for i = 1, n - 1 do planner:add(equal(variables[i], variables[i + 1], REQUIRED)) end
  planner:add(stay(variables[n], WEAK_DEFAULT))
  local e = planner:add(edit(variables[1], PREFERRED))
  local plan = planner:plan_from { e }
  local sum = 0
  for value = 1, 50 do
    variables[1].value = value
    for _, c in ipairs(plan) do c:execute() end
    if variables[n].value ~= value then error("the chain does not hold") end
    sum = sum + variables[n].value
  end
  planner:remove(e)
  return sum
end

local function projection(n)
  local planner = new_planner()
  local scale, offset = Variable.new(10), Variable.new(1000)
  local sources, targets = {}, {}
  for i = 1, n do
    sources[i], targets[i] = Variable.new(i), Variable.new(i)
    planner:add(stay(sources[i], WEAK_DEFAULT))
    planner:add(scaled(sources[i], scale, offset, targets[i], REQUIRED))
  end
  change(planner, sources[1], 17)
  local sum = targets[1].value
  change(planner, targets[1], 1050)
  sum = sum + sources[1].value
  change(planner, scale, 5)
  for i = 1, n - 1 do sum = sum + targets[i].value end
  change(planner, offset, 2000)
  for i = 1, n - 1 do sum = sum + targets[i].value end
  return sum
end

local total = 0
for _ = 1, 3 do total = total + chain(size) + projection(size) end
print(string.format("%d", total))
