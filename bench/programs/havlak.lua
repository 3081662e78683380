-- Finding loops in control-flow graphs: depth-first search, union-find, sets of objects.
local rounds = tonumber((...)) or 4

local Graph = {}
Graph.__index = Graph
function Graph.new() return setmetatable({ blocks = {}, count = 0, start = nil }, Graph) end
function Graph:block(name)
  local b = self.blocks[name]
  if not b then
    b = { name = name, ins = {}, outs = {} }
    self.blocks[name] = b
    self.count = self.count + 1
    self.start = self.start or b
  end
  return b
end
function Graph:edge(from, to)
  local a, b = self:block(from), self:block(to)
  a.outs[#a.outs + 1] = b
  b.ins[#b.ins + 1] = a
end

local Node = {}
Node.__index = Node
function Node:find()
  local root = self
  while root.parent ~= root do root = root.parent end
  local n = self
  while n.parent ~= root do n.parent, n = root, n.parent end
  return root
end

-- Numbers blocks in depth-first order, without recursion, as graphs are deep.
local function number(graph)
  local nodes, by_block, stack = {}, {}, { { block = graph.start, at = 1 } }
  local function enter(block)
    local n = setmetatable({ block = block, index = #nodes + 1, last = 0, header = nil, kind = "plain", loop = nil }, Node)
    n.parent = n
    nodes[#nodes + 1] = n
    by_block[block] = n
  end
  enter(graph.start)
  while #stack > 0 do
    local top = stack[#stack]
    local target = top.block.outs[top.at]
    if target then
      top.at = top.at + 1
      if not by_block[target] then
        enter(target)
        stack[#stack + 1] = { block = target, at = 1 }
      end
    else
      by_block[top.block].last = #nodes
      stack[#stack] = nil
    end
  end
  return nodes, by_block
end

local function find_loops(graph)
  local nodes, by_block = number(graph)
  local function is_ancestor(w, v) return w.index <= v.index and v.index <= w.last end
  local back, others = {}, {}
  for _, w in ipairs(nodes) do
    local b, o = {}, {}
    for _, source in ipairs(w.block.ins) do
      local v = by_block[source]
      if v then
        if is_ancestor(w, v) then b[#b + 1] = v else o[#o + 1] = v end
      end
    end
    back[w], others[w] = b, o
  end
  local loops = {}
  for i = #nodes, 1, -1 do
    local w = nodes[i]
    local body, seen = {}, {}
    for _, v in ipairs(back[w]) do
      if v ~= w then
        local root = v:find()
        if not seen[root] then seen[root] = true body[#body + 1] = root end
      else
        w.kind = "self"
      end
    end
    local work = {}
    for k, v in ipairs(body) do work[k] = v end
    if #body > 0 then w.kind = "reducible" end
    while #work > 0 do
      local x = table.remove(work)
      for _, y in ipairs(others[x]) do
        local root = y:find()
        if not is_ancestor(w, root) then
          w.kind = "irreducible"
          local list = others[w]
          list[#list + 1] = root
        elseif root ~= w and not seen[root] then
          seen[root] = true
          body[#body + 1] = root
          work[#work + 1] = root
        end
      end
    end
    if #body > 0 or w.kind == "self" then
      local loop = { header = w, parts = {}, children = {}, parent = nil, kind = w.kind }
      w.loop = loop
      for _, n in ipairs(body) do
        n.header = w
        n.parent = w
        if n.loop then n.loop.parent = loop loop.children[#loop.children + 1] = n.loop else loop.parts[#loop.parts + 1] = n end
      end
      loops[#loops + 1] = loop
    end
  end
  return loops
end

local function build()
  local g, n = Graph.new(), 1
  local function straight(from, length)
    for i = 0, length - 1 do g:edge(from + i, from + i + 1) end
    return from + length
  end
  local function diamond(from)
    g:edge(from, from + 1) g:edge(from, from + 2)
    g:edge(from + 1, from + 3) g:edge(from + 2, from + 3)
    return from + 3
  end
  local function loop_around(from)
    local header = straight(from, 1)
    local left = diamond(header)
    local right = straight(left, 1)
    local low = diamond(right)
    g:edge(low, header)
    return straight(low, 1)
  end
  for _ = 1, 12 do
    local outer = n
    n = straight(n, 1)
    for _ = 1, 25 do
      local top = n
      n = straight(n, 1)
      for _ = 1, 3 do n = loop_around(n) end
      local bottom = straight(n, 1)
      g:edge(bottom, top)
      n = straight(bottom, 1)
    end
    g:edge(n, outer)
    n = straight(n, 1)
  end
  return g
end

local found, nested, deepest = 0, 0, 0
local graph = build()
for _ = 1, rounds do
  for _, loop in ipairs(find_loops(graph)) do
    found = found + 1
    nested = nested + #loop.children
    local depth, up = 1, loop.parent
    while up do depth, up = depth + 1, up.parent end
    if depth > deepest then deepest = depth end
  end
end
print(string.format("%d %d %d %d", graph.count, found, nested, deepest))
