//! A line for `authorized_keys`.

use std::time::SystemTime;

use jiff::tz::TimeZone;

use super::super::super::authorized_keys::{FromList, Meaning, parse_line, rfc3339, written};
use super::super::super::{OptionFault, Place, WhyRefused};
use super::super::{EditError, check_comment};
use crate::key::PublicKey;
use crate::key::shown::shown_whole;

/// A line for `authorized_keys`: a key, and what it is admitted for.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    pub(super) key: &'a PublicKey,
    comment: &'a str,
    from: Option<&'a str>,
    expires: Option<SystemTime>,
    cert_authority: bool,
    principals: Option<&'a str>,
}

impl<'a> NewKey<'a> {
    /// A key that is to be admitted.
    #[must_use]
    pub fn new(key: &'a PublicKey) -> Self {
        Self {
            key,
            comment: "",
            from: None,
            expires: None,
            cert_authority: false,
            principals: None,
        }
    }

    /// A comment behind the key. Default: none.
    #[must_use]
    pub fn comment(mut self, comment: &'a str) -> Self {
        self.comment = comment;
        self
    }

    /// Where the client must come from: `192.0.2.7`, `10.0.0.0/8`, `192.0.2.*`, several of them
    /// separated by commas, `!` before what is excluded. Default: anywhere.
    #[must_use]
    pub fn from(mut self, list: &'a str) -> Self {
        self.from = Some(list);
        self
    }

    /// The last second in which the line counts. Default: it counts for ever.
    #[must_use]
    pub fn expires(mut self, last: SystemTime) -> Self {
        self.expires = Some(last);
        self
    }

    /// The key is that of a certificate authority, and is not admitted itself. Certificates are not
    /// in this version, so the line admits nobody yet.
    #[must_use]
    pub fn cert_authority(mut self) -> Self {
        self.cert_authority = true;
        self
    }

    /// The logins, separated by commas, that the certificates of this authority may name. Default:
    /// as OpenSSH decides without the option.
    #[must_use]
    pub fn principals(mut self, logins: &'a str) -> Self {
        self.principals = Some(logins);
        self
    }

    /// The line without its end, and what it reads back as.
    pub(super) fn line(&self) -> Result<(String, Meaning), EditError> {
        let comment = check_comment(self.comment)?;
        let options = self.options()?.join(",");
        let parts = [&options, &self.key.to_string(), comment];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let text = parts.join(" ");
        let read = parse_line(Place::new(&"".into(), 1), text.as_bytes(), &TimeZone::UTC);
        let read = read.ok().flatten().filter(|(key, line)| {
            key == self.key
                && line.comment == comment.trim_end()
                && self.is_meant(&line.permissions)
        });
        match read {
            Some((_, line)) => Ok((text, line.permissions)),
            None => Err(EditError::Unreadable { text: self.key.to_string() }),
        }
    }

    fn options(&self) -> Result<Vec<String>, EditError> {
        let mut options = Vec::new();
        if self.cert_authority {
            options.push("cert-authority".to_owned());
        }
        if let Some(logins) = self.principals {
            if !self.cert_authority {
                let reason = OptionFault::PrincipalsAlone.to_string();
                return Err(refused("principals", logins, reason));
            }
            if logins.split(',').any(str::is_empty) {
                // OpenSSH stops reading at it
                return Err(refused("principals", logins, "a name in it is empty"));
            }
            options.push(quoted("principals", logins)?);
        }
        if let Some(list) = self.from {
            FromList::parse(list).map_err(|fault| refused("from", list, fault.to_string()))?;
            options.push(quoted("from", list)?);
        }
        if let Some(last) = self.expires {
            let text = written(last).ok_or_else(|| {
                let reason = "it lies outside of the years 1970 to 9999";
                refused("expiry-time", &rfc3339(last), reason)
            })?;
            options.push(quoted("expiry-time", &text)?);
        }
        Ok(options)
    }

    fn is_meant(&self, read: &Meaning) -> bool {
        let (permissions, principals) = match read {
            Ok(permissions) if !self.cert_authority => (permissions, None),
            Err(WhyRefused::CertAuthority { principals, permissions }) if self.cert_authority => {
                (permissions, principals.as_deref())
            }
            _ => return false,
        };
        principals == self.principals
            && permissions.from() == self.from
            && permissions.expires().and_then(written) == self.expires.and_then(written)
            && permissions.has_no_others()
    }
}

fn refused(name: &'static str, value: &str, reason: impl Into<String>) -> EditError {
    EditError::Option { name, value: value.to_owned(), reason: reason.into() }
}

/// `name="value"`, for values that need no escapes; no address, login or time does.
fn quoted(name: &'static str, value: &str) -> Result<String, EditError> {
    let reason = if value.contains(['"', '\\']) {
        "it holds a quote or a backslash"
    } else if value.contains(char::is_whitespace) {
        "it holds a blank, which would be part of what is compared"
    } else if shown_whole(value) != value {
        "it holds a character that shows as nothing, turns the direction of text or drives a terminal"
    } else {
        return Ok(format!("{name}=\"{value}\""));
    };
    Err(refused(name, value, reason))
}

#[cfg(test)]
mod tests;
