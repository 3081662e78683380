//! The one table of primitives: what opcode semantics may do to Lua values and machine state.
//!
//! Columns: name, arguments, result, effect, meaning. Types in capitals that are associated types
//! of [`Machine`](super::Machine) (`Value`, `Integer`, `Float`, `Table`, `Closure`) are dynamic:
//! a recorder traces them. Everything else is static: a recorder leaves a guard before it answers
//! (the binding-time rule of the design: "Rust types are binding times").
//!
//! Effects: `pure` depends on its arguments alone; `read` reads the heap or the frame; `write`
//! writes it; `control` changes where execution goes on.

/// Calls `$callback!` with every primitive.
#[macro_export]
macro_rules! for_each_prim {
    ($callback:ident $(, $extra:tt)*) => {
        $callback! { $($extra,)*
            // Registers and constants.
            get(r: Register) -> Value, read, "the value of a register";
            set(r: Register, v: Value) -> Unit, write, "a register := value";
            set_integer(r: Register, v: Integer) -> Unit, write, "a register := integer";
            set_float(r: Register, v: Float) -> Unit, write, "a register := float";
            set_boolean(r: Register, v: Bool) -> Unit, write, "a register := boolean";
            set_nil(r: Register) -> Unit, write, "a register := nil";
            constant(k: Constant) -> Value, pure, "a constant of the proto";
            // Tags.
            is_integer(v: Value) -> Bool, pure, "tag test";
            is_float(v: Value) -> Bool, pure, "tag test";
            is_nil(v: Value) -> Bool, pure, "tag test";
            is_table(v: Value) -> Bool, pure, "tag test";
            is_string(v: Value) -> Bool, pure, "tag test";
            is_lua_closure(v: Value) -> Bool, pure, "tag test";
            is_object(v: Value) -> Bool, pure, "whether the collector manages the value";
            is_truthy(v: Value) -> Bool, pure, "neither nil nor false";
            both_integers(a: Value, b: Value) -> Bool, pure, "tag test of two values";
            both_floats(a: Value, b: Value) -> Bool, pure, "tag test of two values";
            is_identical(a: Value, b: Value) -> Bool, pure, "same tag and payload";
            both_interned(a: Value, b: Value) -> Bool, pure, "whether two strings are interned";
            same_tag(a: Value, b: Value) -> Bool, pure, "same tag";
            // Views.
            as_integer(v: Value) -> Integer, pure, "payload of an integer";
            as_float(v: Value) -> Float, pure, "payload of a float";
            as_table(v: Value) -> Table, pure, "payload of a table";
            as_closure(v: Value) -> Closure, pure, "payload of a Lua closure";
            static_integer(v: I64) -> Integer, pure, "an immediate";
            static_float(v: F64) -> Float, pure, "an immediate";
            integer_to_float(v: Integer) -> Float, pure, "conversion (manual 3.4.3)";
            float_to_integer(v: Float) -> OptionInteger, pure, "the integer with this value, if there is one (manual 3.4.3)";
            // Integer arithmetic (manual 3.4.1, 3.4.2): wraps around.
            integer_add(a: Integer, b: Integer) -> Integer, pure, "a + b";
            integer_sub(a: Integer, b: Integer) -> Integer, pure, "a - b";
            integer_mul(a: Integer, b: Integer) -> Integer, pure, "a * b";
            integer_mod(a: Integer, b: Integer) -> OptionInteger, pure, "a % b; none for b = 0";
            integer_floor_div(a: Integer, b: Integer) -> OptionInteger, pure, "a // b; none for b = 0";
            integer_and(a: Integer, b: Integer) -> Integer, pure, "a & b";
            integer_or(a: Integer, b: Integer) -> Integer, pure, "a | b";
            integer_xor(a: Integer, b: Integer) -> Integer, pure, "a ~ b";
            integer_shl(a: Integer, b: Integer) -> Integer, pure, "a << b, any b";
            integer_shr(a: Integer, b: Integer) -> Integer, pure, "a >> b, any b";
            integer_lt(a: Integer, b: Integer) -> Bool, pure, "a < b";
            integer_le(a: Integer, b: Integer) -> Bool, pure, "a <= b";
            integer_eq(a: Integer, b: Integer) -> Bool, pure, "a == b";
            // Float arithmetic.
            float_add(a: Float, b: Float) -> Float, pure, "a + b";
            float_sub(a: Float, b: Float) -> Float, pure, "a - b";
            float_mul(a: Float, b: Float) -> Float, pure, "a * b";
            float_div(a: Float, b: Float) -> Float, pure, "a / b";
            float_mod(a: Float, b: Float) -> Float, pure, "a % b (floored)";
            float_floor_div(a: Float, b: Float) -> Float, pure, "a // b";
            float_pow(a: Float, b: Float) -> Float, pure, "a ^ b";
            float_neg(a: Float) -> Float, pure, "-a";
            float_lt(a: Float, b: Float) -> Bool, pure, "a < b";
            float_le(a: Float, b: Float) -> Bool, pure, "a <= b";
            float_eq(a: Float, b: Float) -> Bool, pure, "a == b";
            // Loops: iterations left after the first one, none when the loop does not run.
            for_count(start: Integer, limit: Integer, step: Integer) -> OptionInteger, pure, "iteration count (manual 3.3.5)";
            // Upvalues and cells.
            upvalue(n: Index) -> Value, read, "the value of an upvalue";
            set_upvalue(n: Index, v: Value) -> Bool, write, "an upvalue := value; false when the barrier needs the slow path";
            cell_value(v: Value) -> Value, read, "the value in a register's cell";
            set_cell_value(c: Value, v: Value) -> Bool, write, "a cell := value; false as above";
            // Fields with constant keys: through the inline cache of the instruction.
            field(t: Table) -> OptionValue, read, "the field, if the cache knows it; may be nil only without __index";
            string_method() -> OptionValue, read, "the method that strings have, if the cache knows it";
            set_field(t: Table, v: Value) -> Bool, write, "store to the field, if the cache knows it and no metamethod or barrier is due";
            // Array part.
            element(t: Table, i: Integer) -> OptionValue, read, "a non-nil element of the array part";
            set_element(t: Table, i: Integer, v: Value) -> Bool, write, "store over an element within the border, or append";
            // Any key: what the executing machine leaves to the slow path.
            find_key(t: Table, key: Value) -> OptionValue, read, "the value of any key; none where a metamethod is to be asked, or the machine does not look";
            store_key(t: Table, key: Value, v: Value) -> Bool, write, "store to any key, likewise";
            length(t: Table) -> OptionInteger, read, "the border of a table without metatable";
            // Construction.
            new_table(a: Register, array: Count, fields: Count) -> Bool, write, "a register := a new table; false when left to the slow path";
            new_cell(a: Register, v: Value) -> Bool, write, "a register := a new cell; false as above";
            new_closure(a: Register, n: Index) -> Bool, write, "a register := a closure of an inner function; false as above";
            concat(a: Register, count: Count) -> Bool, write, "a register := its string and those of the registers behind it; false as above";
            set_list(a: Register, count: Count) -> Bool, write, "list items into a table; false as above";
            // Control.
            jump(offset: Offset) -> Unit, control, "pc += offset";
            branch(taken: Bool) -> Unit, control, "if taken then pc += C of the instruction";
            skip_word() -> Unit, control, "pc past the instruction's extra word";
            at_back_edge() -> Bool, read, "counts a back-edge; whether an event is pending or the place is hot";
            must_poll() -> Bool, read, "whether an event is pending at this safepoint";
            enter(f: Closure, a: Register, args: Count) -> Bool, control, "push the frame of a plain Lua call; false when adjustment is needed";
            at_entry() -> Unit, control, "counts a function's entry; goes to the tracing compiler if it is hot";
            call_native(f: Value, a: Register, args: Count) -> Bool, control, "call a function that is not Lua's, if the machine can do so by itself";
            tail_call(f: Value, a: Register, args: Count) -> Bool, control, "a tail call, likewise";
            iterate(a: Register, results: Count) -> Bool, control, "a step of a generic loop, likewise";
            nothing_to_close() -> Bool, read, "whether it is known that no variable is to be closed";
            leave(v: OptionValue) -> Bool, control, "pop the frame of a plain Lua call with at most one result; false as above";
            leave_with(first: Register, count: Count) -> Bool, control, "pop the frame of a plain Lua call with these results; false as above";
        }
    };
}
