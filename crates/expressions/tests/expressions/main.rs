mod differential;
mod documents;
mod random;
mod refused;
mod support;
mod worst;
