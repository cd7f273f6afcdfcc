//! Replays `fuzz/seeds` and `fuzz/regressions`, so that whatever a target has found stays found.

mod seeds;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Reached, TARGETS, Target};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// Whether this is the published crate, which comes without `fuzz/`.
fn is_published() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".cargo_vcs_info.json").exists()
}

/// The files of a folder by name; none if there is no such folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn folders(of: &str) -> BTreeSet<String> {
    fs::read_dir(folder(of))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

fn replay(of: &str, name: &str, target: Target) -> Vec<(String, Reached)> {
    files(&folder(of).join(name))
        .into_iter()
        .map(|(file, bytes)| {
            println!("{of}/{name}/{file}");
            let reached = target(&bytes);
            (file, reached)
        })
        .collect()
}

#[test]
fn every_seed_is_replayed_and_comes_as_far_as_it_should() {
    if is_published() {
        return;
    }
    let mut wrong = Vec::new();
    for &(name, target) in TARGETS {
        let replayed = replay("seeds", name, target);
        assert!(!replayed.is_empty(), "fuzz/seeds/{name} is empty");
        for seed in seeds::all().into_iter().filter(|seed| seed.target == name) {
            let reached = replayed.iter().find(|(file, _)| *file == seed.name);
            let (_, reached) = reached.unwrap_or_else(|| panic!("{name}/{} is missing", seed.name));
            // aws-lc-rs draws ML-KEM's randomness itself, so what was recorded does not fit
            let recorded = cfg!(feature = "aws-lc-rs") && seed.name.starts_with("recorded-");
            if *reached != seed.reached && !recorded {
                wrong.push((name, seed.name, seed.reached, *reached));
            }
        }
    }
    assert!(wrong.is_empty(), "target, seed, what it should reach, what it does: {wrong:#?}");
}

#[test]
fn every_regression_is_replayed() {
    if is_published() {
        return;
    }
    for &(name, target) in TARGETS {
        replay("regressions", name, target);
    }
    for name in folders("regressions") {
        assert!(!files(&folder("regressions").join(&name)).is_empty(), "{name} is empty");
    }
}

#[test]
fn the_folders_are_those_of_the_targets() {
    if is_published() {
        return;
    }
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let sources = files(&folder("fuzz_targets"));
    let sources: BTreeSet<_> =
        sources.iter().map(|(name, _)| name.trim_end_matches(".rs").to_owned()).collect();
    if cfg!(feature = "files") {
        assert_eq!(targets, sources, "each driver has a target");
        assert_eq!(targets, folders("seeds"), "each target has seeds");
    }
    assert!(folders("regressions").is_subset(&sources), "each regression has a target");
}

/// Every input cut off at each place is as harmless.
#[test]
fn seeds_cut_short_do_no_harm() {
    for &(name, target) in TARGETS {
        for (file, bytes) in files(&folder("seeds").join(name)) {
            println!("{name}/{file}");
            let step = bytes.len() / 40 + 1;
            for len in (0..bytes.len()).step_by(step) {
                target(&bytes[..len]);
            }
        }
    }
}

/// `cargo test --features aws-lc-rs` would record something else; run it without.
#[test]
#[ignore = "writes fuzz/seeds: cargo test --lib write_the_seeds -- --ignored"]
fn write_the_seeds() {
    for seed in seeds::all() {
        let folder = folder("seeds").join(seed.target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(&seed.name), &seed.bytes).unwrap();
    }
}
