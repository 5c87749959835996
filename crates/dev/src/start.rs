//! Starts everything in order, and ends it in the other.

use crate::arguments::Arguments;
use crate::banner::{self, Banner, Callers};
use crate::component::Prepared;
use crate::error::StartError;
use crate::inbox::Inbox;
use crate::kafka::Kafka;
use crate::reach;
use crate::secrets_key;
use crate::timer;
use crate::variables::{self, Variables};
use crate::viceroy::Viceroy;
use kafka_edge_host::Host;
use kafka_edge_host::kv::quirks::Slow;
use kafka_edge_host::kv::{Database, Durability, Memory, OpenError};
use kafka_edge_host::upstream::Network;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long work in progress may go on after Ctrl-C. A stream or a waiting
/// caller uses all of it.
const MAX_SHUTDOWN_TIME: Duration = Duration::from_secs(3);

pub(crate) async fn run(arguments: Arguments) -> Result<(), StartError> {
    let workspace = workspace();
    let mut variables = variables::defaults(&workspace)?;
    // Errors in the command line, the port or the folder are reported before a
    // build that takes minutes.
    let given = given(&arguments, &variables)?;
    variables::set(&mut variables.clone(), given.iter().cloned())?;
    arguments.component.check()?;
    let listener = listen(&arguments.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|reason| StartError::Listen { address: arguments.listen.clone(), reason })?;
    let folder = data_folder(&arguments, &workspace)?;
    let store = folder.as_deref().map(open_store).transpose()?;
    let kafka = match arguments.rest {
        Some(_) => None,
        None => {
            let records = folder.as_deref().map(|folder| folder.join("kafka"));
            Some(Kafka::start(&arguments.topics, records.as_deref()).await?)
        }
    };
    let secrets_key = secrets_key::of(folder.as_deref())?;
    let component = arguments.component.clone();
    let prepared = component.prepare(workspace).await?;

    put(&mut variables, [("secrets_key", secrets_key)]);
    if address.ip().is_loopback() {
        put(&mut variables, variables::for_loopback());
    }
    match (&kafka, &arguments.rest) {
        (Some(kafka), _) => {
            put(&mut variables, variables::for_embedded(&kafka.url(), kafka.cluster_id()));
        }
        (None, Some(server)) => put(&mut variables, variables::for_rest(server)),
        (None, None) => {}
    }
    variables::set(&mut variables, given)?;

    // Other machines must not be able to fill the terminal.
    let inbox = if address.ip().is_loopback() { Inbox::start(address).await.ok() } else { None };
    let kafka_is = match &kafka {
        Some(kafka) => {
            format!("embedded, on {} with {}", kafka.url(), banner::topics(kafka.topics()))
        }
        None => banner::without_secrets(variables.get("kafka_rest_url").map_or("", String::as_str)),
    };
    let base_path = variables.get("base_path").map_or("", |path| path.trim());
    let base_path = match base_path.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    };
    let banner = Banner {
        address,
        base_path: &base_path,
        callers: Callers::of(&variables),
        component: arguments.component.file(),
        callback: inbox.as_ref().map(Inbox::url),
        topic: arguments.topics.first().map(|topic| topic.name.as_str()),
        kafka: kafka_is,
        data: match &folder {
            Some(folder) if matches!(prepared, Prepared::Viceroy(_)) => {
                format!("records in {}; state in memory, gone at the end", folder.display())
            }
            Some(folder) => format!("{}; it survives a restart", folder.display()),
            None => "in memory; it is gone at the end".to_owned(),
        },
        state: match variables.get("state_store").map_or("", |value| value.trim()) {
            "" | "host" => None,
            url => Some(banner::without_secrets(url)),
        },
    };

    match prepared {
        Prepared::Program(program) => {
            let mut host = Host::builder(&program).variables(variables.clone());
            host = host.worker_threads(threads_for_instances());
            host = host.upstream(Network::new(reach::policy(&variables)));
            host = host.allow_redis(variables.get("state_store").map_or("", |url| url.trim()));
            host = match (store, arguments.store_write) {
                (Some(store), Some(time)) => host.store("default", Slow::new(store, time)),
                (Some(store), None) => host.store("default", store),
                (None, Some(time)) => host.store("default", Slow::new(Memory::new(), time)),
                (None, None) => host,
            };
            let host = host.build()?;
            if let Some(file) = arguments.component.file().filter(|_| !host.answers_http()) {
                return Err(StartError::NoHandler(file.to_owned()));
            }
            serve(host, listener, &banner).await;
        }
        Prepared::Viceroy(viceroy) => {
            // The server listens itself.
            drop(listener);
            run_beside(&viceroy, address, &variables, &banner).await?;
        }
    }
    if let Some(kafka) = kafka {
        kafka.stop().await;
    }
    Ok(())
}

