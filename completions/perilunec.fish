# Completion of perilunec's options for fish.
complete -c perilunec -s l -d 'list (use -l -l for full listing)'
complete -c perilunec -s o -r -d 'output to file \'name\' (default is "luac.out")'
complete -c perilunec -s p -d 'parse only'
complete -c perilunec -s s -d 'strip debug information'
complete -c perilunec -s v -d 'show version information'
complete -c perilunec -l help -d 'show these options and exit'
complete -c perilunec -l version -d 'show version information and exit'
