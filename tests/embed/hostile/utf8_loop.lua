-- runs for ever
while true do for _, c in utf8.codes('aäö') do local s = utf8.char(c) end end
