//! authorized_keys: options, times, addresses, lookups, and how lines are taken apart.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use handfast::key::PublicKey;
use handfast::trust::{AuthorizedKeys, Decision, Permissions, Question, WhyRefused, list_keys};
use serde_json::{Value, json};

use crate::openssh_cases::cases::{Case, Difference, hold};

/// Some key, for cases that are about options alone.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+L/ARBo2kas2Q4F8yLuvvHXbbUaHC67/7JZJV7b0C4";

fn decide(file: &[u8], key: &PublicKey, from: Option<IpAddr>) -> Decision {
    let mut question = Question::new(key, SystemTime::now()).honours_command();
    if let Some(from) = from {
        question = question.from(from);
    }
    AuthorizedKeys::parse("authorized_keys", file).unwrap().decide(&question)
}

/// What a line with these options decides for somebody from an address.
fn decide_options(options: &str, from: IpAddr) -> Decision {
    decide(format!("{options} {KEY}").as_bytes(), &KEY.parse().unwrap(), Some(from))
}

/// Whether options can be read, and what they say. The flags of `restrict` and its like have no
/// effect here, so there is nothing to compare for them.
#[test]
#[ignore = "needs OPENSSH_CASES"]
fn options() {
    const COMMA: &str = "OpenSSH's function refuses it at the end of a text, which no line of a \
                         file is: a key follows, and OpenSSH takes that line, too";
    const FORWARDING: &str = "nothing is forwarded, so an option that restricts it makes the line \
                              match nothing";
    const PRINCIPALS: &str = "OpenSSH reads the option, and refuses the line later unless it has \
                              cert-authority";
    const DIFFERENCES: &[Difference] = &[
        ("openssh.authopt.parse004", "ok", COMMA),
        ("openssh.authopt.parse005", "ok", COMMA),
        ("openssh.authopt.parse009", "fail", FORWARDING),
        ("openssh.authopt.parse010", "fail", FORWARDING),
        ("openssh.authopt.parse037", "fail", PRINCIPALS),
        ("openssh.authopt.parse038", "fail", PRINCIPALS),
        ("openssh.authopt.parse048", "fail", FORWARDING),
        ("openssh.authopt.parse049", "fail", FORWARDING),
    ];
    hold(&["ak.opts"], DIFFERENCES, |case| {
        let decision = decide_options(case.text("opts"), [127, 0, 0, 1].into());
        let read = read_options(&decision);
        let seen = if read.is_some() { "ok" } else { "fail" };
        if case.expected() != seen {
            return Some(seen.to_owned());
        }
        let (permissions, authority) = read?;
        if case.field("flags")["cert_authority"] != u8::from(authority) {
            return Some(format!("cert-authority: {authority}"));
        }
        different_value(case, permissions)
    });
}

/// What a line permits, and whether its key is that of an authority; `None` if its options were
/// refused.
fn read_options(decision: &Decision) -> Option<(&Permissions, bool)> {
    match decision {
        Decision::Admitted(entry) => Some((entry.permissions(), false)),
        Decision::Refused(lines) => match lines.lines().first()?.why() {
            WhyRefused::CertAuthority { permissions, .. } => Some((permissions, true)),
            _ => None,
        },
        _ => None,
    }
}

