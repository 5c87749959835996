//! `kafka-edge-compose COMPONENT GATEWAY`: writes the two, made into one, to
//! standard output.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [component, gateway] = &paths[..] else {
        eprintln!("Usage: kafka-edge-compose COMPONENT.wasm GATEWAY.wasm > COMPOSED.wasm");
        return ExitCode::from(2);
    };
    let composed = kafka_edge_compose::compose(component, gateway);
    let written = composed.map_err(|error| error.to_string()).and_then(|wasm| {
        std::io::stdout().write_all(&wasm).map_err(|error| format!("nothing was written: {error}"))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
