//! Who is refused, what each side is told, and that the server serves on.

use handfast::auth::{Authenticator as _, Password, password, public_key};
use handfast::trust::AuthorizedKeys;

use crate::desk::{Desk, Server, run};

const DENIED: &str = "error: the peer ended the connection: permission denied (2)";

fn desk_and_server() -> (Desk, Server) {
    let desk = Desk::new();
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    (desk, server)
}

#[test]
fn strangers_are_refused_and_told_no_reason() {
    let (desk, server) = desk_and_server();
    let bob = desk.key("bob");
    for options in
        [&["--identity", "bob"][..], &["--identity", "bob", "--eager"], &[], &["--eager"]]
    {
        desk.call(&server, options, b"hello").fails(3, DENIED);
    }
    let log = server.log();
    let reason = format!(
        "the key {}: no line of authorized_keys lists this key",
        bob.public_key().fingerprint()
    );
    assert!(log.contains(&reason) && log.contains("the client proved no key"), "{log}");

    let alone = desk.serve(&[]);
    desk.know(&alone);
    desk.call(&alone, &["--identity", "alice"], b"hello").fails(3, DENIED);
    assert!(alone.log().contains("admits nobody"), "{}", alone.log());
}

#[test]
fn a_line_with_an_option_that_is_not_known_admits_nobody() {
    let desk = Desk::new();
    desk.write("authorized_keys", format!("zone {}", desk.read("authorized_keys")));
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    desk.call(&server, &["--identity", "alice"], b"hello").fails(3, DENIED);
    assert!(server.log().contains("authorized_keys:1"), "{}", server.log());
}

#[test]
fn the_options_of_a_line_are_held() {
    let desk = Desk::new();
    let line = desk.read("authorized_keys");
    for (options, refused) in [
        ("restrict,from=\"127.0.0.0/8,!127.0.0.9\",expiry-time=\"99991231Z\"", None),
        ("from=\"192.0.2.0/24\"", Some("the entry is for clients from `192.0.2.0/24`")),
        ("expiry-time=\"20000101\"", Some("the entry has expired")),
        ("command=\"true\"", Some("the entry is for one command")),
    ] {
        desk.write("authorized_keys", format!("{options} {line}"));
        let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
        desk.know(&server);
        let call = desk.call(&server, &["--identity", "alice"], b"hello");
        match refused {
            None => assert_eq!(call.out, b"hello", "{options}"),
            Some(reason) => {
                call.fails(3, DENIED);
                assert!(server.log().contains(reason), "{}", server.log());
            }
        }
    }
}

#[test]
fn clients_from_elsewhere_are_refused_in_the_clear() {
    let desk = Desk::new();
    let options = ["--authorized-keys", "authorized_keys", "--allow-ip", "192.0.2.0/24"];
    let server = desk.serve(&options);
    desk.know(&server);
    desk.call(&server, &["--identity", "alice"], b"hello").fails(
        6,
        "error: the server refused, in words that nothing vouches for: not allowed from here",
    );
    let log = server.log();
    assert!(log.contains("127.0.0.1 is in none of the allowed networks"), "{log}");

    let server = desk.serve(&[&options[..], &["--allow-ip", "127.0.0.1"]].concat());
    desk.know(&server);
    assert_eq!(desk.call(&server, &["--identity", "alice"], b"hello").code, 0);
}

#[test]
fn a_host_must_be_known() {
    let (desk, server) = desk_and_server();
    let host = desk.read("known_hosts");
    let fingerprint = handfast::key::Identity::load(desk.path("host")).unwrap().fingerprint();
    desk.write("known_hosts", host.replacen('[', "[elsewhere-", 1));
    desk.call(&server, &["--identity", "alice"], b"hello").fails(
        4,
        &format!(
            "error: the host {} is not known: it showed the key {fingerprint}, and no line of \
             known_hosts is about this host; compare the fingerprint with the one that its operator gives you, \
             then add the key to known_hosts",
            server.host()
        ),
    );
}

#[test]
fn a_changed_host_key_is_refused_with_its_line() {
    let (desk, server) = desk_and_server();
    let other = desk.key("other");
    let line = format!("# servers\n{} {}\n", server.host(), other.public_key());
    desk.write("known_hosts", line);
    let called = desk.call(&server, &["--identity", "alice"], b"hello");
    assert_eq!((called.code, called.out.as_slice()), (5, &b""[..]));
    assert!(called.err.contains("HAS CHANGED"), "{}", called.err);
    let known = format!("ssh-ed25519 {} (known_hosts:2)", other.fingerprint());
    assert!(called.err.contains(&known), "{}", called.err);
}

#[test]
fn a_revoked_host_key_is_refused_with_its_line() {
    let (desk, server) = desk_and_server();
    let line = desk.read("known_hosts");
    desk.write("known_hosts", format!("{line}@revoked {line}"));
    let fingerprint = handfast::key::Identity::load(desk.path("host")).unwrap().fingerprint();
    desk.call(&server, &["--identity", "alice"], b"hello").fails(
        5,
        &format!(
            "error: the key {fingerprint} of {} is revoked by known_hosts:2: whoever holds it is \
             not the host",
            server.host()
        ),
    );
}

/// Another factor, which `call` does not have: Error 7 to an eager client whose key is listed.
#[tokio::test(flavor = "multi_thread")]
async fn an_eager_client_is_told_that_another_factor_is_needed() {
    let desk = Desk::new();
    let host = handfast::key::Identity::load(desk.path("host")).unwrap();
    let keys =
        AuthorizedKeys::parse("authorized_keys", desk.read("authorized_keys").as_bytes()).unwrap();
    let never = |_: String, _: Password| async { None::<()> };
    let server =
        handfast::Server::new(host.clone()).authenticator(public_key(keys).and(password(never)));
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let line = format!("[127.0.0.1]:{} {}\n", address.port(), host.public_key());
    desk.write("known_hosts", line);
    let call = |options: &[&str]| {
        let mut command =
            desk.command(&["call", &address.to_string(), "--known-hosts", "known_hosts"]);
        command.args(["--identity", "alice"]).args(options);
        tokio::task::block_in_place(|| run(command, b"hello"))
    };
    call(&["--eager"]).fails(
        3,
        "error: the peer ended the connection: another factor is needed (7); connect without eager",
    );
    call(&["--login", "alice"])
        .fails(6, "error: the server asks `alice` for a password, and none was given for it");
}

#[test]
fn a_server_serves_on_whatever_befell_it() {
    let (desk, server) = desk_and_server();
    desk.key("bob");
    let good = desk.read("known_hosts");
    let alice = &["--identity", "alice"][..];
    for foreign in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"SSH-2.0-test\r\n", &[0xff; 9000], b""] {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
        let _ = stream.write_all(foreign);
    }
    assert_eq!(desk.call(&server, &["--identity", "bob"], b"hello").code, 3);
    assert_eq!(desk.call(&server, &["--identity", "alice", "--classical"], b"hello").code, 6);
    desk.write("known_hosts", "");
    assert_eq!(desk.call(&server, alice, b"hello").code, 4);
    desk.write("known_hosts", format!("@revoked {good}"));
    assert_eq!(desk.call(&server, alice, b"hello").code, 5);
    desk.write("known_hosts", good);
    let mut cut = desk.begin_call(&server, alice);
    cut.say_and_hear(b"hello");
    cut.kill();
    let called = desk.call(&server, alice, b"hello");
    assert_eq!((called.code, called.out.as_slice(), called.err.as_str()), (0, &b"hello"[..], ""));
}
