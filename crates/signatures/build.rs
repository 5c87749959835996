//! Compresses the rows of the providers: 3 KB of the component in place of 14.

use std::path::Path;

use flate2::{Compress, Compression, FlushCompress, Status};

const ROWS: &str = "src/providers.json";

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed={ROWS}");
    // No string in it spans lines, so that line ends and indents mean nothing.
    let rows: String = std::fs::read_to_string(ROWS)?.lines().map(str::trim_start).collect();
    let mut deflated = Vec::with_capacity(rows.len());
    let status = Compress::new(Compression::best(), false).compress_vec(
        rows.as_bytes(),
        &mut deflated,
        FlushCompress::Finish,
    )?;
    if status != Status::StreamEnd {
        return Err(std::io::Error::other("the rows are longer when compressed"));
    }
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    let out = Path::new(&out);
    std::fs::write(out.join("providers.deflate"), deflated)?;
    std::fs::write(out.join("providers.length"), rows.len().to_string())
}
