//! Clocks, memory, medians.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::peers::Result;

/// CPU time of this process, all threads, user and system, in nanoseconds.
pub fn cpu_now() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// CPU and wall time since it was started.
pub struct Clock {
    cpu: f64,
    wall: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self { cpu: cpu_now(), wall: Instant::now() }
    }

    /// Both in nanoseconds.
    pub fn stop(&self) -> (f64, f64) {
        (cpu_now() - self.cpu, nanos(self.wall.elapsed()))
    }
}

pub fn nanos(time: Duration) -> f64 {
    time.as_nanos() as f64
}

/// CPU nanoseconds of one call, from as many as fit into `time`.
pub fn cpu_of_one(time: Duration, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    call()?;
    let (mut calls, mut batch) = (0_u64, 1_u64);
    let clock = Clock::start();
    loop {
        for _ in 0..batch {
            call()?;
        }
        calls += batch;
        let (cpu, wall) = clock.stop();
        if wall >= nanos(time) {
            return Ok(cpu / calls as f64);
        }
        if wall < nanos(time) / 20.0 {
            batch *= 2;
        }
    }
}

/// The resident set of this process, in bytes.
pub fn resident() -> Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split_whitespace().nth(1).ok_or("statm has no second field")?.parse()?;
    Ok(pages * rustix::param::page_size() as f64)
}

/// The most that was resident since this was asked last, in bytes.
pub fn peak() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 =
        line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.parse()?;
    std::fs::write("/proc/self/clear_refs", "5")?;
    Ok(kib * 1024.0)
}

pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[len / 2],
        len => f64::midpoint(sorted[len / 2 - 1], sorted[len / 2]),
    }
}
