//! A server that sends back what it gets, and a client for it.
//!
//! ```sh
//! echo serve --listen 127.0.0.1:7000 --host-key host_ed25519 --authorized-keys authorized_keys
//! echo call 127.0.0.1:7000 --known-hosts known_hosts --identity alice_ed25519
//! ```
//!
//! `call` ends with 0 when all came back and the end was proved, 2 for a wrong command line, 3 when
//! the server said no, 4 for an unknown host key, 5 for a changed or revoked one, and 6 for
//! everything else. README.md goes through it step by step.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::error::Error as StdError;
use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser};
use handfast::auth::{Authenticator as _, BoxAuthenticator, InvalidNetwork};
use handfast::auth::{AuthorizedLogin, ip_allowlist, nobody, public_key};
use handfast::handshake::Exchange;
use handfast::key::{Identity, KeyError};
use handfast::session::RekeyPolicy;
use handfast::trust::{
    Ask, AuthorizedKeys, Host, HostAnswer, HostError, HostKeyError, HostQuestion, KeyFileError,
    KnownHosts, KnownHostsFile, StrictModes,
};
use handfast::{Cipher, Client, ConnectError, Error, ErrorCode, Server, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tracing_subscriber::EnvFilter;

/// Where the passphrase of a protected key file is taken from.
const PASSPHRASE: &str = "HANDFAST_PASSPHRASE";

/// The most that an eager client may send before the server has said Welcome.
const MAX_EAGER: usize = 65_535;

/// How long clients may go on when the server is asked to stop.
const GRACE: Duration = Duration::from_secs(1);

/// A server that sends back what it gets, and a client for it.
#[derive(Parser)]
#[command(name = "echo")]
enum Command {
    /// Accept clients and send back what each of them sends.
    Serve(Serve),
    /// Send standard input, and print what comes back.
    Call(Call),
}

#[derive(Args)]
struct Serve {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", value_parser = with_port)]
    listen: String,
    /// The server's private key.
    #[arg(long, value_name = "FILE")]
    host_key: PathBuf,
    /// The clients that are admitted; without it nobody is.
    #[arg(long, value_name = "FILE")]
    authorized_keys: Option<PathBuf>,
    /// A network or address that clients may come from; without it all may.
    #[arg(long, value_name = "NET", value_parser = network)]
    allow_ip: Vec<String>,
    /// A cipher to accept, the favourite first: chacha20-poly1305 or aes-256-gcm.
    #[arg(long, value_name = "NAME")]
    cipher: Vec<Cipher>,
    /// Take X25519 alone from clients that do not offer ML-KEM-768.
    #[arg(long)]
    allow_classical: bool,
    /// Be silent to everybody who does not know the host key.
    #[arg(long)]
    stealth: bool,
}

#[derive(Args)]
struct Call {
    /// The server, as `name:port`.
    #[arg(value_name = "ADDR", value_parser = address)]
    address: String,
    /// The servers that are trusted.
    #[arg(long, value_name = "FILE")]
    known_hosts: PathBuf,
    /// Ask at the terminal about a server that is not known, and write its key down after a yes.
    #[arg(long)]
    ask: bool,
    /// The client's private key; without it the client proves nothing.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Who to say that the client is.
    #[arg(long, value_name = "NAME")]
    login: Option<String>,
    /// A cipher to offer, the favourite first: chacha20-poly1305 or aes-256-gcm.
    #[arg(long, value_name = "NAME")]
    cipher: Vec<Cipher>,
    /// Send the first of the input without waiting for the server's Welcome.
    #[arg(long)]
    eager: bool,
    /// Offer X25519 alone, without ML-KEM-768.
    #[arg(long)]
    classical: bool,
    /// Make new keys after so many bytes in one direction.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    rekey_after: Option<u64>,
}

fn network(text: &str) -> Result<String, InvalidNetwork> {
    ip_allowlist([text]).map(|_| text.to_owned())
}

fn address(text: &str) -> Result<String, HostError> {
    Host::parse(text, None).map(|_| text.to_owned())
}

fn with_port(text: &str) -> Result<String, &'static str> {
    let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    port.map(|_| text.to_owned()).ok_or("write `name:port`")
}

fn main() -> ExitCode {
    let command = Command::parse(); // ends with 2 by itself
    let level = match command {
        Command::Serve(_) => "info",
        Command::Call(_) => "warn",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| level.into()))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // an error of this library is one sentence that says all, its causes included
            eprintln!("error: {error}");
            ExitCode::from(exit_code(&*error))
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn StdError>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let result = match command {
        Command::Serve(options) => runtime.block_on(serve(options)),
        Command::Call(options) => runtime.block_on(call(options)),
    };
    // a read of standard input may still be waiting for a key to be pressed
    runtime.shutdown_background();
    result
}

