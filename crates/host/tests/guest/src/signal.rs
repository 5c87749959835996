//! Requests of one instance that wait for each other: the end of a stream that
//! never carries data wakes its reader through the host.

use crate::answer::{Answer, text};
use crate::behave::{number, sleep};
use spin_sdk::wasip3::wit_stream;
use spin_sdk::wit_bindgen::{self, StreamWriter};
use std::cell::RefCell;
use std::collections::HashMap;

thread_local! {
    static WAITING: RefCell<HashMap<String, Vec<StreamWriter<u8>>>> = RefCell::default();
}

pub(crate) async fn wait(name: &str) -> Answer {
    let (writer, mut reader) = wit_stream::new::<u8>();
    WAITING.with_borrow_mut(|waiting| {
        waiting.entry(name.to_owned()).or_default().push(writer);
    });
    let (result, _) = reader.read(Vec::with_capacity(1)).await;
    text(format!("{result:?}"))
}

fn end(name: &str) -> usize {
    let ended = WAITING.with_borrow_mut(|waiting| waiting.remove(name));
    ended.map_or(0, |writers| writers.len())
}

pub(crate) fn now(name: &str) -> Answer {
    text(end(name).to_string())
}

/// Answers at once, and has a task that outlives the answer give the signal.
pub(crate) fn later(name: &str, ms: &str) -> Answer {
    let (name, ms) = (name.to_owned(), number(ms));
    wit_bindgen::spawn(async move {
        sleep(ms).await;
        end(&name);
    });
    text("later")
}
