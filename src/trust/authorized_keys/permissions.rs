//! What the options of a line mean.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;

use super::super::OptionFault;
use super::expiry::{self, rfc3339};
use super::from::FromList;
use super::options::{Options, RawOption};
use crate::key::shown::shown;

/// As many variables as OpenSSH takes, which refuses whatever `environment=` comes behind them.
const MAX_ENVIRONMENT: usize = 1025;

/// Options of OpenSSH that say how often a key may be used for what it forwards, or what its
/// sessions may be: there are no such things here, so they make no difference. Each has a form with
/// `no-` before it.
const WITHOUT_EFFECT: [&str; 5] =
    ["agent-forwarding", "port-forwarding", "pty", "user-rc", "x11-forwarding"];

/// What an entry of `authorized_keys` asks for and hands out, from its options.
///
/// Written as a list for people: ``only from `10.0.0.0/8`, until 2030-01-01T00:00:00Z``; nothing for
/// an entry without such options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    command: Option<String>,
    environment: Vec<(String, String)>,
    from: Option<FromList>,
    expires: Option<SystemTime>,
    verify_required: bool,
    no_touch_required: bool,
}

impl Permissions {
    /// `command=`: the command that is to be carried out whatever the client asks for. The entry
    /// counts only for an application that has said that it honours this:
    /// [`Question::honours_command`](super::Question::honours_command).
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// `environment=`: names, of letters, digits and `_`, and their values, in the order of the
    /// file; the first for each name. What they are for is the application's affair.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// `from=`: the addresses, networks and patterns that a client must come from, as they stand in
    /// the file.
    pub fn from(&self) -> Option<&str> {
        self.from.as_ref().map(FromList::as_str)
    }

    /// `expiry-time=`: the last second in which the entry counts; the earliest, if there are
    /// several.
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// Whether the entry no longer counts at this time.
    pub fn has_expired(&self, at: SystemTime) -> bool {
        // the second is counted whole, as in OpenSSH
        let end = self.expires.and_then(|last| last.checked_add(Duration::from_secs(1)));
        end.is_some_and(|end| at >= end)
    }

    /// `verify-required`: signatures of a FIDO key must say that the person was verified. It makes
    /// no difference to other keys, and FIDO keys are not in this version.
    pub fn verify_required(&self) -> bool {
        self.verify_required
    }

    /// Unless `no-touch-required`: signatures of a FIDO key must say that it was touched. It makes
    /// no difference to other keys, and FIDO keys are not in this version.
    pub fn touch_required(&self) -> bool {
        !self.no_touch_required
    }

    /// Whether there is nothing but perhaps `from=` and `expiry-time=`.
    pub(in crate::trust) fn has_no_others(&self) -> bool {
        let (from, expires) = (self.from.clone(), self.expires);
        *self == Self { from, expires, ..Self::default() }
    }

    pub(super) fn source_list(&self) -> Option<&FromList> {
        self.from.as_ref()
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |text: &str| shown(text.as_bytes());
        let mut parts = Vec::new();
        parts.extend(self.from().map(|list| format!("only from `{}`", value(list))));
        parts.extend(self.expires.map(|last| format!("until {}", rfc3339(last))));
        parts.extend(self.command().map(|command| format!("for the command `{}`", value(command))));
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            parts.push(format!("with {} in the environment", value(&names.join(", "))));
        }
        if self.verify_required {
            parts.push("verify-required".to_owned());
        }
        if self.no_touch_required {
            parts.push("no-touch-required".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

/// The options of a line that can all be read.
#[derive(Debug, Default)]
pub(super) struct LineOptions {
    pub(super) permissions: Permissions,
    /// The key is that of a certificate authority.
    pub(super) cert_authority: bool,
    /// The logins that its certificates may name.
    pub(super) principals: Option<String>,
}

impl LineOptions {
    /// Reads options as OpenSSH does; `local` is the time zone of times that name none.
    pub(super) fn read(options: &Options, local: &TimeZone) -> Result<Self, OptionFault> {
        let mut read = Self::default();
        for option in options.iter() {
            read.take(option, local)?;
        }
        if read.principals.is_some() && !read.cert_authority {
            return Err(OptionFault::PrincipalsAlone);
        }
        Ok(read)
    }

    fn take(&mut self, option: &RawOption, local: &TimeZone) -> Result<(), OptionFault> {
        let permissions = &mut self.permissions;
        match str::from_utf8(&option.name).unwrap_or_default() {
            "restrict" => option.flag(),
            "cert-authority" => option.flag().map(|()| self.cert_authority = true),
            "verify-required" => option.flag().map(|()| permissions.verify_required = true),
            "no-verify-required" => option.flag().map(|()| permissions.verify_required = false),
            "touch-required" => option.flag().map(|()| permissions.no_touch_required = false),
            "no-touch-required" => option.flag().map(|()| permissions.no_touch_required = true),
            "command" => option.once(&mut permissions.command),
            "principals" => option.once(&mut self.principals),
            "from" => {
                let list = FromList::parse(option.text()?)?;
                permissions.from.replace(list).map_or(Ok(()), |_| Err(option.twice()))
            }
            "expiry-time" => {
                let last = expiry::parse(option.text()?, local)?;
                let earliest = permissions.expires.map_or(last, |other| other.min(last));
                permissions.expires = Some(earliest);
                Ok(())
            }
            "environment" => add_variable(&mut permissions.environment, option.text()?),
            "permitlisten" | "permitopen" | "tunnel" => {
                Err(OptionFault::Forwarding { name: option.shown_name() })
            }
            name if WITHOUT_EFFECT.contains(&name.strip_prefix("no-").unwrap_or(name)) => {
                option.flag()
            }
            _ => Err(OptionFault::Unknown { name: option.shown_name() }),
        }
    }
}

impl RawOption {
    fn shown_name(&self) -> String {
        shown(&self.name)
    }

    fn twice(&self) -> OptionFault {
        OptionFault::Twice { name: self.shown_name() }
    }

    fn flag(&self) -> Result<(), OptionFault> {
        match self.value {
            None => Ok(()),
            Some(_) => Err(OptionFault::NeedlessValue { name: self.shown_name() }),
        }
    }

    fn text(&self) -> Result<&str, OptionFault> {
        let name = || self.shown_name();
        let value = self.value.as_ref().ok_or_else(|| OptionFault::NoValue { name: name() })?;
        str::from_utf8(value).map_err(|_| OptionFault::NotText { name: name() })
    }

    fn once(&self, place: &mut Option<String>) -> Result<(), OptionFault> {
        let text = self.text()?.to_owned();
        place.replace(text).map_or(Ok(()), |_| Err(self.twice()))
    }
}

fn add_variable(environment: &mut Vec<(String, String)>, text: &str) -> Result<(), OptionFault> {
    if environment.len() >= MAX_ENVIRONMENT {
        return Err(OptionFault::EnvironmentTooLarge { max: MAX_ENVIRONMENT });
    }
    let fault = || OptionFault::Environment { value: shown(text.as_bytes()) };
    let (name, value) = text.split_once('=').ok_or_else(fault)?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(fault());
    }
    if environment.iter().any(|(other, _)| other == name) {
        return Ok(());
    }
    environment.push((name.to_owned(), value.to_owned()));
    Ok(())
}

#[cfg(test)]
mod tests;
