//! Lists of values: arguments and results, and what converts from and to them.

use crate::stack::{Slots, Stack};
use crate::{FromLua, IntoLua, Lua, Result, Value};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

/// Any number of values.
///
/// ```
/// use perilune::{MultiValue, Value};
/// let lua = perilune::Lua::new();
/// let mut values = MultiValue::with_capacity(2);
/// values.push_back(Value::Integer(1));
/// values.push_front(Value::Boolean(true));
/// let count = lua.create_function(|_, args: MultiValue| Ok(args.len()))?;
/// assert_eq!(count.call::<usize>(values)?, 2);
/// assert_eq!(count.call::<usize>(MultiValue::new())?, 0);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiValue(VecDeque<Value>);

impl MultiValue {
    /// No values.
    pub const fn new() -> MultiValue {
        MultiValue(VecDeque::new())
    }

    /// No values yet, with room for some.
    pub fn with_capacity(capacity: usize) -> MultiValue {
        MultiValue(VecDeque::with_capacity(capacity))
    }

    /// These values.
    ///
    /// ```
    /// use perilune::{MultiValue, Value};
    /// let values = MultiValue::from_vec(vec![Value::Integer(1), Value::Nil]);
    /// assert_eq!(values.into_vec(), [Value::Integer(1), Value::Nil]);
    /// ```
    pub fn from_vec(values: Vec<Value>) -> MultiValue {
        MultiValue(values.into())
    }

    /// The values.
    pub fn into_vec(self) -> Vec<Value> {
        self.0.into()
    }
}

impl From<Vec<Value>> for MultiValue {
    fn from(values: Vec<Value>) -> MultiValue {
        MultiValue::from_vec(values)
    }
}

impl From<MultiValue> for Vec<Value> {
    fn from(values: MultiValue) -> Vec<Value> {
        values.into_vec()
    }
}

impl Deref for MultiValue {
    type Target = VecDeque<Value>;

    fn deref(&self) -> &VecDeque<Value> {
        &self.0
    }
}

impl DerefMut for MultiValue {
    fn deref_mut(&mut self) -> &mut VecDeque<Value> {
        &mut self.0
    }
}

impl FromIterator<Value> for MultiValue {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> MultiValue {
        MultiValue(values.into_iter().collect())
    }
}

impl IntoIterator for MultiValue {
    type Item = Value;
    type IntoIter = std::collections::vec_deque::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a MultiValue {
    type Item = &'a Value;
    type IntoIter = std::collections::vec_deque::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Any number of values of one type; the last parameter or result of a function.
///
/// ```
/// use perilune::Variadic;
/// let lua = perilune::Lua::new();
/// let join = lua.create_function(|_, (by, words): (String, Variadic<String>)| Ok(words.join(&by)))?;
/// assert_eq!(join.call::<String>(("-", "a", "b", "c"))?, "a-b-c");
/// let mut words = Variadic::with_capacity(1);
/// words.push("a".to_owned());
/// assert_eq!(join.call::<String>(("-", words))?, "a");
/// assert_eq!(join.call::<String>(("-", Variadic::<i64>::new()))?, "");
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Variadic<T>(Vec<T>);

impl<T> Variadic<T> {
    /// No values.
    pub const fn new() -> Variadic<T> {
        Variadic(Vec::new())
    }

    /// No values yet, with room for some.
    pub fn with_capacity(capacity: usize) -> Variadic<T> {
        Variadic(Vec::with_capacity(capacity))
    }
}

impl<T> Default for Variadic<T> {
    fn default() -> Variadic<T> {
        Variadic::new()
    }
}

impl<T> From<Vec<T>> for Variadic<T> {
    fn from(values: Vec<T>) -> Variadic<T> {
        Variadic(values)
    }
}

impl<T> From<Variadic<T>> for Vec<T> {
    fn from(values: Variadic<T>) -> Vec<T> {
        values.0
    }
}

impl<T> FromIterator<T> for Variadic<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Variadic<T> {
        Variadic(values.into_iter().collect())
    }
}

impl<T> IntoIterator for Variadic<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T> Deref for Variadic<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for Variadic<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

/// What can become any number of Lua values: arguments of a call, results of a callback.
///
/// ```
/// use perilune::{IntoLuaMulti, Lua, MultiValue, Result};
/// struct Size { width: u32, height: u32 }
/// impl IntoLuaMulti for Size {
///     fn into_lua_multi(self, lua: &Lua) -> Result<MultiValue> {
///         (self.width, self.height).into_lua_multi(lua)
///     }
/// }
/// let lua = Lua::new();
/// let size = lua.create_function(|_, ()| Ok(Size { width: 3, height: 4 }))?;
/// lua.globals().set("size", size)?;
/// assert_eq!(lua.load("local w, h = size() return w * h").eval::<i64>()?, 12);
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait IntoLuaMulti: Sized {
    /// Converts.
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    fn into_lua_multi(self, lua: &Lua) -> Result<MultiValue>;

    /// Converts, and pushes the values.
    ///
    /// # Errors
    /// As [`IntoLuaMulti::into_lua_multi`].
    #[doc(hidden)]
    #[inline]
    fn push_into_stack_multi(self, stack: &mut Stack<'_>) -> Result<()> {
        stack.publish();
        let values = self.into_lua_multi(stack.lua())?;
        values.iter().try_for_each(|value| stack.push_value(value))
    }
}

/// What can be made of any number of Lua values: arguments of a callback, results of a call. Values
/// that are too many are dropped; those that are missing are nil.
///
/// ```
/// use perilune::{FromLuaMulti, Lua, MultiValue, Result};
/// struct Sum(i64);
/// impl FromLuaMulti for Sum {
///     fn from_lua_multi(values: MultiValue, lua: &Lua) -> Result<Sum> {
///         values.into_iter().map(|value| lua.unpack::<i64>(value)).sum::<Result<i64>>().map(Sum)
///     }
/// }
/// assert_eq!(Lua::new().load("1, 2, 3").eval::<Sum>()?.0, 6);
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait FromLuaMulti: Sized {
    /// Converts.
    ///
    /// # Errors
    /// A value is of the wrong type.
    fn from_lua_multi(values: MultiValue, lua: &Lua) -> Result<Self>;

    /// Converts the arguments of a callback.
    ///
    /// # Errors
    /// [`Error::BadArgument`] with the number of the argument that is of the wrong type.
    #[doc(hidden)]
    fn from_lua_args(
        values: MultiValue,
        first: usize,
        to: Option<&str>,
        lua: &Lua,
    ) -> Result<Self> {
        let _ = (first, to);
        Self::from_lua_multi(values, lua)
    }

    /// Converts what is in slots.
    ///
    /// # Errors
    /// As [`FromLuaMulti::from_lua_multi`].
    #[doc(hidden)]
    #[inline]
    fn from_slots(slots: Slots<'_>) -> Result<Self> {
        Self::from_lua_multi(slots.values().collect(), slots.lua())
    }

    /// Converts the arguments of a callback, which are in slots.
    ///
    /// # Errors
    /// As [`FromLuaMulti::from_lua_args`].
    #[doc(hidden)]
    #[inline]
    fn from_slots_args(slots: Slots<'_>, first: usize, to: Option<&str>) -> Result<Self> {
        Self::from_lua_args(slots.values().collect(), first, to, slots.lua())
    }
}

impl<T: IntoLua> IntoLuaMulti for T {
    fn into_lua_multi(self, lua: &Lua) -> Result<MultiValue> {
        Ok(MultiValue([self.into_lua(lua)?].into()))
    }

