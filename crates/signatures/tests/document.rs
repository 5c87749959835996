//! The table of providers in `docs/sources.md` says what their rows say.

use std::path::Path;

use kafka_edge_signatures::{Limits, Scheme, Signed, Tolerance, ValueAt, names, provider};

const HEADING: &str = "\n## All providers\n";

/// The cells of the table, row by row.
fn rows() -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sources.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path:?}: {why}"));
    let (_, section) = text.split_once(HEADING).expect("there is a table of providers");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    // A bar within a cell is escaped.
    let cells = |row: &str| -> Vec<String> {
        let row = row.replace("\\|", "\u{1}");
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('\u{1}', "|")).collect()
    };
    rows.map(cells).collect()
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn signed(scheme: &Scheme) -> Option<&Signed> {
    match scheme {
        Scheme::Hmac(signed) | Scheme::Ecdsa(signed) | Scheme::Ed25519(signed) => Some(signed),
        _ => None,
    }
}

fn window(tolerance: Tolerance) -> String {
    let Limits { age, future } = match tolerance {
        Tolerance::Both(seconds) => Limits { age: Some(seconds), future: Some(seconds) },
        Tolerance::Each(limits) => limits,
    };
    let text = |limit: Option<u64>| limit.map_or("any".to_owned(), |limit| limit.to_string());
    format!("{} / {}", text(age), text(future))
}

/// What the table has to say of a provider: signatures, windows, ids, handshake.
fn expected(name: &str) -> (Vec<String>, Vec<String>, Vec<String>, bool) {
    let row = provider(name).unwrap_or_else(|| panic!("there is no row {name}"));
    let (mut places, mut windows) = (Vec::new(), Vec::new());
    let add = |list: &mut Vec<String>, text: String| {
        if !list.contains(&text) {
            list.push(text);
        }
    };
    for scheme in &row.schemes {
        let found = match scheme {
            Scheme::Token(token) => [&token.header, &token.field].into_iter().flatten().cloned(),
            Scheme::Jwt(jwt) => {
                add(&mut windows, "`exp`".to_owned());
                add(&mut places, jwt.header.clone());
                continue;
            }
            _ => [&None, &None].into_iter().flatten().cloned(),
        };
        found.for_each(|place| add(&mut places, place));
        if let Some(signed) = signed(scheme) {
            let written = signed.header.0.iter().chain(&signed.field);
            written.for_each(|place| add(&mut places, place.clone()));
        }
        match signed(scheme).filter(|signed| signed.timestamp.is_some()) {
            Some(signed) => add(&mut windows, window(signed.tolerance)),
            None => add(&mut windows, "–".to_owned()),
        }
    }
    let id = |place: &ValueAt| place.header.clone().or(place.field.clone()).unwrap_or_default();
    (places, windows, row.id.iter().map(id).collect(), row.handshake.is_some())
}

#[test]
fn the_table_has_a_row_for_each_provider_in_order() {
    let rows = rows();
    let shown: Vec<_> = rows.iter().map(|row| quoted(&row[0])[0]).collect();
    assert_eq!(shown, names());
}

#[test]
fn the_rows_say_where_signatures_are_how_old_they_may_be_and_what_tells_repeats() {
    for row in rows() {
        let [name, _, signature, time, id, handshake, by] = &row[..] else {
            panic!("{row:?} has {} cells", row.len())
        };
        let name = quoted(name)[0];
        let (places, windows, ids, has_handshake) = expected(name);
        assert_eq!(quoted(signature), places, "{name}");
        assert_eq!(time.split(", ").collect::<Vec<_>>(), windows, "{name}");
        assert_eq!(quoted(id), ids, "{name}");
        assert_eq!(handshake == "yes", has_handshake, "{name}");
        assert!(!by.is_empty(), "{name}");
    }
}
