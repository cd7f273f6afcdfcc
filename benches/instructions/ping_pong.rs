//! Small messages to and fro between two streams on one thread, through memory.

use handfast::auth::{PeerAddr, anonymous};
use handfast::key::Identity;
use handfast::trust::{Host, PinnedKeys};
use handfast::{Cipher, Client, Server, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::{Builder, Runtime};

use super::{ROUND_TRIPS, SMALL, counted};

type End = Stream<DuplexStream>;

pub(crate) fn run(cipher: Cipher) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (mut client, server) = runtime.block_on(connect(cipher));
    let echo = runtime.spawn(echo(server));
    // what is looked up once in a process is not counted
    to_and_fro(&runtime, &mut client, 2);
    counted(|| to_and_fro(&runtime, &mut client, ROUND_TRIPS));
    echo.abort();
}

async fn connect(cipher: Cipher) -> (End, End) {
    let host = Identity::from_seed(&[1; 32]);
    let client =
        Client::new().ciphers([cipher]).host_verifier(PinnedKeys::new([host.public_key().clone()]));
    let server = Server::new(host).authenticator(anonymous());
    let name = Host::new("example.org", 7000).unwrap();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (client, server) = tokio::join!(
        client.connect_over(ours, &name),
        server.accept_over(theirs, PeerAddr::Unknown),
    );
    (client.unwrap(), server.unwrap().0)
}

async fn echo(mut end: End) {
    let mut data = [0; SMALL];
    while end.read_exact(&mut data).await.is_ok() {
        end.write_all(&data).await.unwrap();
        end.flush().await.unwrap();
    }
}

fn to_and_fro(runtime: &Runtime, client: &mut End, times: u64) {
    runtime.block_on(async {
        let mut data = [7; SMALL];
        for _ in 0..times {
            client.write_all(&data).await.unwrap();
            client.flush().await.unwrap();
            client.read_exact(&mut data).await.unwrap();
        }
    });
}
