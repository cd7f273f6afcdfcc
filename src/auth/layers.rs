//! The authenticators that come with the crate.

use core::fmt;

use ipnet::IpNet;

use super::{Admitted, Attempt, Authenticator, Denied, Password};

/// Admits clients from these networks (`10.0.0.0/8`, `2001:db8::/32`) and addresses (`::1`).
///
/// Refuses before anything is read of the client. It proves nothing of a client, so it belongs in
/// front of a layer that does. Clients without an IP address (Unix sockets) are refused. An IPv4
/// address mapped into IPv6 counts as the IPv4 address.
///
/// # Errors
///
/// A text that is no network and no address, or a network with host bits set.
pub fn ip_allowlist<N: AsRef<str>>(
    networks: impl IntoIterator<Item = N>,
) -> Result<IpAllowlist, InvalidNetwork> {
    let networks =
        networks.into_iter().map(|text| network(text.as_ref())).collect::<Result<_, _>>()?;
    Ok(IpAllowlist { networks })
}

fn network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let invalid = |reason| InvalidNetwork {
        text: text.chars().take(64).flat_map(char::escape_debug).collect(),
        reason,
    };
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let network: IpNet = text
        .parse()
        .map_err(|_| invalid("expected a network like 10.0.0.0/8 or an address like ::1"))?;
    if network.trunc() != network {
        return Err(invalid("bits are set behind its prefix; clear them or use a longer prefix"));
    }
    Ok(network)
}

/// A text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a network: {reason}")]
pub struct InvalidNetwork {
    text: String,
    reason: &'static str,
}

/// See [`ip_allowlist`].
#[derive(Debug, Clone)]
pub struct IpAllowlist {
    networks: Vec<IpNet>,
}

impl Authenticator for IpAllowlist {
    type Credentials = ();

    async fn authenticate(&self, mut attempt: Attempt) -> Result<Admitted<()>, Denied> {
        attempt.account.enter("ip_allowlist");
        match attempt.peer_addr().ip() {
            Some(ip) if self.networks.iter().any(|network| network.contains(&ip)) => {
                attempt.admit(())
            }
            Some(ip) => attempt.deny(format!("{ip} is in none of the allowed networks")),
            None => attempt.deny("the client has no IP address"),
        }
    }
}

/// Admits clients for whose login and password `check` gives credentials.
///
/// `check` gets the login that the client names and the password that it sends; it should take the
/// same time for a login that does not exist.
pub const fn password<F, Fut, C>(check: F) -> PasswordCheck<F>
where
    F: Fn(String, Password) -> Fut + Send + Sync,
    Fut: Future<Output = Option<C>> + Send,
    C: Send,
{
    PasswordCheck { check }
}

/// See [`password`].
#[derive(Clone)]
pub struct PasswordCheck<F> {
    check: F,
}

impl<F> fmt::Debug for PasswordCheck<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordCheck")
    }
}

impl<F, Fut, C> Authenticator for PasswordCheck<F>
where
    F: Fn(String, Password) -> Fut + Send + Sync,
    Fut: Future<Output = Option<C>> + Send,
    C: Send,
{
    type Credentials = C;

    async fn authenticate(&self, mut attempt: Attempt) -> Result<Admitted<C>, Denied> {
        attempt.account.enter("password");
        let login = attempt.login().await;
        let password = attempt.password("Password: ").await;
        let shown = login.escape_debug().to_string();
        match (self.check)(login, password).await {
            Some(credentials) => {
                attempt.vouch_for_login();
                attempt.admit(credentials)
            }
            None => attempt.deny(format!("wrong password for `{shown}`, or no such login")),
        }
    }
}

/// Admits everyone, proved or not: for services that are public, asked for by name.
#[must_use]
pub const fn anonymous() -> Anonymous {
    Anonymous
}

/// See [`anonymous`].
#[derive(Debug, Clone, Copy)]
pub struct Anonymous;

impl Authenticator for Anonymous {
    type Credentials = ();

    async fn authenticate(&self, mut attempt: Attempt) -> Result<Admitted<()>, Denied> {
        attempt.account.enter("anonymous");
        attempt.vouch();
        attempt.admit(())
    }
}

/// Admits no one: what a server does until it is told whom to admit.
#[must_use]
pub const fn nobody() -> Nobody {
    Nobody
}

/// See [`nobody`].
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Authenticator for Nobody {
    type Credentials = core::convert::Infallible;

    async fn authenticate(
        &self,
        mut attempt: Attempt,
    ) -> Result<Admitted<Self::Credentials>, Denied> {
        attempt.account.enter("nobody");
        // as a stack that checks keys would: the client learns nothing from how it is refused
        let _ = attempt.public_key().await;
        attempt.deny("the server admits nobody: it was given no authenticator")
    }
}
