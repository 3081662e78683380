//! The civil (proleptic Gregorian) calendar in UTC, as pure arithmetic.
//!
//! Invariant: the fields of [`BrokenTime`] are those of C's `struct tm`, with its ranges of `int`,
//! so a time is representable here exactly when C's 64-bit `time_t` functions can represent it.

/// A time broken into calendar fields, as C's `struct tm`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokenTime {
    /// Seconds after the minute (0 to 60).
    pub second: i32,
    /// Minutes after the hour (0 to 59).
    pub minute: i32,
    /// Hours since midnight (0 to 23).
    pub hour: i32,
    /// Day of the month (1 to 31).
    pub day: i32,
    /// Months since January (0 to 11).
    pub month: i32,
    /// Years since 1900.
    pub year: i32,
    /// Days since Sunday (0 to 6).
    pub week_day: i32,
    /// Days since January 1 (0 to 365).
    pub year_day: i32,
    /// Daylight saving: positive if in effect, 0 if not, negative if unknown.
    pub daylight: i32,
    /// Seconds east of UTC.
    pub offset: i32,
    /// Abbreviation of the time zone.
    pub zone: String,
}

const SECONDS_PER_DAY: i64 = 86_400;

/// Days from 1970-01-01 to the given day; `month` counts from 0, `day` from 1 and may be anything.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is the last.
    let (year, month) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month (from 0) and day (from 1) of the day that is `days` after 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 {
        (year, month + 2, day)
    } else {
        (year + 1, month - 10, day)
    }
}

/// The fields of a time in UTC; `None` if its year does not fit.
pub fn utc_time(seconds: i64) -> Option<BrokenTime> {
    let days = seconds.div_euclid(SECONDS_PER_DAY);
    let rest = seconds.rem_euclid(SECONDS_PER_DAY);
    let (year, month, day) = civil_from_days(days);
    let year_day = days - days_from_civil(year, 0, 1);
    Some(BrokenTime {
        second: (rest % 60) as i32,
        minute: (rest / 60 % 60) as i32,
        hour: (rest / 3600) as i32,
        day: day as i32,
        month: month as i32,
        year: i32::try_from(year - 1900).ok()?,
        week_day: (days + 4).rem_euclid(7) as i32,
        year_day: year_day as i32,
        daylight: 0,
        offset: 0,
        zone: "GMT".to_string(),
    })
}

/// The time that fields taken as UTC denote; they need not be in their ranges.
pub fn utc_seconds(time: &BrokenTime) -> i64 {
    let month = i64::from(time.month);
    let year = i64::from(time.year) + 1900 + month.div_euclid(12);
    let days = days_from_civil(year, month.rem_euclid(12), 1) + i64::from(time.day) - 1;
    days * SECONDS_PER_DAY
        + i64::from(time.hour) * 3600
        + i64::from(time.minute) * 60
        + i64::from(time.second)
}

/// Normalises fields taken as UTC and gives their time; `None` if the year does not fit then.
#[cfg_attr(unix, allow(dead_code))]
pub(super) fn make_utc_time(time: &mut BrokenTime) -> Option<i64> {
    let seconds = utc_seconds(time);
    *time = utc_time(seconds)?;
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(seconds: i64) -> (i32, i32, i32, i32, i32, i32, i32, i32) {
        let time = utc_time(seconds).unwrap();
        (
            time.year + 1900,
            time.month + 1,
            time.day,
            time.hour,
            time.minute,
            time.second,
            time.week_day,
            time.year_day + 1,
        )
    }

    #[test]
    fn known_days() {
        assert_eq!(fields(0), (1970, 1, 1, 0, 0, 0, 4, 1));
        assert_eq!(fields(-1), (1969, 12, 31, 23, 59, 59, 3, 365));
        assert_eq!(fields(951_782_400), (2000, 2, 29, 0, 0, 0, 2, 60));
        assert_eq!(fields(0x7fff_ffff), (2038, 1, 19, 3, 14, 7, 2, 19));
        assert_eq!(fields(4_107_542_399), (2100, 2, 28, 23, 59, 59, 0, 59));
    }

    #[test]
    fn round_trip() {
        for step in -5000..5000_i64 {
            let seconds = step * 86_400 * 97 + step * 1237;
            assert_eq!(utc_seconds(&utc_time(seconds).unwrap()), seconds);
        }
    }

    #[test]
    fn limits() {
        assert!(utc_time(1 << 60).is_none());
        assert!(utc_time(i64::MIN).is_none());
        assert!(utc_time(67_768_036_191_676_799).is_some());
        assert!(utc_time(67_768_036_191_676_800).is_none());
    }

    #[test]
    fn normalising() {
        let mut time = BrokenTime {
            year: 105,
            day: 1,
            hour: 1,
            second: -3602,
            ..BrokenTime::default()
        };
        let seconds = make_utc_time(&mut time).unwrap();
        assert_eq!(fields(seconds), (2004, 12, 31, 23, 59, 58, 5, 366));
        assert_eq!((time.year, time.month, time.day), (104, 11, 31));
    }
}
