//! Points in time and durations as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;

/// A point in time in UTC with milliseconds, as in RFC 3339.
pub(super) fn rfc3339(at: SystemTime) -> String {
    let (seconds, millis) = since_epoch(at);
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    format!(
        "{year:04}-{month:02}-{day:02}T{}.{millis:03}Z",
        of_day(seconds)
    )
}

/// A point in time in UTC with minutes, as people write it, from `seconds` since 1970.
pub(super) fn minute(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let time = of_day(seconds);
    let time = time
        .rsplit_once(':')
        .map_or(&time[..], |(minute, _)| minute);
    format!("{year:04}-{month:02}-{day:02} {time} UTC")
}

/// The time of day in UTC.
pub(super) fn clock(at: SystemTime) -> String {
    format!("{} UTC", of_day(since_epoch(at).0))
}

/// A duration as people say it, in at most two units.
pub(super) fn spoken(duration: Duration) -> String {
    // rounded before the unit is chosen: otherwise 59.96 s would be printed as `60.0 s`
    let tenths = (duration.as_millis() + 50) / 100;
    if tenths < 600 {
        return match tenths % 10 {
            0 => format!("{} s", tenths / 10),
            tenth => format!("{}.{tenth} s", tenths / 10),
        };
    }
    let seconds = (duration.as_millis() + 500) / 1000;
    let (big, small, names) = if seconds < 3600 {
        (seconds / 60, seconds % 60, ("min", "s"))
    } else {
        (seconds / 3600, seconds % 3600 / 60, ("h", "min"))
    };
    match small {
        0 => format!("{big} {}", names.0),
        _ => format!("{big} {} {small} {}", names.0, names.1),
    }
}

fn of_day(seconds: i64) -> String {
    let second = seconds.rem_euclid(DAY);
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The seconds since 1970, rounded down, and the remaining milliseconds.
fn since_epoch(at: SystemTime) -> (i64, u32) {
    match at.duration_since(UNIX_EPOCH) {
        Ok(after) => (
            i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            after.subsec_millis(),
        ),
        Err(error) => {
            let before = error.duration();
            let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            match before.subsec_millis() {
                0 => (-seconds, 0),
                millis => (-seconds - 1, 1000 - millis),
            }
        }
    }
}

/// The year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
///
/// A year starts in March here. The leap day is then the last day of the year, and one linear formula gives the
/// lengths of all months before it.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_IN_ERA: i64 = 146_097; // 400 years
    let from_march_of_year_0 = days + 719_468;
    let era = from_march_of_year_0.div_euclid(DAYS_IN_ERA);
    let day_of_era = from_march_of_year_0.rem_euclid(DAYS_IN_ERA);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / (DAYS_IN_ERA - 1);
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (68_169_600, "1972-02-29T00:00:00.000Z"),
            (68_256_000, "1972-03-01T00:00:00.000Z"),
            (946_684_799, "1999-12-31T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_709_210_096, "2024-02-29T12:34:56.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (1_740_787_200, "2025-03-01T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
        assert_eq!(
            rfc3339(UNIX_EPOCH + Duration::from_micros(1_999_999)),
            "1970-01-01T00:00:01.999Z"
        );
        assert_eq!(
            rfc3339(UNIX_EPOCH - Duration::from_millis(1)),
            "1969-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_day_before() {
        let mut expected = (1600, 1, 1);
        for days in -135_140..157_054 {
            assert_eq!(civil(days), expected);
            let (year, month, day) = expected;
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, day == last) {
                (_, false) => (year, month, day + 1),
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
            };
        }
        assert_eq!(expected, (2400, 1, 1));
    }

    #[test]
    fn durations_are_written_in_two_units() {
        for (millis, text) in [
            (0, "0 s"),
            (3_449, "3.4 s"),
            (59_949, "59.9 s"),
            (59_950, "1 min"),
            (125_000, "2 min 5 s"),
            (3_599_000, "59 min 59 s"),
            (3_600_000, "1 h"),
            (7_980_000, "2 h 13 min"),
        ] {
            assert_eq!(spoken(Duration::from_millis(millis)), text);
        }
    }
}
