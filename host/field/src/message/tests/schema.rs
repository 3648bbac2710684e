//! As much of JSON Schema as `results.schema.json` uses; a keyword that it does not know fails.

use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(crate::message::SCHEMA).unwrap());

/// Fails where the value is not what the schema says.
pub(super) fn check(value: &Value) {
    if let Some(problem) = problem(value) {
        panic!("{problem} in {value}");
    }
}

/// Whether the schema has that kind, in its list and with its name.
pub(super) fn knows(kind: &str) -> bool {
    let listed = SCHEMA["oneOf"].as_array().unwrap();
    let reference = format!("#/$defs/{kind}");
    listed.iter().any(|one| one["$ref"] == reference.as_str())
        && SCHEMA["$defs"][kind]["properties"]["kind"]["const"] == kind
}

/// What is wrong with a value; by its kind, so that the message is about that one.
pub(super) fn problem(value: &Value) -> Option<String> {
    let kind = value["kind"].as_str().unwrap_or("");
    let fits = |one: &&Value| problem_of(value, one, "").is_none();
    let fitting = SCHEMA["oneOf"].as_array().unwrap().iter().filter(fits).count();
    match fitting {
        1 => None,
        0 => Some(problem_of(value, &SCHEMA["$defs"][kind], "").unwrap_or_else(|| "no such kind".to_owned())),
        more => Some(format!("{more} kinds fit")),
    }
}

fn problem_of(value: &Value, schema: &Value, at: &str) -> Option<String> {
    schema.as_object()?.iter().find_map(|(keyword, rule)| {
        let fits = match keyword.as_str() {
            "description" | "$schema" | "title" => true,
            "$ref" => {
                let target = SCHEMA.pointer(&rule.as_str().unwrap()[1..]).expect("a reference leads somewhere");
                return problem_of(value, target, at);
            }
            "type" => match rule {
                Value::Array(types) => types.iter().any(|one| is(value, one)),
                one => is(value, one),
            },
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| rule.as_f64().unwrap() <= number),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            // The only pattern is that of a time.
            "pattern" => {
                let text = value.as_str().unwrap_or("");
                let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
                shape == "9999-99-99T99:99:99.999Z"
            }
            "required" => rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "properties" => {
                return rule.as_object().unwrap().iter().find_map(|(key, rule)| problem_of(value.get(key)?, rule, key));
            }
            "additionalProperties" => {
                let known = schema.get("properties");
                let mut others = value
                    .as_object()?
                    .iter()
                    .filter(|(key, _)| known.is_none_or(|known| known.get(key.as_str()).is_none()));
                match rule {
                    Value::Bool(allowed) => *allowed || others.next().is_none(),
                    rule => return others.find_map(|(key, other)| problem_of(other, rule, key)),
                }
            }
            "items" => return value.as_array()?.iter().find_map(|item| problem_of(item, rule, at)),
            unknown => panic!("the schema uses `{unknown}`, which this test does not know"),
        };
        (!fits).then(|| format!("`{at}`: {keyword} {rule}"))
    })
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        unknown => panic!("no such type: {unknown}"),
    }
}
