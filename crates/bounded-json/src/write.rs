use crate::{Budget, Exceeded, Value, number};

impl Value {
    /// The value as compact JSON, as `jq -c` writes it.
    pub fn to_vec(&self, budget: &mut Budget) -> Result<Vec<u8>, Exceeded> {
        let mut out = Vec::new();
        self.write(&mut out, budget)?;
        Ok(out)
    }

    /// Appends the value as compact JSON. What is shared within the value is written
    /// each time, and each byte is counted.
    pub fn write(&self, out: &mut Vec<u8>, budget: &mut Budget) -> Result<(), Exceeded> {
        budget.step()?;
        let before = out.len();
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(number) => {
                budget.spend_bytes(number.text_len() as u64)?;
                number::write(number, out);
                return Ok(());
            }
            Self::String(text) => return write_string(text, out, budget),
            Self::Array(items) => {
                budget.spend_bytes(2 + (items.len() as u64).saturating_sub(1))?;
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out, budget)?;
                }
                out.push(b']');
                return Ok(());
            }
            Self::Object(object) => {
                budget.spend_bytes(2 + (2 * object.len() as u64).saturating_sub(1))?;
                out.push(b'{');
                for (index, (key, value)) in object.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_string(key, out, budget)?;
                    out.push(b':');
                    value.write(out, budget)?;
                }
                out.push(b'}');
                return Ok(());
            }
        }
        budget.spend_bytes((out.len() - before) as u64)
    }
}

/// jq escapes what JSON says must be escaped, and DEL.
fn write_string(text: &str, out: &mut Vec<u8>, budget: &mut Budget) -> Result<(), Exceeded> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    budget.spend_bytes(text.len() as u64 + 2)?;
    budget.spend_steps(text.len() as u64 / 64)?;
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' && byte != 0x7f {
            continue;
        }
        out.extend_from_slice(&bytes[start..index]);
        start = index + 1;
        budget.spend_bytes(5)?;
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
    Ok(())
}