    #[inline]
    fn push_into_stack_multi(self, stack: &mut Stack<'_>) -> Result<()> {
        self.push_into_stack(stack)
    }
}

impl<T: FromLua> FromLuaMulti for T {
    fn from_lua_multi(mut values: MultiValue, lua: &Lua) -> Result<T> {
        T::from_lua(values.pop_front().unwrap_or(Value::Nil), lua)
    }

    fn from_lua_args(
        mut values: MultiValue,
        first: usize,
        to: Option<&str>,
        lua: &Lua,
    ) -> Result<T> {
        T::from_lua_arg(values.pop_front().unwrap_or(Value::Nil), first, to, lua)
    }

    #[inline]
    fn from_slots(slots: Slots<'_>) -> Result<T> {
        T::from_slot(slots.get(0))
    }

    #[inline]
    fn from_slots_args(slots: Slots<'_>, first: usize, to: Option<&str>) -> Result<T> {
        T::from_slot_arg(slots.get(0), first, to)
    }
}

impl IntoLuaMulti for MultiValue {
    fn into_lua_multi(self, _: &Lua) -> Result<MultiValue> {
        Ok(self)
    }
}

impl IntoLuaMulti for &MultiValue {
    fn into_lua_multi(self, _: &Lua) -> Result<MultiValue> {
        Ok(self.clone())
    }
}

impl FromLuaMulti for MultiValue {
    fn from_lua_multi(values: MultiValue, _: &Lua) -> Result<MultiValue> {
        Ok(values)
    }
}

impl<T: IntoLua> IntoLuaMulti for Variadic<T> {
    fn into_lua_multi(self, lua: &Lua) -> Result<MultiValue> {
        self.0.into_iter().map(|v| v.into_lua(lua)).collect()
    }

    #[inline]
    fn push_into_stack_multi(self, stack: &mut Stack<'_>) -> Result<()> {
        self.0
            .into_iter()
            .try_for_each(|value| value.push_into_stack(stack))
    }
}

impl<T: FromLua> FromLuaMulti for Variadic<T> {
    fn from_lua_multi(values: MultiValue, lua: &Lua) -> Result<Variadic<T>> {
        values.into_iter().map(|v| T::from_lua(v, lua)).collect()
    }

