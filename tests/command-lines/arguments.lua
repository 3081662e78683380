print(...)
print(arg[0], #arg, arg[-1], arg[-2])
