//! Broker and client meet only as bytes: what the cluster's sources may import.

use std::fs;
use std::path::Path;

#[test]
fn the_cluster_knows_protocol_ids_and_time_of_the_client_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cluster");
    let mut files = 0;
    let mut paths = vec![folder];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        files += 1;
        for (number, line) in text.lines().enumerate() {
            for (at, _) in line.match_indices("client_core::") {
                let module = &line[at + "client_core::".len()..];
                assert!(
                    ["protocol::", "ids::", "time::"].iter().any(|allowed| module.starts_with(allowed)),
                    "{}:{}: expected client_core::protocol, ids or time, got {line:?}",
                    path.display(),
                    number + 1,
                );
            }
            assert!(
                !line.contains("use client_core;") && !line.contains("use client_core as"),
                "{}:{}: expected a path into the client, got all of it",
                path.display(),
                number + 1,
            );
            for (at, _) in line.match_indices("crate::") {
                let module = &line[at + "crate::".len()..];
                assert!(
                    module.starts_with("digest::"),
                    "{}:{}: expected nothing of the simulator but its digest, got {line:?}",
                    path.display(),
                    number + 1,
                );
            }
        }
    }
    assert!(files > 20, "expected the sources of the cluster, got {files} files");
}
