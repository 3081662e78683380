//! Macros: derived conversions and userdata, and Lua source within Rust source.

use perilune::{AnyUserData, Error, Lua, Result, UserData, chunk, userdata_impl};

/// The interface under another name.
mod interface {
    pub(super) use perilune as lua;
}

#[derive(Default, Clone, Debug, UserData)]
struct Rectangle {
    length: u32,
    #[lua]
    width: u32,
    #[lua(get, name = "version")]
    read_only: u32,
    #[lua(skip)]
    _internal: u64,
}

#[userdata_impl]
impl Rectangle {
    const TYPE_NAME: &str = "Rectangle";

    #[lua(infallible)]
    fn new(length: u32, width: u32) -> Self {
        Rectangle {
            length,
            width,
            read_only: 1,
            _internal: 0,
        }
    }

    fn area(&self) -> Result<u32> {
        Ok(self.length * self.width)
    }

    #[lua(getter, infallible, name = "perimeter")]
    fn calculate_perimeter(&self) -> u32 {
        2 * (self.length + self.width)
    }

    fn scale(&mut self, factor: u32) -> Result<()> {
        self.length *= factor;
        self.width *= factor;
        Ok(())
    }

    #[lua(setter, name = "size", infallible)]
    fn set_size(&mut self, _lua: &Lua, size: u32) {
        self.length = size;
        self.width = size;
    }

    #[lua(field)]
    fn description() -> &'static str {
        "A rectangle"
    }

    #[lua(meta)]
    fn __tostring(&self) -> Result<String> {
        Ok(format!("Rectangle({}x{})", self.length, self.width))
    }

    #[lua(meta, name = "__call")]
    fn call() -> Result<Self> {
        Ok(Rectangle::default())
    }

    #[lua(meta, infallible, name = "__add")]
    fn add(&self, other: &Rectangle) -> Rectangle {
        Rectangle::new(self.length + other.length, self.width + other.width)
    }

    #[lua(infallible)]
    fn maybe_add(&self, other: Option<&Rectangle>) -> Rectangle {
        other.map_or_else(|| self.clone(), |other| self.add(other))
    }

    #[lua(meta, field, name = "__answer")]
    fn answer() -> u32 {
        42
    }

    #[lua(skip)]
    #[allow(dead_code)]
    fn helper() -> u32 {
        42
    }

    fn pair() -> Result<(u32, u32)> {
        Ok((100, 200))
    }

    #[lua(getter)]
    fn version_of_lua(&self, lua: &perilune::Lua) -> Result<String> {
        lua.globals().get("_VERSION")
    }

    fn into_pair(self) -> Result<(u32, u32)> {
        Ok((self.length, self.width))
    }

    fn greet(&self, name: &str, times: Option<u32>) -> Result<String> {
        Ok(format!("Hello, {name}!").repeat(times.unwrap_or(1) as usize))
    }

    fn maybe_greet(&self, name: Option<&str>) -> Result<String> {
        Ok(name.map_or_else(|| "Hello!".to_owned(), |name| format!("Hello, {name}!")))
    }

    fn sum(&self, bytes: &[u8]) -> Result<u64> {
        Ok(bytes.iter().copied().map(u64::from).sum())
    }

    fn transfer(&mut self, other: &mut Rectangle) -> Result<()> {
        other.length += self.length;
        self.length = 0;
        Ok(())
    }
}

#[userdata_impl]
impl Rectangle {
    #[lua(infallible)]
    fn double_length(&self) -> u32 {
        self.length * 2
    }
}

