//! The playground's page: `index.html` of the root with what its `data-trunk` links name, in one folder.
//!
//! The attributes are Trunk's, so that Trunk users get the same page; this reads the few kinds the page needs:
//! `rust` (becomes the script that loads the module), `css`, `icon`, `copy-file` and `copy-dir`.

use crate::error::{Context, Error, Result};
use crate::{process, tools};
use std::path::Path;
use std::process::Command;

/// Name of the files which wasm-bindgen wrote into the page's folder.
pub(crate) const MODULE: &str = "playground";

/// Writes the page and everything it links to into `folder`.
pub(crate) fn assemble(root: &Path, folder: &Path) -> Result<()> {
    let source = root.join("index.html");
    let html = std::fs::read_to_string(&source).context(|| format!("cannot read {}", source.display()))?;
    let (page, assets) = transform(&html).map_err(|problem| Error::new("index.html").because(problem))?;
    for Asset { from, name } in &assets {
        copy(&root.join(from), &folder.join(name))?;
    }
    write(&folder.join("boot.js"), BOOT)?;
    write(&folder.join("index.html"), &page)
}

/// Puts compressed forms beside the files that a browser loads: the bridge serves them to whoever can read them. What has
/// not changed since it was compressed is left as it is.
pub(crate) fn compress(folder: &Path) -> Result<()> {
    const SCRIPT: &str = "
        const { readdirSync, readFileSync, statSync, writeFileSync } = require('node:fs');
        const { join } = require('node:path');
        const { brotliCompressSync, gzipSync } = require('node:zlib');
        const folder = process.argv[1];
        const time = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
        for (const name of readdirSync(folder)) {
          const path = join(folder, name);
          if (!/[.](css|html|js|svg|wasm)$/.test(name)) continue;
          const forms = [['.br', brotliCompressSync], ['.gz', (bytes) => gzipSync(bytes, { level: 9 })]];
          for (const [extension, form] of forms) {
            if (time(path + extension) < time(path)) writeFileSync(path + extension, form(readFileSync(path)));
          }
        }";
    let mut command = Command::new(tools::NODE.find()?);
    process::output(command.args(["-e", SCRIPT, "--"]).arg(folder)).map(|_output| ())
}

/// Loads the module: a file of its own, so that a content security policy can do without inline scripts.
const BOOT: &str = "\
import init from './playground.js';
await init({ module_or_path: new URL('./playground_bg.wasm', import.meta.url) });
";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Asset {
    /// Relative to the root.
    from: String,
    /// In the page's folder.
    name: String,
}

/// The page without its `data-trunk` links, and the files to put beside it.
fn transform(html: &str) -> std::result::Result<(String, Vec<Asset>), String> {
    let mut page = String::with_capacity(html.len());
    let mut assets: Vec<Asset> = Vec::new();
    let mut has_module = false;
    let mut rest = html;
    while let Some(start) = rest.find("<link") {
        let end = rest[start..].find('>').ok_or("a <link> without its end")? + start + 1;
        let tag = &rest[start..end];
        page.push_str(&rest[..start]);
        rest = &rest[end..];
        if !tag.contains("data-trunk") {
            page.push_str(tag);
            continue;
        }
        let rel = attribute(tag, "rel").ok_or_else(|| format!("{tag} has no rel"))?;
        if rel == "rust" {
            has_module = true;
            page.push_str(
                "<link rel=\"modulepreload\" href=\"playground.js\">\
                 <link rel=\"preload\" href=\"playground_bg.wasm\" as=\"fetch\" type=\"application/wasm\" crossorigin>\
                 <script type=\"module\" src=\"boot.js\"></script>",
            );
            continue;
        }
        let from = attribute(tag, "href").ok_or_else(|| format!("{tag} has no href"))?;
        let name = from.trim_end_matches('/').rsplit('/').next().unwrap_or(from);
        if assets.iter().any(|asset| asset.name == name) {
            return Err(format!("two links name a file called {name}"));
        }
        assets.push(Asset { from: from.to_owned(), name: name.to_owned() });
        match rel {
            "css" => page.push_str(&format!("<link rel=\"stylesheet\" href=\"{name}\">")),
            "icon" => page.push_str(&format!("<link rel=\"icon\" href=\"{name}\">")),
            "copy-file" | "copy-dir" => {}
            other => return Err(format!("{tag}: rel={other} is not known here")),
        }
    }
    page.push_str(rest);
    if has_module { Ok((page, assets)) } else { Err("no <link data-trunk rel=\"rust\">".to_owned()) }
}

/// The value of a quoted attribute.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let len = tag[start..].find('"')?;
    Some(&tag[start..start + len])
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("cannot copy {} to {}", from.display(), to.display());
    if from.is_dir() {
        std::fs::create_dir_all(to).context(failed)?;
        for entry in std::fs::read_dir(from).context(failed)? {
            let entry = entry.context(failed)?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    std::fs::copy(from, to).context(failed).map(|_bytes| ())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_what_a_browser_understands() {
        let html = "<head><link rel=\"canonical\" href=\"/\">\n\
            <link data-trunk rel=\"rust\" href=\"playground/Cargo.toml\">\n\
            <link data-trunk rel=\"css\" href=\"playground/style/tokens.css\" /></head>";
        let (page, assets) = transform(html).unwrap();
        assert!(page.starts_with("<head><link rel=\"canonical\" href=\"/\">\n"), "{page}");
        assert!(page.contains("<script type=\"module\" src=\"boot.js\"></script>"), "{page}");
        assert!(page.ends_with("<link rel=\"stylesheet\" href=\"tokens.css\"></head>"), "{page}");
        assert!(!page.contains("data-trunk"), "{page}");
        let tokens = Asset { from: "playground/style/tokens.css".into(), name: "tokens.css".into() };
        assert_eq!(assets, [tokens]);
    }

    #[test]
    fn what_cannot_be_built_is_said() {
        let check = |html: &str| transform(html).unwrap_err();
        assert!(check("<html></html>").contains("no <link data-trunk rel=\"rust\">"));
        assert!(check("<link data-trunk rel=\"sass\" href=\"a.scss\">").contains("rel=sass"));
        assert!(check("<link data-trunk rel=\"css\">").contains("no href"));
        let twice =
            "<link data-trunk rel=\"css\" href=\"a/x.css\"><link data-trunk rel=\"css\" href=\"b/x.css\">";
        assert!(check(twice).contains("x.css"));
    }
}
