//! The memory limit: who has caught that memory ran out goes on with all that is not in use, and what fits is
//! refused only where nothing can be collected.

use perilune::{Error, Lua, Options, Result};

/// A state in one of the modes in which memory limits are tested, with a limit.
fn limited(mode: &str, bytes: usize) -> Result<Lua> {
    let options = Options::new().with_mode(mode).expect("a mode");
    let lua = Lua::with_options(&options)?;
    lua.set_memory_limit(bytes)?;
    Ok(lua)
}

const MODES: [&str; 2] = ["off", "on"];

#[test]
fn a_program_goes_on_when_it_has_caught_that_memory_ran_out() -> Result<()> {
    for mode in MODES {
        let lua = limited(mode, 16 << 20)?;
        // What was made meanwhile is garbage, but nothing has been collected since.
        let caught: i64 = lua
            .load(
                "local caught = 0
                for round = 1, 20 do
                    local ok = pcall(function()
                        local t = {}
                        for i = 1, 1e9 do t[i] = {i} end
                    end)
                    local text = string.rep('a', 1 << 20)
                    caught = caught + (not ok and #text or 0)
                end
                return caught >> 20",
            )
            .eval()?;
        assert_eq!(caught, 20, "{mode}");
        // So it is for whom has called from Rust.
        for _ in 0..3 {
            let all = "local t = {} for i = 1, 1e9 do t[i] = {i} end";
            assert!(
                matches!(lua.load(all).exec(), Err(Error::MemoryError(_))),
                "{mode}"
            );
            assert_eq!(
                lua.load("return #string.rep('a', 1 << 20)").eval::<i64>()?,
                1 << 20
            );
        }
    }
    Ok(())
}

#[test]
fn garbage_leaves_room_for_objects_of_a_quarter_of_the_limit() -> Result<()> {
    for mode in MODES {
        let lua = limited(mode, 16 << 20)?;
        let text = "for i = 1, 50 do local s = string.rep('a', 3 << 20) end";
        lua.load(text).exec()?;
        let text = "collectgarbage('generational')
            for i = 1, 50 do local s = string.rep('b', 3 << 20) end";
        lua.load(text).exec()?;
    }
    Ok(())
}

#[test]
fn coroutines_that_ran_out_of_memory_leave_no_garbage() -> Result<()> {
    // Each way in which a coroutine's error becomes values of who resumes or closes it, and what passes an
    // error on with another object in between.
    let ways = [
        "return not coroutine.resume(coroutine.create(fill))",
        "return not pcall(coroutine.wrap(fill))",
        "local thread = coroutine.create(function()
            local c <close> = setmetatable({}, {__close = fill})
            coroutine.yield()
        end)
        coroutine.resume(thread)
        return not coroutine.close(thread)",
        "return not coroutine.resume(coroutine.create(function()
            local c <close> = setmetatable({}, {__close = fill})
            error('other')
        end)) or pcall(coroutine.wrap(function()
            local c <close> = setmetatable({}, {__close = fill})
            error('other')
        end))",
        "return not pcall(function()
            local c <close> = setmetatable({}, {__close = function() end})
            fill()
        end)",
        "return not xpcall(coroutine.wrap(function() coroutine.wrap(fill)() end), print)",
    ];
    for mode in MODES {
        for way in ways {
            let lua = limited(mode, 16 << 20)?;
            let program = format!(
                "function fill()
                    local t = {{}}
                    for i = 1, 1e9 do t[i] = {{i}} end
                end
                local function run() {way} end
                local count = 0
                for round = 1, 8 do
                    local failed = run()
                    count = count + (failed and #string.rep('a', 1 << 20) or 0)
                end
                return count >> 20"
            );
            let count: i64 = lua.load(program).eval()?;
            assert_eq!(count, 8, "{mode}: {way}");
        }
    }
    Ok(())
}

