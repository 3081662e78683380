//! Smoke.
use perilune_runtime::api::Lua;
use perilune_runtime::native;
use perilune_runtime::native::*;
fn print(call: &mut Call<'_>) -> NativeResult {
    let mut out = Vec::new();
    for i in 1..=call.arg_count() { if i > 1 { out.push(b'\t'); } let v = call.arg(i); out.extend(call.to_display(v)?); }
    println!("{}", String::from_utf8_lossy(&out));
    Ok(call.return_none())
}
fn pcall(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 0 { let n = call.arg_count() - 1; return Ok(Action::ProtectedCall { function: 1, args: n, handler: 0, state: 1 }); }
    match call.result() { CallResult::Returned(n) => { let mut v = vec![Local::boolean(true)]; for i in 1..=n { v.push(call.slot(i)); } call.return_values(&v) }
        CallResult::Failed => { let e = call.slot(1); call.return_values(&[Local::boolean(false), e]) } }
}
fn error(call: &mut Call<'_>) -> NativeResult { let v = call.arg(1); Err(call.error_value(v)) }
fn setmetatable(call: &mut Call<'_>) -> NativeResult { let t = call.arg(2).as_table(); let v = call.arg(1); call.set_metatable(v, t)?; Ok(call.return_one(v)) }
fn clock(call: &mut Call<'_>) -> NativeResult { Ok(call.return_one(Local::float(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()))) }
fn next(call: &mut Call<'_>) -> NativeResult { let t = call.check_table(1)?; let k = call.arg(2); match call.table_next(t, k)? { Some((k, v)) => call.return_values(&[k, v]), None => Ok(call.return_one(Local::NIL)) } }
fn main() {
    let lua = Lua::without_libraries().unwrap();
    lua.with_call(|c| { let g = c.globals(); Lua::register(c, g, &[native!("print", print), native!("pcall", pcall, yieldable), native!("error", error), native!("setmetatable", setmetatable), native!("clock", clock), native!("next", next)]) }).unwrap();
    let f = std::env::args().nth(1).unwrap();
    let s = std::fs::read(&f).unwrap();
    if std::env::var("STRESS").is_ok() { lua.set_gc_stress(Some(1)); }
    if let Err(e) = lua.load(&s).set_name(format!("@{f}")).exec() { eprintln!("{e}"); std::process::exit(1); }
}
