-- A program with a command line of every kind that argparse knows, given many of them.

local argparse = require "argparse"

local function parser()
    local main = argparse("tool", "Does things to files.", "More at the manual.")
    main:add_help { add_help = false }
    main:flag("-v --verbose", "Says more."):count("0-3"):target("verbosity")
    main:option("-o --output", "Where to write.", "out.txt"):argname("<file>")
    main:option("-I --include"):count("*"):args(1)
    main:option("--size"):convert(tonumber):args("?")
    main:option("--mode"):choices { "fast", "slow", "careful" }
    main:mutex(main:flag("-q --quiet"), main:flag("--loud"))
    main:command_target("command")
    main:require_command(false)
    local add = main:command("add a", "Adds files.")
    add:argument("files", "What to add."):args("+")
    add:flag("-f --force")
    local move = main:command("move", "Moves one file.")
    move:argument("from")
    move:argument("to"):args("?")
    move:option("--pair"):args(2):init({})
    main:command("help"):argument("topic"):args("*"):action("concat")
    return main
end

local LINES = {
    "", "-v", "-vvv", "-vvvv", "--verbose -v", "-o x", "--output=x", "-ox", "-o", "--outpt x",
    "-I a -I b", "--include a --include=b -Ic", "--size 3", "--size x", "--size", "--mode fast",
    "--mode quick", "-q", "-q --loud", "add", "add a b c", "a -f x", "ad x", "move", "move a",
    "move a b", "move a b c", "move a --pair 1 2", "move a --pair 1", "help", "help a b", "-- add x",
    "--", "add -- -f", "-z", "--unknown", "add -fq x", "--size=1 add x -v", "-vq add x", "-vox add y",
}

local function shown(value)
    if type(value) ~= "table" then
        return tostring(value)
    end
    local parts = {}
    for key, field in pairs(value) do
        parts[#parts + 1] = tostring(key) .. "=" .. shown(field)
    end
    table.sort(parts)
    return "{" .. table.concat(parts, " ") .. "}"
end

for _, line in ipairs(LINES) do
    local words = {}
    for word in line:gmatch("%S+") do
        words[#words + 1] = word
    end
    local succeeded, result = parser():pparse(words)
    print(("[%s]"):format(line), succeeded, shown(result))
end
print(parser():get_help())
print(parser():get_usage())
print(parser():get_bash_complete())
print(parser():get_zsh_complete())
print(parser():get_fish_complete())
