//! Layers of options: CF1 to CF4. (CF5 to CF8 are about records: `dialogues/headers.rs` and the Node tests.)
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use client_core::config::{Layer, OptionInfo, OptionKind, Origin, Resolved, RoleName, Value, resolve};
use client_core::{Acks, CredentialSource, Credentials, Duration, Error, Mechanism, Role};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn layer(name: &str, values: &[(&str, Value)]) -> Layer {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Layer { name: name.to_owned(), shared: name != "role", values }
}

/// Every configuration needs an address; this layer has one and nothing else.
fn brokers() -> Layer {
    layer("brokers", &[("brokers", Value::List(vec!["b1:9092".into(), "[::1]:9093".into()]))])
}

fn resolved(role: RoleName, layers: &[Layer]) -> Resolved {
    resolve(role, &[&[brokers()], layers].concat()).unwrap()
}

fn origin<'a>(resolved: &'a Resolved, key: &str) -> &'a Origin {
    resolved.origins.iter().find(|origin| origin.key == key).unwrap()
}

fn headers(pairs: &[(&str, Value)]) -> Value {
    Value::Map(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn sasl(mechanism: &str, username: &str, password: Value) -> Value {
    headers(&[("mechanism", mechanism.into()), ("username", username.into()), ("password", password)])
}

/// A value that the option may have and does not have by default.
fn another(option: &OptionInfo) -> Value {
    match &option.kind {
        OptionKind::Text => "another".into(),
        OptionKind::Flag => (option.default == Value::Flag(false)).into(),
        // Between what limits it and what it limits.
        OptionKind::Millis { .. } | OptionKind::Whole { .. } => {
            let Value::Number(default) = option.default else { panic!("{} is a number", option.key) };
            match option.key {
                "lingerMs" | "fetchMinBytes" => 7.0.into(),
                "maxInFlightRequests" => 3.0.into(),
                "bufferMemory" | "reconnectBackoffMaxMs" | "retryBackoffMaxMs" => (default + 1.0).into(),
                _ => (default - 1.0).into(),
            }
        }
        OptionKind::OneOf(values) => {
            values.iter().rev().find(|value| **value != option.default).unwrap().clone()
        }
        OptionKind::Addresses => Value::List(vec!["other:1".into()]),
        OptionKind::Headers => headers(&[("name", "content".into())]),
        OptionKind::Sasl => sasl("PLAIN", "alice", "secret-4711".into()),
    }
}

/// Each option can be set in each layer, wins there over what is below, and touches no other.
#[test]
fn cf1_each_key_is_decided_by_the_highest_layer_that_has_it() {
    for role in RoleName::ALL {
        let untouched = resolved(role, &[]);
        for option in OptionInfo::all(role).iter().filter(|option| option.key != "brokers") {
            let mut values = vec![(option.key, another(option))];
            if option.key == "acks" {
                values.push(("idempotent", false.into()));
            }
            let (low, high) = (layer("low", &values), layer("role", &values));
            let shown = match option.kind {
                OptionKind::Headers => headers(&[("name", Value::Bytes(b"content"[..].into()))]),
                OptionKind::Sasl => sasl("PLAIN", "alice", "(hidden)".into()),
                OptionKind::Text
                | OptionKind::Flag
                | OptionKind::Millis { .. }
                | OptionKind::Whole { .. }
                | OptionKind::OneOf(_)
                | OptionKind::Addresses => another(option),
            };
            for (layers, expected) in [
                (vec![low.clone()], "low"),
                (vec![high.clone()], "role"),
                (vec![low.clone(), layer("role", &[])], "low"),
                (vec![low, high], "role"),
            ] {
                let found = resolved(role, &layers);
                let changed = origin(&found, option.key);
                assert_eq!((&changed.value, changed.layer.as_str()), (&shown, expected), "{}", option.key);
                for (before, after) in untouched.origins.iter().zip(&found.origins) {
                    let is_meant = values.iter().any(|(key, _)| *key == after.key);
                    assert!(is_meant || before == after, "{} changed {}", option.key, after.key);
                }
                assert_ne!(found.config, untouched.config, "{} reaches the configuration", option.key);
            }
        }
    }
}

/// Layers with different keys: the union of them.
#[test]
fn cf1_no_key_of_a_lower_layer_is_lost() {
    let found = resolved(
        RoleName::Producer,
        &[
            layer("profile", &[("lingerMs", 5.0.into()), ("batchSize", 1000.0.into())]),
            layer("shared", &[("batchSize", 2000.0.into()), ("clientId", "mine".into())]),
            layer("role", &[("acks", "all".into())]),
        ],
    );
    let Role::Producer(producer) = &found.config.role else { panic!("a producer") };
    assert_eq!((producer.linger, producer.batch_size), (Duration::from_millis(5), 2000));
    assert_eq!((found.config.client_id.as_str(), producer.acks), ("mine", Acks::All));
    let layers: Vec<&str> = ["lingerMs", "batchSize", "clientId", "acks", "brokers", "idempotent"]
        .map(|key| origin(&found, key).layer.as_str())
        .into();
    assert_eq!(layers, ["profile", "shared", "shared", "role", "brokers", "defaults"]);
    assert_eq!(found.config.bootstrap.len(), 2);
}

/// Extra headers are merged name by name, in order; whatever they are called.
#[test]
fn cf1_cf2_extra_headers_are_merged_by_name() {
    let low =
        headers(&[("a", "1".into()), ("clientId", "2".into()), ("__proto__", "3".into()), ("", "4".into())]);
    let high =
        headers(&[("a", "one".into()), ("b", Value::Bytes(vec![0, 255].into())), ("clientId", Value::Null)]);
    let found = resolved(
        RoleName::Producer,
        &[layer("low", &[("extraHeaders", low)]), layer("role", &[("extraHeaders", high)])],
    );
    let Role::Producer(producer) = &found.config.role else { panic!("a producer") };
    let pairs: Vec<(&[u8], &[u8])> = producer
        .extra_headers
        .iter()
        .map(|(name, value)| (&name[..], &value.as_ref().unwrap()[..]))
        .collect();
    let expected: [(&[u8], &[u8]); 4] =
        [(b"a", b"one"), (b"__proto__", b"3"), (b"", b"4"), (b"b", &[0, 255])];
    assert_eq!(pairs, expected);

    let none = layer("role", &[("extraHeaders", Value::Null)]);
    let found = resolved(
        RoleName::Producer,
        &[layer("low", &[("extraHeaders", headers(&[("a", "1".into())]))]), none],
    );
    assert_eq!(origin(&found, "extraHeaders").value, headers(&[]));
}

/// What may stand in `sasl`: texts are the credentials, functions find them later; nothing secret is shown.
#[test]
fn cf3_cf4_credentials_are_texts_or_functions() {
    let function = || Value::Other("function".into());
    let read = |value: Value| resolve(RoleName::Producer, &[brokers(), layer("mine", &[("sasl", value)])]);
    for (name, mechanism) in [
        ("plain", Mechanism::Plain),
        ("scram-sha-256", Mechanism::ScramSha256),
        ("SCRAM-SHA-512", Mechanism::ScramSha512),
    ] {
        let found = read(sasl(name, "alice", "secret-4711".into())).unwrap();
        let settings = found.config.sasl.clone().unwrap();
        assert_eq!(settings.mechanism, mechanism);
        assert_eq!(
            settings.credentials,
            CredentialSource::Fixed(Credentials::password("alice", "secret-4711"))
        );
        assert!(!format!("{found:?}").contains("secret-4711"), "{found:?}");
        let found = read(sasl(name, "alice", function())).unwrap().config.sasl.unwrap();
        assert_eq!((found.mechanism, found.credentials), (mechanism, CredentialSource::Asked));
    }
    let token =
        |value: Value| headers(&[("mechanism", "oauthbearer".into()), ("oauthBearerProvider", value)]);
    let found = read(token("abc".into())).unwrap().config.sasl.unwrap();
    assert_eq!(found.credentials, CredentialSource::Fixed(Credentials::token("abc")));
    let found = read(token(function())).unwrap().config.sasl.unwrap();
    assert_eq!((found.mechanism, found.credentials), (Mechanism::OauthBearer, CredentialSource::Asked));

    for (value, problem) in [
        (Value::from("plain"), "expected an object with a mechanism and credentials, found \"plain\""),
        (headers(&[]), "expected a mechanism, one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER"),
        (
            sasl("gssapi", "a", "b".into()),
            "expected a mechanism, one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
        ),
        (
            sasl("plain", "alice", 4711.0.into()),
            "expected password to be a text, or a function that finds it",
        ),
        (sasl("plain", "", "secret-4711".into()), "the user name is empty"),
        (sasl("plain", "a\0b", "secret-4711".into()), "PLAIN cannot carry a NUL character"),
        (
            headers(&[("mechanism", "plain".into()), ("user", "alice".into())]),
            "PLAIN has no user; it has mechanism, username, password, authorizationId",
        ),
        (token("two words".into()), "the token is empty or has characters that tokens do not have"),
    ] {
        let error = read(value).unwrap_err();
        let Error::InvalidConfig { layer, key, problem: found } = &error else { panic!("{error}") };
        assert_eq!((layer.as_str(), key.as_str(), found.as_str()), ("mine", "sasl", problem));
        assert!(!error.to_string().contains("4711"), "{error}");
    }
}

/// Null takes away what lower layers say and leaves the default; a key that is not there changes nothing.
#[test]
fn cf2_a_removal_is_not_an_absence() {
    for role in RoleName::ALL {
        for option in OptionInfo::all(role).iter().filter(|option| option.key != "brokers") {
            if option.key == "acks" {
                continue;
            }
            let low = layer("low", &[(option.key, another(option))]);
            let removed = resolved(role, &[low.clone(), layer("role", &[(option.key, Value::Null)])]);
            assert_eq!(origin(&removed, option.key).value, option.default, "{}", option.key);
            assert_eq!(origin(&removed, option.key).layer, "role", "{}", option.key);
            let absent = resolved(role, &[low, layer("role", &[])]);
            assert_ne!(origin(&absent, option.key).value, option.default, "{}", option.key);
        }
    }
    let error = resolve(RoleName::Producer, &[brokers(), layer("role", &[("brokers", Value::Null)])]);
    assert!(
        matches!(error, Err(Error::InvalidConfig { key, .. }) if key == "brokers"),
        "a default there is not"
    );
}

/// What was resolved owns its values, and says where each came from.
#[test]
fn cf3_a_configuration_is_resolved_once() {
    let mut layers = vec![
        brokers(),
        layer("role", &[("clientId", "before".into()), ("extraHeaders", headers(&[("a", "1".into())]))]),
    ];
    let found = resolve(RoleName::Producer, &layers).unwrap();
    let before = found.clone();
    layers[1].values.clear();
    layers[0].values[0].1 = Value::List(vec!["late:1".into()]);
    drop(layers);
    assert_eq!(found, before);
    assert_eq!(found.origins.len(), OptionInfo::all(RoleName::Producer).len(), "every option is there");
    assert!(found.origins.iter().all(|origin| !origin.layer.is_empty()));
}

/// Defaults are those of the structures, and nowhere else.
#[test]
fn cf3_nothing_set_is_everything_by_default() {
    for role in RoleName::ALL {
        let found = resolved(role, &[]);
        let mut defaults = role.defaults();
        defaults.bootstrap.clone_from(&found.config.bootstrap);
        assert_eq!(found.config, defaults);
        let from_defaults = |origin: &&Origin| origin.layer == "defaults";
        assert_eq!(found.origins.iter().filter(from_defaults).count(), found.origins.len() - 1);
    }
}

#[track_caller]
fn check_error(role: RoleName, layers: &[Layer], expected: (&str, &str), text: &str) {
    let error = resolve(role, &[&[brokers()], layers].concat()).unwrap_err();
    let Error::InvalidConfig { layer, key, problem } = &error else { panic!("{error}") };
    assert_eq!((layer.as_str(), key.as_str()), expected, "{problem}");
    assert!(problem.contains(text), "{problem}");
}

/// Every option refuses every value of another kind, and names itself and the layer.
#[test]
fn cf4_a_wrong_type_names_layer_and_key() {
    let values: Vec<Value> = vec![
        true.into(),
        (-7.5).into(),
        f64::NAN.into(),
        1e300.into(),
        "no such word".into(),
        Value::Bytes(b"bytes"[..].into()),
        Value::List(vec![]),
        Value::List(vec![5.0.into()]),
        Value::List(vec!["no port".into()]),
        headers(&[("name", 5.0.into())]),
        Value::Other("a function".into()),
    ];
    for role in RoleName::ALL {
        for option in OptionInfo::all(role) {
            for value in &values {
                let fits = match (&option.kind, value) {
                    (OptionKind::Text, Value::Text(_)) | (OptionKind::Flag, Value::Flag(_)) => true,
                    // Infinity, and all that is as good.
                    (OptionKind::Millis { most: None, .. }, Value::Number(number)) => *number > 0.0,
                    _ => false,
                };
                if fits {
                    continue;
                }
                check_error(
                    role,
                    &[layer("role", &[(option.key, value.clone())])],
                    ("role", option.key),
                    "expected",
                );
            }
        }
    }
}

#[test]
fn cf4_an_unknown_option_names_layer_and_key() {
    let wrong = [("acksTypo", Value::Null)];
    check_error(RoleName::Producer, &[layer("role", &wrong)], ("role", "acksTypo"), "lingerMs");
    check_error(
        RoleName::Consumer,
        &[layer("profile x", &wrong)],
        ("profile x", "acksTypo"),
        "no such option",
    );
    // What is for all may name what is for others; what is for one role may not.
    let linger = [("lingerMs", 5.0.into())];
    assert!(resolve(RoleName::Consumer, &[brokers(), layer("shared", &linger)]).is_ok());
    check_error(RoleName::Consumer, &[layer("role", &linger)], ("role", "lingerMs"), "fetchMinBytes");
}

/// Two values that do not go together: the one to change, and a layer that has set something.
#[test]
fn cf4_a_conflict_names_layer_and_key() {
    use RoleName::{Consumer, Producer};
    let one = |key, value: Value| layer("role", &[(key, value)]);
    check_error(Producer, &[one("acks", 1.into())], ("role", "acks"), "idempotent is on");
    check_error(Producer, &[one("bufferMemory", 2000.into())], ("role", "maxRequestSize"), "bufferMemory");
    check_error(
        Producer,
        &[one("deliveryTimeoutMs", 20_000.into())],
        ("role", "requestTimeoutMs"),
        "expected with lingerMs no more than deliveryTimeoutMs, found 30000 and 20000",
    );
    let linger = [one("requestTimeoutMs", 20_000.into()), one("lingerMs", 100_001.into())];
    check_error(Producer, &linger, ("role", "requestTimeoutMs"), "found 120001 and 120000");
    for role in RoleName::ALL {
        let layers = [layer("low", &[("retryBackoffMs", 500.into())]), one("retryBackoffMaxMs", 400.into())];
        check_error(role, &layers, ("low", "retryBackoffMs"), "found 500 and 400");
        check_error(
            role,
            &[one("reconnectBackoffMs", 5000.into())],
            ("role", "reconnectBackoffMs"),
            "no more than",
        );
    }
    check_error(Consumer, &[one("brokers", Value::List(vec![]))], ("role", "brokers"), "host:port");
}

/// Infinity is for ever, as far as computers go; fractions of a millisecond count.
#[test]
fn durations_are_milliseconds() {
    let found = resolved(
        RoleName::Consumer,
        &[layer("role", &[("metadataMaxAgeMs", f64::INFINITY.into()), ("retryBackoffMs", 0.25.into())])],
    );
    assert_eq!(found.config.metadata_max_age, Duration::from_secs(100 * 365 * 86_400));
    assert_eq!(found.config.retry_backoff, Duration::from_micros(250));
}
