mod caps;
mod differential;
mod payloads;
mod support;
