//! Error objects of ours: userdata that hold a Rust error, or the panic of a callback.
//!
//! Invariants:
//! - Their metatable is known to the state alone, so no program can make such an object, or change what
//!   they do.
//! - A panic is not lost for lack of memory: the state keeps an object in reserve for it. (When that is
//!   used up as well, before there is memory again, the error is "not enough memory".)

use crate::handle::root;
use crate::{Error, Lua, Result};
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{Call, Local, Native, NativeResult};
use perilune_runtime::table::Table;
use perilune_runtime::userdata::Userdata;
use perilune_runtime::value as raw;
use perilune_runtime::vm::Vm;
use std::any::Any;
use std::cell::RefCell;

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// What an error object of ours holds.
enum Failure {
    /// An error.
    Error(Error),
    /// What a panic carries; taken when it goes on.
    Panic(Option<Payload>),
}

/// What a state needs to make error objects: indices of `Vm::handles`.
#[derive(Clone, Copy)]
pub(crate) struct Failures {
    metatable: usize,
    /// An empty object; nil once it is used.
    reserve: usize,
}

const FAILURE_TEXT: Native = native!("__tostring", failure_text);

/// Has `use_` look at the failure that a live value is, if it is one.
fn with_failure<T>(value: raw::Value, use_: impl FnOnce(&RefCell<Failure>) -> T) -> Option<T> {
    if value.tag != raw::USERDATA {
        return None;
    }
    // SAFETY: the value is live, and nothing collects while `use_` looks at it.
    unsafe { Userdata::cell(value.as_pointer()) }.map(use_)
}

/// The error that a value is, if it is one.
pub(crate) fn error_of(value: raw::Value) -> Option<Error> {
    with_failure(value, |cell| match &*cell.try_borrow().ok()? {
        Failure::Error(error) => Some(error.clone()),
        Failure::Panic(None) => Some(Error::PreviouslyResumedPanic),
        Failure::Panic(Some(_)) => None,
    })?
}

/// Whether a value is a panic that has not gone on yet.
pub(crate) fn is_panic(value: raw::Value) -> bool {
    let found = with_failure(value, |cell| match cell.try_borrow().as_deref() {
        Ok(Failure::Panic(payload)) => payload.is_some(),
        _ => false,
    });
    found.unwrap_or(false)
}

/// Goes on with the panic that `value` carries, if it carries one.
pub(crate) fn go_on_with_panic(value: raw::Value) {
    let payload = with_failure(value, |cell| match &mut *cell.try_borrow_mut().ok()? {
        Failure::Panic(payload) => payload.take(),
        Failure::Error(_) => None,
    });
    if let Some(Some(payload)) = payload {
        std::panic::resume_unwind(payload);
    }
}

/// `__tostring` of error objects.
fn failure_text(call: &mut Call<'_>) -> NativeResult {
    let text = with_failure(call.slot(1).raw(), |cell| {
        Some(match &*cell.try_borrow().ok()? {
            Failure::Error(error) => error.to_string(),
            Failure::Panic(Some(payload)) => payload
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned()))
                .unwrap_or_else(|| "<panic>".to_owned()),
            Failure::Panic(None) => "previously resumed panic".to_owned(),
        })
    });
    let text = text.flatten().unwrap_or_else(|| "<error>".to_owned());
    let text = call.new_string(text.as_bytes())?;
    Ok(call.return_one(text))
}

/// An object with such a metatable.
fn new_object(
    vm: &mut Vm,
    failures: Failures,
    failure: Failure,
) -> std::result::Result<raw::Value, LuaError> {
    let metatable = vm.handles[failures.metatable].as_pointer::<Table>();
    vm.heap
        .new_userdata(RefCell::new(failure), metatable, 0)
        .map(raw::Value::userdata)
}

impl Lua {
    /// What the state needs to make error objects; made when the first callback is, which can fail.
    fn failures(&self) -> Result<Failures> {
        let entered = self.enter();
        if let Some(failures) = entered.failures.get() {
            return Ok(failures);
        }
        let mut metatable = raw::Value::NIL;
        self.with_call(|call| {
            let table = call.new_table(0, 3)?;
            let text = call.new_function(FAILURE_TEXT)?;
            let name = call.new_string(b"error")?;
            call.table_set_str(table, b"__tostring", text)?;
            call.table_set_str(table, b"__name", name)?;
            call.table_set_str(table, b"__metatable", Local::boolean(false))?;
            metatable = Local::from(table).raw();
            Ok(())
        })?;
        // SAFETY: the machine lives as long as the state; nothing has collected since the table was
        // made.
        let vm = unsafe { &mut *entered.vm() };
        let failures = Failures {
            metatable: root(vm, metatable),
            reserve: root(vm, raw::Value::NIL),
        };
        entered.failures.set(Some(failures));
        self.fill_reserve(failures);
        Ok(failures)
    }

    /// Makes sure that error objects can be made.
    ///
    /// # Errors
    /// Memory.
    pub(crate) fn prepare_failures(&self) -> Result<()> {
        let entered = self.enter();
        let failures = self.failures()?;
        self.fill_reserve(failures);
        // SAFETY: the machine lives as long as the state.
        let reserve = unsafe { (&(*entered.vm()).handles)[failures.reserve] };
        if reserve.is_nil() {
            return Err(Error::memory());
        }
        Ok(())
    }

    /// Makes the reserved object if there is none, and memory for one.
    fn fill_reserve(&self, failures: Failures) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        let vm = unsafe { &mut *entered.vm() };
        if vm.handles[failures.reserve].is_nil()
            && let Ok(object) = new_object(vm, failures, Failure::Panic(None))
        {
            vm.handles[failures.reserve] = object;
        }
    }

    /// The error object for `error`; the caller roots it before anything collects.
    ///
    /// # Errors
    /// Memory.
    pub(crate) fn error_object(&self, error: Error) -> Result<raw::Value> {
        let failures = self.failures()?;
        // SAFETY: the machine lives as long as the state, which the caller has entered.
        let vm = unsafe { &mut *self.state.vm() };
        new_object(vm, failures, Failure::Error(error)).map_err(|_| Error::memory())
    }

    /// The error object for a panic, likewise; `None` when there is no memory and no reserve.
    pub(crate) fn panic_object(&self, payload: Payload) -> Option<raw::Value> {
        let failures = self.failures().ok()?;
        // SAFETY: the machine lives as long as the state, which the caller has entered.
        let vm = unsafe { &mut *self.state.vm() };
        let object = match new_object(vm, failures, Failure::Panic(None)) {
            Ok(object) => object,
            Err(_) => std::mem::replace(&mut vm.handles[failures.reserve], raw::Value::NIL),
        };
        with_failure(object, |cell| {
            *cell.borrow_mut() = Failure::Panic(Some(payload));
            object
        })
    }
}
