//! Operators on userdata whose metamethods are Rust functions: what they give, in loops that are compiled
//! and elsewhere.

use crate::common::state;
use crate::limit::MODES;
use perilune::{
    Error, Function, Lua, MetaMethod, Result, UserData, UserDataMethods, UserDataRef,
    UserDataRefMut, Value,
};

struct Number(i64);

type Both = (UserDataRef<Number>, UserDataRef<Number>);

impl UserData for Number {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        for (event, f) in [
            (MetaMethod::Add, (|a, b| a + b) as fn(i64, i64) -> i64),
            (MetaMethod::Sub, |a, b| a - b),
            (MetaMethod::Mul, |a, b| a * b),
            (MetaMethod::Mod, |a, b| a % b),
            (MetaMethod::IDiv, |a, b| a / b),
            (MetaMethod::BAnd, |a, b| a & b),
            (MetaMethod::BOr, |a, b| a | b),
            (MetaMethod::BXor, |a, b| a ^ b),
            (MetaMethod::Shl, |a, b| a << (b & 7)),
            (MetaMethod::Shr, |a, b| a >> (b & 7)),
            (MetaMethod::Pow, |a, b| a + 1000 * b),
            (MetaMethod::Div, |a, b| a + 2000 * b),
        ] {
            methods.add_meta_function(event, move |_, (a, b): (Value, Value)| {
                Ok(f(of(&a)?, of(&b)?))
            });
        }
        methods.add_meta_method(MetaMethod::Unm, |_, this, ()| Ok(-this.0));
        methods.add_meta_method(MetaMethod::BNot, |_, this, ()| Ok(!this.0));
        methods.add_meta_method(MetaMethod::Len, |_, this, ()| Ok(this.0 + 1));
        methods.add_meta_function(MetaMethod::Eq, |_, (a, b): Both| Ok(a.0 == b.0));
        methods.add_meta_function(MetaMethod::Lt, |_, (a, b): (Value, Value)| {
            Ok(of(&a)? < of(&b)?)
        });
        // Anything that is not nil or false is true.
        methods.add_meta_function(MetaMethod::Le, |_, (a, b): (Value, Value)| {
            Ok((of(&a)? <= of(&b)?).then_some("yes"))
        });
        methods.add_meta_function(MetaMethod::Concat, |lua, (a, b): (Value, Value)| {
            let text = |v: &Value| match v {
                Value::String(s) => Ok(s.to_str()?.to_owned()),
                v => of(v).map(|n| format!("<{n}>")),
            };
            lua.create_string(text(&a)? + &text(&b)?)
        });
        methods.add_meta_method(MetaMethod::Index, |_, this, key: Value| match key {
            Value::Integer(n) => Ok(Some(this.0 + n)),
            _ => Ok(None),
        });
        methods.add_meta_method_mut(MetaMethod::NewIndex, |_, this, (key, new): (Value, i64)| {
            match key {
                Value::Integer(n) => this.0 = new - n,
                Value::String(_) => this.0 = new,
                _ => return Err(Error::runtime("no such key")),
            }
            Ok(())
        });
        methods.add_meta_method(MetaMethod::Call, |_, this, by: i64| Ok(this.0 * by));
        methods.add_function("new", |_, n: i64| Ok(Number(n)));
    }
}

fn of(value: &Value) -> Result<i64> {
    match value {
        Value::Integer(n) => Ok(*n),
        Value::UserData(number) => Ok(number.borrow::<Number>()?.0),
        other => Err(Error::runtime(format!(
            "not a number: {}",
            other.type_name()
        ))),
    }
}

/// Runs a program with a function `new` that makes numbers, in each mode.
fn run(program: &str) -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        let new = lua.create_function(|_, n: i64| Ok(Number(n)))?;
        lua.globals().set("new", new)?;
        if let Err(error) = lua.load(program).exec() {
            panic!("{modes:?}: {error}");
        }
        lua.check_heap().map_err(Error::runtime)?;
    }
    Ok(())
}

