//! Segments of paths that name no topic, for whatever reason.

pub(crate) fn that_are_no_topics() -> Vec<String> {
    let names = [
        "%00",
        "a%00b",
        "..",
        ".",
        "%2e%2e",
        "a%2Fb",
        "a%20b",
        "%ff",
        "%C3",
        "%c3%28",
        "%",
        "%zz",
        "%2",
        "gr%C3%BCn",
        "{topic}",
        "a;b",
        "*",
        "\u{fc}",
    ];
    names.map(str::to_owned).into_iter().chain(["x".repeat(10_000)]).collect()
}
