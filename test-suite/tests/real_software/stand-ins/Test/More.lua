-- A stand-in for lua-TestMore: the assertions that the tests run here use, reporting in the Test
-- Anything Protocol. What was got is printed too, so that the two implementations' answers are
-- compared even where a test would accept both.

local count = 0

local function report(passed, name, got)
    count = count + 1
    print(("%s %d - %s [%s]"):format(passed and "ok" or "not ok", count, name or "", got))
    return passed
end

local function is_like_deeply(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b
    end
    for key, value in pairs(a) do
        if not is_like_deeply(value, b[key]) then
            return false
        end
    end
    for key in pairs(b) do
        if a[key] == nil then
            return false
        end
    end
    return true
end

local function shown(value)
    return type(value) == "table" and "a table" or ("%s"):format(tostring(value))
end

function plan(number)
    print("1.." .. tostring(number))
end

function skip_all(reason)
    print("1..0 # SKIP " .. reason)
    os.exit(0)
end

function skip(reason, number)
    for _ = 1, number or 1 do
        report(true, "# skip " .. reason, "")
    end
end

function done_testing(number)
    plan(number or count)
end

function diag(text)
    print("# " .. text)
end

note = diag

function ok(value, name)
    return report(value, name, shown(value))
end

function nok(value, name)
    return report(not value, name, shown(value))
end

function is(got, expected, name)
    return report(got == expected, name, shown(got))
end

function isnt(got, expected, name)
    return report(got ~= expected, name, shown(got))
end

function like(got, pattern, name)
    return report(tostring(got):find(pattern), name, shown(got))
end

function type_ok(value, expected, name)
    return report(type(value) == expected, name, type(value))
end

function is_deeply(got, expected, name)
    return report(is_like_deeply(got, expected), name, shown(got))
end

eq_array = is_deeply

function require_ok(module)
    local loaded, message = pcall(require, module)
    return report(loaded, "require " .. module, loaded and "" or message)
end

function error_like(body, pattern, name)
    local succeeded, message = pcall(body)
    return report(not succeeded and tostring(message):find(pattern), name, shown(message))
end

function lives_ok(body, name)
    local succeeded, message = pcall(body)
    return report(succeeded, name, succeeded and "" or shown(message))
end
