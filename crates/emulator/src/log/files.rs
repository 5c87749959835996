//! Files behind the log: a folder for each topic, in it one file that says
//! what the topic is and one append-only file for each partition.
//!
//! Every change is one write, so a process that is killed loses nothing that
//! it has answered for, and at worst leaves half an entry at the end of a
//! file. That one is cut off when the file is opened again. Nothing is forced
//! to the disk: a machine that loses power may lose the last seconds.

mod entry;
mod journal;

pub(super) use entry::Entry;
pub(super) use journal::Journal;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What `topic.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TopicFile {
    pub(super) partitions: i32,
    pub(super) configs: BTreeMap<String, String>,
}

/// The folder of all topics. One process may use it at a time.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Held open: the lock goes with it.
    _lock: File,
}

const TOPIC_FILE: &str = "topic.json";

/// Names that begin so are under construction or on their way out. No topic's
/// name may hold it.
const UNFINISHED: &str = "~";

impl Folder {
    pub(super) fn open(root: &Path) -> io::Result<Folder> {
        fs::create_dir_all(root)?;
        let lock = File::create(root.join("lock"))?;
        lock.try_lock().map_err(|error| {
            let why = format!("{} is used by another process ({error})", root.display());
            io::Error::new(io::ErrorKind::WouldBlock, why)
        })?;
        Ok(Folder { root: root.to_owned(), _lock: lock })
    }

    /// All topics that were ever finished and not deleted.
    pub(super) fn topics(&self) -> io::Result<Vec<(String, TopicFile)>> {
        let mut topics = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                continue;
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path())?;
                continue;
            }
            let text = fs::read(entry.path().join(TOPIC_FILE))?;
            let topic = serde_json::from_slice(&text).map_err(|error| {
                let why = format!("{name}/{TOPIC_FILE}: {error}");
                io::Error::new(io::ErrorKind::InvalidData, why)
            })?;
            topics.push((name, topic));
        }
        Ok(topics)
    }

    /// Makes a topic's folder. It appears whole or not at all.
    pub(super) fn create(&self, name: &str, topic: &TopicFile) -> io::Result<()> {
        let unfinished = self.root.join(format!("{UNFINISHED}{name}"));
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir(&unfinished)?;
        write_topic_file(&unfinished, topic)?;
        fs::rename(unfinished, self.root.join(name))
    }

    /// Changes what a topic is.
    pub(super) fn update(&self, name: &str, topic: &TopicFile) -> io::Result<()> {
        write_topic_file(&self.root.join(name), topic)
    }

    pub(super) fn delete(&self, name: &str) -> io::Result<()> {
        let unfinished = self.root.join(format!("{UNFINISHED}{name}"));
        fs::rename(self.root.join(name), &unfinished)?;
        fs::remove_dir_all(unfinished)
    }

    /// The file of one partition, with all entries that are whole.
    pub(super) fn journal(&self, name: &str, partition: i32) -> io::Result<(Journal, Vec<Entry>)> {
        Journal::open(&self.root.join(name).join(format!("{partition}.log")))
    }
}

/// Writes beside the old file and puts the new one in its place.
fn write_topic_file(folder: &Path, topic: &TopicFile) -> io::Result<()> {
    let beside = folder.join(format!("{UNFINISHED}{TOPIC_FILE}"));
    fs::write(&beside, serde_json::to_vec(topic)?)?;
    fs::rename(beside, folder.join(TOPIC_FILE))
}
