//! What a prompt leaves of the terminal, however it ends: on a terminal of its own, that python3
//! makes.

use crate::files::desk::{Desk, KEYTOOL, parts};

/// Runs a program on a new terminal, in front, as a job of a shell. Says on its standard output what
/// it meets, and ends with an error where that takes too long.
const SHELL: &str = r#"
import atexit, fcntl, os, select, signal, sys, termios, time

scenario, program = sys.argv[1], sys.argv[2:]
master, slave = os.openpty()
before = termios.tcgetattr(slave)
news, tell = os.pipe()
leader = os.fork()
if leader == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(slave, os.getpid())
        # whatever runs the tests may ignore some of them, as nohup and background jobs do
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP,
                       signal.SIGCONT, signal.SIGTTOU, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        for number in range(3):
            os.dup2(slave, number)
        os.execv(program[0], program)
    os.write(tell, b"%d\n" % child)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            os.write(tell, b"stopped by %d\n" % os.WSTOPSIG(status))
        elif os.WIFSIGNALED(status):
            os.write(tell, b"ended by %d\n" % os.WTERMSIG(status))
            os._exit(0)
        else:
            os.write(tell, b"ended with %d\n" % os.WEXITSTATUS(status))
            os._exit(0)

shown = b""

def look(until, what):
    global shown
    end = time.monotonic() + 20
    while not until():
        if time.monotonic() > end:
            sys.exit("waited for %s; shown: %r" % (what, shown))
        if select.select([master], [], [], 0.01)[0]:
            shown += os.read(master, 4096)

told = b""

def news_line():
    global told
    def came():
        global told
        if select.select([news], [], [], 0)[0]:
            told += os.read(news, 4096)
        return b"\n" in told
    look(came, "news")
    line, told = told.split(b"\n", 1)
    return line.decode()

def asked(times=1):
    look(lambda: shown.count(b": ") >= times, "the prompt")
    look(lambda: not termios.tcgetattr(slave)[3] & termios.ECHO, "no echo")

def restored():
    print("as before" if termios.tcgetattr(slave) == before else "changed")

child = int(news_line())

# However this ends, nothing that it has started stays.
def end():
    for process in (child, leader):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass

atexit.register(end)
asked()
for step in scenario.split():
    if step.startswith("type:"):
        os.write(master, step[5:].encode().decode("unicode_escape").encode())
    elif step == "news":
        print(news_line())
        restored()
    elif step == "asked-again":
        asked(2)
        print("asked again")
    else:
        os.kill(child, getattr(signal, step))
look(lambda: not select.select([master], [], [], 0.1)[0], "silence")
print("leaked" if b"sesame" in shown else "hidden")
"#;

fn on_terminal(desk: &Desk, scenario: &str, args: &[&str]) -> String {
    let all = [&["-c", SHELL, scenario, KEYTOOL], args].concat();
    let (code, data, talk) = parts(desk.run("python3", &all));
    assert_eq!((code, talk.as_str()), (0, ""), "{scenario}: {data}");
    data
}

/// All commands that ask for what is not shown.
const PROMPTS: [&[&str]; 4] = [
    &["public", "locked"],
    &["generate", "new"],
    &["passphrase", "locked", "--no-passphrase"],
    &["passphrase", "plain"],
];

fn desk() -> Desk {
    let desk = Desk::new();
    desk.keygen(&["-q", "-t", "ed25519", "-a", "1", "-N", "sesame", "-f", "locked"]);
    desk.keygen(&["-q", "-t", "ed25519", "-N", "", "-f", "plain"]);
    desk
}

#[test]
#[ignore = "needs python3"]
fn a_signal_that_ends_keytool_leaves_the_terminal_as_it_was() {
    let desk = desk();
    for args in PROMPTS {
        for (scenario, number) in [
            ("type:ses\\x03 news", 2),
            ("type:\\x1c news", 3),
            ("SIGINT news", 2),
            ("type:ses SIGTERM news", 15),
            ("SIGHUP news", 1),
        ] {
            let data = on_terminal(&desk, scenario, args);
            assert_eq!(
                data,
                format!("ended by {number}\nas before\nhidden\n"),
                "{args:?} {scenario}"
            );
        }
    }
    assert!(!desk.path("new").exists());
}

#[test]
#[ignore = "needs python3"]
fn a_stop_gives_the_terminal_back_and_asks_again_afterwards() {
    let desk = desk();
    for stop in ["type:\\x1a", "SIGTSTP"] {
        let scenario = format!("{stop} news SIGCONT asked-again type:sesame\\n news");
        let data = on_terminal(&desk, &scenario, &["public", "locked"]);
        let expected = "stopped by 20\nas before\nasked again\nended with 0\nas before\nhidden\n";
        assert_eq!(data, expected, "{scenario}");
    }
    for args in PROMPTS {
        let scenario = "type:\\x1a news SIGCONT asked-again type:\\x03 news";
        let data = on_terminal(&desk, scenario, args);
        let expected = "stopped by 20\nas before\nasked again\nended by 2\nas before\nhidden\n";
        assert_eq!(data, expected, "{args:?}");
        let data = on_terminal(&desk, "SIGTSTP news SIGTERM SIGCONT news", args);
        assert_eq!(data, "stopped by 20\nas before\nended by 15\nas before\nhidden\n", "{args:?}");
    }
}

#[test]
#[ignore = "needs python3"]
fn a_prompt_that_is_answered_leaves_the_terminal_as_it_was() {
    let desk = desk();
    desk.keygen(&["-q", "-t", "ed25519", "-a", "1", "-N", "barley", "-f", "other"]);
    for (args, code) in [
        (&["public", "locked"][..], 0),
        (&["passphrase", "locked", "--no-passphrase"], 0),
        (&["public", "other"], 1),
    ] {
        let data = on_terminal(&desk, "type:sesame\\n news", args);
        assert_eq!(data, format!("ended with {code}\nas before\nhidden\n"), "{args:?}");
    }
    let data = on_terminal(&desk, "type:\\x04 news", &["public", "other"]);
    assert_eq!(data, "ended with 3\nas before\nhidden\n");
}