/// Tells a script why it failed.
fn exit_code(error: &(dyn StdError + 'static)) -> u8 {
    match error.downcast_ref::<ConnectError>() {
        Some(ConnectError::HostKey(
            HostKeyError::Changed { .. } | HostKeyError::Revoked { .. },
        )) => 5,
        Some(ConnectError::HostKey(_)) => 4,
        Some(ConnectError::Handshake(Error::Ended(farewell))) => match farewell.code {
            ErrorCode::PermissionDenied | ErrorCode::NoProtocol | ErrorCode::FactorNeeded => 3,
            _ => 6,
        },
        _ => 6,
    }
}

async fn serve(options: Serve) -> Result<(), Box<dyn StdError>> {
    // The order of a stack is the order on the wire: a client from elsewhere is refused before
    // any cryptography is done.
    let mut admits = listed_keys(options.authorized_keys.as_deref())?;
    if !options.allow_ip.is_empty() {
        admits = ip_allowlist(options.allow_ip)?.and(admits).map(|((), login)| login).boxed();
    }
    let mut server = Server::new(load(&options.host_key)?).authenticator(admits);
    if !options.cipher.is_empty() {
        server = server.ciphers(options.cipher);
    }
    if options.allow_classical {
        server = server.exchange(Exchange::PreferHybrid);
    }
    if options.stealth {
        server = server.stealth();
    }
    let listener = server.listen(&options.listen).await.map_err(|error| {
        let address = &options.listen;
        format!("cannot listen on {address}: {error}")
    })?;
    if let Some(address) = listener.local_addr() {
        println!("listening on {address}");
        io::stdout().flush()?;
    }
    let mut stop = std::pin::pin!(asked_to_stop());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut stop => break,
        };
        tokio::spawn(async move {
            match send_back(stream).await {
                Ok(bytes) => tracing::info!(peer = %peer.address, bytes, "done"),
                Err(error) => tracing::warn!(peer = %peer.address, %error, "broken off"),
            }
        });
    }
    listener.shutdown(GRACE).await;
    Ok(())
}

/// Admits the keys of the file; without a file nobody, in a way that looks no different outside.
fn listed_keys(
    file: Option<&Path>,
) -> Result<BoxAuthenticator<AuthorizedLogin>, Box<dyn StdError>> {
    Ok(match file {
        Some(file) => {
            // An example is tried out in temporary folders, and others may write above those: only
            // the file and its own folder are looked at. A service does without this and says
            // `AuthorizedKeys::open(file)`.
            let modes = match file.parent() {
                Some(folder) if file.is_absolute() => StrictModes::Below(folder.to_owned()),
                _ => StrictModes::Full,
            };
            public_key(AuthorizedKeys::open_with(file, &modes)?).boxed()
        }
        None => nobody().map(|never| match never {}).boxed(),
    })
}

async fn send_back(stream: Stream) -> io::Result<u64> {
    let (mut reader, mut writer) = stream.into_split();
    // ends at the client's Close; a connection that was cut is an error, not an end
    let bytes = tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await?;
    Ok(bytes)
}

/// Ends when somebody presses ctrl-c or, on Unix, sends SIGTERM.
async fn asked_to_stop() {
    let ctrl_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<Option<()>>();
    tokio::select! {
        () = ctrl_c => {}
        _ = terminate => {}
    }
}

async fn call(options: Call) -> Result<(), Box<dyn StdError>> {
    let known = KnownHosts::open(&options.known_hosts)?;
    let mut client = if options.ask {
        let file = KnownHostsFile::new(&options.known_hosts);
        Client::new().host_verifier(Ask::new(known, at_the_terminal).write_to(file))
    } else {
        Client::new().known_hosts(known)
    };
    if let Some(file) = &options.identity {
        client = client.identity(load(file)?);
    }
    if let Some(login) = options.login {
        client = client.login(login);
    }
    if !options.cipher.is_empty() {
        client = client.ciphers(options.cipher);
    }
    if options.classical {
        client = client.exchange(Exchange::Classical);
    }
    if let Some(bytes) = options.rekey_after {
        client = client.rekey(RekeyPolicy::client().after_bytes(bytes));
    }

    let mut input = tokio::io::stdin();
    let stream = if options.eager {
        let mut first = vec![0; MAX_EAGER];
        let len = input.read(&mut first).await?;
        first.truncate(len);
        client.connect_eager(&options.address, &first).await?
    } else {
        client.connect(&options.address).await?
    };

    // The server sends back while it still receives, so one who first sends all and then reads
    // would wait for ever as soon as the buffers between are full.
    let (mut reader, mut writer) = stream.into_split();
    let send = async {
        tokio::io::copy(&mut input, &mut writer).await?;
        writer.shutdown().await
    };
    let receive = async {
        let mut output = tokio::io::stdout();
        // ends at the server's Close and at nothing else
        tokio::io::copy(&mut reader, &mut output).await?;
        output.flush().await
    };
    tokio::try_join!(send, receive)?;
    Ok(())
}

/// Asks whether a server is to be trusted. Standard input is what is sent, so the answer comes from
/// the terminal itself; without one it is no.
fn at_the_terminal(question: &HostQuestion) -> HostAnswer {
    let terminal = if cfg!(windows) { "CONIN$" } else { "/dev/tty" };
    let Ok(terminal) = File::open(terminal) else { return HostAnswer::No };
    let mut lines = io::BufReader::new(terminal).lines();
    eprintln!("{question}");
    loop {
        eprint!("Is it the right one? (yes, no, or paste the fingerprint that you were given): ");
        let Some(Ok(line)) = lines.next() else { return HostAnswer::No };
        match line.trim().parse() {
            Ok(answer) => return answer,
            Err(help) => eprintln!("{help}"),
        }
    }
}

/// Reads a private key, with the passphrase of the environment if there is one.
fn load(file: &Path) -> Result<Identity, Box<dyn StdError>> {
    let loaded = match std::env::var_os(PASSPHRASE) {
        Some(passphrase) if passphrase.is_empty() => Identity::load(file),
        Some(passphrase) => Identity::load_with_passphrase(file, passphrase.as_encoded_bytes()),
        None => Identity::load(file),
    };
    loaded.map_err(|error| match &error {
        KeyFileError::Key { problem: KeyError::PassphraseNeeded, .. } => {
            let state = match std::env::var_os(PASSPHRASE) {
                Some(_) => ", which is set, and empty",
                None => "",
            };
            format!("{error}; give it in the environment variable {PASSPHRASE}{state}").into()
        }
        _ => error.into(),
    })
}
