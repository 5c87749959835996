//! What is taken, and what it means.

use super::*;

#[track_caller]
fn matches(pattern: &str, texts: &[&str], others: &[&str]) {
    let pattern = Pattern::new(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
    let mut budget = Budget::default();
    for text in texts {
        assert!(pattern.matches(text, &mut budget).unwrap(), "{pattern:?} matches {text:?}");
    }
    for text in others {
        assert!(!pattern.matches(text, &mut budget).unwrap(), "{pattern:?} and {text:?}");
    }
}

#[test]
fn it_means_what_ecma_262_says() {
    matches("a+", &["xaax"], &["", "b"]);
    matches("^a*?$", &["", "aa"], &["ab", "aa\n"]);
    matches("^.$", &["x", "\u{1f432}", "\u{85}"], &["\n", "\r", "\u{2028}", ""]);
    matches(r"^\s$", &[" ", "\u{a0}", "\u{feff}", "\u{2028}"], &["\u{85}", "a"]);
    matches(r"^\S$", &["\u{85}", "a"], &["\u{a0}"]);
    matches(r"^\d\w$", &["1_"], &["\u{661}a", "1\u{e4}"]);
    matches("^[[:alph]$", &["[", "a", ":"], &["b", "]"]);
    matches("^[]$", &[], &["", "a", "]"]);
    matches("[]", &[], &["", "a"]);
    matches("^[^]$", &["a", "\n"], &[""]);
    matches(r"^[a&&b~~-]+$", &["a&b~-"], &["c"]);
    matches(r"^[\w-.]+$", &["a-b.c"], &["a,b"]);
    matches(r"^[.-\d]+$", &["1-.2"], &["/"]);
    matches(r"^[\b]$", &["\u{8}"], &["b"]);
    matches(r"\bfoo\b", &["a foo b"], &["afoo"]);
    matches(r"^\u0041\u{42}\x43\cA\0$", &["ABC\u{1}\0"], &[]);
    matches(r"^\ud83d\udc32*$", &["\u{1f432}\u{1f432}"], &["\u{1f409}"]);
    matches("^\u{1f432}{2}$", &["\u{1f432}\u{1f432}"], &["\u{1f432}"]);
    matches(r"^[\u{d000}-\u{f000}]$", &["\u{d000}", "\u{e000}"], &["\u{f001}"]);
    matches(r"^[^\0-\ud7ff]$", &["\u{e000}"], &["a"]);
    matches("^(?<year>[0-9]{4})-(0[1-9]|1[0-2])$", &["2026-12"], &["2026-13"]);
    matches("^(?:a{0}b{2,3}c{1,})?$", &["", "bbc", "bbbcc"], &["bc", "abbc"]);
    matches(r"^a#b\/c\-d &~$", &["a#b/c-d &~"], &[]);
    matches("(|a)+b", &["b", "aab"], &["a"]);
    matches("^(?:^a|b$)$", &["a", "b"], &["ab"]);
    matches("", &["", "a"], &[]);
    matches("^|x", &["", "a"], &[]);
}

#[test]
fn what_is_not_taken_is_named() {
    use BadPattern::*;
    let refused = [
        ("a(?=b)", Lookahead),
        ("a(?!b)", Lookahead),
        ("(?<=a)b", Lookbehind),
        ("(?<!a)b", Lookbehind),
        (r"(a)\1", Backreference),
        (r"(?<n>a)\k<n>", Backreference),
        (r"\p{L}", Property),
        (r"[\P{L}]", Property),
        ("(?i)a", Flags),
        ("(?s:a)", Flags),
        ("(?P<n>a)", NothingToRepeat),
        (r"\A", Escape),
        (r"\z", Escape),
        (r"\u{110000}", Escape),
        (r"\u12", Escape),
        (r"\", Escape),
        (r"\01", Escape),
        (r"\ud83d", Surrogate),
        (r"\udc32\ud83d", Surrogate),
        ("[a", OpenClass),
        ("[^", OpenClass),
        ("[b-a]", BackwardRange),
        ("(a", OpenGroup),
        ("(?<na", OpenGroup),
        ("a)", LoneParenthesis),
        ("a]", LoneBracket),
        ("[[:alpha:]]", LoneBracket),
        ("a{", LoneBracket),
        ("a{,2}", LoneBracket),
        ("{1}", NothingToRepeat),
        ("*", NothingToRepeat),
        ("a**", NothingToRepeat),
        ("a{2}{3}", NothingToRepeat),
        ("a|+", NothingToRepeat),
        ("^*", NothingToRepeat),
        ("a{2,1}", BackwardQuantifier),
    ];
    for (pattern, why) in refused {
        assert_eq!(Pattern::new(pattern).unwrap_err(), why, "{pattern}");
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_built() {
    let deep = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Pattern::new(&deep(DEEPEST_GROUP)).is_ok());
    assert_eq!(Pattern::new(&deep(DEEPEST_GROUP + 1)).unwrap_err(), BadPattern::TooDeep);
    for large in ["a{2001}", "(?:a{50}){50}", "(?:){99999999999999999999999}", "[a-z]{1001}"] {
        assert_eq!(Pattern::new(large).unwrap_err(), BadPattern::TooLarge, "{large}");
    }
    assert_eq!(Pattern::new(&"a".repeat(2_001)).unwrap_err(), BadPattern::TooLarge);
    // The estimate is above what the limit on memory allows, and not the limit.
    for fine in ["a{990}", "(?:[a-z0-9_.]{3}){150}", &"ab".repeat(900), &"(a|b)?".repeat(250)] {
        assert!(Pattern::new(fine).is_ok(), "{fine}");
    }
}

#[test]
fn a_match_is_paid_by_length_times_size() {
    let pattern = Pattern::new("(x+x+)+y").unwrap();
    let spent = |text: &str| {
        let mut budget = Budget::default();
        pattern.matches(text, &mut budget).unwrap();
        budget.spent().steps
    };
    let (short, long) = (spent(&"x".repeat(1_000)), spent(&"x".repeat(10_000)));
    assert!(long > 9 * short && long < 11 * short, "{short} {long}");
    let mut budget = Budget::new(kafka_edge_bounded_json::Limits {
        steps: short - 1,
        ..kafka_edge_bounded_json::Limits::default()
    });
    assert_eq!(pattern.matches(&"x".repeat(1_000), &mut budget), Err(Exceeded::Steps));
}

#[test]
fn a_pattern_that_is_at_one_place_alone_is_cheap() {
    let active = |pattern| Pattern::new(pattern).unwrap().size.active;
    for cheap in [
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "^[A-Za-z0-9_]{1,64}$",
        "^[a-z]*$",
        "^(?:[0-9]{3}){1,50}$",
        "^[0-9]{4}-(0[1-9]|1[0-2])T$",
    ] {
        assert!(active(cheap) <= 14, "{cheap}: {}", active(cheap));
    }
    // What begins anywhere, or goes on from anywhere, is in many places at once.
    for (costly, least) in [
        ("[0-9a-f]{8}-[0-9a-f]{12}", 40),
        ("^a|[0-9a-f]{20}", 40),
        ("^a*[0-9a-f]{20}$", 40),
        ("^(a|bc){20}$", 100),
        ("^(?:a?){20}$", 60),
        ("^(?:(?:^|$){20}a){3}$", 20),
        ("^(?:a{10}|b{10}|c{10}){2}$", 12),
    ] {
        assert!(active(costly) >= least, "{costly}: {}", active(costly));
    }
}
