//! Constructors of heap objects.
//!
//! None of them collects, so a caller may hold several new objects that nothing refers to yet.

use super::heap::Heap;
use super::{Kind, charge};
use crate::coroutine::{Status, Thread};
use crate::error::{LuaError, Result};
use crate::function::{Cell, LuaClosure, NativeClosure, NativeDescription, Proto};
use crate::native::NativeFn;
use crate::owned::OwnedSlice;
use crate::string::{LuaString, MAX_SHORT};
use crate::table::Table;
use crate::userdata::{Access, Boxed, Contents, Userdata};
use crate::value::{NIL, Value};
use perilune_frontend::bytecode::proto as compiled;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

impl Heap {
    /// An empty table with the empty root shape.
    #[inline]
    pub fn new_table(&mut self) -> Result<*mut Table> {
        // SAFETY: `Table` is what the kind names, and zeroes are an empty table.
        unsafe {
            let table = self.allocate::<Table>(Kind::Table, 0)?;
            (*table).header.extra = crate::table::shape::EMPTY_SHAPE;
            Ok(table)
        }
    }

    /// A cell that holds `value`.
    #[inline]
    pub fn new_cell(&mut self, value: Value) -> Result<*mut Cell> {
        // SAFETY: `Cell` is what the kind names; zeroes are a valid cell.
        unsafe {
            let cell = self.allocate::<Cell>(Kind::Cell, 0)?;
            (*cell).value = value;
            Ok(cell)
        }
    }

    /// A closure of `proto` with `upvalue_count` upvalues, all null for now.
    ///
    /// # Safety
    /// `proto` is a live proto with that many upvalues. The caller sets them all before the
    /// program sees the closure.
    #[inline]
    pub unsafe fn new_lua_closure(
        &mut self,
        proto: *mut Proto,
        upvalue_count: usize,
    ) -> Result<*mut LuaClosure> {
        // SAFETY: `LuaClosure` is what the kind names; null upvalues are skipped by the collector.
        unsafe {
            let bytes = upvalue_count * size_of::<*mut Cell>();
            let closure = self.allocate::<LuaClosure>(Kind::LuaClosure, bytes)?;
            (*closure).header.extra = upvalue_count as u32;
            (*closure).proto = proto;
            Ok(closure)
        }
    }

    /// A closure of the same proto, with upvalues of its own that hold what those of `closure` do.
    ///
    /// # Safety
    /// `closure` is live, and the program has seen it.
    pub unsafe fn duplicate_closure(
        &mut self,
        closure: *mut LuaClosure,
    ) -> Result<*mut LuaClosure> {
        // SAFETY: the caller's contract; both have the upvalues that their proto describes.
        unsafe {
            let count = (*closure).header.extra as usize;
            let copy = self.new_lua_closure((*closure).proto, count)?;
            for n in 0..count {
                let value = (*LuaClosure::upvalue(closure, n)).value;
                LuaClosure::set_upvalue(copy, n, self.new_cell(value)?);
            }
            Ok(copy)
        }
    }

    /// A native closure with `upvalue_count` upvalues, all nil for now.
    pub fn new_native_closure(
        &mut self,
        function: NativeFn,
        description: &'static NativeDescription,
        upvalue_count: usize,
    ) -> Result<*mut NativeClosure> {
        let bytes = upvalue_count
            .checked_mul(size_of::<Value>())
            .ok_or(LuaError::Memory)?;
        // SAFETY: `NativeClosure` is what the kind names; the fields that zeroes are not valid for
        // are written before anything else happens.
        unsafe {
            let closure = self.allocate::<NativeClosure>(Kind::NativeClosure, bytes)?;
            (&raw mut (*closure).function).write(function);
            (&raw mut (*closure).description).write(description);
            (*closure).header.extra = upvalue_count as u32;
            for index in 0..upvalue_count {
                (*NativeClosure::upvalue(closure, index)).tag = NIL;
            }
            Ok(closure)
        }
    }

