//! Compresses texts that the component serves as they are: the API description, what the
//! tools for models say about themselves, and the files of the console.

use std::fmt::Write as _;
use std::path::PathBuf;

use zopfli::{Format, Options};

fn main() -> std::io::Result<()> {
    // No string in these two spans lines, so that line ends and indents mean nothing.
    compress("docs/openapi.json", "openapi.json.gz", |text| {
        text.lines().flat_map(|line| [line.trim_start(), "\n"]).collect()
    })?;
    compress("src/mcp/tools.json", "tools.json.gz", |text| {
        text.lines().map(str::trim_start).collect()
    })?;
    console()
}

/// Compresses the files of the console, and writes a list of them: the expression of a
/// slice of names, content types and texts.
fn console() -> std::io::Result<()> {
    const FOLDER: &str = "src/console";
    println!("cargo:rerun-if-changed={FOLDER}");
    let mut names: Vec<_> = std::fs::read_dir(FOLDER)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    let mut list = String::from("&[");
    for name in names {
        let content_type = match name.rsplit_once('.').map(|(_, end)| end) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => panic!("{FOLDER}/{name} is of no type that the console knows"),
        };
        let to = format!("console-{name}.gz");
        compress(&format!("{FOLDER}/{name}"), &to, without_comments)?;
        let path = out().join(to);
        let _ = writeln!(list, "({name:?}, {content_type:?}, include_bytes!({path:?})),");
    }
    std::fs::write(out().join("console.rs"), list + "]")
}

/// Without indents and without the lines of comments. No string and no template in these
/// files spans lines.
fn without_comments(text: String) -> String {
    let lines = text.lines().map(str::trim).filter(|line| {
        let is_comment = line.starts_with("//") || line.starts_with("/*") && line.ends_with("*/");
        !line.is_empty() && !is_comment
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn out() -> PathBuf {
    std::env::var_os("OUT_DIR").unwrap_or_default().into()
}

fn compress(from: &str, to: &str, change: impl Fn(String) -> String) -> std::io::Result<()> {
    println!("cargo:rerun-if-changed={from}");
    let file = std::fs::File::create(out().join(to))?;
    let text = change(std::fs::read_to_string(from)?);
    zopfli::compress(Options::default(), Format::Gzip, text.as_bytes(), file)
}
