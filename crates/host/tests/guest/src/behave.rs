//! What an instance does with its time and its memory.

use crate::answer::{Answer, streaming, text};
use spin_sdk::key_value::Store;
use spin_sdk::variables;
use spin_sdk::wasip3::clocks::{monotonic_clock, system_clock};
use spin_sdk::wasip3::http::types::Request;
use spin_sdk::wit_bindgen;
use std::cell::Cell;

thread_local! {
    static VISITS: Cell<u32> = const { Cell::new(0) };
    static TOGETHER: Cell<u32> = const { Cell::new(0) };
    static MOST: Cell<u32> = const { Cell::new(0) };
}

pub(crate) fn number(text: &str) -> u64 {
    text.parse().expect("a number in the path")
}

pub(crate) async fn sleep(ms: u64) {
    monotonic_clock::wait_for(ms * 1_000_000).await;
}

/// What the guest sees of a request.
pub(crate) fn who(request: &Request) -> Answer {
    let headers = request.get_headers();
    let host = headers.get("host").len();
    text(format!(
        "{:?} {:?} {} host header(s)",
        request.get_scheme(),
        request.get_authority(),
        host
    ))
}

/// How often this instance has been here.
pub(crate) fn visits() -> Answer {
    VISITS.set(VISITS.get() + 1);
    text(VISITS.get().to_string())
}

/// Waits, and returns the maximum number of requests that waited here at the
/// same time.
pub(crate) async fn together(ms: &str) -> Answer {
    TOGETHER.set(TOGETHER.get() + 1);
    MOST.set(MOST.get().max(TOGETHER.get()));
    sleep(number(ms)).await;
    TOGETHER.set(TOGETHER.get() - 1);
    text(MOST.get().to_string())
}

/// Has so much memory for a moment.
pub(crate) fn fill(mib: &str) -> Answer {
    let filled = vec![1_u8; number(mib) as usize * 1024 * 1024];
    text(filled.iter().map(|byte| u64::from(*byte)).sum::<u64>().to_string())
}

/// Answers at once, and writes a key some time later.
pub(crate) fn later(key: &str, ms: &str) -> Answer {
    let (key, ms) = (key.to_owned(), number(ms));
    wit_bindgen::spawn(async move {
        sleep(ms).await;
        write(&key, "done").await;
    });
    text("soon")
}

pub(crate) async fn write(key: &str, value: &str) {
    let store = Store::open_default().await.expect("a default store");
    store.set(key, value).await.expect("a write");
}

/// Sends a body in pieces of a kilobyte, and writes down what became of each.
pub(crate) fn stream(key: &str, pieces: &str, ms: &str) -> Answer {
    let (key, pieces, ms) = (key.to_owned(), number(pieces), number(ms));
    let (mut writer, response, sent) = streaming()?;
    wit_bindgen::spawn(async move {
        let mut written = 0;
        for _ in 0..pieces {
            if !writer.write_all(vec![b'x'; 1024]).await.is_empty() {
                break;
            }
            written += 1;
            write(&format!("{key}-written"), &written.to_string()).await;
            sleep(ms).await;
        }
        drop(writer);
        let sent = sent.await;
        write(&key, &format!("{written} of {pieces}, then {sent:?}")).await;
    });
    Ok(response)
}

/// Starts a body and dies before its end.
pub(crate) fn stream_then_die(ms: &str) -> Answer {
    let ms = number(ms);
    let (mut writer, response, _sent) = streaming()?;
    wit_bindgen::spawn(async move {
        writer.write_all(b"the beginning".to_vec()).await;
        sleep(ms).await;
        panic!("before the end");
    });
    Ok(response)
}

/// Keeps the processor busy.
pub(crate) fn compute(ms: &str) -> Answer {
    let end = monotonic_clock::now() + number(ms) * 1_000_000;
    while monotonic_clock::now() < end {
        std::hint::spin_loop();
    }
    text("computed")
}

pub(crate) fn print(line: &str) -> Answer {
    println!("out {line}");
    eprint!("err {line}\nsecond line without an end");
    text("printed")
}

/// Milliseconds since 1970 by WASI 0.3 and by the standard library, which
/// goes by WASI 0.2.
pub(crate) fn time() -> Answer {
    let now = system_clock::now();
    let ours = now.seconds * 1000 + i64::from(now.nanoseconds) / 1_000_000;
    let std = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    text(format!("{ours} {}", std.as_millis()))
}

pub(crate) async fn variable(name: &str) -> Answer {
    match variables::get(name).await {
        Ok(value) => text(value),
        Err(error) => text(format!("{error:?}")),
    }
}