    /// A full userdata with a value of its own and `user_value_count` user values, all nil.
    /// `metatable` may be null; one with `__gc` calls for [`Heap::arm_finalizer`] as well.
    pub fn new_userdata<T: 'static>(
        &mut self,
        value: T,
        metatable: *mut Table,
        user_value_count: usize,
    ) -> Result<*mut Userdata> {
        let boxed = Boxed::new(value, Contents::of::<T>()).map_err(|_| LuaError::Memory)?;
        self.new_userdata_of(boxed, metatable, user_value_count)
    }

    /// Likewise, of a value whose type is known at run time.
    pub fn new_userdata_of(
        &mut self,
        value: Boxed,
        metatable: *mut Table,
        user_value_count: usize,
    ) -> Result<*mut Userdata> {
        let user_values = filled_box(user_value_count, Value::NIL)?;
        let external = charge::block(size_of_val(&*user_values)) + charge::block(value.size());
        self.charge(external)?;
        // SAFETY: `Userdata` is what the kind names; all its fields are written at once.
        unsafe {
            let userdata = match self.allocate::<Userdata>(Kind::Userdata, 0) {
                Ok(userdata) => userdata,
                Err(error) => {
                    self.discharge(external);
                    return Err(error);
                }
            };
            let (value, contents) = value.into_parts();
            (*userdata).metatable = metatable;
            (*userdata).value = value.as_ptr();
            (&raw mut (*userdata).contents).write(contents);
            (*userdata).uses = 0;
            (*userdata).references = 0;
            (&raw mut (*userdata).access).write(Access::Owned);
            (&raw mut (*userdata).doomed).write(None);
            (&raw mut (*userdata).user_values).write(user_values);
            (*userdata).charged = external;
            Ok(userdata)
        }
    }

    /// Gives a userdata `value` as its only user value.
    ///
    /// # Errors
    /// Memory; then nothing has changed.
    ///
    /// # Safety
    /// Both are live.
    pub unsafe fn set_only_user_value(
        &mut self,
        userdata: *mut Userdata,
        value: Value,
    ) -> Result<()> {
        // SAFETY: the caller's contract; the barrier follows the store.
        unsafe {
            if (&(*userdata).user_values).is_empty() {
                let user_values = filled_box(1, value)?;
                let bytes = charge::block(size_of_val(&*user_values));
                self.charge(bytes)?;
                (*userdata).charged += bytes;
                (*userdata).user_values = user_values;
            } else {
                (&mut (*userdata).user_values)[0] = value;
            }
            self.barrier_forward(&raw mut (*userdata).header, value);
        }
        Ok(())
    }

    /// A thread without stack and frames.
    pub fn new_thread(&mut self) -> Result<*mut Thread> {
        // SAFETY: `Thread` is what the kind names; all its fields are written at once.
        unsafe {
            let thread = self.allocate::<Thread>(Kind::Thread, 0)?;
            let header = std::ptr::read(&raw const (*thread).header);
            thread.write(Thread {
                header,
                stack: Vec::new(),
                frames: Vec::new(),
                frame_index: 0,
                base: 0,
                pc: std::ptr::null(),
                top: 0,
                status: Status::Suspended,
                to_be_closed: Vec::new(),
                non_yieldable: 0,
                c_calls: 0,
                hook: crate::vm::NO_HOOK,
                resumer: std::ptr::null_mut(),
                own_point: (0, 0),
                resumer_point: (0, 0),
                failed: false,
                failure: Value::NIL,
                closing: false,
                charged: 0,
            });
            Ok(thread)
        }
    }

    /// The heap's form of a compiled function, inner functions included.
    pub fn new_proto(&mut self, source: compiled::Proto) -> Result<*mut Proto> {
        self.new_proto_with(Box::new(source), &mut Shared::default())
    }

    fn new_proto_with(
        &mut self,
        mut source: Box<compiled::Proto>,
        shared: &mut Shared,
    ) -> Result<*mut Proto> {
        let inner = std::mem::take(&mut source.protos);
        let mut protos = Vec::new();
        protos
            .try_reserve_exact(inner.len())
            .map_err(|_| LuaError::Memory)?;
        for proto in inner {
            protos.push(self.new_proto_with(proto, shared)?);
        }
        let compiled_constants = std::mem::take(&mut source.constants);
        let mut constants = Vec::new();
        constants
            .try_reserve_exact(compiled_constants.len())
            .map_err(|_| LuaError::Memory)?;
        for constant in compiled_constants {
            constants.push(match constant {
                compiled::Constant::Nil => Value::NIL,
                compiled::Constant::Boolean(b) => Value::boolean(b),
                compiled::Constant::Integer(i) => Value::integer(i),
                compiled::Constant::Float(f) => Value::float(f),
                compiled::Constant::String(bytes) if bytes.len() <= MAX_SHORT => {
                    Value::string(self.new_string(&bytes)?)
                }
                compiled::Constant::String(bytes) => {
                    Value::string(match shared.long_strings.get(&bytes.as_ptr()) {
                        Some(&(string, _)) => string,
                        None => {
                            let string = self.new_string(&bytes)?;
                            let text = bytes.as_ptr();
                            shared.long_strings.insert(text, (string, bytes));
                            string
                        }
                    })
                }
            });
        }
        source.locals.shrink_to_fit();
        source.upvalues.shrink_to_fit();
        source.lines.runs.shrink_to_fit();
        let names = shared.new_names(&source);
        let code = OwnedSlice::from(std::mem::take(&mut source.code));
        self.reserve_proto()?;
        // SAFETY: `Proto` is what the kind names; all its fields are written at once. Room in the
        // list of protos was reserved above.
        unsafe {
            let proto = self.allocate::<Proto>(Kind::Proto, 0)?;
            let header = std::ptr::read(&raw const (*proto).header);
            let constants = OwnedSlice::from(constants);
            let exact_args = if source.is_vararg {
                u32::MAX
            } else {
                u32::from(source.num_params)
            };
            proto.write(Proto {
                header,
                entry: code.as_ptr(),
                constants_start: constants.as_ptr(),
                frame_bytes: u32::from(source.max_stack) * size_of::<Value>() as u32,
                exact_args,
                entry_location: 0,
                code,
                constants,
                protos: protos.into_boxed_slice(),
                max_stack: source.max_stack,
                num_params: source.num_params,
                is_vararg: source.is_vararg,
                debug: source,
                liveness: Default::default(),
                sites: Default::default(),
                cache_records: Vec::new(),
                charged: 0,
                learned: 0,
            });
            self.protos.push(proto);
            self.charge_new_proto(proto, names)?;
            Ok(proto)
        }
    }
}

/// What the functions of a chunk share.
#[derive(Default)]
struct Shared {
    /// Its long strings, by the address of their text: equal constants of its functions are one object, as
    /// in PUC Lua. The text is kept so that its address stays its own.
    long_strings: FxHashMap<*const u8, (*mut LuaString, Rc<[u8]>)>,
    /// Names that a function made before is charged for.
    names: FxHashSet<*const u8>,
}

impl Shared {
    /// The bytes of the names that only functions from `source` on have.
    fn new_names(&mut self, source: &compiled::Proto) -> usize {
        let locals = source.locals.iter().map(|local| &local.name);
        let upvalues = source.upvalues.iter().filter_map(|up| up.name.as_ref());
        let all = locals.chain(upvalues).chain(&source.source);
        all.filter(|name| self.names.insert(name.as_ptr()))
            .map(|name| charge::block(2 * size_of::<usize>() + name.len()))
            .sum()
    }
}

/// A box of `len` values, without aborting when there is no memory.
fn filled_box(len: usize, value: Value) -> Result<Box<[Value]>> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(len)
        .map_err(|_| LuaError::Memory)?;
    values.resize(len, value);
    Ok(values.into_boxed_slice())
}
