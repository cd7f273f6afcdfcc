//! The processes that measure: one for each backend, since features of one build unify.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peers::Result;
use crate::variant::Backend;
use crate::worker::{Figures, Job, Worker};

pub struct Fleet {
    ring: PathBuf,
    aws: Option<PathBuf>,
    workers: Vec<((Backend, Side), Worker)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// Builds this program over aws-lc-rs, next to where it was built itself.
fn build_aws(here: &Path) -> Result<PathBuf> {
    let release = here.parent().ok_or("this program lies nowhere")?;
    let target = release.parent().ok_or("this program lies nowhere")?.join("aws");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    eprintln!("building once more, over aws-lc-rs, in {}", target.display());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--features", "aws-lc-rs"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    if !status.success() {
        return Err("the build over aws-lc-rs failed; --no-aws does without".into());
    }
    Ok(target.join("release").join(here.file_name().ok_or("this program has no name")?))
}

impl Fleet {
    pub fn start(no_aws: bool) -> Result<Self> {
        let here = std::env::current_exe()?;
        match Backend::HERE {
            Backend::Ring => {}
            Backend::Aws => return Err("build without features; this builds the rest".into()),
        }
        let aws = if no_aws { None } else { Some(build_aws(&here)?) };
        Ok(Self { ring: here, aws, workers: Vec::new() })
    }

    pub fn has(&self, backend: Backend) -> bool {
        backend == Backend::Ring || self.aws.is_some()
    }

    /// A process of its own, for what must not share one.
    pub fn spawn(&self, backend: Backend) -> Result<Worker> {
        match backend {
            Backend::Ring => Worker::start(&self.ring),
            Backend::Aws => Worker::start(self.aws.as_ref().ok_or("aws-lc-rs was left out")?),
        }
    }

    /// Has the standing process of that backend do one job.
    pub fn ask(&mut self, backend: Backend, job: &Job) -> Result<Figures> {
        self.ask_side(backend, Side::Client, job)
    }

    /// The same of a second one, which serves the first.
    pub fn ask_server(&mut self, backend: Backend, job: &Job) -> Result<Figures> {
        self.ask_side(backend, Side::Server, job)
    }

    fn ask_side(&mut self, backend: Backend, side: Side, job: &Job) -> Result<Figures> {
        let at = match self.workers.iter().position(|(of, _)| *of == (backend, side)) {
            Some(at) => at,
            None => {
                let worker = self.spawn(backend)?;
                self.workers.push(((backend, side), worker));
                self.workers.len() - 1
            }
        };
        self.workers[at].1.ask(job)
    }
}