#[test]
fn a_string_of_known_length_takes_no_more_than_itself() -> Result<()> {
    const LIMIT: usize = 32 << 20;
    for mode in MODES {
        let lua = limited(mode, LIMIT)?;
        let text = "local n = ...
            assert(#string.rep('x', n) == n)
            collectgarbage()
            assert(#string.rep('xyz', n // 4, '-') == n // 4 * 4 - 1)
            collectgarbage()
            local half = string.rep('aB', n // 6)
            assert(half:upper() == string.rep('AB', n // 6))
            collectgarbage()
            assert(half:lower():sub(-3) == 'bab')
            collectgarbage()
            assert(half:reverse():sub(1, 3) == 'BaB')";
        lua.load(text).call::<()>(LIMIT / 10 * 8)?;
        // A refused one leaves nothing.
        let text = "collectgarbage()
            local before = collectgarbage('count')
            local ok = pcall(string.rep, 'x', ...)
            local after = collectgarbage('count')
            assert(not ok and after < before + 64, after - before)";
        lua.load(text).call::<()>(LIMIT)?;
    }
    // Short ones are interned.
    let lua = Lua::new();
    let text = "return string.rep('ab', 3) == 'ababab' and ({ababab = 1})[string.rep('ab', 3)] == 1
        and string.upper('key') == 'KEY' and ({KEY = 1})[string.upper('key')] == 1
        and ({cba = 1})[string.reverse('abc')] == 1 and ({abc = 1})[string.char(97, 98, 99)] == 1
        and ('x'):rep(41) == ('x'):rep(20) .. ('x'):rep(21) and ('x'):rep(0) == ''";
    assert!(lua.load(text).eval::<bool>()?);
    Ok(())
}

#[test]
fn what_fits_is_not_refused_for_garbage() -> Result<()> {
    // Each makes something large, forgets it, and makes it again, before any safepoint at which it is
    // garbage. It does not fit twice.
    let programs = [
        "local s = string.rep('a', 10 << 20) s = nil s = string.rep('b', 10 << 20) return #s",
        "local s = string.rep('a', 5 << 20) local t = s .. 'b' t = nil t = 'c' .. s return #t",
        "local s = string.rep('A', 5 << 20) local t = s:lower() t = nil t = s:lower() return #t",
        "local s = string.rep('A', 5 << 20) local t = s:sub(2) t = nil t = s:sub(3) return #t",
        "local s = string.rep('a', 10 << 20) s = nil
        local list = {} for i = 1, 300000 do list[i] = i end return #list * 9",
        "local s = string.rep('a', 10 << 20) s = nil
        local list = {} for i = 1, 300000 do table.insert(list, i) end return #list * 9",
        "local s = string.rep('a', 10 << 20) s = nil
        local list = {} for i = 1, 100000 do rawset(list, i * 0.5, i) end return 3 << 20",
        "local list = {} for i = 1, 30 do list[i] = string.rep('a', 1 << 17) end
        local s = table.concat(list) s = nil s = table.concat(list, '-') return #s",
        "local s = string.rep('a', 10 << 20) s = nil
        s = string.rep('b', 1 << 20) local t = string.gsub(s, 'b', 'ccc') return #t",
        "local s = string.rep('a', 5 << 20)
        local t = setmetatable({}, {__concat = function(_, b) return b end})
        local u = t .. s .. 'b' u = nil u = t .. s .. 'c' return #u",
    ];
    for mode in MODES {
        for program in programs {
            let lua = limited(mode, 16 << 20)?;
            for round in 0..4 {
                let made = lua.load(program).eval::<usize>();
                assert!(
                    matches!(made, Ok(2_000_000..)),
                    "{mode}, {round}: {program}: {made:?}"
                );
            }
            // Whatever the program has told the collector.
            lua.load("collectgarbage() collectgarbage('stop')").exec()?;
            let made = lua.load(program).eval::<usize>();
            assert!(made.is_ok(), "{mode}: {program}: {made:?}");
        }
    }
    Ok(())
}

#[test]
fn strings_from_rust_that_fit_are_not_refused_for_garbage() -> Result<()> {
    let lua = limited("on", 16 << 20)?;
    let text = "a".repeat(10 << 20);
    for _ in 0..4 {
        let string = lua.create_string(&text)?;
        assert_eq!(string.as_bytes().len(), 10 << 20);
    }
    let made = lua.create_function(|lua, text: String| {
        let first = lua.create_string(text.repeat(10 << 10))?.as_bytes().len();
        let second = lua.create_string(text.repeat(10 << 10))?.as_bytes().len();
        Ok(first + second)
    })?;
    assert_eq!(made.call::<usize>("b".repeat(1 << 10))?, 20 << 20);
    Ok(())
}
