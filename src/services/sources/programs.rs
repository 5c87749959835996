//! The expressions and the schema of a source, where they are compiled in. This is
//! the only file that knows which of them are.

use kafka_edge_bounded_json::{Budget, Exceeded, Value};

/// Why an expression gave no value, as a short sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::services) struct Failed(pub(in crate::services) String);

/// What ran out belongs to the operator's expression and the sender's event together.
pub(in crate::services) fn too_costly(exceeded: Exceeded) -> Failed {
    Failed(format!("The event costs too much: {exceeded}"))
}

/// The variables of an expression, beside the input.
#[cfg(feature = "expressions")]
const VARIABLES: [&str; 2] = ["record", "out"];

/// An expression in the gateway's subset of jq.
#[derive(Debug, Clone)]
pub(in crate::services) struct Program {
    #[cfg(feature = "expressions")]
    program: std::rc::Rc<kafka_edge_expressions::Program>,
    #[cfg(not(feature = "expressions"))]
    never: std::convert::Infallible,
}

impl Program {
    /// The error is a sentence about the expression.
    #[cfg(feature = "expressions")]
    pub(in crate::services) fn parse(text: &str) -> Result<Self, String> {
        let program = kafka_edge_expressions::Program::parse(text, &VARIABLES);
        let program = program.map_err(|refused| refused.to_string())?;
        Ok(Self { program: program.into() })
    }

    #[cfg(not(feature = "expressions"))]
    pub(in crate::services) fn parse(_: &str) -> Result<Self, String> {
        Err("This gateway was built without expressions".into())
    }

    /// All values, for the event as it came (`.`), the record (`$record`) and a result
    /// of the transform (`$out`).
    pub(in crate::services) fn run(
        &self,
        input: &Value,
        record: &Value,
        out: &Value,
        budget: &mut Budget,
    ) -> Result<Vec<Value>, Failed> {
        #[cfg(feature = "expressions")]
        return self
            .program
            .run(input, &[record.clone(), out.clone()], budget)
            .map_err(|error| Failed(error.to_string()));
        #[cfg(not(feature = "expressions"))]
        {
            _ = (input, record, out, budget);
            match self.never {}
        }
    }
}

/// What an event does not hold to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::services) struct Unfit {
    pub(in crate::services) path: String,
    pub(in crate::services) keyword: String,
    pub(in crate::services) sentence: String,
}

/// A JSON Schema.
#[derive(Debug, Clone)]
pub(in crate::services) struct Schema {
    #[cfg(feature = "schema")]
    schema: std::rc::Rc<kafka_edge_schema::Schema>,
    #[cfg(not(feature = "schema"))]
    never: std::convert::Infallible,
}

impl Schema {
    /// The error is a sentence about the schema.
    #[cfg(feature = "schema")]
    pub(in crate::services) fn compile(document: &Value) -> Result<Self, String> {
        let schema = kafka_edge_schema::Schema::compile(document);
        let schema = schema.map_err(|refused| refused.to_string())?;
        Ok(Self { schema: schema.into() })
    }

    #[cfg(not(feature = "schema"))]
    pub(in crate::services) fn compile(_: &Value) -> Result<Self, String> {
        Err("This gateway was built without JSON Schema".into())
    }

    pub(in crate::services) fn check(
        &self,
        event: &Value,
        budget: &mut Budget,
    ) -> Result<Result<(), Unfit>, Failed> {
        #[cfg(feature = "schema")]
        return match self.schema.check(event, budget) {
            Err(exceeded) => Err(too_costly(exceeded)),
            Ok(Ok(())) => Ok(Ok(())),
            Ok(Err(failure)) => Ok(Err(Unfit {
                path: failure.path,
                keyword: failure.keyword.to_owned(),
                sentence: failure.sentence,
            })),
        };
        #[cfg(not(feature = "schema"))]
        {
            _ = (event, budget);
            match self.never {}
        }
    }
}
