//! The npm package checks options before its core is loaded, so it has a copy of the list of them. This keeps the copy equal.
//! `UPDATE_OPTIONS=1 cargo test -p client-core --test options` writes it anew.
#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use client_core::config::{OptionInfo, OptionKind, RoleName, Value};
use std::fmt::Write as _;
use std::path::Path;

/// Each option as one line of TypeScript.
fn line(option: &OptionInfo, indent: &str) -> String {
    let default = typescript(&option.default);
    let kind = match &option.kind {
        OptionKind::Text => "'text'".to_owned(),
        OptionKind::Flag => "'flag'".to_owned(),
        OptionKind::Millis { least, most: None } => format!("'millis', {least}"),
        OptionKind::Millis { least, most: Some(most) } => format!("'millis', {least}, {most}"),
        OptionKind::Whole { least, most } => format!("'whole', {least}, {most}"),
        OptionKind::OneOf(values) => {
            let values: Vec<String> = values.iter().map(typescript).collect();
            format!("'oneOf', {}", values.join(", "))
        }
        OptionKind::Addresses => "'addresses'".to_owned(),
        OptionKind::Headers => "'headers'".to_owned(),
        OptionKind::Sasl => "'sasl'".to_owned(),
    };
    format!("{indent}{}: [{default}, {kind}],\n", option.key)
}

fn typescript(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Flag(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("'{text}'"),
        Value::List(values) if values.is_empty() => "[]".to_owned(),
        Value::Map(values) if values.is_empty() => "{}".to_owned(),
        Value::Bytes(_) | Value::List(_) | Value::Map(_) | Value::Other(_) => panic!("no default is {value}"),
    }
}

fn module() -> String {
    let mut text = String::from(
        "// Made from client-core/src/config/options.rs by client-core/tests/options.rs, which says how. Not to be edited.\n\n\
         /** An option: what it is by default, what kind it is of, and the kind's limits or words. @internal */\n\
         export type OptionInfo = readonly [byDefault: unknown, kind: string, ...limits: readonly unknown[]]\n",
    );
    let all = |role: RoleName| OptionInfo::all(role);
    let in_all =
        |key: &str| RoleName::ALL.iter().all(|role| all(*role).iter().any(|option| option.key == key));
    text += "\n/** Options of every client. */\nconst common = {\n";
    for option in all(RoleName::Producer).iter().filter(|option| in_all(option.key)) {
        text += &line(option, "  ");
    }
    text += "} as const satisfies Record<string, OptionInfo>\n";
    text += "\n/** Options by the kind of client. @internal */\nexport const clientOptions = {\n";
    for role in RoleName::ALL {
        writeln!(text, "  {}: {{\n    ...common,", role.name()).unwrap();
        for option in all(role).iter().filter(|option| !in_all(option.key)) {
            text += &line(option, "    ");
        }
        text += "  },\n";
    }
    text += "} as const satisfies Record<string, Record<string, OptionInfo>>\n";
    text += "\n/** Options that together must be at most another one. @internal */\n";
    text += "export const limits: readonly string[] = [\n";
    for (keys, other) in OptionInfo::limits() {
        writeln!(text, "  '{} <= {other}',", keys.join(" + ")).unwrap();
    }
    text + "]\n"
}

#[test]
fn the_npm_package_knows_every_option() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm-bindings/js/src/options-table.ts");
    let wanted = module();
    if std::env::var_os("UPDATE_OPTIONS").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "{} is old; UPDATE_OPTIONS=1 writes it anew:\n{wanted}", file.display());
}

/// Whoever adds an option documents it for JavaScript, too.
#[test]
fn every_option_is_documented_in_its_types() {
    let types = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm-bindings/js/src/options.ts");
    let types = std::fs::read_to_string(types).unwrap();
    for option in RoleName::ALL.into_iter().flat_map(OptionInfo::all) {
        let declared = format!("  readonly {}", option.key);
        let place = types.find(&format!("{declared}?: ")).or_else(|| types.find(&format!("{declared}: ")));
        let place = place.unwrap_or_else(|| panic!("options.ts declares no {}", option.key));
        assert!(types[..place].trim_end().ends_with("*/"), "options.ts says nothing about {}", option.key);
    }
}
