//! Dependencies point one way: between crates, and between the modules of `client-core`.
//!
//! A module that is missing in the table fails the test: whoever adds one decides where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which crates of the workspace each crate may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("client-core", &[]),
    ("simulator", &["client-core"]),
    ("wasm-bindings", &["client-core"]),
    ("playground", &["client-core", "simulator", "wasm-bindings"]),
    ("bridge", &["client-core", "simulator"]),
    ("tests", &["client-core", "simulator", "wasm-bindings", "bridge"]),
    ("xtask", &[]),
];

/// The modules of `client-core`, from the left to the right: each imports from its own layer or from further left.
/// Longer paths win, so that a part of a module can stand elsewhere than the rest of it.
const LAYERS: &[Layer] = &[
    Layer { siblings: true, modules: &["ids", "time", "rng", "error", "compression"] },
    Layer { siblings: true, modules: &["io", "trace", "config", "sasl", "edge", "backoff"] },
    Layer { siblings: true, modules: &["protocol"] },
    Layer { siblings: true, modules: &["view", "broker_error"] },
    Layer { siblings: true, modules: &["cx", "waiters"] },
    // Machines never import each other: they push effects, and the client routes them.
    Layer {
        siblings: false,
        modules: &["connection", "cluster", "lifecycle", "producer", "consumer", "admin"],
    },
    Layer { siblings: true, modules: &["client"] },
];

/// What the simulated cluster may know of the client: broker and client meet only as bytes.
const CLUSTER_MAY_USE: &[&str] = &["protocol", "ids", "time"];

struct Layer {
    /// Whether modules of this layer may import each other.
    siblings: bool,
    modules: &'static [&'static str],
}

#[test]
fn crates_depend_in_one_direction() {
    let names: BTreeSet<&str> = CRATES.iter().map(|(name, _)| *name).collect();
    let members = manifest("Cargo.toml")["workspace"]["members"].clone();
    let members: BTreeSet<String> =
        members.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(members, names.iter().map(|name| (*name).to_owned()).collect(), "this test knows every crate");

    for (name, allowed) in CRATES {
        for dependency in dependencies(&manifest(&format!("{name}/Cargo.toml"))) {
            assert!(
                // A crate may name itself, to test with its own features.
                !names.contains(dependency.as_str())
                    || dependency == *name
                    || allowed.contains(&dependency.as_str()),
                "{name} depends on {dependency}; it may depend on {allowed:?}"
            );
        }
    }
}

