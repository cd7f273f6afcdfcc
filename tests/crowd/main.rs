//! A crowd of connections at once between two processes, and what is left of them afterwards.
//!
//! One test runs at a time in this program: it counts for the whole process, and starts itself again
//! as the server, which inherits the limit of descriptors.

#![cfg(all(target_os = "linux", feature = "tokio"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the figures are for those who run it with --nocapture")]

mod figures;
mod server;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use handfast::key::{Identity, PublicKey};
use handfast::trust::PinnedKeys;
use handfast::{Client, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use figures::Figures;

const PROCESSES: [&str; 2] = ["client", "server"];

/// Handshakes at a time, well below what a server lets wait.
const AT_A_TIME: usize = 64;

/// What may be left on the heap of a process: two buffers that a thread keeps for later and had not
/// taken before. 29 bytes that each connection leaves would be too much.
const SLACK: usize = 256 << 10;
/// Bytes of heap that an idle connection may hold at one end, with its tasks.
const IDLE: usize = 6 << 10;
/// Streams that were dropped behind their Close wait for 30 s for peers that do not close.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_crowd_leaves_nothing_behind() {
    come_and_go(900);
}

#[test]
#[ignore = "long"]
fn nine_thousand_connections_leave_nothing_behind() {
    come_and_go(9_000);
}

fn come_and_go(crowd: usize) {
    figures::make_room(crowd + 1_000);
    if std::env::var_os(server::IS_SERVER).is_some() {
        return server::run();
    }
    let runtime = figures::runtime();
    let mut server = ServerProcess::start();
    let client = Client::new()
        .identity(Identity::generate().unwrap())
        .host_verifier(PinnedKeys::new([server.host_key.clone()]));
    let look = |server: &mut ServerProcess| [Figures::here(&runtime), server.figures()];

    // a crowd before anything is counted: pools, tables and the runtime keep what they grew to
    let at_first = look(&mut server);
    let streams = open(&runtime, &client, &server.address, crowd);
    let streams = use_each(&runtime, streams);
    close(&runtime, streams);
    let before = settle(|| look(&mut server), &at_first, usize::MAX);

    let start = Instant::now();
    let streams = open(&runtime, &client, &server.address, crowd);
    println!("{crowd} opened after {:.1} s", start.elapsed().as_secs_f64());
    let streams = use_each(&runtime, streams);
    println!("and used after {:.1} s", start.elapsed().as_secs_f64());
    let idle = look(&mut server);
    for (process, (before, idle)) in PROCESSES.iter().zip(before.iter().zip(&idle)) {
        let each = idle.heap.saturating_sub(before.heap) / crowd;
        println!("{process}: {before} before, {idle} with {crowd}; {each} bytes of heap for each");
        assert!(idle.descriptors >= before.descriptors + crowd, "all are open at once");
        assert!(each <= IDLE, "{each} bytes of heap for an idle connection at the {process}");
    }
    let [_, theirs] = &idle;
    assert_eq!(theirs.connections, crowd);
    close(&runtime, streams);
    println!("and closed after {:.1} s", start.elapsed().as_secs_f64());

    let after = settle(|| look(&mut server), &before, SLACK);
    for (process, after) in PROCESSES.iter().zip(&after) {
        println!("{process}: {after} in the end");
    }
    println!("and all is as it was after {:.1} s", start.elapsed().as_secs_f64());
    server.end();
}

/// Opens the crowd, some at a time.
fn open(runtime: &Runtime, client: &Client, address: &str, crowd: usize) -> Vec<Stream> {
    let one = |_| {
        let (client, address) = (client.clone(), address.to_owned());
        async move { client.connect(&address).await.unwrap() }
    };
    runtime.block_on(some_at_a_time(0..crowd, one))
}

/// Sends bytes through each and has them back.
fn use_each(runtime: &Runtime, streams: Vec<Stream>) -> Vec<Stream> {
    runtime.block_on(some_at_a_time(streams, async |mut stream: Stream| {
        let (sent, mut got) = ([7; 300], [0; 300]);
        stream.write_all(&sent).await.unwrap();
        stream.read_exact(&mut got).await.unwrap();
        assert_eq!(got, sent);
        stream
    }))
}

/// Closes each, and hears the server do the same.
fn close(runtime: &Runtime, streams: Vec<Stream>) {
    runtime.block_on(some_at_a_time(streams, async |stream: Stream| stream.close().await.unwrap()));
}

/// Runs a job for each item, no more than some at a time.
async fn some_at_a_time<I, T, F, Fut>(items: I, job: F) -> Vec<T>
where
    I: IntoIterator,
    F: Fn(I::Item) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let items = items.into_iter();
    let mut done = Vec::with_capacity(items.size_hint().0);
    let mut running = JoinSet::new();
    for item in items {
        if running.len() == AT_A_TIME {
            done.push(running.join_next().await.unwrap().unwrap());
        }
        running.spawn(job(item));
    }
    while let Some(next) = running.join_next().await {
        done.push(next.unwrap());
    }
    done
}

/// Looks until both processes are back where they were, for as long as there is patience.
fn settle(
    mut look: impl FnMut() -> [Figures; 2],
    before: &[Figures; 2],
    slack: usize,
) -> [Figures; 2] {
    let start = Instant::now();
    loop {
        let seen = look();
        let left = PROCESSES
            .iter()
            .zip(before.iter().zip(&seen))
            .find(|(_, (before, seen))| !seen.is_back_at(before, slack));
        let Some((process, (before, seen))) = left else { return seen };
        assert!(
            start.elapsed() < PATIENCE,
            "the {process} had {before}, and {PATIENCE:?} after all were closed it has {seen}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The other process.
struct ServerProcess {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    address: String,
    host_key: PublicKey,
}

impl ServerProcess {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_crowd_leaves_nothing_behind"])
            .arg("--nocapture")
            .env(server::IS_SERVER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let address = answer(&mut answers, "address");
        let host_key = answer(&mut answers, "host key").parse().unwrap();
        Self { child, questions, answers, address, host_key }
    }

    fn figures(&mut self) -> Figures {
        writeln!(self.questions.as_mut().unwrap()).unwrap();
        answer(&mut self.answers, "figures").parse().unwrap()
    }

    fn end(mut self) {
        drop(self.questions.take());
        let mut rest = String::new();
        while self.answers.read_line(&mut rest).unwrap() > 0 {}
        assert!(self.child.wait().unwrap().success(), "the server process failed:\n{rest}");
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next line that is an answer, among those of the test runner.
fn answer(answers: &mut impl BufRead, to: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(answers.read_line(&mut line).unwrap() > 0, "the server process ended: see above");
        if let Some((_, answer)) = line.split_once(&server::mark(to)) {
            return answer.trim().to_owned();
        }
    }
}
