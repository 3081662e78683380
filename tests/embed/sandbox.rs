//! States for programs that are not trusted, and which libraries states have.

use crate::shared::{Rc, RefCell};
use perilune::{Capabilities, ChunkMode, Error, Limit, Lua, LuaOptions, Options, Result, StdLib};

fn sandbox() -> Lua {
    Lua::sandboxed(&Capabilities::new()).expect("a state")
}

/// Expressions that must be true in a sandbox.
const SAFE: &[&str] = &[
    "io == nil and os == nil and debug == nil and package == nil and require == nil",
    "dofile == nil and loadfile == nil and print == nil and warn == nil and collectgarbage == nil",
    "string.dump == nil",
    "_G._G == _G and _VERSION == 'Lua 5.4'",
    // Libraries can't be changed, by no way.
    "not pcall(function() string.rep = 1 end)",
    "not pcall(function() string.new = 1 end)",
    "not pcall(rawset, string, 'rep', 1)",
    "not pcall(table.insert, table, 1)",
    "not pcall(setmetatable, string, {})",
    "not pcall(setmetatable, _G, {})",
    "not pcall(table.move, {1, 2}, 1, 2, 1, math)",
    "getmetatable(string) == false and getmetatable(_G) == false and getmetatable('') == false",
    "next(string) == nil and rawget(string, 'rep') == nil and ('x').rep == string.rep",
    // What a traversal hands out is a copy.
    "(function() local f, t, k = pairs(string) t.rep = 1 return string.rep ~= 1 and ('x'):rep(2) == 'xx' end)()",
    "(function() local n = 0 for k, v in pairs(string) do n = n + 1 end return n > 10 end)()",
    // Built-in functions can be shadowed, not lost.
    "(function() pcall = 1 local was = pcall pcall = nil return was == 1 and type(pcall) == 'function' end)()",
    "(function() x = 1 return x == 1 and _G.x == 1 and rawget(_G, 'x') == 1 end)()",
    "load('return 1 + 1')() == 2 and load('y = 5')() == nil and y == 5",
    "load('\\27Lua') == nil and select(2, load('\\27Lua')):find('refused')",
    "load(function() return nil end) ~= nil",
    "coroutine.wrap(function() return coroutine.yield(1) end)() == 1",
    "setmetatable({}, {__index = function(_, k) return k end}).x == 'x'",
    "math.floor(1.5) == 1 and utf8.char(228) == 'ä' and table.concat({1, 2}) == '12'",
];

#[test]
fn a_sandbox_has_what_computes_and_keeps_it() -> Result<()> {
    for text in SAFE {
        let lua = sandbox();
        let text = format!("return not not ({text})");
        assert!(lua.load(&text).eval::<bool>()?, "{text}");
        assert!(
            lua.load("return ('x'):rep(3) == 'xxx' and math.max(1, 2) == 2")
                .eval::<bool>()?
        );
    }
    Ok(())
}

#[test]
fn finalisers_of_a_sandbox_do_not_run() -> Result<()> {
    let lua = sandbox();
    lua.load("setmetatable({}, {__gc = function() ran = true end})")
        .exec()?;
    lua.gc_collect().expect("a collection");
    assert!(lua.load("return ran == nil").eval::<bool>()?);
    lua.load("setmetatable({}, {__gc = function() while true do end end})")
        .exec()
}

#[test]
fn capabilities_are_what_a_sandbox_has_besides() -> Result<()> {
    let printed = Rc::new(RefCell::new(Vec::new()));
    let sink = printed.clone();
    let allowed = Capabilities::new()
        .time()
        .print(move |text| sink.borrow_mut().extend_from_slice(text))
        .modules(|name| match name {
            "one" => {
                Some(b"loads = (loads or 0) + 1 return {name = ..., two = require 'two'}".to_vec())
            }
            "two" => Some(b"return 2".to_vec()),
            "bad" => Some(b"return +".to_vec()),
            _ => None,
        });
    let lua = Lua::sandboxed(&allowed)?;
    assert!(
        lua.load("return os.time() > 0 and os.clock == nil and os.execute == nil")
            .eval::<bool>()?
    );
    lua.load("print('a', 1, nil, setmetatable({}, {__tostring = function() return 'shown' end}))")
        .exec()?;
    assert_eq!(*printed.borrow(), b"a\t1\tnil\tshown\n");
    let text = "local a, b = require 'one', require 'one' return a == b and a.name == 'one' and a.two == 2 and loads == 1";
    assert!(lua.load(text).eval::<bool>()?);
    let error = lua
        .load("require 'three'")
        .exec()
        .expect_err("no such module");
    assert!(
        error.to_string().contains("module 'three' not found"),
        "{error}"
    );
    assert!(lua.load("require 'bad'").exec().is_err());
    let clock = Lua::sandboxed(&Capabilities::new().clock())?;
    assert!(
        clock
            .load("return os.clock() >= 0 and os.time == nil")
            .eval::<bool>()?
    );
    Ok(())
}