#[test]
fn modules_of_the_core_import_from_the_left() {
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    let source = root().join("client-core/src");
    for file in rust_files(&source) {
        let Some(module) = module_path(&source, &file) else { continue };
        let importer = place(&module).unwrap_or_else(|| panic!("{module} stands in no layer of this test"));
        let code = production_code(&fs::read_to_string(&file).unwrap());
        // The same in other words: as many `super` as the module is deep.
        let through_super = paths_after(&"super::".repeat(module.split("::").count()), &code);
        for import in through_super.iter() {
            if place(import).is_some_and(|imported| !may_import(importer, imported)) {
                wrong.push(format!("{module} imports {import} through super"));
            }
        }
        for import in paths_after("crate::", &code) {
            let imported = place(&import).unwrap_or_else(|| {
                panic!("{}: crate::{import} stands in no layer of this test", file.display())
            });
            *seen.entry(imported).or_insert(0) += 1;
            if !may_import(importer, imported) {
                wrong.push(format!("{module} imports crate::{import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "against the direction of the modules:\n{}", wrong.join("\n"));
    assert!(seen.len() > 2, "the imports were found: {seen:?}");
}

#[test]
fn the_simulated_cluster_meets_the_client_as_bytes() {
    let source = root().join("simulator/src/cluster");
    for file in rust_files(&source) {
        for import in paths_after("client_core::", &production_code(&fs::read_to_string(&file).unwrap())) {
            let module = import.split("::").next().unwrap();
            assert!(CLUSTER_MAY_USE.contains(&module), "{} uses client_core::{import}", file.display());
        }
    }
}

#[test]
fn the_reader_of_imports_sees_what_it_must() {
    let code = "
        use crate::{ids::{A, B}, io::Address, time};
        /* use crate::comment; */ // crate::comment
        fn f() -> crate::client::Client { \"crate::string\"; $crate::macros::m!() }
        #[cfg(test)]
        mod tests { use crate::producer::Producer; }
    ";
    let found = paths_after("crate::", &production_code(code));
    assert_eq!(found, ["ids::A", "ids::B", "io::Address", "time", "client::Client"]);
    assert!(may_import(place("cx").unwrap(), place("ids").unwrap()));
    assert!(may_import(place("cluster::refresh").unwrap(), place("cluster::view").unwrap()));
    assert!(may_import(place("producer::batch").unwrap(), place("producer").unwrap()));
    assert!(!may_import(place("producer").unwrap(), place("consumer").unwrap()));
    assert!(!may_import(place("cx").unwrap(), place("client").unwrap()));
    assert!(!may_import(place("protocol").unwrap(), place("cluster::view").unwrap()));
    assert_eq!(place("nowhere"), None);
}

/// Layer and place in it.
type Place = (usize, usize);

fn place(path: &str) -> Option<Place> {
    let candidates = LAYERS.iter().enumerate().flat_map(|(layer, Layer { modules, .. })| {
        modules.iter().enumerate().map(move |(index, module)| (*module, (layer, index)))
    });
    candidates
        .filter(|(module, _)| {
            path == *module || path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"))
        })
        .max_by_key(|(module, _)| module.len())
        .map(|(_, place)| place)
}

fn may_import(importer: Place, imported: Place) -> bool {
    imported == importer
        || imported.0 < importer.0
        || (imported.0 == importer.0 && LAYERS[importer.0].siblings)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn manifest(path: &str) -> toml::Table {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap().parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of all dependencies of a manifest: normal, development and build, for every target.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let per_target =
        manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let tables = per_target.filter_map(toml::Value::as_table).chain([manifest]);
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    tables
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flat_map(|table| table.keys().cloned())
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// `cluster/view.rs` -> `cluster::view`, `cluster/mod.rs` -> `cluster`; `None` for the crate's root.
fn module_path(source: &Path, file: &Path) -> Option<String> {
    let relative = file.strip_prefix(source).unwrap().with_extension("");
    let mut parts: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap()).collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    (parts != ["lib"]).then(|| parts.join("::"))
}

/// The code without comments and strings, up to its unit tests, which may look at everything.
fn production_code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['/', '"', '\'']) {
        code.push_str(&rest[..start]);
        rest = &rest[start..];
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("'\"'") || rest.starts_with("'/'") {
            3
        } else if rest.starts_with('"') {
            string_len(rest)
        } else {
            code.push_str(&rest[..1]);
            1
        };
        rest = &rest[skip..];
    }
    code.push_str(rest);
    let end = code.find("#[cfg(test)]").unwrap_or(code.len());
    code.truncate(end);
    code
}

/// Length of the string literal at the beginning, quotes included.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// The paths that follow `prefix`, groups in braces taken apart. `$crate::` is a macro's, and not looked at.
fn paths_after(prefix: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices(prefix) {
        let before = code[..start].chars().next_back();
        if before.is_some_and(|c| matches!(c, '$' | '_' | ':') || c.is_alphanumeric()) {
            continue;
        }
        expand("", &mut code[start + prefix.len()..].chars().peekable(), &mut found);
    }
    found
}

fn expand(parent: &str, chars: &mut std::iter::Peekable<std::str::Chars<'_>>, found: &mut Vec<String>) {
    let mut path = parent.to_owned();
    loop {
        match chars.peek() {
            Some(c) if c.is_alphanumeric() || matches!(c, '_' | ':' | '*') => path.extend(chars.next()),
            Some('{') if path.is_empty() || path.ends_with("::") => {
                chars.next();
                loop {
                    while chars.next_if(|c| c.is_whitespace() || *c == ',').is_some() {}
                    if chars.next_if_eq(&'}').is_some() || chars.peek().is_none() {
                        return;
                    }
                    let before = found.len();
                    expand(&path, chars, found);
                    // `a as b`: the new name is no path.
                    while chars.next_if(|c| !matches!(c, ',' | '}')).is_some() {}
                    assert!(found.len() > before, "cannot read the imports below {path}");
                }
            }
            _ => break,
        }
    }
    found.push(path.trim_end_matches("::*").to_owned());
}
