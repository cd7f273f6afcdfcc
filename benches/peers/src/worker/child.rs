//! A worker, seen from the process that tells it what to do.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{Figures, Job};
use crate::peers::Result;

/// Ends when it is dropped.
pub struct Worker {
    child: Child,
    jobs: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    pub fn start(program: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("--worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let jobs = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("the worker has no output")?);
        Ok(Self { child, jobs, answers })
    }

    /// Has it do one job.
    ///
    /// # Errors
    ///
    /// The job failed, or the worker did.
    pub fn ask(&mut self, job: &Job) -> Result<Figures> {
        let jobs = self.jobs.as_mut().ok_or("the worker was told to end")?;
        let mut line = serde_json::to_vec(job)?;
        line.push(b'\n');
        jobs.write_all(&line)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.is_empty() {
            return Err(format!("a worker ended over {job:?}").into());
        }
        let answer: std::result::Result<Figures, String> = serde_json::from_str(&answer)?;
        answer.map_err(|error| format!("{job:?}: {error}").into())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // whoever serves still would go on for as long as its clients do
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