    #[inline]
    fn from_slots(slots: Slots<'_>) -> Result<Variadic<T>> {
        (0..slots.len())
            .map(|n| T::from_slot(slots.get(n)))
            .collect()
    }
}

/// `Ok` as its values; an error as nil and its message.
impl<T: IntoLuaMulti, E: IntoLuaMulti> IntoLuaMulti for std::result::Result<T, E> {
    fn into_lua_multi(self, lua: &Lua) -> Result<MultiValue> {
        match self {
            Ok(values) => values.into_lua_multi(lua),
            Err(error) => {
                let mut values = error.into_lua_multi(lua)?;
                values.push_front(Value::Nil);
                Ok(values)
            }
        }
    }

    #[inline]
    fn push_into_stack_multi(self, stack: &mut Stack<'_>) -> Result<()> {
        match self {
            Ok(values) => values.push_into_stack_multi(stack),
            Err(error) => {
                stack.push_value(&Value::Nil)?;
                error.push_into_stack_multi(stack)
            }
        }
    }
}

impl FromIterator<MultiValue> for MultiValue {
    fn from_iter<I: IntoIterator<Item = MultiValue>>(lists: I) -> MultiValue {
        lists.into_iter().flatten().collect()
    }
}

impl IntoLuaMulti for () {
    fn into_lua_multi(self, _: &Lua) -> Result<MultiValue> {
        Ok(MultiValue::new())
    }

    #[inline]
    fn push_into_stack_multi(self, _: &mut Stack<'_>) -> Result<()> {
        Ok(())
    }
}

impl FromLuaMulti for () {
    fn from_lua_multi(_: MultiValue, _: &Lua) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn from_slots(_: Slots<'_>) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn from_slots_args(_: Slots<'_>, _: usize, _: Option<&str>) -> Result<()> {
        Ok(())
    }
}

/// Tuples: all but the last are single values; the last takes the rest.
macro_rules! tuples {
    ($($($head:ident)* => $last:ident;)*) => {$(
        impl<$($head: IntoLua,)* $last: IntoLuaMulti> IntoLuaMulti for ($($head,)* $last,) {
            #[allow(non_snake_case)]
            fn into_lua_multi(self, lua: &Lua) -> Result<MultiValue> {
                let ($($head,)* $last,) = self;
                let head: VecDeque<Value> = [$($head.into_lua(lua)?,)*].into();
                let mut values = MultiValue(head);
                values.extend($last.into_lua_multi(lua)?);
                Ok(values)
            }

            #[allow(non_snake_case)]
            #[inline]
            fn push_into_stack_multi(self, stack: &mut Stack<'_>) -> Result<()> {
                let ($($head,)* $last,) = self;
                $($head.push_into_stack(stack)?;)*
                $last.push_into_stack_multi(stack)
            }
        }

        impl<$($head: FromLua,)* $last: FromLuaMulti> FromLuaMulti for ($($head,)* $last,) {
            #[allow(non_snake_case, unused_mut)]
            fn from_lua_multi(mut values: MultiValue, lua: &Lua) -> Result<Self> {
                $(let $head = $head::from_lua(values.pop_front().unwrap_or(Value::Nil), lua)?;)*
                Ok(($($head,)* $last::from_lua_multi(values, lua)?,))
            }

            #[allow(non_snake_case, unused_mut, unused_assignments)]
            fn from_lua_args(
                mut values: MultiValue,
                first: usize,
                to: Option<&str>,
                lua: &Lua,
            ) -> Result<Self> {
                let mut pos = first;
                $(
                    let value = values.pop_front().unwrap_or(Value::Nil);
                    let $head = $head::from_lua_arg(value, pos, to, lua)?;
                    pos += 1;
                )*
                Ok(($($head,)* $last::from_lua_args(values, pos, to, lua)?,))
            }

            #[allow(non_snake_case, unused_mut, unused_assignments)]
            #[inline]
            fn from_slots(slots: Slots<'_>) -> Result<Self> {
                let mut index = 0;
                $(
                    let $head = $head::from_slot(slots.get(index))?;
                    index += 1;
                )*
                Ok(($($head,)* $last::from_slots(slots.from(index))?,))
            }

            #[allow(non_snake_case, unused_mut, unused_assignments)]
            #[inline(always)]
            fn from_slots_args(slots: Slots<'_>, first: usize, to: Option<&str>) -> Result<Self> {
                let mut index = 0;
                $(
                    let $head = $head::from_slot_arg(slots.get(index), first + index, to)?;
                    index += 1;
                )*
                Ok(($($head,)* $last::from_slots_args(slots.from(index), first + index, to)?,))
            }
        }
    )*};
}
tuples! {
    => A;
    A => B;
    A B => C;
    A B C => D;
    A B C D => E;
    A B C D E => F;
    A B C D E F => G;
    A B C D E F G => H;
    A B C D E F G H => I;
    A B C D E F G H I => J;
    A B C D E F G H I J => K;
    A B C D E F G H I J K => L;
    A B C D E F G H I J K L => M;
    A B C D E F G H I J K L M => N;
    A B C D E F G H I J K L M N => O;
    A B C D E F G H I J K L M N O => P;
}
