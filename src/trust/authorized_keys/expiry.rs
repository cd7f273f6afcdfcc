//! `expiry-time=`: until when a line counts.

use std::time::{Duration, SystemTime};

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, fmt};

use super::super::OptionFault;
use crate::key::shown::shown;

/// Reads a time as `expiry-time=` has it: `YYYYMMDD[HHMM[SS]]`, in this system's time zone or, with
/// `Z` or `UTC` behind it, in UTC.
///
/// # Errors
/// [`OptionFault::Expiry`]: another form, a time that there is not, or one before 1970.
pub fn expiry_time(text: &str) -> Result<SystemTime, OptionFault> {
    parse(text, &TimeZone::system())
}

/// Reads `YYYYMMDD[HHMM[SS]][Z|UTC]`; without a suffix the time is that of `local`.
///
/// OpenSSH takes February 30 for a day in March, and a time before 1970 for one that never comes;
/// both are refused here. Where the local clock was put back and shows a time twice, the earlier
/// one counts; and so it does where OpenSSH, which knows no summer time, comes to an earlier one.
pub(super) fn parse(text: &str, local: &TimeZone) -> Result<SystemTime, OptionFault> {
    read(text, local)
        .map_err(|reason| OptionFault::Expiry { value: shown(text.as_bytes()), reason })
}

fn read(text: &str, local: &TimeZone) -> Result<SystemTime, &'static str> {
    const FORM: &str = "not a time of the form YYYYMMDD[HHMM[SS]][Z]";
    let suffix = ["Z", "z"].into_iter().find_map(|z| text.strip_suffix(z));
    let utc = || {
        let (digits, suffix) = text.split_at_checked(text.len().checked_sub(3)?)?;
        suffix.eq_ignore_ascii_case("UTC").then_some(digits)
    };
    let (digits, is_utc) = match suffix.or_else(utc) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 8 | 12 | 14) {
        return Err(FORM);
    }
    let number = |from: usize, to: usize| match digits.get(from..to) {
        Some(digits) => digits.parse::<i16>().map_err(|_| FORM),
        None => Ok(0),
    };
    let pair = |from| number(from, from + 2).map(|n| i8::try_from(n).unwrap_or(i8::MAX));
    let date = Date::new(number(0, 4)?, pair(4)?, pair(6)?);
    let time = Time::new(pair(8)?, pair(10)?, pair(12)?, 0);
    let (Ok(date), Ok(time)) = (date, time) else { return Err("no time that there is") };
    let civil = date.to_datetime(time);
    let mut seconds = civil.duration_since(epoch()).as_secs();
    if !is_utc {
        seconds = seconds.saturating_sub(offset(civil, local));
    }
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds > 0);
    let since_epoch = Duration::from_secs(seconds.ok_or("not after 1970-01-01T00:00:00Z")?);
    SystemTime::UNIX_EPOCH.checked_add(since_epoch).ok_or("later than this system can tell")
}

fn epoch() -> DateTime {
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
}

/// How many seconds the local clock is ahead of UTC; of several answers the greatest, which is the
/// earliest time.
fn offset(civil: DateTime, local: &TimeZone) -> i64 {
    let ambiguous = local.to_ambiguous_timestamp(civil);
    let offset = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
            before.max(after)
        }
    };
    let standard = ambiguous.compatible().ok().and_then(|at| standard_offset(at, local));
    standard.map_or(offset, |standard| standard.max(offset)).seconds().into()
}

/// The offset without what is added or taken in summer, or in winter: OpenSSH reckons with that
/// alone, which matters in Ireland, whose clock is behind its standard time in winter.
fn standard_offset(at: Timestamp, local: &TimeZone) -> Option<Offset> {
    if !local.to_offset_info(at).dst().is_dst() {
        return None;
    }
    let before = local.preceding(at).take(4).find(|change| !change.dst().is_dst());
    before.map(|change| change.offset())
}

/// The time as [`parse`] reads it, to the second, in UTC; `None` if there is no such text.
pub(in crate::trust) fn written(time: SystemTime) -> Option<String> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let since_epoch = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
    let civil = epoch().checked_add(since_epoch).ok().filter(|_| seconds > 0)?;
    Some(format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    ))
}

