-- runs for ever
load(function() return ' ' end)
