//! Two honest ends without I/O, through one whole handshake.

use std::sync::Arc;

use handfast::Cipher;
use handfast::handshake::client::{self, Answer};
use handfast::handshake::server;
use handfast::handshake::{
    ClientConfig, ClientFresh, Established, Exchange, Identities, ServerConfig, ServerFresh,
    hello_len,
};
use handfast::key::Identity;
use rand::rngs::SysRng;

/// What the client proves, and the server asks for.
#[derive(Default)]
pub(crate) struct Proof {
    pub(crate) identity: Option<Identity>,
    pub(crate) password: Option<&'static str>,
}

/// What both ends bring along to each handshake.
pub(crate) struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Ends {
    pub(crate) fn new(cipher: Cipher, exchange: Exchange) -> Self {
        let mut client = ClientConfig::default();
        client.ciphers = vec![cipher];
        client.exchange = exchange;
        let mut server = ServerConfig::new(Identities::new(Identity::generate().unwrap()));
        server.ciphers = vec![cipher];
        server.exchange = exchange;
        // the fast way of a client that knows the server
        client.expected = server.identities.iter().map(|host| host.public_key().clone()).collect();
        Self { client: Arc::new(client), server: Arc::new(server) }
    }

    /// The work of both ends, drawing what is fresh included: the client's end and the server's.
    pub(crate) fn handshake(&self, proof: &Proof) -> (Established, Established) {
        let fresh = ClientFresh::draw(&mut SysRng).unwrap();
        let (client, hello) = client::start(Arc::clone(&self.client), fresh).unwrap();
        let server = server::hello(&self.server, &hello).unwrap();
        let (server, mut out) = server.accept(ServerFresh::draw(&mut SysRng).unwrap()).unwrap();
        let len = hello_len(&out).unwrap().unwrap();
        let (hello, auth) = out.split_at_mut(len);
        let verify = client.read(hello).unwrap().read(auth).unwrap();
        assert!(self.client.expected.contains(verify.host_key()));
        let (mut client, mut out) = verify.trust(proof.identity.as_ref()).unwrap();
        let mut server = server.read(&mut out).unwrap();
        assert_eq!(server.claims().key.is_some(), proof.identity.is_some());
        if let Some(password) = proof.password {
            let (asking, mut out) = server.ask_password("Password: ").unwrap();
            let Answer::Password(question) = client.read(&mut out).unwrap() else {
                panic!("the server asked for a password");
            };
            let mut out;
            (client, out) = question.answer(password).unwrap();
            let answer;
            (server, answer) = asking.read(&mut out).unwrap();
            assert_eq!(answer.as_str(), password);
        }
        let (server, mut out) = server.welcome().unwrap();
        let Answer::Welcome(welcomed) = client.read(&mut out).unwrap() else {
            panic!("the server said Welcome");
        };
        (welcomed.established, server)
    }
}