#[test]
fn a_sandbox_may_have_limits_and_modes() -> Result<()> {
    let options = Options::new().with_mode("hot=1").expect("a mode");
    let lua = Lua::sandboxed_with(&options.libraries(StdLib::STRING), &Capabilities::new())?;
    assert!(
        lua.load("return math == nil and string ~= nil")
            .eval::<bool>()?
    );
    lua.set_fuel(Some(10_000));
    let endless = lua
        .load("while true do pcall(string.rep, 'x', 10) end")
        .exec();
    assert!(matches!(endless, Err(Error::LimitReached(Limit::Fuel))));
    lua.set_fuel(None);
    lua.set_limit_catchable(Limit::Memory, false);
    lua.set_memory_limit(lua.used_memory() + (1 << 20))
        .expect("a limit");
    let greedy = lua
        .load("local t = {} while true do pcall(string.rep, 'x', 1 << 30) t[#t + 1] = {} end")
        .exec();
    assert!(matches!(greedy, Err(Error::LimitReached(Limit::Memory))));
    Ok(())
}

#[test]
fn binary_chunks_may_be_refused_to_programs() -> Result<()> {
    let lua = Lua::new();
    let works = "local f = load(string.dump(function() return 7 end)) return f and f()";
    assert_eq!(lua.load(works).eval::<Option<i64>>()?, Some(7));
    lua.set_binary_chunks(false);
    assert_eq!(lua.load(works).eval::<Option<i64>>()?, None);
    // The embedder may load them all the same.
    let binary = lua.load("return 8").into_function()?.dump(false);
    assert_eq!(
        lua.load(&binary)
            .set_mode(ChunkMode::Binary)
            .call::<i64>(())?,
        8
    );
    // They are verified: what is damaged is refused, however.
    for n in 0..binary.len() {
        let mut damaged = binary.clone();
        damaged[n] ^= 0x5a;
        if let Ok(function) = lua
            .load(&damaged)
            .set_mode(ChunkMode::Binary)
            .into_function()
        {
            lua.set_fuel(Some(1000));
            let _ = function.call::<()>(());
            lua.set_fuel(None);
        }
    }
    lua.check_heap().expect("a sound heap");
    Ok(())
}

#[test]
fn a_state_has_the_libraries_that_are_asked_for() -> Result<()> {
    let lua = Lua::new_with(StdLib::TABLE | StdLib::MATH, LuaOptions::new())?;
    let text = "return table ~= nil and math ~= nil and string == nil and io == nil and os == nil \
                and debug == nil and package == nil and coroutine == nil and pcall ~= nil";
    assert!(lua.load(text).eval::<bool>()?);
    lua.load_std_libs(StdLib::STRING | StdLib::COROUTINE)?;
    let text = "return ('x'):rep(2) == 'xx' and coroutine.create ~= nil and io == nil";
    assert!(lua.load(text).eval::<bool>()?);
    let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::default())?;
    assert!(
        lua.load("return debug == nil and io ~= nil")
            .eval::<bool>()?
    );
    let lua = Lua::new_with(StdLib::ALL, LuaOptions::default())?;
    assert!(lua.load("return debug ~= nil").eval::<bool>()?);
    let lua = Lua::new_with(StdLib::NONE, LuaOptions::default())?;
    assert!(
        lua.load("return debug == nil and require == nil")
            .eval::<bool>()?
    );
    Ok(())
}

#[test]
fn sets_of_libraries_are_sets() {
    let some = StdLib::IO | StdLib::OS;
    assert!(some.contains(StdLib::IO) && !some.contains(StdLib::MATH));
    assert_eq!(some - StdLib::IO, StdLib::OS);
    assert_eq!(some & StdLib::IO, StdLib::IO);
    assert_eq!(some ^ StdLib::IO, StdLib::OS);
    assert!(!(!some).contains(StdLib::OS) && (!some).contains(StdLib::DEBUG));
    assert!(!StdLib::ALL_SAFE.contains(StdLib::DEBUG));
}
