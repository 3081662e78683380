-- runs for ever
('x'):gsub('x', function() while true do end end)
