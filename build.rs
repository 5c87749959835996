//! Compresses texts that the component serves as they are: the API description, and what
//! the tools for models say about themselves.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};

fn main() -> std::io::Result<()> {
    compress("docs/openapi.json", "openapi.json.gz", |text| text)?;
    // No string in it spans lines, so that line ends and indents mean nothing.
    compress("src/mcp/tools.json", "tools.json.gz", |text| {
        text.lines().map(str::trim_start).collect()
    })
}

fn compress(from: &str, to: &str, change: impl Fn(String) -> String) -> std::io::Result<()> {
    println!("cargo:rerun-if-changed={from}");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    let file = std::fs::File::create(Path::new(&out).join(to))?;
    let text = change(std::fs::read_to_string(from)?);
    let mut gzip = GzBuilder::new().write(file, Compression::best());
    gzip.write_all(text.as_bytes())?;
    gzip.finish()?;
    Ok(())
}