/// The time as RFC 3339 writes it, to the second, in UTC.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(error) => i64::try_from(error.duration().as_secs()).map_or(i64::MIN, |s| -s),
    };
    let printer = fmt::temporal::DateTimePrinter::new();
    match epoch().checked_add(SignedDuration::from_secs(seconds)) {
        Ok(civil) => format!("{}Z", printer.datetime_to_string(&civil)),
        Err(_) => format!("{seconds} s after 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Result<u64, &'static str> {
        in_zone(text, &TimeZone::UTC)
    }

    fn in_zone(text: &str, zone: &TimeZone) -> Result<u64, &'static str> {
        let time = read(text, zone)?;
        Ok(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn times_to_the_day_the_minute_and_the_second() {
        for (text, expected) in [
            ("20300102", 1_893_542_400),
            ("203001020304", 1_893_553_440),
            ("20300102030405", 1_893_553_445),
            ("20000229", 951_782_400),
            ("19700101000001", 1),
            ("99991231235959", 253_402_300_799),
        ] {
            for suffix in ["", "Z", "z", "UTC", "utc", "Utc"] {
                assert_eq!(utc(&format!("{text}{suffix}")), Ok(expected), "{text}{suffix}");
            }
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let form = Err("not a time of the form YYYYMMDD[HHMM[SS]][Z]");
        for text in [
            "",
            "Z",
            "UTC",
            "2030",
            "2030010",
            "203001021",
            "2030010203",
            "203001020304055",
            "2030-1-2",
            "+2030102",
            " 2030102",
            "20300102 ",
            "20300102ZZ",
            "20300102UTCUTC",
            "20300102U",
            "20300102CET",
            "20300102+1",
            "２０３００１０２",
            "é",
            "aéZ",
        ] {
            assert_eq!(utc(text), form, "{text}");
        }
        for text in [
            "20301301",
            "20300001",
            "20300100",
            "20300132",
            "20300230",
            "20300229",
            "20300431",
            "203001022400",
            "203001020060",
            "20300102000060",
            "20300102000099",
        ] {
            assert_eq!(utc(text), Err("no time that there is"), "{text}");
        }
        for text in ["19700101Z", "19691231Z", "00010101", "00000101"] {
            assert_eq!(utc(text), Err("not after 1970-01-01T00:00:00Z"), "{text}");
        }
    }

    #[test]
    fn without_a_suffix_the_time_is_local() {
        let east = TimeZone::posix("IST-5:30").unwrap();
        assert_eq!(in_zone("20300102", &east), Ok(1_893_542_400 - 19_800));
        assert_eq!(in_zone("20300102Z", &east), Ok(1_893_542_400));
        let west = TimeZone::posix("HST+10").unwrap();
        assert_eq!(in_zone("99991231235959", &west), Ok(253_402_300_799 + 36_000));
        assert!(in_zone("19700101053000", &east).is_err());
        assert_eq!(in_zone("19700101053001", &east), Ok(1));

        let central = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(in_zone("20300701120000", &central), utc("20300701100000"));
        assert_eq!(in_zone("20301201120000", &central), utc("20301201110000"));
        // behind its standard time in winter
        let irish = TimeZone::posix("IST-1GMT0,M10.5.0,M3.5.0/1").unwrap();
        assert_eq!(in_zone("20300701120000", &irish), utc("20300701110000"));
        assert_eq!(in_zone("20301201120000", &irish), utc("20301201110000"));
        // shown twice, and never
        assert_eq!(in_zone("20301027023000", &central), utc("20301027003000"));
        assert_eq!(in_zone("20300331023000", &central), utc("20300331003000"));
    }

    #[test]
    fn a_written_time_is_read_back() {
        for seconds in [1, 951_782_400, 1_893_553_445, 253_402_300_799] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(utc(&written(time).unwrap()), Ok(seconds));
            assert_eq!(written(time + Duration::from_millis(999)), written(time));
        }
        for seconds in [0, 253_402_300_800] {
            assert_eq!(written(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), None);
        }
    }

    #[test]
    fn times_are_shown_in_utc() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(rfc3339(at(0)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(at(1_893_553_445)), "2030-01-02T03:04:05Z");
        assert_eq!(rfc3339(at(253_402_300_799)), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339(at(253_402_300_800)), "253402300800 s after 1970");
    }
}
