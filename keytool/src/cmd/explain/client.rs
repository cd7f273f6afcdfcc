//! `keytool explain client`.

use std::path::Path;
use std::time::SystemTime;

use handfast::key::{KeyError, printable};
use handfast::trust::{
    AuthorizedKeys, Decision, LineFault, MAX_FILE, Permissions, Question, SkippedLine, StrictModes,
    TrustErrorKind,
};
use serde_json::{Map, Value, json};

use super::offered::{Offered, PLAIN};
use super::{Explanation, Verdict, revoked};
use crate::cli::ExplainClient;
use crate::error::{Answer, Failure};
use crate::output::talk;
use crate::{paths, time};

pub(crate) fn run(args: &ExplainClient) -> Result<Answer, Failure> {
    let offered = Offered::read(&args.key)?;
    for path in args.user_ca.iter().chain(&args.principals) {
        // They are about certificates alone; a plain key stands and falls without them.
        paths::read_text(path, MAX_FILE)?;
        let name = paths::shown(path);
        talk(format_args!("note: {name} is not honoured: this version knows no certificates"));
    }
    let explanation = explained(args, &offered)?;
    let honours = if args.honours_command { ", honouring command=" } else { "" };
    let asked = [
        ("key", offered.fingerprint().to_string()),
        ("login", format!("{}{honours}", printable(&args.login))),
        ("from", args.from.to_string()),
    ];
    explanation.print(&args.form, &asked)
}

fn explained(args: &ExplainClient, offered: &Offered) -> Result<Explanation, Failure> {
    let (keys, doubt) = match open(&args.authorized_keys)? {
        Opened::Keys(keys) => (keys, None),
        Opened::Unguarded(keys, doubt) => (keys, Some(doubt)),
        Opened::Refused(explanation) => return Ok(explanation),
    };
    for path in &args.revoked {
        if let Some(explanation) = revoked::check(path, offered.listed())? {
            return Ok(explanation);
        }
    }
    let mut explanation = match offered {
        Offered::Key { key, .. } => {
            let at = args.form.at.unwrap_or_else(SystemTime::now);
            let mut question = Question::new(key, at).from(args.from);
            if args.honours_command {
                question = question.honours_command();
            }
            let decision = keys.decide(&question);
            let mut explanation = decided(&decision, args);
            let skipped = keys.skipped();
            if decision == Decision::Unlisted {
                if let Some(line) = skipped.lines().iter().find(|line| is_broken(line)) {
                    explanation.reason.push_str(&printable(&format!("; {line}")));
                } else if skipped.total() > skipped.lines().len() {
                    let more = format!("; {} lines could not be read", skipped.total());
                    explanation.reason.push_str(&more);
                }
            }
            explanation
        }
        Offered::Never { why, .. } => Explanation::new(Verdict::Reject, why).remedy(PLAIN),
    };
    if let Some(doubt) = doubt {
        explanation.reason.push_str(&format!("; but servers refuse the file by default: {doubt}"));
    }
    Ok(explanation)
}

/// Whether a line that was passed over may have been meant to list any key; one of another type is
/// not.
fn is_broken(line: &SkippedLine) -> bool {
    !matches!(line.fault(), LineFault::Key(KeyError::UnsupportedAlgorithm { .. }))
}

/// What became of the file.
enum Opened {
    Keys(AuthorizedKeys),
    /// Others can change the folders above it, and this is why servers do not take it. Which folders
    /// count depends on whose home and current folder it is, so the lines are explained.
    Unguarded(AuthorizedKeys, String),
    /// Others can change it.
    Refused(Explanation),
}

fn open(path: &Path) -> Result<Opened, Failure> {
    let error = match AuthorizedKeys::open(path) {
        Ok(keys) => return Ok(Opened::Keys(keys)),
        Err(error) => error,
    };
    match error.kind() {
        TrustErrorKind::ForeignOwner { .. } | TrustErrorKind::WritableByOthers { .. } => {
            let name = paths::shown(&paths::home(path)?);
            Ok(Opened::Refused(Explanation::new(Verdict::Reject, error).by_file(&name)))
        }
        kind @ (TrustErrorKind::ForeignFolder { .. } | TrustErrorKind::WritableFolder { .. }) => {
            let keys = AuthorizedKeys::open_with(path, &StrictModes::Off)?;
            Ok(Opened::Unguarded(keys, printable(&kind.to_string())))
        }
        _ => Err(error.into()),
    }
}

fn decided(decision: &Decision, args: &ExplainClient) -> Explanation {
    match decision {
        Decision::Admitted(entry) => {
            let mut explanation = Explanation::new(Verdict::Accept, decision).at(entry.place());
            explanation.permissions = permissions(entry.permissions());
            explanation
        }
        Decision::Refused(lines) => {
            let explanation = Explanation::new(Verdict::Reject, decision)
                .remedy("change that line, or take it out and admit the key anew");
            match lines.lines().first() {
                Some(line) => explanation.at(line.place()),
                None => explanation,
            }
        }
        _ => Explanation::new(Verdict::Reject, decision).remedy(format!(
            "if it is to come in: `keytool authorize {} --file {}`",
            paths::word(&args.key),
            paths::word(&args.authorized_keys)
        )),
    }
}

/// What the line hands out, and asks of the application.
fn permissions(permissions: &Permissions) -> Value {
    let environment: Map<_, _> = permissions
        .environment()
        .iter()
        .map(|(name, value)| (name.clone(), printable(value).into()))
        .collect();
    json!({
        "command": permissions.command().map(printable),
        "environment": environment,
        "expires": permissions.expires().map(time::shown),
        "from": permissions.from().map(printable),
        "touch_required": permissions.touch_required(),
        "verify_required": permissions.verify_required(),
    })
}
