#!/usr/bin/env perilune
print("after the first line")