/// The first value that is not what the case expects.
fn different_value(case: &Case, permissions: &Permissions) -> Option<String> {
    let variables = permissions.environment().iter();
    let variables: Vec<_> = variables.map(|(name, value)| format!("{name}={value}")).collect();
    let values = case.field("values").as_object();
    values.into_iter().flatten().find_map(|(name, expected)| {
        let seen: Value = match name.as_str() {
            "command" => permissions.command().into(),
            "from" => permissions.from().into(),
            "environment" => json!(variables),
            // there are no terminals here
            "pty" => return None,
            _ => panic!("there is no value {name}"),
        };
        (seen != *expected).then(|| format!("{name}: {seen}"))
    })
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn lookups() {
    hold(&["ak.lookup"], &[], |case| {
        let (listed, _) = list_keys("key", &case.file("key")).unwrap();
        let key = listed[0].public_key().unwrap().clone();
        let decision = decide(&case.file("file"), &key, case.text("ip").parse().ok());
        let seen = if matches!(decision, Decision::Admitted(_)) { "accept" } else { "reject" };
        if case.expected() != seen {
            return Some(decision.to_string());
        }
        let Decision::Admitted(entry) = decision else { return None };
        different_value(case, entry.permissions())
    });
}

/// How lines are taken apart; what Go calls `env` is no option, so nothing is decided. The keys are
/// RSA keys, which are listed and never admitted.
#[test]
#[ignore = "needs OPENSSH_CASES"]
fn lines() {
    hold(&["ak.parse"], &[], |case| {
        let (listed, skipped) = list_keys("authorized_keys", &case.file("file")).unwrap();
        assert!(listed.iter().all(|key| key.public_key().is_none()), "RSA keys are not supported");
        let seen: Vec<_> = listed.iter().map(|key| (key.before(), key.comment())).collect();
        let entries = case.expected().as_array().unwrap();
        let (errors, entries): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| entry.get("error").is_some());
        let same = entries.len() == seen.len()
            && entries.iter().zip(&seen).all(|(entry, (before, comment))| {
                let options = entry["options"].as_array().unwrap().iter();
                let options: Vec<_> = options.map(|option| option.as_str().unwrap()).collect();
                options.join(",") == *before && entry["comment"] == *comment
            })
            && errors.is_empty() == (skipped.total() == 0);
        (!same).then(|| format!("{seen:?}; {skipped}"))
    });
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn times() {
    hold(&["time.parse"], &[], |case| {
        let key = KEY.parse().unwrap();
        let file = format!("expiry-time=\"{}\" {KEY}", case.text("text"));
        let keys = AuthorizedKeys::parse("authorized_keys", file.as_bytes()).unwrap();
        let last = match keys.decide(&Question::new(&key, SystemTime::UNIX_EPOCH)) {
            Decision::Admitted(entry) => entry.permissions().expires(),
            _ => None,
        };
        let since: Option<Duration> =
            last.map(|last| last.duration_since(SystemTime::UNIX_EPOCH).unwrap());
        let same = since.is_some() == (case.expected() == "ok")
            && (case.field("value").is_null()
                || since.is_none_or(|since| *case.field("value") == since.as_secs()));
        (!same).then(|| format!("{since:?}"))
    });
}

/// Lists of addresses, as `from=` has them. A client without an address is in none; a list that
/// cannot be read is a refused line, where OpenSSH tells it from one that excludes.
#[test]
#[ignore = "needs OPENSSH_CASES"]
fn addresses() {
    let kinds = ["addr_match_list", "addr_match_list_bool", "addr_match_list_valid"]
        .map(|of| format!("pattern {of}"));
    hold(&kinds.each_ref().map(String::as_str), &[], |case| {
        let decision = |list: &str| {
            let options = format!("from=\"{list}\" {KEY}");
            let from = case.field("string").as_str().and_then(|from| from.parse().ok());
            decide(options.as_bytes(), &KEY.parse().unwrap(), from)
        };
        let (list, expected) = (case.text("pattern"), case.expected());
        let decided = decision(list);
        let allowed = matches!(decided, Decision::Admitted(_));
        let valid = read_options(&decided).is_some()
            || matches!(&decided, Decision::Refused(lines)
                if matches!(lines.lines()[0].why(), WhyRefused::From { .. }));
        let seen = match case.text("fn") {
            "addr_match_list_bool" => json!(allowed),
            "addr_match_list_valid" => json!(if valid { "valid" } else { "invalid" }),
            _ if !valid => json!(-2),
            _ if allowed => json!(1),
            // with everybody at its end a list lets in whom it does not exclude
            _ => match (case.field("string").as_str(), decision(&format!("{list},*"))) {
                (Some(from), Decision::Refused(_)) if from.parse::<IpAddr>().is_ok() => json!(-1),
                _ => json!(0),
            },
        };
        (seen != *expected).then(|| seen.to_string())
    });
}
