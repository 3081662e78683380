-- runs for ever
coroutine.wrap(function() while true do end end)()
