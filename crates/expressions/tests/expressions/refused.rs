//! What is outside the subset is refused by name, and what is too long or too deep
//! before anything reads it.

use kafka_edge_bounded_json::{Budget, Exceeded, Limits, Value};
use kafka_edge_expressions::{MAX_PROGRAM_BYTES, MAX_TERMS, Program, Refused, RunError};

fn refused(program: &str) -> Refused {
    match Program::parse(program, &["record"]) {
        Err(refused) => refused,
        Ok(_) => panic!("{program} is taken"),
    }
}

/// Calls, as somebody would write them.
const OUTSIDE: &str = r#"
    test("a") match("a") capture("a") scan("a") split("a"; "g") splits("a") sub("a"; "b")
    gsub("a"; "b") test("a"; "x") match("a"; "g") splits("a"; "g") scan("a"; "g")
    input inputs input_filename input_line_number debug debug("a") stderr env
    halt halt_error halt_error(1) now localtime gmtime mktime strptime("a") strftime("a")
    strflocaltime("a") builtins modulemeta get_search_list
    INDEX(.a) INDEX(.[]; .a) IN(1) IN(.[]; 1) JOIN({}; .a) JOIN({}; .[]; .a)
    tostream fromstream(1) truncate_stream(1) have_decnum
    bsearch(1) significand gamma lgamma tgamma lgamma_r frexp modf ldexp(1; 2) scalb(1; 2)
    scalbln(1; 2) nearbyint rint logb drem(1; 2) remainder(1; 2) hypot(1; 2) atan2(1; 2)
    sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh cbrt expm1 log1p
    copysign(1; 2) fdim(1; 2) fma(1; 2; 3) fmax(1; 2) fmin(1; 2) fmod(1; 2) erf erfc
    j0 j1 y0 y1 jn(1; 2) yn(1; 2) nextafter(1; 2) nexttoward(1; 2)
    @sh @base32 @base32d $ENV $__loc__ $__prog_args
"#;

#[test]
fn every_name_outside_the_subset_is_refused_by_name() {
    let calls = OUTSIDE.replace("; ", ";");
    let mut count = 0;
    for call in calls.split_whitespace() {
        let name = call.split('(').next().unwrap();
        let at = "(line 1, column 5)";
        let said = refused(&format!(". | {call}")).to_string();
        assert_eq!(said, format!("`{name}` is not in the subset {at}"), "{call}");
        count += 1;
    }
    assert!(count > 90);
    for (program, said) in [
        ("import \"a\" as a; .", "`import` is not in the subset (line 1, column 1)"),
        ("include \"a\"; .", "`include` is not in the subset (line 1, column 1)"),
        ("module {}; .", "`module` is not in the subset (line 1, column 1)"),
        (". as [$a] ?// $a | $a", "`?//` is not in the subset (line 1, column 11)"),
        (
            "def f: f; f",
            "`f` calls itself, and recursive functions are not in the subset (line 1, column 8)",
        ),
        (
            "def f: 1; def f: f; f",
            "`f` calls itself, and recursive functions are not in the subset (line 1, column 18)",
        ),
        ("nosuch", "`nosuch` is not defined (line 1, column 1)"),
        ("$nosuch", "`$nosuch` is not defined (line 1, column 1)"),
        ("a::b", "`a::b` is not defined (line 1, column 1)"),
        (".a\n | nosuch", "`nosuch` is not defined (line 2, column 4)"),
        ("\"é\" | nosuch", "`nosuch` is not defined (line 1, column 7)"),
        ("map(1; 2)", "`map` does not take 2 arguments (line 1, column 1)"),
        ("length(1)", "`length` does not take 1 argument (line 1, column 1)"),
        ("break $f", "`$f` is not defined (line 1, column 1)"),
        ("1 as $x | 2 | def f: $y; f", "`$y` is not defined (line 1, column 22)"),
    ] {
        assert_eq!(refused(program).to_string(), said, "{program}");
    }
}

#[test]
fn what_is_no_program_is_refused_with_its_place() {
    for (program, said) in [
        ("", "The program ends too early"),
        ("1 +", "The program ends too early"),
        ("[1", "The program ends too early"),
        ("\"a", "The program ends too early"),
        ("\"\\(1", "The program ends too early"),
        ("if 1 then 2", "The program ends too early"),
        ("1)", "`)` is not expected here (line 1, column 2)"),
        ("(1]", "`]` is not expected here (line 1, column 3)"),
        ("1 2", "`2` is not expected here (line 1, column 3)"),
        (". a", "`a` is not expected here (line 1, column 3)"),
        ("'a'", "`'` is not expected here (line 1, column 1)"),
        ("1 < 2 < 3", "`<` is not expected here (line 1, column 7)"),
        (".a = .b = 1", "`=` is not expected here (line 1, column 9)"),
        ("{1: 2}", "`1` is not expected here (line 1, column 2)"),
        ("{a: 1 as $x | $x}", "`as` is not expected here (line 1, column 7)"),
        ("\"\\q\"", "The escape is unknown (line 1, column 2)"),
        ("\"\\ud83d\"", "The escape is unknown (line 1, column 2)"),
        (". as [] | 1", "`]` is not expected here (line 1, column 7)"),
        ("..a", "`a` is not expected here (line 1, column 3)"),
        ("@json \"a\" \"b\"", "`\"` is not expected here (line 1, column 11)"),
        ("reduce . as $x (1)", "`)` is not expected here (line 1, column 18)"),
        ("def f 1; f", "`1` is not expected here (line 1, column 7)"),
        ("and", "`and` is not expected here (line 1, column 1)"),
    ] {
        assert_eq!(refused(program).to_string(), said, "{program}");
    }
}

