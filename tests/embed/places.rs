//! Plain fields of userdata: the machine and its traces read and store them by themselves, and that must
//! be what getters and setters would do, errors included.

use crate::common::state;
use crate::limit::MODES;
use perilune::{
    AnyUserData, Error, Function, ObjectLike, Result, UserData, UserDataFields, UserDataMethods,
    Value, field,
};

macro_rules! body {
    ($($name:ident: $kind:ty, $by_calls:literal;)*) => {
        /// A field of each type, with a plain field and one by getter and setter for each.
        #[derive(Clone, Default)]
        struct Body { $($name: $kind),* }

        impl UserData for Body {
            fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
                $(
                    fields.add_plain_field(stringify!($name), field!(Body, $name));
                    fields.add_field_method_get($by_calls, |_, this| Ok(this.$name));
                    fields.add_field_method_set($by_calls, |_, this, value| {
                        this.$name = value;
                        Ok(())
                    });
                )*
                fields.add_plain_field_get("fixed", field!(Body, long));
                fields.add_plain_field_set("sink", field!(Body, long));
            }

            fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
                methods.add_method("read", |_, _, f: Function| f.call::<Value>(()));
                methods.add_method_mut("change", |_, _, f: Function| f.call::<Value>(()));
                methods.add_method_mut("twice", |_, this, ()| {
                    this.double *= 2.0;
                    Ok(())
                });
                methods.add_method_mut("huge", |_, this, ()| {
                    this.word = u64::MAX;
                    Ok(())
                });
                methods.add_function("new", |_, double: f64| {
                    Ok(Body { double, ..Body::default() })
                });
            }
        }
    };
}
body! {
    flag: bool, "flag2";
    tiny: i8, "tiny2";
    small: i16, "small2";
    int: i32, "int2";
    long: i64, "long2";
    byte: u8, "byte2";
    short: u16, "short2";
    unsigned: u32, "unsigned2";
    word: u64, "word2";
    size: usize, "size2";
    single: f32, "single2";
    double: f64, "double2";
}

/// Runs a program with a global `p`, a body, in each mode.
fn run(program: &str) -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.globals().set("p", Body::default())?;
        if let Err(error) = lua.load(program).exec() {
            panic!("{modes:?}: {error}");
        }
        lua.check_heap().map_err(Error::runtime)?;
    }
    Ok(())
}

/// What every field is given in turn; each is given to the plain field and to the other one.
const VALUES: &str = "
    local values = {
      0, 1, -1, 2, 100, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, 65535, 65536,
      2147483647, 2147483648, -2147483648, -2147483649, 4294967295, 4294967296, math.maxinteger,
      math.mininteger, 0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 127.9, 128.0, -128.9, -129.0, 255.5, 256.5, 1e9,
      3e9, 5e9, -5e9, 9007199254740993, 2.0^62, 2.0^63, -2.0^63, 2.0^64, 1e300, -1e300, 1e-300, 0.1,
      1/0, -1/0, 0/0, true, false, '10', '0x10', '1e2', ' 5 ', 'ten', '', {}, print,
    }
";

#[test]
fn a_plain_field_is_what_a_getter_and_a_setter_make_of_it() -> Result<()> {
    for name in [
        "flag", "tiny", "small", "int", "long", "byte", "short", "unsigned", "word", "size",
        "single", "double",
    ] {
        let program = format!(
            "{VALUES}
            local p = p
            local function plain(v) p.{name} = v return p.{name} end
            local function by_calls(v) p.{name}2 = v return p.{name}2 end
            local function text(ok, v)
              if not ok then return (tostring(v):gsub('{name}2', '{name}'):gsub('\\nstack.*', '')) end
              return math.type(v) or type(v), v ~= v and 'nan' or tostring(v), v ~= v or 1 / (tonumber(v) or 1)
            end
            for round = 1, 3 do
              for _, v in ipairs(values) do
                for _ = 1, 4 do
                  local a, b, c = text(pcall(plain, v))
                  local x, y, z = text(pcall(by_calls, v))
                  if not (a == x and b == y and c == z) then
                    error(('%s: %s %s %s, but %s %s %s'):format(v, a, b, c, x, y, z))
                  end
                  assert(p.{name} == p.{name}2 or p.{name} ~= p.{name})
                end
              end
              assert(not pcall(plain, nil) == not pcall(by_calls, nil))
            end
            "
        );
        run(&program)?;
    }
    Ok(())
}

