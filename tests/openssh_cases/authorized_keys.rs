//! authorized_keys: options, times, lookups, and how lines are taken apart.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use handfast::key::PublicKey;
use handfast::trust::{AuthorizedKeys, Decision, Question, WhyRefused, list_keys};
use serde_json::Value;

use super::{Kind, Outcome};

/// Some key, for cases that are about options alone.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+L/ARBo2kas2Q4F8yLuvvHXbbUaHC67/7JZJV7b0C4";

const COMMA: &str = "OpenSSH's function refuses it at the end of a text, which no line of a file is: \
                     a key follows, and OpenSSH takes that line, too";
const FORWARDING: &str = "nothing is forwarded, so an option that restricts it makes the line match \
                          nothing";
const PRINCIPALS: &str = "OpenSSH reads the option, and refuses the line later unless it has \
                          cert-authority";

pub(crate) const KINDS: &[Kind] = &[
    (
        "ak.opts",
        options,
        &[
            ("openssh.authopt.parse004", COMMA),
            ("openssh.authopt.parse005", COMMA),
            ("openssh.authopt.parse009", FORWARDING),
            ("openssh.authopt.parse010", FORWARDING),
            ("openssh.authopt.parse037", PRINCIPALS),
            ("openssh.authopt.parse038", PRINCIPALS),
            ("openssh.authopt.parse048", FORWARDING),
            ("openssh.authopt.parse049", FORWARDING),
        ],
    ),
    ("ak.lookup", lookup, &[]),
    ("ak.parse", parse, &[]),
    ("time.parse", time, &[]),
];

fn outcome(expected: &Value, got: &Value) -> Outcome {
    if expected == got {
        return Outcome::Same;
    }
    Outcome::Different(format!("expected {expected}, got {got}"))
}

fn decide(file: &[u8], key: &PublicKey, from: Option<IpAddr>) -> Decision {
    let mut question = Question::new(key, SystemTime::now()).honours_command();
    if let Some(from) = from {
        question = question.from(from);
    }
    AuthorizedKeys::parse("authorized_keys", file).unwrap().decide(&question)
}

/// Whether options can be read, and what they say. The flags of `restrict` and its like have no
/// effect here, so there is nothing to compare for them.
fn options(case: &Value, _: &Path) -> Outcome {
    let text = case["opts"].as_str().unwrap();
    let file = format!("{text} {KEY}");
    let decision = decide(file.as_bytes(), &KEY.parse().unwrap(), Some([127, 0, 0, 1].into()));
    let refused = |decision: &Decision| match decision {
        Decision::Refused(lines) => lines.lines().first().map(|line| line.why().clone()),
        _ => None,
    };
    let (read, permissions, authority) = match (&decision, refused(&decision)) {
        (Decision::Admitted(entry), _) => (true, Some(entry.permissions().clone()), false),
        (_, Some(WhyRefused::CertAuthority { permissions, .. })) => {
            (true, Some((*permissions).clone()), true)
        }
        _ => (false, None, false),
    };
    if read != (case["expect"] == "ok") {
        return Outcome::Different(format!("expected {}, and {decision}", case["expect"]));
    }
    let Some(permissions) = permissions else { return Outcome::Same };
    if case["flags"]["cert_authority"] != u8::from(authority) {
        return Outcome::Different("cert-authority is not as expected".to_owned());
    }
    for (name, expected) in case["values"].as_object().into_iter().flatten() {
        let got = match name.as_str() {
            "command" => permissions.command().into(),
            "from" => permissions.from().into(),
            "environment" => variables(permissions.environment()),
            _ => panic!("there is no value {name}"),
        };
        if let different @ Outcome::Different(_) = outcome(expected, &got) {
            return different;
        }
    }
    Outcome::Same
}

fn variables(environment: &[(String, String)]) -> Value {
    environment.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn lookup(case: &Value, folder: &Path) -> Outcome {
    let path = |field: &str| folder.join(case[field].as_str().unwrap());
    let (listed, _) = list_keys("key", &fs::read(path("key")).unwrap()).unwrap();
    let key = listed[0].public_key().unwrap().clone();
    let from = case["ip"].as_str().unwrap().parse().ok();
    let decision = decide(&fs::read(path("file")).unwrap(), &key, from);
    let verdict = if matches!(decision, Decision::Admitted(_)) { "accept" } else { "reject" };
    if case["expect"] != verdict {
        return Outcome::Different(format!("expected {}, and {decision}", case["expect"]));
    }
    let Decision::Admitted(entry) = decision else { return Outcome::Same };
    let values = &case["values"];
    for (name, got) in [
        ("command", entry.permissions().command().into()),
        ("environment", variables(entry.permissions().environment())),
    ] {
        if let (Some(expected), false) = (values.get(name), values.is_null())
            && let different @ Outcome::Different(_) = outcome(expected, &got)
        {
            return different;
        }
    }
    Outcome::Same
}

/// How lines are taken apart; what Go calls `env` is no option, so nothing is decided. The keys are
/// RSA keys, which are listed and never admitted.
fn parse(case: &Value, folder: &Path) -> Outcome {
    let file = fs::read(folder.join(case["file"].as_str().unwrap())).unwrap();
    let (listed, skipped) = list_keys("authorized_keys", &file).unwrap();
    assert!(listed.iter().all(|key| key.public_key().is_none()), "RSA keys are not supported");
    let expected = case["expect"].as_array().unwrap();
    let (errors, keys): (Vec<_>, Vec<_>) =
        expected.iter().partition(|entry| entry.get("error").is_some());
    let got: Vec<_> = listed.iter().map(|key| (key.before(), key.comment())).collect();
    let wanted: Vec<_> = keys
        .iter()
        .map(|entry| {
            let options: Vec<_> =
                entry["options"].as_array().unwrap().iter().map(|o| o.as_str().unwrap()).collect();
            (options.join(","), entry["comment"].as_str().unwrap())
        })
        .collect();
    let same = wanted.len() == got.len()
        && wanted
            .iter()
            .zip(&got)
            .all(|((options, comment), (before, is))| options == before && comment == is);
    if same && errors.is_empty() == (skipped.total() == 0) {
        return Outcome::Same;
    }
    Outcome::Different(format!(
        "expected {wanted:?} and errors {errors:?}, got {got:?} and {skipped}"
    ))
}

fn time(case: &Value, _: &Path) -> Outcome {
    let file = format!("expiry-time=\"{}\" {KEY}", case["text"].as_str().unwrap());
    let key = KEY.parse().unwrap();
    let keys = AuthorizedKeys::parse("authorized_keys", file.as_bytes()).unwrap();
    let last = match keys.decide(&Question::new(&key, SystemTime::UNIX_EPOCH)) {
        Decision::Admitted(entry) => entry.permissions().expires(),
        _ => None,
    };
    if last.is_some() != (case["expect"] == "ok") {
        return Outcome::Different(format!("expected {}, got {last:?}", case["expect"]));
    }
    match (case.get("value"), last) {
        (Some(value), Some(last)) => {
            let since: Duration = last.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            outcome(value, &since.as_secs().into())
        }
        _ => Outcome::Same,
    }
}
