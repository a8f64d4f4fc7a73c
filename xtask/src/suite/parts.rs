//! The parts of `cargo xtask test`, cheap ones first. A new part is one entry.

use super::needs;
use super::shell::Shell;
use crate::error::Result;
use crate::tools::{CHROMEDRIVER, Tool};
use crate::verbs::package;
use crate::wasm::{TARGET, ensure_component, ensure_target, runner_config};

/// One part.
pub(super) struct Part {
    /// Also the log's file name, and what `--only` is compared with.
    pub(super) name: &'static str,
    /// What it does, for the line that says so.
    pub(super) about: &'static str,
    /// Without these it cannot run.
    pub(super) needs: &'static [&'static [Tool]],
    /// Whether its log must hold test results; without, the part itself counts as one test.
    pub(super) has_tests: bool,
    pub(super) lane: Lane,
    pub(super) run: fn(&mut Shell<'_>) -> Result<()>,
}

/// The parts of one lane run one after the other, in the order of [`PARTS`]; the lanes run beside each other, for most parts wait more than
/// they work. What two lanes need is made once ([`Prepared`](super::prepared::Prepared)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// What cargo builds for this machine and tests: one at a time, because cargo locks its folder.
    Sources,
    /// What is shipped, in the hosts that load it.
    Products,
    /// The playground.
    Pages,
    /// Waits for brokers of its own most of the time.
    Chaos,
    /// Begins when every other lane has ended: reads the logs of the others, or makes again what they use.
    End,
}

impl Lane {
    /// Those that run beside each other.
    pub(super) const BESIDE: [Self; 4] = [Self::Sources, Self::Products, Self::Pages, Self::Chaos];
}

