//! Members of userdata in loops that are compiled: what is found must stay what the type says, whatever
//! happens meanwhile.

use crate::common::state;
use crate::limit::MODES;
use perilune::{
    AnyUserData, Error, Function, Lua, ObjectLike, Result, UserData, UserDataFields,
    UserDataMethods, Value,
};

struct Point {
    x: f64,
    n: i64,
}

impl UserData for Point {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field("kind", "point");
        fields.add_field_method_get("x", |_, this| Ok(this.x));
        fields.add_field_method_set("x", |_, this, x| {
            this.x = x;
            Ok(())
        });
        fields.add_field_method_get("n", |_, this| Ok(this.n));
        fields.add_field_method_set("n", |_, this, n| {
            this.n = n;
            Ok(())
        });
        fields.add_field_method_get("checked", |_, this| {
            if this.n == 300 {
                Err(Error::runtime("three hundred"))
            } else {
                Ok(this.n)
            }
        });
        fields.add_field_method_get("called", |lua, this| {
            lua.load("collectgarbage() count = count + 1").exec()?;
            Ok(this.n)
        });
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("get", |_, this, ()| Ok(this.x));
        methods.add_method("plus", |_, this, n: i64| Ok(this.n + n));
        methods.add_method_mut("increase", |_, this, by: i64| {
            this.n += by;
            Ok(())
        });
        methods.add_method_mut("while_changed", |_, this, f: Function| {
            this.n += 1;
            f.call::<()>(())
        });
        methods.add_function("new", |_, n: i64| Ok(Point { x: 0.5, n }));
    }
}

/// A type without fields: its methods are in a table.
struct Counter(i64);

impl UserData for Counter {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method_mut("next", |_, this, ()| {
            this.0 += 1;
            Ok(this.0)
        });
    }
}

/// Runs a program with globals `p`, a point, and `c`, a counter, in each mode.
fn in_all_modes(program: &str, check: impl Fn(&Lua) -> Result<()>) -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.globals().set("p", Point { x: 1.5, n: 0 })?;
        lua.globals().set("c", Counter(0))?;
        lua.globals().set("count", 0)?;
        let outcome = lua.load(program).exec().and_then(|()| check(&lua));
        if let Err(error) = outcome {
            panic!("{modes:?}: {error}");
        }
        lua.check_heap().map_err(Error::runtime)?;
    }
    Ok(())
}

fn run(program: &str) -> Result<()> {
    in_all_modes(program, |_| Ok(()))
}

