-- a line comment
--[[ a block
comment ]] print(1)
--[==[ another ]] ]==] print(2)
---[[ not a block
print(3)
--]]
print(load("--[[ never closed"))
print(load("--[==[ never closed ]=]"))
