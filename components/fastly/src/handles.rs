//! The host's handles, as the executor waits for them: requests, calls of the store and
//! bodies all have a number, and one call waits for any of them.

#![allow(unsafe_code, reason = "what the crate `fastly` has no safe call for")]

use std::time::Duration;

use fastly::handle::{BodyHandle, StreamingBodyHandle};
use fastly_shared::FastlyStatus;
use fastly_sys::{fastly_async_io, fastly_http_req};

/// Something that becomes ready. It names what it was made of for as long as that lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle(pub(crate) u32);

impl Handle {
    /// Ready when there is a piece to read, or the end.
    pub(crate) fn of_body(body: &BodyHandle) -> Self {
        // SAFETY: the number is waited for and nothing else.
        Self(unsafe { body.as_u32() })
    }

    /// Ready when a piece can be written without waiting.
    pub(crate) fn of_stream(body: &StreamingBodyHandle) -> Self {
        // SAFETY: the number is waited for and nothing else.
        Self(unsafe { body.as_u32() })
    }

    pub(crate) fn is_ready(self) -> bool {
        let mut ready = 0;
        // SAFETY: the host writes one number.
        let status = unsafe { fastly_async_io::is_ready(self.0, &mut ready) };
        // Whoever uses the handle finds out what is wrong with it.
        status != FastlyStatus::OK || ready != 0
    }
}

/// Waits until one of the handles is ready, or the time is over; which one it is does not
/// matter, since all are looked at.
pub(crate) fn wait(handles: &[Handle], time: Option<Duration>) {
    let numbers: Vec<u32> = handles.iter().map(|handle| handle.0).collect();
    // 0 stands for no limit.
    let millis = time.map_or(0, |time| {
        u32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
    });
    let mut first = 0;
    // SAFETY: the host reads as many numbers as there are, and writes one.
    let _ = unsafe { fastly_async_io::select(numbers.as_ptr(), numbers.len(), millis, &mut first) };
}

/// The URL of a request as it came: the crate's own type resolves dots and encodes anew,
/// while a part of the path may be a message or another URL.
pub(crate) fn url(request: u32) -> Vec<u8> {
    let mut url = vec![0; 8 * 1024];
    loop {
        let mut length = 0;
        // SAFETY: the host writes at most as many bytes as the buffer has, and how many.
        let status =
            unsafe { fastly_http_req::uri_get(request, url.as_mut_ptr(), url.len(), &mut length) };
        match status {
            FastlyStatus::OK => {
                url.truncate(length);
                return url;
            }
            // It says how long the URL is.
            FastlyStatus::BUFLEN if length > url.len() => url = vec![0; length],
            _ => return Vec::new(),
        }
    }
}
