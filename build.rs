//! Compresses the API description, which the component serves as it is.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};

const DESCRIPTION: &str = "docs/openapi.json";

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed={DESCRIPTION}");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    let file = std::fs::File::create(Path::new(&out).join("openapi.json.gz"))?;
    let text = std::fs::read_to_string(DESCRIPTION)?;
    let mut gzip = GzBuilder::new().write(file, Compression::best());
    gzip.write_all(text.as_bytes())?;
    gzip.finish()?;
    Ok(())
}
