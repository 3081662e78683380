-- The message of a traceback ends at its first zero byte.
print((debug.traceback("a\0b"):gsub("\n.*", "")))
print((debug.traceback("\0b"):gsub("^\n.*", "-")))
print(#debug.traceback("a\0b") == #debug.traceback("a"))