#[test]
fn caps_hold() {
    let long = ".".to_owned() + &" ".repeat(MAX_PROGRAM_BYTES);
    assert!(matches!(refused(&long), Refused::TooLong { .. }));
    assert!(Program::parse(&long[..MAX_PROGRAM_BYTES], &[]).is_ok());
    let many = |count: usize| vec!["."; count].join(",");
    assert!(Program::parse(&many(MAX_TERMS - 1), &[]).is_ok());
    assert!(matches!(refused(&many(MAX_TERMS)), Refused::TooManyTerms { .. }));
    // The terms of the definitions that are called count.
    let calls = vec!["with_entries(.)"; 200].join("|");
    assert!(matches!(refused(&calls), Refused::TooManyTerms { .. }));
    for piece in
        ["(", "[", "{a:", "-", "try ", "if ", "first(", "\"\\(", ". as [", "1 // ", "def f: "]
    {
        let deep = piece.repeat(MAX_PROGRAM_BYTES / piece.len());
        let said = refused(&deep);
        let closed = matches!(said, Refused::EndsEarly);
        assert!(matches!(said, Refused::TooDeep { .. }) || closed, "{piece}: {said}");
    }
    for (open, close) in [("(", ")"), ("[", "]"), ("{a:", "}"), ("first(", ")"), ("\"\\(", ")\"")] {
        let deep = format!("{}1{}", open.repeat(400), close.repeat(400));
        assert!(matches!(refused(&deep), Refused::TooDeep { .. }), "{open}");
    }
    let sum = vec!["1"; 200].join("+");
    assert!(matches!(refused(&sum), Refused::TooDeep { .. }));
}

#[test]
fn a_budget_says_what_ran_out_and_stays_spent() {
    let program = Program::parse("[range(1000)] | map(. * 2) | add", &[]).unwrap();
    let run = |limits| {
        let mut budget = Budget::new(limits);
        let result = program.run(&Value::Null, &[], &mut budget);
        (result.map(|values| values.len()), budget.left())
    };
    let enough = Limits { steps: 100_000, bytes: 1 << 20, depth: 100 };
    assert_eq!(run(enough).0, Ok(1));
    let (result, left) = run(Limits { steps: 1000, ..enough });
    assert_eq!((result, left.steps), (Err(RunError::Exceeded(Exceeded::Steps)), 0));
    let (result, left) = run(Limits { bytes: 1000, ..enough });
    assert_eq!((result, left.bytes), (Err(RunError::Exceeded(Exceeded::Bytes)), 0));
    let (result, left) = run(Limits { depth: 3, ..enough });
    assert_eq!((result, left.depth), (Err(RunError::Exceeded(Exceeded::Depth)), 3));
}

#[test]
fn try_does_not_catch_the_end_of_the_budget() {
    let program =
        Program::parse("try until(false; .) catch 1, (until(false; .)?), 2", &[]).unwrap();
    let result = program.run(&Value::Null, &[], &mut Budget::default());
    assert!(matches!(result, Err(RunError::Exceeded(_))));
}

#[test]
fn one_budget_serves_several_programs() {
    let program = Program::parse("[range(1000)] | length", &[]).unwrap();
    let mut budget = Budget::new(Limits { steps: 10_000, bytes: 1 << 20, depth: 100 });
    let mut runs = 0;
    while program.run(&Value::Null, &[], &mut budget).is_ok() {
        runs += 1;
    }
    assert!((1..10).contains(&runs), "{runs} runs");
}

#[test]
fn what_is_cut_off_is_never_made() {
    let limits = Limits { steps: 500, bytes: 4000, depth: 100 };
    for program in [
        "first(range(1e18))",
        "[limit(3; range(1e18))]",
        "any(range(1e18); . == 3)",
        "isempty(repeat(1))",
        "label $l | range(1e18) | if . > 3 then ., break $l else empty end",
        "nth(5; recurse(. + 1))",
        "[limit(3; 0 | while(true; . + 1))]",
    ] {
        let parsed = Program::parse(program, &[]).expect(program);
        let result = parsed.run(&Value::from(1), &[], &mut Budget::new(limits));
        assert!(result.is_ok(), "{program}: {result:?}");
    }
}

#[test]
fn variables_are_given_in_their_order() {
    let program = Program::parse("[$a, $b, $c]", &["a", "b", "c"]).unwrap();
    let given = [Value::from(1), Value::from("x")];
    let mut budget = Budget::default();
    let values = program.run(&Value::Null, &given, &mut budget).unwrap();
    assert_eq!(values[0].to_vec(&mut budget).unwrap(), br#"[1,"x",null]"#);
}
