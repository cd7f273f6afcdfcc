//! `keytool explain client`.

use std::path::Path;
use std::time::SystemTime;

use handfast::key::{Fingerprint, KeyError, PublicKey, printable};
use handfast::trust::{
    AuthorizedKeys, Decision, LineFault, ListedKey, MAX_FILE, Permissions, Question, SkippedLine,
    StrictModes, TrustErrorKind,
};
use serde_json::{Map, Value, json};

use super::offered::{Offered, PLAIN};
use super::{Explanation, Verdict, revoked};
use crate::cli::ExplainClient;
use crate::error::{Answer, Failure};
use crate::output::talk;
use crate::{paths, time};

pub(crate) fn run(args: &ExplainClient) -> Result<Answer, Failure> {
    let shown = Shown::read(&args.key)?;
    for path in args.user_ca.iter().chain(&args.principals) {
        // They are about certificates alone; a plain key stands and falls without them.
        paths::read_text(path, MAX_FILE)?;
        let name = paths::shown(path);
        talk(format_args!("note: {name} is not honoured: this version knows no certificates"));
    }
    let explanation = explained(args, &shown)?;
    let honours = if args.honours_command { ", honouring command=" } else { "" };
    let asked = [
        ("key", shown.fingerprint().to_string()),
        ("login", format!("{}{honours}", printable(&args.login))),
        ("from", args.from.to_string()),
    ];
    explanation.print(&args.form, &asked)
}

/// What `--key` names.
enum Shown {
    Offered(Box<Offered>),
    /// The fingerprint of a key: it is all that a server's log has of one.
    Fingerprint(Fingerprint),
}

impl Shown {
    fn read(key: &Path) -> Result<Self, Failure> {
        // a file of such a name can be given as `./SHA256:...`
        match key.to_str().filter(|text| text.starts_with("SHA256:")) {
            Some(text) => text
                .parse()
                .map(Self::Fingerprint)
                .map_err(|error: KeyError| Failure::Usage(error.to_string())),
            None => Offered::read(key).map(|offered| Self::Offered(Box::new(offered))),
        }
    }

    fn is_revoked_by(&self, line: &ListedKey) -> bool {
        match self {
            Self::Offered(offered) => offered.listed().is_revoked_by(line),
            Self::Fingerprint(fingerprint) => line.fingerprint() == *fingerprint,
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Offered(offered) => offered.fingerprint(),
            Self::Fingerprint(fingerprint) => *fingerprint,
        }
    }
}

fn explained(args: &ExplainClient, shown: &Shown) -> Result<Explanation, Failure> {
    let (keys, doubt) = match open(&args.authorized_keys)? {
        Opened::Keys(keys) => (keys, None),
        Opened::Unguarded(keys, doubt) => (keys, Some(doubt)),
        Opened::Refused(explanation) => return Ok(explanation),
    };
    for path in &args.revoked {
        if let Some(explanation) = revoked::check(path, |line| shown.is_revoked_by(line))? {
            return Ok(explanation);
        }
    }
    let (key, never) = match shown {
        Shown::Offered(offered) => match &**offered {
            Offered::Key { key, .. } => (Some(key), None),
            Offered::Never { why, .. } => (None, Some(why)),
        },
        Shown::Fingerprint(fingerprint) => (keys.key_of(fingerprint), None),
    };
    let mut explanation = match (never, key) {
        (Some(why), _) => Explanation::new(Verdict::Reject, why).remedy(PLAIN),
        (_, None) => with_broken_lines(decided(&Decision::Unlisted, None, args), &keys)
            .note_empty(std::slice::from_ref(&args.authorized_keys)),
        (_, Some(key)) => {
            let at = args.form.at.unwrap_or_else(SystemTime::now);
            let mut question = Question::new(key, at).from(args.from);
            if args.honours_command {
                question = question.honours_command();
            }
            let decision = keys.decide(&question);
            let explanation = decided(&decision, Some(key), args);
            match decision {
                Decision::Unlisted => with_broken_lines(explanation, &keys)
                    .note_empty(std::slice::from_ref(&args.authorized_keys)),
                _ => explanation,
            }
        }
    };
    if let Some(doubt) = doubt {
        explanation.reason.push_str(&format!("; but servers refuse the file by default: {doubt}"));
    }
    Ok(explanation)
}

/// Names the lines of which one may have been meant to list the key.
fn with_broken_lines(mut explanation: Explanation, keys: &AuthorizedKeys) -> Explanation {
    let skipped = keys.skipped();
    if let Some(line) = skipped.lines().iter().find(|line| is_broken(line)) {
        explanation.reason.push_str(&printable(&format!("; {line}")));
    } else if skipped.total() > skipped.lines().len() {
        let more = format!("; {} lines could not be read", skipped.total());
        explanation.reason.push_str(&more);
    }
    explanation
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

fn decided(decision: &Decision, key: Option<&PublicKey>, args: &ExplainClient) -> Explanation {
    let is_fingerprint = args.key.to_str().is_some_and(|text| text.starts_with("SHA256:"));
    // a fingerprint is not enough to admit a key
    let file = if is_fingerprint { "FILE.pub".to_owned() } else { paths::word(&args.key) };
    match decision {
        Decision::Admitted(entry) => {
            let mut explanation = Explanation::new(Verdict::Accept, decision).at(entry.place());
            explanation.permissions = permissions(entry.permissions(), key);
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
            file,
            paths::word(&args.authorized_keys)
        )),
    }
}

/// What the line hands out, and asks of the application. What is asked of FIDO keys makes no
/// difference to others.
fn permissions(permissions: &Permissions, key: Option<&PublicKey>) -> Value {
    let is_fido = key.is_some_and(|key| key.to_string().starts_with("sk-"));
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
        "touch_required": is_fido && permissions.touch_required(),
        "verify_required": is_fido && permissions.verify_required(),
    })
}
