//! A Rust type in Lua: fields, methods, operators, and what is left of it in Rust.

use perilune::{Lua, MetaMethod, Result, UserData, UserDataFields, UserDataMethods, UserDataRef};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Vector {
    x: f64,
    y: f64,
}

impl UserData for Vector {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("x", |_, this| Ok(this.x));
        fields.add_field_method_get("y", |_, this| Ok(this.y));
        fields.add_field_method_set("x", |_, this, x| {
            this.x = x;
            Ok(())
        });
        fields.add_field_method_set("y", |_, this, y| {
            this.y = y;
            Ok(())
        });
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("length", |_, this, ()| Ok(this.x.hypot(this.y)));
        methods.add_method_mut("scale", |_, this, factor: f64| {
            this.x *= factor;
            this.y *= factor;
            Ok(())
        });
        methods.add_meta_method(MetaMethod::Add, |_, this, other: UserDataRef<Vector>| {
            Ok(Vector {
                x: this.x + other.x,
                y: this.y + other.y,
            })
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(format!("({}, {})", this.x, this.y))
        });
    }
}

fn main() -> Result<()> {
    let lua = Lua::new();
    let vector = lua.create_function(|_, (x, y): (f64, f64)| Ok(Vector { x, y }))?;
    lua.globals().set("vector", vector)?;

    let here = lua.create_userdata(Vector { x: 1.0, y: 2.0 })?;
    lua.globals().set("here", &here)?;
    lua.load(
        r#"
        local there = vector(3, 4)
        print("length", there:length())
        print("sum", tostring(here + there))

        -- A hot loop: compiled, with accesses to the Rust value in it.
        for i = 1, 100000 do
            here.x = here.x + 0.5
            here.y = here.y - 0.25
        end
        here:scale(2)
        print("here", tostring(here))
        "#,
    )
    .set_name("=script")
    .exec()?;

    // The value is Rust's again.
    let here = here.borrow::<Vector>()?;
    println!("in Rust {:?}", *here);
    Ok(())
}
