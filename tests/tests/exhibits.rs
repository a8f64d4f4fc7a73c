//! The switchable defects of the playground are compiled into nothing that ships.

use std::path::Path;
use std::process::Command;

#[test]
fn what_ships_has_no_exhibits() {
    for package in ["wasm-bindings", "bridge"] {
        let features = core_features(package);
        assert!(!features.contains("exhibits"), "{package} builds client-core with {features}");
    }
}

#[test]
fn the_playground_has_them() {
    // Otherwise the test above would pass for want of anything to find.
    assert!(core_features("playground").contains("exhibits"));
}

/// With which features cargo builds `client-core` when it builds this package alone.
fn core_features(package: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}|{f}"])
        .current_dir(root)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = stdout.lines().find(|line| line.starts_with("client-core v"));
    let line = line.unwrap_or_else(|| panic!("{package} does not build client-core:\n{stdout}"));
    line.split('|').nth(1).unwrap().to_owned()
}
