//! The files that a user of `ssh` has already.

use std::path::{Path, PathBuf};

use super::Client;
use crate::key::{Identity, KeyError};
use crate::trust::{KeyFileError, KnownHosts, TrustError};

/// Where OpenSSH has them.
const IDENTITY: &str = "~/.ssh/id_ed25519";
const KNOWN_HOSTS: &str = "~/.ssh/known_hosts";
const SYSTEM_KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// Why [`Client::from_user_files`] gave no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserFilesError {
    /// The private key is protected by a passphrase.
    #[error(
        "{}: the private key is protected by a passphrase; read it with \
         Identity::load_with_passphrase and build the client with Client::new, or name a key \
         without one",
        crate::key::printable(&path.to_string_lossy())
    )]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// The private key was refused.
    #[error(transparent)]
    Identity(KeyFileError),
    /// A `known_hosts` file was refused.
    #[error(transparent)]
    KnownHosts(#[from] TrustError),
}

impl<M> Client<M> {
    /// A client with what a user of `ssh` has already: the key `~/.ssh/id_ed25519` and the hosts of
    /// `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`. Strict: other hosts are refused. Reads
    /// from disk, so call it where blocking is allowed.
    ///
    /// A file that does not exist is passed over, as by `ssh`: without a key the client proves
    /// nothing (which most servers refuse; a line is logged), and without a `known_hosts` it knows
    /// no host.
    ///
    /// # Errors
    ///
    /// A file exists and is refused; see [`UserFilesError`].
    pub fn from_user_files() -> Result<Self, UserFilesError> {
        Self::from_files(Path::new(IDENTITY), &[KNOWN_HOSTS, SYSTEM_KNOWN_HOSTS].map(Path::new))
    }

    fn from_files(identity: &Path, known_hosts: &[&Path]) -> Result<Self, UserFilesError> {
        let client = Self::new().known_hosts(KnownHosts::open_existing(known_hosts)?);
        match Identity::load(identity) {
            Ok(identity) => Ok(client.identity(identity)),
            Err(KeyFileError::NotFound { path }) => {
                let path = crate::key::printable(&path.to_string_lossy());
                tracing::warn!(path, "there is no such private key; the client proves none");
                Ok(client)
            }
            Err(KeyFileError::Key { path, problem: KeyError::PassphraseNeeded }) => {
                Err(UserFilesError::Passphrase { path })
            }
            Err(error) => Err(UserFilesError::Identity(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::runtime::Tokio;
    use crate::trust::{Host, HostKeyError, TrustErrorKind, Trusted};

    struct Home {
        folder: tempfile::TempDir,
    }

    impl Home {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn client(&self) -> Result<Client<Tokio>, UserFilesError> {
            let known = ["known_hosts", "ssh_known_hosts"].map(|name| self.path(name));
            Client::from_files(&self.path("id_ed25519"), &known.each_ref().map(PathBuf::as_path))
        }
    }

    #[test]
    fn what_is_not_there_is_passed_over() {
        let client = Home::new().client().unwrap();
        assert!(client.identity.is_none());
        let host = Host::new("rpc.example.org", 7000).unwrap();
        let key = Identity::generate().unwrap();
        let refused = client.verifier.verify(&host, key.public_key()).unwrap_err();
        assert!(matches!(refused, HostKeyError::Unknown { .. }), "{refused}");
    }

    #[test]
    fn all_three_files_count() {
        let home = Home::new();
        let [own, a, b] = [(); 3].map(|()| Identity::generate().unwrap());
        own.save(home.path("id_ed25519"), None).unwrap();
        fs::write(home.path("known_hosts"), format!("a {}\n", a.public_key())).unwrap();
        fs::write(home.path("ssh_known_hosts"), format!("b {}\n", b.public_key())).unwrap();
        let client = home.client().unwrap();
        assert_eq!(client.identity.unwrap().public_key(), own.public_key());
        for (name, key) in [("a", &a), ("b", &b)] {
            let host = Host::new(name, 22).unwrap();
            assert_eq!(client.verifier.verify(&host, key.public_key()), Ok(Trusted::Known));
        }
    }

    #[test]
    fn a_file_that_is_refused_is_an_error() {
        let home = Home::new();
        fs::write(home.path("known_hosts"), "@Revoked a ssh-ed25519 AAAA\n").unwrap();
        let UserFilesError::KnownHosts(error) = home.client().unwrap_err() else { panic!() };
        assert_eq!(error.line(), Some(1));
        fs::remove_file(home.path("known_hosts")).unwrap();
        fs::create_dir(home.path("ssh_known_hosts")).unwrap();
        let UserFilesError::KnownHosts(error) = home.client().unwrap_err() else { panic!() };
        assert!(matches!(error.kind(), TrustErrorKind::NotRegular { .. }), "{error}");
    }

    #[test]
    fn a_passphrase_is_asked_for_in_words_that_help() {
        let home = Home::new();
        let path = home.path("id_ed25519");
        Identity::generate().unwrap().save(&path, Some(b"a passphrase")).unwrap();
        assert_eq!(
            home.client().unwrap_err().to_string(),
            format!(
                "{}: the private key is protected by a passphrase; read it with \
                 Identity::load_with_passphrase and build the client with Client::new, or name a \
                 key without one",
                path.display()
            )
        );
    }
}
