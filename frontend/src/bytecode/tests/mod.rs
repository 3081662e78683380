//! Tests of what reads and writes bytecode.

mod dump;
mod liveness;
mod verify;

use super::proto::Proto;

/// A compiled program.
fn compiled(source: &str) -> Proto {
    crate::compile(source.as_bytes(), b"=test").expect("valid program")
}

/// A program that has all kinds of constructs.
const SAMPLE: &str = r#"
local a, b <const>, c = 1, "text", 2.5
local function f(x, ...)
  local y <close> = nil
  for i = x, 10 do if i > 5 then return f, ... end end
  for k, v in pairs({1, 2, n = 3, [x] = a, ...}) do a = k .. v .. b end
  while x do x = x.y or x:method(1, -2)[3] end
  return f(a, ...)
end
goto done
do local t = {f(), true, nil, 1e300, a == b, not c} end
::done::
repeat local z = a + c * 2 ~ 7 until z == nil or f(z) < 3
return function() a = f end
"#;
