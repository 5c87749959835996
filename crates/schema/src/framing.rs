//! The header by which Confluent's deserializers know the schema of a record.

/// A value behind the five bytes of Confluent's wire format
/// (docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format):
/// a zero, and the id that the registry gave the schema, its highest byte first.
/// A JSON schema has nothing between these and the value.
pub fn framed(schema_id: u32, value: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(5 + value.len());
    framed.push(0);
    framed.extend_from_slice(&schema_id.to_be_bytes());
    framed.extend_from_slice(value);
    framed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_bytes_come_before_the_value() {
        assert_eq!(framed(0x0102_0304, b"{}"), b"\x00\x01\x02\x03\x04{}");
        assert_eq!(framed(1, b""), b"\x00\x00\x00\x00\x01");
    }
}
