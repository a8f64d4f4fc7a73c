//! A certificate authority and a server certificate for loopback, made anew for each cluster.

use crate::error::{Context, Result};
use crate::{process, tools};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The certificate which clients of this cluster trust, PEM.
pub(super) fn ca(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

/// The brokers' private key and certificate chain in one file, as Kafka's PEM key store wants it.
pub(super) fn server(folder: &Path) -> PathBuf {
    folder.join("server.pem")
}

/// Makes both. The authority's key is deleted at once: nothing else will ever be signed by it.
pub(super) fn create(folder: &Path) -> Result<()> {
    const DAYS: &str = "3650";
    let program = tools::OPENSSL.find()?;
    let openssl = |args: &[&str]| {
        process::output(Command::new(&program).current_dir(folder).args(args)).map(|_output| ())
    };
    let key = |name| ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name];
    let ca_request =
        ["req", "-x509", "-days", DAYS, "-subj", "/CN=kafka-wasm test authority", "-out", "ca.pem"];
    openssl(&[&ca_request[..], &key("ca.key")[..]].concat())?;
    let server_request = ["req", "-new", "-subj", "/CN=localhost", "-out", "server.csr"];
    openssl(&[&server_request[..], &key("server.key")[..]].concat())?;
    write(folder, "server.ext", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")?;
    openssl(&[
        "x509",
        "-req",
        "-days",
        DAYS,
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "server.ext",
        "-out",
        "server.crt",
    ])?;
    let chain =
        format!("{}{}{}", read(folder, "server.key")?, read(folder, "server.crt")?, read(folder, "ca.pem")?);
    write(folder, "server.pem", &chain)?;
    let ca_key = folder.join("ca.key");
    std::fs::remove_file(&ca_key).context(|| format!("cannot delete {}", ca_key.display()))
}

fn read(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).context(|| format!("cannot read {}", path.display()))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    std::fs::write(&path, text).context(|| format!("cannot write {}", path.display()))
}
