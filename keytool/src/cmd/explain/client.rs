//! `keytool explain client`.

use std::path::Path;

use handfast::key::printable;
use handfast::trust::{AuthorizedKeys, Decision, MAX_FILE, TrustErrorKind};

use super::offered::{Offered, PLAIN};
use super::{Explanation, Verdict, revoked};
use crate::cli::ExplainClient;
use crate::error::{Answer, Failure};
use crate::output::talk;
use crate::paths;

pub(crate) fn run(args: &ExplainClient) -> Result<Answer, Failure> {
    let offered = Offered::read(&args.key)?;
    for path in args.user_ca.iter().chain(&args.principals) {
        // They are about certificates alone; a plain key stands and falls without them.
        paths::read(path, MAX_FILE)?;
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
    let keys = match AuthorizedKeys::open(&args.authorized_keys) {
        Ok(keys) => keys,
        // Servers admit nobody by it.
        Err(error) if unsafe_file(error.kind()) => {
            return Ok(Explanation::new(Verdict::Reject, error));
        }
        Err(error) => return Err(error.into()),
    };
    for path in &args.revoked {
        if let Some(explanation) = revoked::check(path, &offered.fingerprint())? {
            return Ok(explanation);
        }
    }
    Ok(match offered {
        Offered::Key(key) => decided(&keys.find(key), &args.key),
        Offered::Never { why, .. } => Explanation::new(Verdict::Reject, why).remedy(PLAIN),
    })
}

fn unsafe_file(kind: &TrustErrorKind) -> bool {
    matches!(kind, TrustErrorKind::ForeignOwner { .. } | TrustErrorKind::WritableByOthers { .. })
}

fn decided(decision: &Decision, key_file: &Path) -> Explanation {
    match decision {
        Decision::Admitted(entry) => Explanation::new(Verdict::Accept, decision).at(entry.place()),
        Decision::Refused(lines) => {
            let explanation = Explanation::new(Verdict::Reject, decision)
                .remedy("change that line, or take it out and admit the key anew");
            match lines.first() {
                Some(line) => explanation.at(line.place()),
                None => explanation,
            }
        }
        _ => Explanation::new(Verdict::Reject, decision)
            .remedy(format!("if it is to come in: `keytool authorize {}`", paths::shown(key_file))),
    }
}
