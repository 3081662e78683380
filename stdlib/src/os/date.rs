//! `os.date`: C99's `strftime` in the "C" locale.

use crate::support::c_string;
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Call, Local, NativeResult};
use perilune_runtime::sys::{self, BrokenTime};
use std::io::Write;

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The conversion specifiers.
const PLAIN: &[u8] = b"aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
/// What may follow the modifier `E`; it changes nothing in the "C" locale.
const WITH_E: &[u8] = b"cCxXyY";
/// What may follow the modifier `O`; it changes nothing in the "C" locale.
const WITH_O: &[u8] = b"deHImMSuUVwWy";

/// The specifier that `text` (what follows a `%`) begins with, and what comes after it.
fn specifier(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'E', byte, rest @ ..] if WITH_E.contains(byte) => Some((*byte, rest)),
        [b'O', byte, rest @ ..] if WITH_O.contains(byte) => Some((*byte, rest)),
        [byte, rest @ ..] if PLAIN.contains(byte) => Some((*byte, rest)),
        _ => None,
    }
}

/// Appends `time` in the given format, or gives what followed the `%` of an invalid specifier.
fn format<'f>(out: &mut Vec<u8>, mut format: &'f [u8], time: &BrokenTime) -> Result<(), &'f [u8]> {
    while let Some(percent) = format.iter().position(|&byte| byte == b'%') {
        out.extend_from_slice(&format[..percent]);
        let text = &format[percent + 1..];
        let (byte, rest) = specifier(text).ok_or(text)?;
        convert(out, byte, time);
        format = rest;
    }
    out.extend_from_slice(format);
    Ok(())
}

/// The day of the week as ISO 8601 counts it: Monday is 1, Sunday 7.
fn iso_week_day(time: &BrokenTime) -> i32 {
    (time.week_day + 6).rem_euclid(7) + 1
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The year and week of ISO 8601: weeks begin on Monday, and the first one is that with the
/// year's first Thursday.
fn iso_week(time: &BrokenTime) -> (i64, i32) {
    let year = i64::from(time.year) + 1900;
    // The Thursday of this week decides to which year the week belongs.
    let thursday = time.year_day + 4 - iso_week_day(time);
    let year_length = |year| if is_leap(year) { 366 } else { 365 };
    if thursday < 0 {
        (year - 1, (thursday + year_length(year - 1)) / 7 + 1)
    } else if thursday >= year_length(year) {
        (year + 1, 1)
    } else {
        (year, thursday / 7 + 1)
    }
}

/// Appends what a specifier stands for.
fn convert(out: &mut Vec<u8>, specifier: u8, time: &BrokenTime) {
    let nested = |out: &mut Vec<u8>, text: &str| {
        // These formats are valid.
        let _ = format(out, text.as_bytes(), time);
    };
    let name = |names: &'static [&'static str], index: i32| {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        names.get(index).copied().unwrap_or("?")
    };
    let short = |name: &'static str| &name[..name.len().min(3)];
    let year = i64::from(time.year) + 1900;
    let hour12 = (time.hour + 11).rem_euclid(12) + 1;
    let text = match specifier {
        b'a' => short(name(&DAYS, time.week_day)).to_string(),
        b'A' => name(&DAYS, time.week_day).to_string(),
        b'b' | b'h' => short(name(&MONTHS, time.month)).to_string(),
        b'B' => name(&MONTHS, time.month).to_string(),
        b'c' => return nested(out, "%a %b %e %H:%M:%S %Y"),
        b'C' => year.div_euclid(100).to_string(),
        b'd' => format!("{:02}", time.day),
        b'D' | b'x' => return nested(out, "%m/%d/%y"),
        b'e' => format!("{:2}", time.day),
        b'F' => return nested(out, "%Y-%m-%d"),
        b'g' => two_digits(iso_week(time).0.rem_euclid(100)),
        b'G' => iso_week(time).0.to_string(),
        b'H' => format!("{:02}", time.hour),
        b'I' => format!("{hour12:02}"),
        b'j' => format!("{:03}", time.year_day + 1),
        b'm' => format!("{:02}", time.month + 1),
        b'M' => format!("{:02}", time.minute),
        b'n' => "\n".to_string(),
        b'p' => if time.hour < 12 { "AM" } else { "PM" }.to_string(),
        b'r' => return nested(out, "%I:%M:%S %p"),
        b'R' => return nested(out, "%H:%M"),
        b'S' => format!("{:02}", time.second),
        b't' => "\t".to_string(),
        b'T' | b'X' => return nested(out, "%H:%M:%S"),
        b'u' => iso_week_day(time).to_string(),
        b'U' => format!("{:02}", (time.year_day + 7 - time.week_day) / 7),
        b'V' => format!("{:02}", iso_week(time).1),
        b'w' => time.week_day.to_string(),
        b'W' => format!("{:02}", (time.year_day + 8 - iso_week_day(time)) / 7),
        b'y' => two_digits(year.rem_euclid(100)),
        b'Y' => year.to_string(),
        b'z' => {
            let sign = if time.offset < 0 { '-' } else { '+' };
            let minutes = time.offset.abs() / 60;
            format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
        }
        b'Z' => time.zone.clone(),
        _ => "%".to_string(),
    };
    // Writing to memory cannot fail.
    let _ = out.write_all(text.as_bytes());
}

