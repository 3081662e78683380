-- runs for ever
table.insert(package.searchers, 1, function() while true do end end) require 'x'
