//! Sorting lists of one kind by `<`: in a copy, by the standard library.

use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Call, Local, LocalView, TableRef};
use std::cmp::Ordering;

/// Sorts a list of integers, of floats or of strings by `<`; false if it is none of these.
pub(super) fn sort_uniform<'c>(
    call: &mut Call<'c>,
    list: TableRef<'c>,
    length: u32,
) -> Result<bool, LuaError> {
    match call.table_get_int(list, 1).view() {
        LocalView::Integer(_) => sort_as(
            call,
            list,
            length,
            Local::as_integer,
            Ord::cmp,
            Local::integer,
        ),
        LocalView::Float(_) => {
            // Equal values must be the same value: programs can tell 0.0 and -0.0 apart, and an
            // integer from a float. NaN has no place in an order.
            let read = |value: Local<'c>| match value.view() {
                LocalView::Float(float) if float.is_nan() => None,
                LocalView::Float(float) if float == 0.0 && float.is_sign_negative() => None,
                LocalView::Float(float) => Some(float),
                _ => None,
            };
            sort_as(call, list, length, read, f64::total_cmp, Local::float)
        }
        LocalView::String(_) => sort_as(
            call,
            list,
            length,
            Local::as_string,
            |a, b| a.as_bytes().cmp(b.as_bytes()),
            Local::from,
        ),
        _ => Ok(false),
    }
}

/// Sorts a list of values that `read` all accepts; false if it does not.
fn sort_as<'c, T: Copy>(
    call: &mut Call<'c>,
    list: TableRef<'c>,
    length: u32,
    read: impl Fn(Local<'c>) -> Option<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    write: impl Fn(T) -> Local<'c>,
) -> Result<bool, LuaError> {
    let bytes = (length as usize).saturating_mul(size_of::<T>());
    call.charge(bytes)?;
    let sorted = sort_copy(call, list, length, read, compare, write);
    call.discharge(bytes);
    sorted
}

fn sort_copy<'c, T: Copy>(
    call: &mut Call<'c>,
    list: TableRef<'c>,
    length: u32,
    read: impl Fn(Local<'c>) -> Option<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    write: impl Fn(T) -> Local<'c>,
) -> Result<bool, LuaError> {
    let mut items = Vec::new();
    let room = items.try_reserve_exact(length as usize);
    room.map_err(|_| LuaError::Memory)?;
    for index in 1..=i64::from(length) {
        match read(call.table_get_int(list, index)) {
            Some(item) => items.push(item),
            None => return Ok(false),
        }
    }
    sort_in_pieces(&mut items, &compare, &mut || call.poll())?;
    for (index, item) in (1..).zip(items) {
        call.table_set_int(list, index, write(item))?;
    }
    Ok(true)
}

/// Sorts `items`, polling now and then.
fn sort_in_pieces<T>(
    items: &mut [T],
    compare: &impl Fn(&T, &T) -> Ordering,
    poll: &mut impl FnMut() -> Result<(), LuaError>,
) -> Result<(), LuaError> {
    const PIECE: usize = 1 << 16;
    if items.len() <= PIECE {
        items.sort_unstable_by(compare);
        return Ok(());
    }
    let middle = items.len() / 2;
    items.select_nth_unstable_by(middle, compare);
    poll()?;
    let (lower, upper) = items.split_at_mut(middle);
    sort_in_pieces(lower, compare, poll)?;
    sort_in_pieces(upper, compare, poll)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_sorted() {
        let mut items: Vec<u64> = (0..200_000u64)
            .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20)
            .collect();
        let mut expected = items.clone();
        expected.sort_unstable();
        let mut polls = 0;
        let result = sort_in_pieces(&mut items, &Ord::cmp, &mut || {
            polls += 1;
            Ok(())
        });
        assert!(result.is_ok());
        assert!(items == expected && polls > 1);
    }
}
