package.preload.mine = function(...) print("loading", ...) return {value = 42} end
print(require("mine").value, select(2, require("mine")))
print(package.loaded.mine.value, package.loaded._G == _G, package.loaded.string == string) package.preload.nothing = function() end
print(require("nothing"), package.loaded.nothing) package.preload.falsy = function() return false end
print(require("falsy"), package.loaded.falsy)
package.path, package.cpath = "./?.nothere;./?/x", "./?.nolib"
print(pcall(require, "no.such.module"))
print(package.searchpath("a.b", "./?.x;/?/y"))
print(package.searchpath("a-b", "?.q", "-", "+"))
print(package.config)
print(#package.searchers, type(package.loadlib)) package.preload.fails = function() error("cannot load", 0) end
print(pcall(require, "fails"))
print(package.loaded.fails) package.path = nil
print(pcall(require, "x")) package.path = "" package.searchers = nil
print(pcall(require, "x"))
package.searchers = {function(n) return "\n\tcustom miss " .. n end, function(n) if n == "hit" then return function(name, extra) return name .. ":" .. extra end, "extra" end end}
print(require("hit"))
print(pcall(require, "miss"))
print(pcall(require))