#[test]
fn a_struct_with_its_functions_is_userdata() -> Result<()> {
    let lua = Lua::new();
    lua.globals()
        .set("Rectangle", lua.create_proxy::<Rectangle>()?)?;
    lua.load(
        "
        local r = Rectangle.new(5, 10)
        assert(r.length == 5 and r.width == 10 and r.perimeter == 30 and r:area() == 50)
        assert(r.version == 1 and not pcall(function() r.version = 2 end))
        assert(r._internal == nil and r.helper == nil)
        r.length, r.width = 15, 20
        r:scale(2)
        assert(r.length == 30 and r.width == 40)
        r.size = 7
        assert(r.length == 7 and r.width == 7)
        assert(r.TYPE_NAME == 'Rectangle' and r.description == 'A rectangle')
        local a, b = r.pair()
        assert(a == 100 and b == 200)
        assert(tostring(r) == 'Rectangle(7x7)' and r():area() == 0)
        local sum = r + Rectangle.new(1, 2)
        assert(sum.length == 8 and sum.width == 9)
        assert(r:maybe_add(sum).length == 15 and r:maybe_add().length == 7)
        assert(debug.getmetatable(r).__answer == 42)
        assert(r.version_of_lua == _VERSION)
        assert(r:greet('moon') == 'Hello, moon!' and r:greet('a', 2) == 'Hello, a!Hello, a!')
        assert(r:maybe_greet() == 'Hello!' and r:maybe_greet('b') == 'Hello, b!')
        assert(r:sum('abc') == 97 + 98 + 99)
        r:transfer(sum)
        assert(r.length == 0 and sum.length == 15 and sum:double_length() == 30)
        local ok, message = pcall(r.transfer, r, r)
        assert(not ok and tostring(message):find('error mutably borrowing userdata', 1, true))
        local l, w = sum:into_pair()
        assert(l == 15 and w == 9)
        ok, message = pcall(function() sum:area() end)
        assert(not ok and tostring(message):find('userdata has been destructed', 1, true))
        ",
    )
    .exec()
}

#[derive(Clone, UserData)]
enum Colour {
    Red,
    Other,
}

#[userdata_impl]
impl Colour {
    #[lua(infallible)]
    fn new(red: u8) -> Self {
        if red > 0 { Colour::Red } else { Colour::Other }
    }

    #[lua(infallible)]
    fn name(&self) -> &'static str {
        match self {
            Colour::Red => "red",
            Colour::Other => "other",
        }
    }
}

#[derive(UserData)]
struct Pair(i32, i32);

#[userdata_impl]
impl Pair {
    fn sum(&self) -> Result<i32> {
        Ok(self.0 + self.1)
    }
}

#[test]
fn enumerations_and_tuples_have_functions() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("Colour", lua.create_proxy::<Colour>()?)?;
    lua.globals().set("pair", Pair(2, 3))?;
    lua.load("assert(Colour.new(1):name() == 'red' and Colour.new(0):name() == 'other')")
        .exec()?;
    assert_eq!(lua.load("pair:sum()").eval::<i32>()?, 5);
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, perilune::FromLua)]
struct Id(i32);

#[derive(Clone, UserData, perilune::FromLua)]
#[lua(crate = self::interface::lua)]
struct Elsewhere {
    n: i64,
}

#[userdata_impl(crate = interface::lua)]
impl Elsewhere {
    fn plus(&self, other: &Elsewhere, text: &str) -> Result<String> {
        Ok(format!("{}{text}", self.n + other.n))
    }

    #[lua(meta)]
    fn __call(n: i64) -> Result<Self> {
        Ok(Elsewhere { n })
    }
}

#[test]
fn the_interface_may_have_another_name() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("e", Elsewhere { n: 2 })?;
    lua.load("e.n = e.n + 1; assert(e:plus(e(4), 'x') == '7x')")
        .exec()?;
    assert_eq!(lua.globals().get::<Elsewhere>("e")?.n, 3);
    // These are also names of what is generated.
    let environment = 40;
    let sum = lua.load({
        let lua = 2;
        interface::lua::chunk! { return $environment + $lua }
    });
    assert_eq!(sum.eval::<i64>()?, 42);
    Ok(())
}

#[derive(Clone, Copy, perilune::FromLua)]
struct Borrowed<'a, T>(&'a T)
where
    T: Copy;

#[test]
fn copies_of_values_are_arguments() -> Result<()> {
    let lua = Lua::new();
    lua.register_userdata_type::<Id>(|registry| {
        perilune::UserDataMethods::add_function(registry, "get", |_, this: Id| Ok(this.0));
    })?;
    lua.register_userdata_type::<Borrowed<'static, i32>>(|registry| {
        perilune::UserDataMethods::add_function(
            registry,
            "get",
            |_, this: Borrowed<'static, i32>| Ok(*this.0),
        );
    })?;
    lua.globals().set("id", AnyUserData::wrap(Id(123)))?;
    lua.globals()
        .set("borrowed", AnyUserData::wrap(Borrowed(&321)))?;
    lua.load("assert(id:get() == 123 and borrowed:get() == 321)")
        .exec()?;
    assert_eq!(lua.globals().get::<Id>("id")?, Id(123));
    match lua.convert::<Id>("text") {
        Err(Error::FromLuaConversionError {
            from: "string", to, ..
        }) => assert_eq!(to, "Id"),
        other => panic!("no conversion error: {other:?}"),
    }
    Ok(())
}

