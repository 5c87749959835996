mod caps;
mod differential;
mod documents;
mod payloads;
mod support;
