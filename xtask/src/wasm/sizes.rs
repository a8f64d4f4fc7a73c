//! How much a file weighs on its way to a browser.

use crate::error::{Error, Result};
use crate::{process, tools};
use std::fmt;
use std::path::Path;
use std::process::Command;

/// Bytes of a file: as it is, gzipped (level 9), and compressed with brotli (quality 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) raw: u64,
    pub(crate) gzip: u64,
    pub(crate) brotli: u64,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobytes = |bytes: u64| format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100);
        write!(
            f,
            "raw {}, gzip {}, brotli {}",
            kilobytes(self.raw),
            kilobytes(self.gzip),
            kilobytes(self.brotli)
        )
    }
}

/// Weighs a file with Node's compressors, which every build needs anyway.
pub(crate) fn sizes(file: &Path) -> Result<Sizes> {
    const SCRIPT: &str = "
        const { gzipSync, brotliCompressSync } = require('node:zlib');
        const bytes = require('node:fs').readFileSync(process.argv[1]);
        console.log(bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length);";
    let output = process::output(Command::new(tools::NODE.find()?).args(["-e", SCRIPT, "--"]).arg(file))?;
    let numbers: Vec<u64> = output.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [raw, gzip, brotli] => Ok(Sizes { raw, gzip, brotli }),
        _ => Err(Error::new(format!("cannot weigh {}", file.display())).because(output)),
    }
}
