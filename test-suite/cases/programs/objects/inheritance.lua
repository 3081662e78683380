local Object = {} Object.__index = Object
function Object.new(class, ...) local o = setmetatable({}, class) if o.init then o:init(...) end return o end
function Object.extend(class, name) local sub = setmetatable({name = name, super = class}, {__index = class, __call = function(c, ...) return c:new(...) end}) sub.__index = sub sub.__tostring = function(o) return name .. "<" .. o:describe() .. ">" end return sub end
local Shape = Object:extend("Shape")
function Shape:init(x) self.x = x end
function Shape:area() return 0 end
function Shape:describe() return self.x .. ":" .. self:area() end
local Square = Shape:extend("Square")
function Square:init(x, side) Shape.init(self, x) self.side = side end
function Square:area() return self.side ^ 2 end
local Cube = Square:extend("Cube") function Cube:area() return 6 * Square.area(self) end
for _, o in ipairs{Shape(1), Square(2, 3), Cube(4, 2)} do print(tostring(o), o.name, rawget(o, "side"), getmetatable(o).super ~= nil) end
Shape.area = function() return "patched" end
print(tostring(Shape(1)), tostring(Square(1, 1))) Square.area = nil
print(tostring(Square(1, 1)), pcall(function() return Cube(1, 1):area() end))
