//! Times as people and scripts write them.

use std::time::{Duration, SystemTime};

use jiff::SignedDuration;
use jiff::civil::DateTime;

/// The last second that four digits have a year for.
const LAST: u64 = 253_402_300_799;

/// Reads RFC 3339, or Unix seconds.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return rfc3339(text);
    }
    let seconds = text.parse().ok().filter(|&seconds| seconds <= LAST)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Reads a time of RFC 3339, to the second, and nothing that resembles it.
pub(crate) fn rfc3339(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_at_checked("0000-00-00".len())?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked("00:00:00".len())?;
    if shape(date) != "0000-00-00" || shape(clock) != "00:00:00" {
        return None;
    }
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            (zone.len() < fraction.len()).then_some(zone)?
        }
        None => rest,
    };
    let civil: DateTime = format!("{date}T{clock}").parse().ok()?;
    let seconds = civil.duration_since(epoch()).as_secs().checked_sub(ahead(zone)?)?;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

/// The text with `0` for each digit.
fn shape(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

/// How many seconds the clocks of a zone are ahead of UTC.
fn ahead(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let clock = zone.strip_prefix(['+', '-']).filter(|clock| shape(clock) == "00:00")?;
    let (hours, minutes) = clock.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// As [`rfc3339`] reads it, in UTC; in Unix seconds where there is no such text.
pub(crate) fn shown(time: SystemTime) -> String {
    let since = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => SignedDuration::try_from(since).unwrap_or(SignedDuration::MAX),
        Err(before) => SignedDuration::try_from(before.duration())
            .map_or(SignedDuration::MIN, |before| -before),
    };
    let whole = SignedDuration::from_secs(since.as_secs());
    match epoch().checked_add(whole) {
        Ok(civil) => format!("{civil}Z"),
        Err(_) => since.as_secs().to_string(),
    }
}

fn epoch() -> DateTime {
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<i64> {
        parse(text).map(|time| match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap(),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
        })
    }

    #[test]
    fn times_of_both_kinds() {
        for (text, seconds) in [
            ("0", 0),
            ("1893456000", 1_893_456_000),
            ("253402300799", 253_402_300_799),
            ("2030-01-01T00:00:00Z", 1_893_456_000),
            ("2030-01-01t00:00:00z", 1_893_456_000),
            ("2030-01-01 00:00:00Z", 1_893_456_000),
            ("2030-01-01T00:00:00.999999Z", 1_893_456_000),
            ("2030-01-01T02:00:00+02:00", 1_893_456_000),
            ("2029-12-31T14:30:00-09:30", 1_893_456_000),
            ("2030-01-01T00:00:00-00:00", 1_893_456_000),
            ("1969-12-31T23:59:59Z", -1),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(at(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_resembles_a_time_is_none() {
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            "1e9",
            " 1",
            "now",
            "253402300800",
            "99999999999999999999999",
            "20300101Z",
            "2030-01-01",
            "2030-01-01T00:00Z",
            "2030-01-01T00:00:00",
            "2030-01-01T00:00:00+02",
            "2030-01-01T00:00:00+0200",
            "2030-01-01T00:00:00+24:00",
            "2030-01-01T00:00:00.Z",
            "2030-01-01T00:00:00Z ",
            "2030-01-01T00:00:00Z[UTC]",
            "2030-02-30T00:00:00Z",
            "2030-01-01T24:00:00Z",
            "2030-1-1T00:00:00Z",
            "+02030-01-01T00:00:00Z",
            "2030-01-01_00:00:00Z",
            "２０３０-01-01T00:00:00Z",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_shown_in_utc() {
        for text in ["2030-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(shown(parse(text).unwrap()), text);
        }
        let after = SystemTime::UNIX_EPOCH + Duration::from_secs(LAST + 1);
        assert_eq!(shown(after), "253402300800");
    }
}