pub(super) const PARTS: &[Part] = &[
    Part {
        name: "format",
        about: "rustfmt changes nothing",
        needs: &[],
        has_tests: false,
        lane: Lane::Sources,
        run: |shell| {
            ensure_component("rustfmt", "fmt")?;
            shell.cargo(&["fmt", "--all", "--", "--check"])
        },
    },
    Part {
        name: "clippy",
        about: "lints, natively",
        needs: &[],
        has_tests: false,
        lane: Lane::Sources,
        run: |shell| {
            ensure_component("clippy", "clippy")?;
            let everything = ["clippy", "--workspace", "--all-targets", "--features", "tests/real-kafka"];
            shell.cargo(&[&everything[..], &["--", "-D", "warnings"]].concat())?;
            let wasm_tools = ["clippy", "--package", "xtask", "--features", "wasm", "--profile", "tools"];
            shell.cargo(&[&wasm_tools[..], &["--", "-D", "warnings"]].concat())
        },
    },
    Part {
        name: "clippy-wasm",
        about: "lints, for browsers",
        needs: &[],
        has_tests: false,
        lane: Lane::Sources,
        run: |shell| {
            ensure_component("clippy", "clippy")?;
            ensure_target()?;
            let packages =
                ["-p", "client-core", "-p", "simulator", "-p", "wasm-bindings", "-p", "playground"];
            shell.cargo(&[&["clippy", "--target", TARGET], &packages[..], &["--", "-D", "warnings"]].concat())
        },
    },
    Part {
        name: "native",
        about: "unit tests, integration tests and doctests, natively",
        needs: &[],
        has_tests: true,
        lane: Lane::Sources,
        run: |shell| shell.cargo(&["test", "--workspace", "--no-fail-fast"]),
    },
    Part {
        name: "soak",
        about: "random simulated worlds keep every law: some always the same, some new",
        needs: &[],
        has_tests: false,
        lane: Lane::Sources,
        run: |shell| {
            shell.xtask(&["soak", "--seeds", "600"])?;
            shell.xtask(&["soak", "--seeds", "600", "--from", "fresh"])
        },
    },
    Part {
        name: "docs",
        about: "the documentation has no broken links",
        needs: &[],
        has_tests: false,
        lane: Lane::Sources,
        run: |shell| {
            shell.set("RUSTDOCFLAGS", "-D warnings");
            shell.cargo(&["doc", "--workspace", "--no-deps"])
        },
    },
    Part {
        name: "wasm-node",
        about: "tests of the core and the simulator that hold on wasm32 too, in Node",
        needs: &[needs::JAVASCRIPT],
        has_tests: true,
        lane: Lane::Sources,
        run: |shell| {
            shell.set("WASM_BINDGEN_TEST_ONLY_NODE", "1");
            wasm_tests(shell, &["-p", "client-core", "-p", "simulator"])
        },
    },
    Part {
        name: "wasm-chromium",
        about: "tests of the browser driver, in headless Chromium",
        needs: &[needs::WEBDRIVER],
        has_tests: true,
        lane: Lane::Sources,
        run: |shell| {
            shell.set("WASM_BINDGEN_TEST_ONLY_WEB", "1");
            shell.set("CHROMEDRIVER", CHROMEDRIVER.find()?.display().to_string());
            wasm_tests(shell, &["-p", "wasm-bindings"])
        },
    },
    Part {
        name: "package",
        about: "the npm package builds, and its wasm imports nothing but its own glue",
        needs: &[needs::JAVASCRIPT],
        has_tests: false,
        lane: Lane::Products,
        run: |shell| {
            shell.with_package()?;
            shell.node(&["tests/packaging/imports.mjs", &package::wasm().display().to_string()])
        },
    },
    Part {
        name: "chaos",
        about: "brokers are killed and frozen, connections cut: every acknowledged record once and in order",
        needs: &[needs::JAVASCRIPT, needs::KAFKA],
        has_tests: false,
        lane: Lane::Chaos,
        run: |shell| shell.chaos(),
    },
    Part {
        name: "kafka-listeners",
        about: "the real Apache Kafka of the tests serves every listener",
        needs: &[needs::JAVASCRIPT, needs::KAFKA],
        has_tests: true,
        lane: Lane::Sources,
        run: |shell| {
            shell.with_kafka()?;
            shell.node_tests("tests/kafka", 1)
        },
    },
    Part {
        name: "kafka-native",
        about: "our core against the real Apache Kafka, natively",
        needs: &[needs::KAFKA],
        has_tests: true,
        lane: Lane::Sources,
        run: |shell| {
            shell.with_kafka()?;
            // Of the whole workspace, so that it shares what the part `native` has built.
            let tests = [
                "test",
                "--workspace",
                "--features",
                "tests/real-kafka",
                "--no-fail-fast",
                "--test",
                "kafka_*",
            ];
            shell.cargo(&tests)
        },
    },
    Part {
        name: "other-clients",
        about: "other people's clients against the dev broker",
        needs: &[needs::JAVASCRIPT, needs::PYTHON],
        has_tests: true,
        lane: Lane::Sources,
        run: |shell| {
            shell.with_bridge()?;
            shell.node_tests("tests/other-clients", 1)
        },
    },
    Part {
        name: "node",
        about: "the npm package in Node, against the real Apache Kafka",
        needs: &[needs::JAVASCRIPT, needs::KAFKA],
        has_tests: true,
        lane: Lane::Products,
        run: |shell| {
            shell.with_package()?;
            shell.with_bridge()?;
            shell.with_kafka()?;
            shell.node_tests("tests/node", 1)
        },
    },
    Part {
        name: "packaging",
        about: "the packed npm package in Node, in bundlers and in a plain page",
        needs: &[needs::BROWSER],
        has_tests: true,
        lane: Lane::Products,
        run: |shell| {
            shell.with_package()?;
            shell.node_tests("tests/packaging", 1)
        },
    },
    Part {
        name: "browser",
        about: "the npm package in headless Chromium, through the bridge, against the real Apache Kafka",
        needs: &[needs::BROWSER, needs::KAFKA],
        has_tests: true,
        lane: Lane::Products,
        run: |shell| {
            shell.with_package()?;
            shell.with_bridge()?;
            shell.with_kafka()?;
            shell.node_tests("tests/browser", 1)
        },
    },
    Part {
        name: "playground",
        about: "the playground in headless Chromium: pages, lessons, recordings, Live",
        needs: &[needs::BROWSER, needs::KAFKA],
        has_tests: true,
        lane: Lane::Pages,
        run: |shell| {
            shell.with_bridge()?;
            shell.with_playground()?;
            shell.with_kafka()?;
            shell.node_tests("tests/playground", 2)
        },
    },
    Part {
        name: "play",
        about: "the playground builds, is served and works once, in Chromium",
        needs: &[needs::BROWSER],
        has_tests: false,
        lane: Lane::End,
        run: |shell| shell.xtask(&["play", "--check"]),
    },
    Part {
        name: "behaviour",
        about: "every line of docs/behaviour.md is proven by the tests that ran",
        needs: &[],
        has_tests: false,
        lane: Lane::End,
        run: |shell| shell.xtask(&["behaviour"]),
    },
];

/// Runs tests for wasm32 with the wasm-bindgen which the lock file names.
fn wasm_tests(shell: &mut Shell<'_>, packages: &[&str]) -> Result<()> {
    ensure_target()?;
    let runner = runner_config()?;
    shell.cargo(&[&["test", "--target", TARGET, "--no-fail-fast", "--config", &runner], packages].concat())
}