#[test]
fn loops_over_plain_fields_compute_what_they_should() -> Result<()> {
    run("
        local p, q = p, p.new(1)
        local sum = 0
        for i = 1, 600 do
          p.double = p.double + 1
          p.tiny = i % 256 - 128
          p.small = p.tiny * 256
          p.int = p.small * 65535 + p.tiny
          p.long = p.long + p.int
          p.byte = i % 256
          p.short = p.byte * 257
          p.unsigned = p.short * 65537
          p.word = p.word + p.unsigned
          p.size = p.size + 1
          p.single = p.single + 0.5
          p.flag = i % 3 == 0
          if p.flag then q.double = q.double + p.single end
          sum = sum + p.tiny + p.small + p.int + p.byte + p.short + p.unsigned
        end
        local tiny, small, long, word, single, other, expected = 0, 0, 0, 0, 0, 1, 0
        for i = 1, 600 do
          tiny = i % 256 - 128
          small = tiny * 256
          local int = small * 65535 + tiny
          long = long + int
          local byte = i % 256
          local unsigned = byte * 257 * 65537
          word = word + unsigned
          single = single + 0.5
          if i % 3 == 0 then other = other + single end
          expected = expected + tiny + small + int + byte + byte * 257 + unsigned
        end
        assert(p.double == 600 and p.long == long and p.word == word and p.size == 600)
        assert(p.single == 300 and q.double == other and sum == expected)
        assert(math.type(p.long) == 'integer' and math.type(p.single) == 'float')
        ")
}

#[test]
fn two_names_of_one_value_and_two_values() -> Result<()> {
    run("
        local function copy(a, b, n)
          local sum = 0
          for i = 1, n do
            a.double = i
            sum = sum + b.double
            a.int = b.int + 1
          end
          return sum
        end
        local q = p.new(7)
        for round = 1, 4 do
          p.int, q.int = 0, 0
          assert(copy(p, p, 100) == 5050 and p.int == 100)
          q.double = 7
          assert(copy(p, q, 100) == 700 and p.int == 1)
        end
        ")
}

#[test]
fn a_field_that_is_read_between_calls_is_read_anew() -> Result<()> {
    run("
        local p, sum = p, 0
        p.double = 1
        for i = 1, 200 do
          local before = p.double
          if i % 2 == 0 then p:twice() else p.double2 = p.double2 * 2 end
          assert(p.double == 2 * before)
          sum = sum + 1
          if p.double > 1000 then p.double = 1 end
        end
        assert(sum == 200)
        ")
}

#[test]
fn what_does_not_fit_into_an_integer_becomes_a_float() -> Result<()> {
    run("
        local p, floats = p, 0
        for i = 1, 300 do
          if i == 250 then p:huge() end
          if math.type(p.word) == 'float' then
            assert(p.word == 2.0^64)
            floats = floats + 1
          else
            p.word = p.word + 1
          end
        end
        assert(floats == 51)
        ")
}

#[test]
fn a_value_in_use_is_only_read_or_not_at_all() -> Result<()> {
    run("
        local p = p
        local function read()
          local sum = 0
          for i = 1, 300 do sum = sum + p.double end
          return sum
        end
        local function store()
          for i = 1, 300 do p.double = i end
          return p.double
        end
        local function refused(what, ok, message)
          assert(not ok and tostring(message):find(what, 1, true), message)
        end
        for round = 1, 5 do
          assert(store() == 300 and read() == 90000)
          assert(p:read(read) == 90000)
          refused('error mutably borrowing userdata', pcall(p.read, p, store))
          refused('error borrowing userdata', pcall(p.change, p, read))
          refused('error mutably borrowing userdata', pcall(p.change, p, store))
        end
        refused(\"bad argument `self` to `Body.double`\", pcall(p.change, p, store))
        ")
}

#[test]
fn fields_that_are_only_read_or_only_stored() -> Result<()> {
    run("
        local p = p
        for i = 1, 300 do p.sink = i assert(p.fixed == i) end
        for round = 1, 3 do
          local ok, message = pcall(function() for i = 1, 300 do p.fixed = i end end)
          assert(not ok and tostring(message):find('unknown field', 1, true), message)
          for i = 1, 300 do assert(p.sink == nil) end
        end
        ")
}

#[test]
fn a_destroyed_value_has_no_fields() -> Result<()> {
    for modes in MODES {
        for program in [
            "local x = p.double",
            "p.double = i",
            "p.double = p.double + 1",
        ] {
            let lua = state(modes);
            let body = lua.create_userdata(Body::default())?;
            lua.globals().set("p", &body)?;
            let go = lua.create_function(move |_, ()| body.destroy())?;
            lua.globals().set("go", go)?;
            let program = format!(
                "
                local p, last = p, 0
                local ok, message = pcall(function()
                  for i = 1, 400 do
                    {program}
                    last = i
                    if i == 250 then go() end
                  end
                end)
                assert(not ok and last == 250)
                assert(tostring(message):find('userdata has been destructed', 1, true))
                "
            );
            lua.load(&program).exec()?;
            lua.check_heap().map_err(Error::runtime)?;
        }
    }
    Ok(())
}

#[test]
fn a_metatable_of_another_type_gives_no_access() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.globals().set("p", Body::default())?;
        let other = lua.create_any_userdata(String::from("a string"))?;
        lua.globals().set("c", &other)?;
        lua.load(
            "
            local function read(u) for i = 1, 300 do local x = u.double end end
            local function store(u) for i = 1, 300 do u.double = i end end
            read(p) store(p)
            debug.setmetatable(c, debug.getmetatable(p))
            for _, f in ipairs { read, store } do
              local ok, message = pcall(f, c)
              assert(not ok and tostring(message):find('userdata is not expected type', 1, true))
            end
            ",
        )
        .exec()?;
        assert_eq!(*other.borrow::<String>()?, "a string");
    }
    Ok(())
}

#[test]
fn values_of_scopes_and_in_shared_pointers() -> Result<()> {
    const READ: &str = "local s = 0 for i = 1, 300 do s = s + p.double end return s";
    const STORE: &str = "for i = 1, 300 do p.double = p.double + 1 end return p.double";
    for modes in MODES {
        let lua = state(modes);
        let (read, store) = (
            lua.load(READ).into_function()?,
            lua.load(STORE).into_function()?,
        );
        let mut body = Body {
            double: 2.0,
            ..Body::default()
        };
        lua.scope(|scope| {
            lua.globals().set("p", scope.create_userdata_ref(&body)?)?;
            assert_eq!(read.call::<f64>(())?, 600.0);
            let error = store
                .call::<f64>(())
                .expect_err("it is only lent")
                .to_string();
            assert!(
                error.contains("error mutably borrowing userdata"),
                "{modes:?}: {error}"
            );
            Ok(())
        })?;
        assert_eq!(body.double, 2.0);
        lua.scope(|scope| {
            lua.globals()
                .set("p", scope.create_userdata_ref_mut(&mut body)?)?;
            assert_eq!(store.call::<f64>(())?, 302.0);
            Ok(())
        })?;
        assert_eq!(body.double, 302.0);
        let error = read.call::<f64>(()).expect_err("it is gone").to_string();
        assert!(
            error.contains("userdata has been destructed"),
            "{modes:?}: {error}"
        );
        #[cfg(not(feature = "send"))]
        is_stored_behind_a_cell(&lua, body, &store, &read)?;
        lua.check_heap().map_err(Error::runtime)?;
    }
    Ok(())
}

#[cfg(not(feature = "send"))]
fn is_stored_behind_a_cell(
    lua: &perilune::Lua,
    body: Body,
    store: &Function,
    read: &Function,
) -> Result<()> {
    let shared = std::rc::Rc::new(std::cell::RefCell::new(body));
    lua.globals().set("p", shared.clone())?;
    assert_eq!(store.call::<f64>(())?, 602.0);
    assert_eq!(read.call::<f64>(())?, 602.0 * 300.0);
    assert_eq!(shared.borrow().double, 602.0);
    let guard = shared.borrow_mut();
    read.call::<f64>(()).expect_err("it is being changed");
    drop(guard);
    Ok(())
}

#[test]
fn references_of_rust_code_forbid_what_they_must() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        let body: AnyUserData = lua.create_userdata(Body::default())?;
        lua.globals().set("p", &body)?;
        let add: Function = lua
            .load("function() for i = 1, 100 do p.int = p.int + 1 end return p.int end")
            .eval()?;
        let read: Function = lua.load("function() return p.int + p.int end").eval()?;
        for n in 1..5 {
            assert_eq!(add.call::<i32>(())?, n * 100);
            let borrowed = body.borrow::<Body>()?;
            assert_eq!(read.call::<i32>(())?, n * 200);
            add.call::<i32>(()).expect_err("it is borrowed");
            assert_eq!(borrowed.int, n * 100);
            drop(borrowed);
            let borrowed = body.borrow_mut::<Body>()?;
            read.call::<i32>(()).expect_err("it is borrowed mutably");
            drop(borrowed);
        }
        assert_eq!(body.get::<i32>("int")?, 400);
        body.set("int", 5)?;
        assert_eq!(body.get::<f64>("int")?, 5.0);
    }
    Ok(())
}

struct Tuple(u8, f64);
struct Nested {
    first: Tuple,
}

#[test]
fn fields_by_number_and_within_others() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.register_userdata_type::<Nested>(|registry| {
            registry.add_plain_field("x", field!(Nested, first.1));
        })?;
        lua.register_userdata_type::<Tuple>(|registry| {
            registry.add_plain_field("byte", field!(Tuple, 0));
            registry.add_plain_field("double", field!(Tuple, 1));
        })?;
        let nested = lua.create_any_userdata(Nested {
            first: Tuple(1, 0.0),
        })?;
        let tuple = lua.create_any_userdata(Tuple(0, 0.0))?;
        lua.globals().set("nested", &nested)?;
        lua.globals().set("tuple", &tuple)?;
        lua.load(
            "for i = 1, 300 do
              nested.x = nested.x + 1
              tuple.byte = (tuple.byte + 1) % 200
              tuple.double = nested.x
            end",
        )
        .exec()?;
        assert_eq!(nested.borrow::<Nested>()?.first.1, 300.0);
        assert_eq!(nested.borrow::<Nested>()?.first.0, 1);
        assert_eq!(
            (tuple.borrow::<Tuple>()?.0, tuple.borrow::<Tuple>()?.1),
            (100, 300.0)
        );
    }
    Ok(())
}
