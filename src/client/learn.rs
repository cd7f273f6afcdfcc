//! Other keys of a known host, written down for the day on which it changes to one of them.

use super::Client;
use super::handshake::Connected;
use crate::trust::{EditError, Host, ProvedKeys, Trusted};

impl<M> Client<M> {
    /// What is to be written down after a handshake, where waiting is allowed.
    pub(crate) fn lesson<L>(
        &self,
        host: &Host,
        connected: &Connected<L>,
    ) -> Option<impl FnOnce() + Send + 'static> {
        let file = self.learns.clone()?;
        let agreement = &connected.agreement;
        // the file may not be the one that revokes a key
        let (verifier, mut others) = (&self.verifier, agreement.other_host_keys.clone());
        others.retain(|key| !verifier.revokes(host, key));
        if connected.trusted == Trusted::New || others.is_empty() {
            return None;
        }
        let (host, presented) = (host.clone(), agreement.host_key.clone());
        Some(move || match file.learn(&ProvedKeys::new(&host, &presented, &others)) {
            Ok(learned) => {
                for key in &learned.added {
                    let (key, place) = (key.fingerprint(), key.place());
                    tracing::info!(%host, %key, %place, "learned another key of a known host");
                }
                for other in &learned.elsewhere {
                    let other_name = other.host.as_ref().map(tracing::field::display);
                    let place = &other.at;
                    tracing::debug!(%host, other_name, %place, "another name lists the presented key, and is left as it is");
                }
            }
            Err(EditError::NotLearned { why, .. }) => {
                tracing::debug!(%host, reason = %why, "no host key learned");
            }
            Err(error) => tracing::warn!(%host, %error, "no host key learned"),
        })
    }
}