#[test]
fn a_chunk_captures_variables() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("g", 123)?;
    let (name, list) = ("moon", vec![1, 2, 3]);
    let double = lua.create_function(|_, n: i64| Ok(2 * n))?;
    lua.load(chunk! {
        assert($name == "moon" and #$list == 3 and $list[2] == 2)
        assert(type($double) == "function" and $double(21) == 42)
        assert(g == 123)
        result = $name .. "!"
        local t = { a = { [1] = "x" }, 0x10, 1.5, "a\tb" }
        assert(t.a[1] == "x" and t[1] == 16 and t[2] == 1.5 and t[3] == "a\tb")
        for i = 1, 3 do
            if i ~= 2 and i >= 3 then goto done end
        end
        ::done::
    })
    .exec()?;
    assert_eq!(lua.globals().get::<String>("result")?, "moon!");

    let error = lua
        .load(chunk! {
            local x = 1

            error("boom" .. x)
        })
        .exec()
        .unwrap_err()
        .to_string();
    assert!(error.contains(":3: boom1"), "{error}");
    Ok(())
}

#[cfg(feature = "async")]
mod asynchronous {
    //! `async fn`s of types that derive their userdata.

    use crate::future::{pause, polls};
    use perilune::{Lua, Result, UserData, userdata_impl};

    #[derive(UserData)]
    struct Counter(u64);

    #[userdata_impl]
    impl Counter {
        #[lua(infallible)]
        fn new() -> Self {
            Counter(0)
        }

        async fn get(&self) -> Result<u64> {
            pause().await;
            Ok(self.0)
        }

        async fn set(&mut self, value: u64) -> Result<()> {
            pause().await;
            self.0 = value;
            Ok(())
        }

        async fn take(self) -> Result<u64> {
            Ok(self.0)
        }

        #[lua(infallible)]
        async fn plus(&self, other: &Counter, text: Option<&str>) -> String {
            pause().await;
            format!("{}{}", self.0 + other.0, text.unwrap_or(""))
        }

        #[lua(infallible)]
        async fn answer() -> u64 {
            42
        }

        async fn version(lua: &Lua) -> Result<String> {
            pause().await;
            lua.globals().get("_VERSION")
        }

        async fn owned_version(lua: Lua, suffix: &str) -> Result<String> {
            pause().await;
            let version: String = lua.globals().get("_VERSION")?;
            Ok(version + suffix)
        }

        #[lua(meta)]
        async fn __call(&self, n: u64) -> Result<u64> {
            pause().await;
            Ok(self.0 + n)
        }

        #[lua(meta, name = "__newindex", infallible)]
        async fn store(&mut self, _key: String, n: u64) {
            pause().await;
            self.0 = n;
        }

        #[lua(meta, infallible)]
        async fn __concat(text: String) -> String {
            pause().await;
            format!("counter {text}")
        }
    }

    #[test]
    fn asynchronous_functions_of_a_block_are_methods() -> Result<()> {
        let lua = Lua::new();
        let class = lua.create_proxy::<Counter>()?;
        lua.globals().set("Counter", class)?;
        let text = "
            local c, d = Counter.new(), Counter.new()
            c:set(10) d:set(5)
            assert(c:get() == 10 and c:plus(d, '!') == '15!' and c:plus(d) == '15')
            assert(Counter.answer() == 42 and Counter.version() == 'Lua 5.4')
            assert(Counter.owned_version('+') == 'Lua 5.4+')
            assert(c(3) == 13)
            c.value = 30
            assert(c .. 'x' == 'counter x')
            assert(c:take() == 30)
            local ok, e = pcall(function() return c:get() end)
            assert(not ok and tostring(e):find('userdata has been destructed', 1, true))";
        let (outcome, pending) = polls(lua.load(text).exec_async());
        assert!(pending > 8, "{pending}");
        outcome
    }
}

#[derive(UserData)]
struct Measured {
    level: f64,
    name: String,
}

#[test]
fn derived_fields_of_numbers_are_read_without_calls() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set(
        "m",
        Measured {
            level: 0.5,
            name: "m".to_owned(),
        },
    )?;
    lua.load(
        "
        local m, calls = m, 0
        local function counted(f)
          calls = 0
          debug.sethook(function() calls = calls + 1 end, 'c')
          f()
          debug.sethook()
          return calls
        end
        local none = counted(function() end)
        assert(counted(function() local x = m.level m.level = 7 end) == none)
        assert(m.level == 7.0)
        assert(counted(function() local x = m.name end) == none + 1)
        ",
    )
    .exec()
}
