-- runs for ever
load(function() while true do end end)
