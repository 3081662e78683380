-- runs for ever
collectgarbage('stop') while true do collectgarbage('step') end