#[test]
fn fields_and_methods_give_what_they_give_outside_of_loops() -> Result<()> {
    run("
        local p, c, sum, whole = p, c, 0.0, 0
        for i = 1, 400 do
          p.x = p.x + 1
          p.n = i
          sum = sum + p.x
          whole = whole + p.n + p:plus(1) + c:next()
          p:increase(1)
          assert(p.n == i + 1 and p.kind == 'point' and p:get() == p.x)
        end
        assert(p.x == 401.5 and sum == 80800 and whole == 241000)
        ")
}

#[test]
fn an_error_of_a_getter_is_raised_where_it_happens() -> Result<()> {
    run("
        local p = p
        for round = 1, 3 do
          local last
          local ok, message = pcall(function()
            for i = 1, 400 do p.n = i; last = p.checked end
          end)
          assert(not ok and tostring(message):find('three hundred', 1, true) and last == 299)
        end
        ")
}

#[test]
fn a_getter_may_run_lua_code_and_collect() -> Result<()> {
    run("
        local p, sum = p, 0
        for i = 1, 200 do
          local kept = { i }
          p.n = i
          sum = sum + p.called + kept[1]
        end
        assert(sum == 40200 and count == 200)
        ")
}

#[test]
fn a_changed_value_can_not_be_read_meanwhile() -> Result<()> {
    run("
        local p = p
        local function read()
          local sum = 0
          for i = 1, 300 do sum = sum + p.x end
          return sum
        end
        for i = 1, 5 do assert(read() == 450) end
        local ok, message = pcall(p.while_changed, p, read)
        assert(not ok and tostring(message):find('error borrowing userdata', 1, true))
        assert(read() == 450 and p.n == 1)
        ")
}

#[test]
fn a_value_that_goes_away_in_a_loop_is_gone() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        let point = lua.create_userdata(Point { x: 1.0, n: 1 })?;
        lua.globals().set("p", &point)?;
        let to_go = point.clone();
        lua.globals()
            .set("go", lua.create_function(move |_, ()| to_go.destroy())?)?;
        lua.load(
            "
            local p, last = p, 0
            local ok, message = pcall(function()
              for i = 1, 400 do
                local x = p.x
                last = i
                if i == 250 then go() end
              end
            end)
            assert(not ok and last == 250)
            assert(tostring(message):find('userdata has been destructed', 1, true))
            ",
        )
        .exec()?;
        lua.check_heap().map_err(Error::runtime)?;
    }
    Ok(())
}

#[test]
fn a_loop_sees_that_the_metatable_was_changed() -> Result<()> {
    run("
        local p, sum = p, 0
        local metatable = debug.getmetatable(p)
        local index = metatable.__index
        for i = 1, 600 do
          if i == 201 then metatable.__index = function(_, key) return key == 'x' and 100 end end
          if i == 401 then metatable.__index = index end
          sum = sum + p.x
        end
        assert(sum == 200 * 1.5 + 200 * 100 + 200 * 1.5)
        sum = 0
        for i = 1, 400 do
          if i == 201 then debug.setmetatable(p, { __index = { x = 7 } }) end
          sum = sum + p.x
        end
        assert(sum == 200 * 1.5 + 200 * 7)
        ")
}

#[test]
fn a_metatable_of_another_type_gives_no_access() -> Result<()> {
    run("
        local p, c = p, c
        local metatable, of_counter, last = debug.getmetatable(p), debug.getmetatable(c), 0
        local function read(u) for i = 1, 300 do local x = u.x; last = i end end
        read(p)
        debug.setmetatable(c, metatable)
        local ok, message = pcall(read, c)
        assert(not ok and tostring(message):find('userdata is not expected type', 1, true))
        ok, message = pcall(function() for i = 1, 300 do c.x = i end end)
        assert(not ok and tostring(message):find('userdata is not expected type', 1, true))
        debug.setmetatable(c, of_counter)
        assert(c:next() == 1)
        ")
}

#[test]
fn methods_in_a_table_may_be_replaced_while_a_loop_runs() -> Result<()> {
    in_all_modes(
        "
        local c, sum = c, 0
        local methods = debug.getmetatable(c).__index
        for i = 1, 400 do
          if i == 201 then methods.next = function() return 1000 end end
          sum = sum + c:next()
        end
        result = sum
        ",
        |lua| {
            assert_eq!(lua.globals().get::<i64>("result")?, 20100 + 200_000);
            Ok(())
        },
    )
}

#[test]
fn objects_of_several_kinds_pass_through_one_place() -> Result<()> {
    run("
        local kinds = { p, { x = 10.5 }, p.new(5), setmetatable({}, { __index = { x = 2 } }) }
        local sum = 0
        for i = 1, 800 do sum = sum + kinds[i % 4 + 1].x end
        assert(sum == 200 * (1.5 + 10.5 + 0.5 + 2))
        for i = 1, 800 do
          local o = kinds[i % 4 + 1]
          o.x = i
          assert(o.x == i)
        end
        ")
}

#[test]
fn userdata_that_a_loop_makes_are_dropped() -> Result<()> {
    in_all_modes(
        "
        local p, sum = p, 0
        for i = 1, 2000 do
          local q = p.new(i)
          q.x = q.x + i
          sum = sum + q.x + q.n
        end
        assert(sum == 2000 * 0.5 + 2000 * 2001)
        ",
        |lua| {
            lua.gc_collect()?;
            lua.gc_collect()
        },
    )
}

#[test]
fn any_allocation_may_fail_while_a_type_is_used() -> Result<()> {
    let attempt = |lua: &Lua| -> Result<()> {
        let point = lua.create_userdata(Point { x: 1.0, n: 1 })?;
        point.set_user_value("kept")?;
        let n = std::cell::Cell::new(0);
        lua.scope(|scope| {
            let f = scope.create_function(|_, ()| Ok(n.get()))?;
            f.call::<Value>(()).map(|_| ())
        })?;
        point.set("x", 2)?;
        assert_eq!(point.get::<f64>("x")?, 2.0);
        let made: AnyUserData = point.call_function("new", 5)?;
        made.call_method::<()>("increase", 1)?;
        assert!(made.get::<Option<i64>>("nothing")?.is_none());
        Ok(())
    };
    let mut failures = 0;
    for n in 1..2000 {
        let lua = Lua::new();
        lua.fail_nth_allocation(Some(n));
        let outcome = attempt(&lua);
        let has_failed = !lua.fail_nth_allocation(None);
        match outcome {
            Ok(()) if !has_failed => {
                assert!(failures > 20, "allocations fail: {failures}");
                return Ok(());
            }
            Ok(()) => {}
            Err(error) => {
                failures += 1;
                let is_memory = |error: &Error| matches!(error, Error::MemoryError(_));
                let is_expected = match &error {
                    Error::CallbackError { cause, .. } => is_memory(cause),
                    error => is_memory(error),
                };
                assert!(is_expected, "{n}: {error:?}");
            }
        }
        lua.check_heap().map_err(Error::runtime)?;
        attempt(&lua)?;
    }
    panic!("it allocates for ever");
}
