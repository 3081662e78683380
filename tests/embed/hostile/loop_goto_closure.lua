-- runs for ever
do ::again:: local x = 1 local f = function() return x end f() goto again end