fn two_digits(number: i64) -> String {
    format!("{number:02}")
}

/// The time in argument `arg`, or now.
fn time_argument(call: &mut Call<'_>, arg: u32) -> Result<Option<i64>, LuaError> {
    if call.is_none_or_nil(arg) {
        Ok(sys::unix_time())
    } else {
        call.check_integer(arg).map(Some)
    }
}

pub(super) fn os_date(call: &mut Call<'_>) -> NativeResult {
    let text = call.opt_string(1)?.unwrap_or(b"%c");
    let seconds = time_argument(call, 2)?;
    let (text, is_utc) = match text.strip_prefix(b"!") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let time = seconds.and_then(|seconds| {
        if is_utc {
            sys::utc_time(seconds)
        } else {
            sys::local_time(seconds)
        }
    });
    let Some(time) = time else {
        return Err(call.error("date result cannot be represented in this installation"));
    };
    if c_string(text) == b"*t" {
        return date_table(call, &time);
    }
    // `%c` becomes twelve times as long.
    call.check_memory(text.len().saturating_mul(16))?;
    let mut out = Vec::with_capacity(text.len() + 32);
    if let Err(rest) = format(&mut out, text, &time) {
        let mut message = b"invalid conversion specifier '%".to_vec();
        message.extend_from_slice(c_string(rest));
        message.push(b'\'');
        return Err(call.arg_error(1, message));
    }
    let result = call.new_string(&out)?;
    Ok(call.return_one(result))
}

/// Names and values of the fields of a date table; `isdst` is nil if unknown.
pub(super) fn date_fields(time: &BrokenTime) -> [(&'static str, Local<'static>); 9] {
    let integer = |value: i32, delta: i64| Local::integer(i64::from(value) + delta);
    [
        ("year", integer(time.year, 1900)),
        ("month", integer(time.month, 1)),
        ("day", integer(time.day, 0)),
        ("hour", integer(time.hour, 0)),
        ("min", integer(time.minute, 0)),
        ("sec", integer(time.second, 0)),
        ("yday", integer(time.year_day, 1)),
        ("wday", integer(time.week_day, 1)),
        (
            "isdst",
            if time.daylight < 0 {
                Local::NIL
            } else {
                Local::boolean(time.daylight > 0)
            },
        ),
    ]
}

/// Returns the table for the format `*t`.
fn date_table(call: &mut Call<'_>, time: &BrokenTime) -> NativeResult {
    let table = call.new_table(0, 9)?;
    for (name, value) in date_fields(time) {
        if !value.is_nil() {
            call.table_set_str(table, name.as_bytes(), value)?;
        }
    }
    Ok(call.return_one(table))
}

#[cfg(test)]
mod tests;