/// One for each core, and none where there is only one: threads would only take turns there.
fn threads_for_instances() -> usize {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    if cores == 1 { 0 } else { cores }
}

/// Serves until Ctrl-C.
async fn serve(host: Host, listener: TcpListener, banner: &Banner<'_>) {
    let deliver = timer::export(&host);
    let interrupt = show(banner).await;
    let deliveries = deliver.map(|export| tokio::spawn(timer::deliver(host.clone(), export)));
    if deliveries.is_none() {
        let interface = timer::INTERFACE;
        eprintln!(
            "the component exports no {interface}, so nothing starts deliveries by the clock"
        );
    }
    host.serve(listener, interrupt, MAX_SHUTDOWN_TIME).await;
    if let Some(deliveries) = deliveries {
        deliveries.abort();
    }
}

/// Lets Fastly's local server serve until Ctrl-C, or until it ends by itself.
async fn run_beside(
    viceroy: &Viceroy,
    address: SocketAddr,
    variables: &Variables,
    banner: &Banner<'_>,
) -> Result<(), StartError> {
    let folder = tempfile::tempdir();
    let folder =
        folder.map_err(|reason| StartError::Folder { folder: std::env::temp_dir(), reason })?;
    let mut server = viceroy.start(address, variables, folder.path()).await?;
    let interrupt = show(banner).await;
    eprintln!("the host has no timer, so nothing starts deliveries by the clock");
    tokio::select! {
        () = interrupt => {}
        status = server.wait() => eprintln!("the server has ended: {status:?}"),
    }
    // It has nothing to write down.
    _ = server.kill().await;
    Ok(())
}

/// Prints the banner, and returns what waits for Ctrl-C.
async fn show(banner: &Banner<'_>) -> Pin<Box<impl Future<Output = ()> + use<>>> {
    // Signals are caught from the first poll on, and whoever sees the banner may send one.
    let mut interrupt = Box::pin(ctrl_c());
    _ = tokio::time::timeout(Duration::ZERO, &mut interrupt).await;
    print!("{banner}");
    // A program that reads this through a pipe waits for it.
    _ = io::stdout().flush();
    interrupt
}

/// The variables that are set from outside; a later one outweighs an earlier one.
fn given(arguments: &Arguments, known: &Variables) -> Result<Vec<(String, String)>, StartError> {
    let mut given = variables::from_environment(known, |name| std::env::var(name).ok());
    for file in &arguments.variable_files {
        given.extend(variables::from_file(file)?);
    }
    given.extend(arguments.variables.iter().cloned());
    Ok(given)
}

/// The repository that this program was built from.
fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

fn put(variables: &mut Variables, values: impl IntoIterator<Item = (&'static str, String)>) {
    variables.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
}

async fn listen(address: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|reason| match reason.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken(address.to_owned()),
        _ => StartError::Listen { address: address.to_owned(), reason },
    })
}

fn data_folder(arguments: &Arguments, workspace: &Path) -> Result<Option<PathBuf>, StartError> {
    if arguments.ephemeral {
        return Ok(None);
    }
    let folder = arguments.data_dir.clone().unwrap_or_else(|| workspace.join(".kafka-edge"));
    match std::fs::create_dir_all(&folder) {
        Ok(()) => Ok(Some(folder)),
        Err(reason) => Err(StartError::Folder { folder, reason }),
    }
}

fn open_store(folder: &Path) -> Result<Database, StartError> {
    Database::open(folder.join("state.redb"), Durability::Process).map_err(|error| match error {
        OpenError::InUse(_) => StartError::FolderInUse(folder.to_owned()),
        other => StartError::Store(other),
    })
}

/// Waits for Ctrl-C, or for what `kill` sends: a server beside this one would outlive it
/// otherwise. A second Ctrl-C ends the program at once.
async fn ctrl_c() {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
    }
    eprintln!("\nending; Ctrl-C again ends it at once");
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

/// Where signals cannot be had the program goes on until it is killed.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => _ = terminate.recv().await,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
