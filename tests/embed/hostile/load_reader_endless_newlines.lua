-- runs for ever
load(function() return ' -- a comment\n' end)
