//! What both brokers do about somebody who has to say who it is.

use crate::Comparison;
use client_core::protocol::{
    ApiVersionsRequest, InitProducerIdRequest, MetadataRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
};

pub(crate) fn run(both: &mut Comparison, username: &str, password: &str) {
    let mechanism = |name: &str| {
        let mechanism = name.to_owned();
        move |_: &_| SaslHandshakeRequest { mechanism: mechanism.clone() }
    };
    let message = |text: &str| {
        let bytes = bytes::Bytes::from(text.as_bytes().to_vec());
        move |_: &_| SaslAuthenticateRequest { auth_bytes: bytes.clone() }
    };
    let versions = |_: &_| ApiVersionsRequest {
        client_software_name: "kafka-wasm".into(),
        client_software_version: "1.0".into(),
        ..Default::default()
    };
    let brokers = |_: &_| MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
    let right = format!("\0{username}\0{password}");

    both.hang_up();
    both.step("Metadata from a stranger", 12, brokers);
    both.step("InitProducerId from a stranger", 4, |_| InitProducerIdRequest::default());
    both.step("SaslAuthenticate without a handshake", 2, message(&right));
    both.hang_up();
    both.step("ApiVersions from a stranger", 3, versions);
    both.step("ApiVersions once more", 3, versions);
    both.hang_up();
    both.step("SaslHandshake for what nobody knows", 1, mechanism("GSSAPI"));
    both.step("a request after that", 1, mechanism("PLAIN"));

    for version in 0..=2 {
        for (what, mechanism_name, text) in [
            ("a wrong password", "PLAIN", format!("\0{username}\0wrong")),
            ("an unknown user", "PLAIN", "\0nobody\0wrong".to_owned()),
            ("another's id", "PLAIN", format!("other\0{username}\0{password}")),
            ("an empty password", "PLAIN", format!("\0{username}\0")),
            ("two parts", "PLAIN", format!("{username}\0{password}")),
            ("nothing", "PLAIN", String::new()),
            ("an unknown user", "SCRAM-SHA-256", "n,,n=nobody,r=nonce".to_owned()),
            ("another's id", "SCRAM-SHA-512", format!("n,a=other,n={username},r=nonce")),
            ("nonsense", "SCRAM-SHA-512", "nonsense".to_owned()),
            ("nonsense", "OAUTHBEARER", "nonsense".to_owned()),
        ] {
            both.hang_up();
            both.step("SaslHandshake", 1, mechanism(mechanism_name));
            both.step(&format!("{mechanism_name} with {what}"), version, message(&text));
            both.step("a request after that", 12, brokers);
        }
        both.hang_up();
        both.step("SaslHandshake", 1, mechanism("OAUTHBEARER"));
        both.step("a token that is none", version, message("n,,\u{1}auth=Bearer none\u{1}\u{1}"));
        both.step("its acknowledgement", version, message("\u{1}"));

        both.hang_up();
        both.step("ApiVersions", 3, versions);
        both.step("SaslHandshake", 1, mechanism("PLAIN"));
        both.step("the right password", version, message(&right));
        both.step("Metadata from somebody known", 12, brokers);
        both.step("SaslHandshake afterwards", 1, mechanism("PLAIN"));
        both.step("SaslAuthenticate afterwards", version, message(&right));
        both.step("ApiVersions afterwards", 3, versions);
    }
    both.hang_up();
    both.step("SaslHandshake", 1, mechanism("PLAIN"));
    both.step("Metadata between handshake and proof", 12, brokers);
    both.hang_up();
    both.step("SaslHandshake", 1, mechanism("PLAIN"));
    both.step("SaslHandshake twice", 1, mechanism("PLAIN"));
}
