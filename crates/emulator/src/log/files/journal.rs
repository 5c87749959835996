//! An append-only file of entries, each with its length and checksum.

use super::entry::Entry;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Four bytes of length, four of checksum.
const ENTRY_HEAD_BYTES: usize = 8;

#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// A write failed and may have left a part of an entry behind: whatever
    /// came after it would be lost when the file is opened again.
    torn: bool,
}

impl Journal {
    /// Opens the file and reads every entry that is whole. What stands behind
    /// the last of them is the rest of a write that was cut short; it is
    /// removed.
    pub(super) fn open(path: &Path) -> io::Result<(Journal, Vec<Entry>)> {
        let bytes = match fs::read(path) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Bytes::new(),
            Err(error) => return Err(error),
        };
        let length = bytes.len();
        let (entries, whole) = read(bytes);
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        if whole < length {
            file.set_len(whole as u64)?;
        }
        Ok((Journal { file, torn: false }, entries))
    }

    pub(crate) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        if self.torn {
            return Err(io::Error::other("an earlier write to this partition's file failed"));
        }
        let payload = entry.encode();
        let mut out = BytesMut::with_capacity(ENTRY_HEAD_BYTES + payload.len());
        out.put_u32_le(payload.len() as u32);
        out.put_u32_le(crc32fast::hash(&payload));
        out.put_slice(&payload);
        let outcome = self.file.write_all(&out);
        self.torn = outcome.is_err();
        outcome
    }
}

/// All whole entries, and how many bytes they take.
fn read(mut bytes: Bytes) -> (Vec<Entry>, usize) {
    let mut entries = Vec::new();
    let mut whole = 0;
    while bytes.len() >= ENTRY_HEAD_BYTES {
        let length = bytes.get_u32_le() as usize;
        let checksum = bytes.get_u32_le();
        if bytes.len() < length {
            break;
        }
        let payload = bytes.split_to(length);
        if crc32fast::hash(&payload) != checksum {
            break;
        }
        let Some(entry) = Entry::decode(payload) else { break };
        entries.push(entry);
        whole += ENTRY_HEAD_BYTES + length;
    }
    (entries, whole)
}