#[test]
fn arithmetic_of_two_values_and_of_values_and_numbers() -> Result<()> {
    run("
        for i = 1, 300 do
          local n, m = new(i), new(7)
          assert(n + m == i + 7 and n - m == i - 7 and n * m == i * 7 and n % m == i % 7)
          assert(n // m == i // 7 and n & m == i & 7 and n | m == i | 7 and n ~ m == i ~ 7)
          assert(n << m == i << 7 and n >> m == i >> 7 and n ^ m == i + 7000 and n / m == i + 14000)
          assert(-n == -i and ~n == ~i and #n == i + 1)
          assert(n + 2 == i + 2 and 2 + n == i + 2 and n - 2 == i - 2 and 2 - n == 2 - i)
          assert(n * 3 == 3 * i and 3 * n == 3 * i and 300 % n == 300 % i and n // 2 == i // 2)
          assert(n & 3 == i & 3 and 3 | n == i | 3 and n ~ 1 == i ~ 1 and 1 << n == 1 << (i & 7))
          local k = 5
          assert(n + k == i + 5 and k - n == 5 - i)
        end
        ")
}

#[test]
fn comparisons_jump_by_what_is_answered() -> Result<()> {
    run("
        local less, equal, at_most = 0, 0, 0
        local m = new(150)
        for i = 1, 300 do
          local n = new(i)
          if n < m then less = less + 1 end
          if n == m then equal = equal + 1 end
          if n ~= m then equal = equal + 1000 end
          if n <= m then at_most = at_most + 1 end
          if not (n > m) then at_most = at_most + 1000 end
          if n >= 150 then less = less + 1000 end
          if n < 20 then less = less + 1000000 end
          assert((n == m) == (i == 150) and (n < m) == (i < 150) and (m <= n) == (i >= 150))
          assert(n == n and n ~= i and not (n == 'x'))
          while n < m do n = m end
        end
        assert(less == 149 + 151000 + 19000000 and equal == 1 + 299000 and at_most == 150 + 150000)
        ")
}

#[test]
fn concatenations_in_the_middle_and_at_the_ends() -> Result<()> {
    run("
        for i = 1, 300 do
          local n = new(i)
          local text = '<' .. i .. '>'
          assert(n .. 'x' == text .. 'x' and 'x' .. n == 'x' .. text and n .. n == text .. text)
          assert('a' .. 'b' .. n == 'ab' .. text and n .. 'a' .. 'b' == text .. 'ab')
          assert('a' .. n .. 'b' == 'a' .. text .. 'b' and n .. n .. n == text .. text .. text)
        end
        ")
}

#[test]
fn keys_of_all_kinds_ask_functions() -> Result<()> {
    run("
        local n = new(0)
        for i = 1, 300 do
          n.value = i
          assert(n[5] == i + 5 and n[i] == 2 * i and n.name == nil and n['na' .. 'me'] == nil)
          n[i] = 3 * i
          assert(n[0] == 2 * i)
          n[2] = 7
          assert(n[0] == 5 and n(3) == 15)
          local key = i % 2 == 0 and 'even' or i
          n[key] = 1000
          assert(n[0] == (i % 2 == 0 and 1000 or 1000 - i))
        end
        local ok, message = pcall(function() for i = 1, 300 do n[i < 200 and 1 or true] = i end end)
        assert(not ok and tostring(message):find('no such key', 1, true) and n[0] == 198)
        ")
}

#[test]
fn an_error_of_an_operator_is_raised_where_it_happens() -> Result<()> {
    run("
        local n, last = new(1), 0
        for round = 1, 3 do
          for _, f in ipairs {
            function(x) return n + x end, function(x) return x - n end, function(x) return n < x end,
            function(x) return n .. x end,
          } do
            local ok, message = pcall(function()
              for i = 1, 300 do last = i f(i < 250 and i or print) end
            end)
            assert(not ok and last == 250, last)
            assert(tostring(message):find('not a number: function', 1, true), message)
          end
          local ok, message = pcall(function() for i = 1, 300 do local x = n + {} end end)
          assert(not ok)
        end
        ")
}

#[test]
fn operators_may_run_lua_code_and_collect() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.load(
            "function make(f)
              return setmetatable({}, { __add = f, __lt = f, __concat = f, __unm = f, __len = f })
            end",
        )
        .exec()?;
        // A table whose metamethods are native functions.
        let callback = lua.create_function(|lua, (_, b): (Value, Value)| {
            lua.load("collectgarbage('step') count = (count or 0) + 1")
                .exec()?;
            Ok(b.is_table())
        })?;
        let make: Function = lua.globals().get("make")?;
        lua.globals().set("t", make.call::<Value>(callback)?)?;
        lua.load(
            "for i = 1, 60 do
              local kept = { i }
              assert((t + i) == false and (t < t) == true and (t .. 'x') == false)
              assert(-t == true and #t == true and kept[1] == i)
            end
            assert(count == 300)",
        )
        .exec()?;
        lua.check_heap().map_err(Error::runtime)?;
    }
    Ok(())
}

#[test]
fn operands_are_borrowed_while_an_operator_runs() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.register_userdata_type::<Number>(|registry| {
            registry.add_meta_function(MetaMethod::Add, |_, (a, b): Both| Ok(a.0 + b.0));
            registry.add_meta_function(
                MetaMethod::Sub,
                |_, (mut a, b): (UserDataRefMut<Number>, UserDataRef<Number>)| {
                    a.0 -= b.0;
                    Ok(())
                },
            );
        })?;
        let (a, b) = (
            lua.create_userdata(Number(5))?,
            lua.create_userdata(Number(1))?,
        );
        lua.globals().set("a", &a)?;
        lua.globals().set("b", &b)?;
        lua.load(
            "for i = 1, 100 do
              assert(a + a == 2 * (a + b) - 2 and not pcall(function() return a - a end))
              local _ = a - b
            end",
        )
        .exec()?;
        assert_eq!(a.borrow::<Number>()?.0, 5 - 100);
        // References end with the call: nothing is in use.
        assert!(a.borrow_mut::<Number>().is_ok() && b.take::<Number>().is_ok());
        let error = lua
            .load("return a + b")
            .exec()
            .expect_err("it is gone")
            .to_string();
        assert!(error.contains("destructed"), "{error}");
        lua.check_heap().map_err(Error::runtime)?;
    }
    Ok(())
}

#[test]
fn a_reference_that_is_kept_keeps_its_value() -> Result<()> {
    let lua = Lua::new();
    let kept = crate::shared::Rc::new(crate::shared::RefCell::new(Vec::new()));
    let keep = kept.clone();
    let function = lua.create_function(move |_, number: UserDataRef<Number>| {
        keep.borrow_mut().push(number);
        Ok(())
    })?;
    for n in 0..10 {
        function.call::<()>(Number(n))?;
    }
    lua.gc_collect()?;
    lua.gc_collect()?;
    for (n, number) in kept.borrow().iter().enumerate() {
        assert_eq!(number.0, n as i64);
    }
    kept.borrow_mut().clear();
    lua.gc_collect()?;
    lua.check_heap().map_err(Error::runtime)?;
    drop(function);
    Ok(())
}
