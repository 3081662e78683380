//! The interface's names with `Lua` in front, to be imported all at once.
//!
//! ```
//! use perilune::prelude::*;
//! fn sum(lua: &Lua, table: LuaTable) -> LuaResult<i64> {
//!     table.sequence_values::<i64>().sum()
//! }
//! let lua = Lua::new();
//! assert_eq!(sum(&lua, lua.create_sequence_from([1, 2, 3])?)?, 6);
//! # Ok::<(), LuaError>(())
//! ```

#[doc(no_inline)]
pub use crate::{
    AnyUserData as LuaAnyUserData, AsChunk as AsLuaChunk, BorrowedBytes as LuaBorrowedBytes,
    BorrowedStr as LuaBorrowedStr, Chunk as LuaChunk, ChunkMode as LuaChunkMode,
    Either as LuaEither, Error as LuaError, ErrorContext as LuaErrorContext,
    ExternalError as LuaExternalError, ExternalResult as LuaExternalResult, FromLua, FromLuaMulti,
    Function as LuaFunction, HookTriggers as LuaHookTriggers, Integer as LuaInteger, IntoLua,
    IntoLuaMulti, LightUserData as LuaLightUserData, Lua, LuaOptions, LuaString,
    MetaMethod as LuaMetaMethod, MultiValue as LuaMultiValue, Nil as LuaNil, Number as LuaNumber,
    ObjectLike as LuaObjectLike, RegistryKey as LuaRegistryKey, Result as LuaResult,
    StdLib as LuaStdLib, Table as LuaTable, TablePairs as LuaTablePairs,
    TableSequence as LuaTableSequence, Thread as LuaThread, UserData as LuaUserData,
    UserDataFields as LuaUserDataFields, UserDataMetatable as LuaUserDataMetatable,
    UserDataMethods as LuaUserDataMethods, UserDataOwned as LuaUserDataOwned,
    UserDataRef as LuaUserDataRef, UserDataRefMut as LuaUserDataRefMut,
    UserDataRegistry as LuaUserDataRegistry, Value as LuaValue, Variadic as LuaVariadic,
    VmState as LuaVmState, WeakLua, function::FunctionInfo as LuaFunctionInfo,
    function::LuaNativeFn, function::LuaNativeFnMut, state::GcGenParams as LuaGcGenParams,
    state::GcIncParams as LuaGcIncParams, state::GcMode as LuaGcMode,
    thread::ThreadStatus as LuaThreadStatus,
};

#[cfg(feature = "async")]
#[doc(no_inline)]
pub use crate::{function::LuaNativeAsyncFn, thread::AsyncThread as LuaAsyncThread};

#[cfg(feature = "serde")]
#[doc(no_inline)]
pub use crate::{
    DeserializeOptions as LuaDeserializeOptions, LuaSerdeExt,
    SerializableValue as LuaSerializableValue, SerializeOptions as LuaSerializeOptions,
};
