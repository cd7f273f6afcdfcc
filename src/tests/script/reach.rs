//! Real ends in any state, opposite a peer by script.

use std::sync::Arc;

use super::super::pair::{CLIENT, HOST, Setup, identity, welcomed};
use super::{Auth, Client, Keys, Peer, Server, bytes8};
use crate::handshake::Exchange;
use crate::handshake::client::{AwaitServerAuth, AwaitServerHello, AwaitWelcome, VerifyHost};
use crate::handshake::server::{self, Authenticating, AwaitClientAuth};
use crate::session::Session;

impl Setup {
    pub(in crate::tests) fn client_awaits_auth(&self) -> (AwaitServerAuth, Keys) {
        let (client, out): (AwaitServerHello, _) = self.start();
        let server = Server::new(&out);
        let client = client.read(&server.frame()).unwrap();
        (client, server.keys(&self.client.prologue))
    }

    pub(in crate::tests) fn client_verifies(&self) -> (VerifyHost, Keys, Vec<u8>) {
        let (client, mut keys) = self.client_awaits_auth();
        let message = keys.message(&Auth::of_server(identity(HOST)));
        let client = client.read(&mut keys.seal(1, &message)).unwrap();
        (client, keys, message)
    }

    pub(in crate::tests) fn client_awaits_welcome(&self) -> (AwaitWelcome, Peer) {
        let (client, mut keys, server_auth) = self.client_verifies();
        let (client, mut out) = client.trust(self.identity.as_ref()).unwrap();
        let client_auth = keys.opener.open(&mut out).unwrap().content.to_vec();
        (client, keys.traffic(&[&server_auth, &client_auth]))
    }

    pub(in crate::tests) fn client_open(&self) -> (Session, Peer) {
        let (client, mut peer) = self.client_awaits_welcome();
        let answer = client.read(&mut peer.say(1, &[5, 0, 0, 0])).unwrap();
        (welcomed(answer).established.session, peer)
    }

    fn script(&self) -> Client {
        match self.server.exchange {
            Exchange::Classical => Client::classical(),
            _ => Client::new(),
        }
    }

    pub(in crate::tests) fn server_awaits_auth(&self) -> (AwaitClientAuth, Keys) {
        let mut script = self.script();
        script.hello.aead = bytes8(&[self.server.ciphers[0].id()]);
        let read = server::hello(&Arc::new(self.server.clone()), &script.frame()).unwrap();
        let (server, out) = read.accept(self.server_fresh()).unwrap();
        (server, script.follow(&self.server.prologue, &out))
    }

    pub(in crate::tests) fn server_authenticates(&self, auth: &Auth) -> (Authenticating, Peer) {
        let (server, mut keys) = self.server_awaits_auth();
        let message = keys.message(auth);
        let server = server.read(&mut keys.seal(1, &message)).unwrap();
        (server, keys.traffic(&[&message]))
    }

    pub(in crate::tests) fn server_open(&self) -> (Session, Peer) {
        let (server, mut peer) = self.server_authenticates(&Auth::of_client(identity(CLIENT)));
        let (established, out) = server.welcome().unwrap();
        assert_eq!(peer.hear(&out).0, 1, "Welcome");
        (established.session, peer)
    }
}
