//! What was measured where.

use std::collections::BTreeMap;
use std::process::Command;

/// Names and versions of what the figures depend on.
pub fn versions() -> BTreeMap<String, String> {
    const NAMED: [&str; 13] = [
        "aws-lc-rs",
        "aws-lc-sys",
        "curve25519-dalek",
        "ed25519-dalek",
        "handfast",
        "libcrux-ml-kem",
        "ring",
        "russh",
        "rustls",
        "snow",
        "tokio",
        "tokio-rustls",
        "x25519-dalek",
    ];
    let mut versions = BTreeMap::new();
    let mut name = "";
    for line in include_str!("../../Cargo.lock").lines() {
        let quoted = |front: &str| line.strip_prefix(front)?.strip_suffix('"');
        if let Some(found) = quoted("name = \"") {
            name = found;
        } else if let Some(version) = quoted("version = \"")
            && NAMED.contains(&name)
        {
            let all: &mut String = versions.entry(name.to_owned()).or_default();
            if !all.is_empty() {
                all.push_str(" and ");
            }
            all.push_str(version);
        }
    }
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    versions.insert("rustc".to_owned(), rustc.unwrap_or_else(|_| "unknown".to_owned()));
    versions
}

pub fn machine() -> BTreeMap<String, String> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    [
        ("cpu", model.map_or("unknown", |(_, model)| model).to_owned()),
        ("cores", cores.to_string()),
        ("kernel", kernel),
        ("load at the end", load.trim().to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
